/** The rows of a goodbooks-10k file, read in the browser piece by piece, so that a big file does not freeze the page. */
import type { ImportRowInput } from './importBooks.generated.ts';

/** Parsed at once; a browser reads some megabytes at a time. */
const PIECE_BYTES = 32_768;

/** By their names in the file; it may have others. */
const columns = {
  book_id: 'bookId',
  isbn: 'isbn',
  authors: 'authors',
  original_publication_year: 'originalPublicationYear',
  title: 'title',
  language_code: 'languageCode',
  ratings_count: 'ratingsCount',
} as const;
type Column = keyof typeof columns;
const names = Object.keys(columns) as Column[]; // the keys of a literal

export interface Unreadable {
  line: number;
  why: string;
}

/** The whole file is another one than it should be. */
export class WrongFile extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.kind);
    this.fault = fault;
  }
}
type Fault = { kind: 'EMPTY' } | { kind: 'NOT_UTF8'; line: number } | { kind: 'NO_COLUMN'; missing: readonly string[] };

/** In the order of the file. @throws WrongFile as soon as it shows. */
export async function* rowsOf(file: Blob): AsyncGenerator<ImportRowInput | Unreadable> {
  if (!file.size) throw new WrongFile({ kind: 'EMPTY' }); // the parser fails on nothing at all
  const { parse } = await import('csv-parse/browser/esm');
  const found: (ImportRowInput | Unreadable)[] = [];
  let lastLine = 1;
  let hasHeader = false;
  const parser = parse({
    skip_empty_lines: true,
    skip_records_with_error: true,
    columns(header: string[]) {
      hasHeader = true;
      const missing = names.filter((name) => !header.includes(name));
      if (missing.length) throw new WrongFile({ kind: 'NO_COLUMN', missing });
      return header;
    },
    on_record(record: Record<Column, string>, { lines }) {
      lastLine = lines;
      const input = inputOf(record);
      const isText = !Object.values(input).some((text) => text?.includes('\0')); // the API takes none in a text
      found.push(isText ? { line: lines, ...input } : { line: lines, why: 'it is not UTF-8 text' });
      return null; // they leave by `found`
    },
    on_skip(error) {
      const { lines } = parser.info;
      found.push({ line: lastLine + 1, why: inWords(lastLine + 1, lines, error?.message ?? 'it cannot be read') });
      lastLine = lines;
      return undefined;
    },
  });
  const failed = new Promise<never>((_, reject) => parser.on('error', reject));
  failed.catch(() => undefined); // it is raced below
  const taken = (send: (done: () => void) => void) => Promise.race([new Promise<void>(send), failed]);

  const decoder = new TextDecoder('utf-8', { fatal: true });
  let linesBefore = 1;
  const decode = (bytes: Uint8Array<ArrayBuffer>, stream: boolean) => {
    try {
      const text = decoder.decode(bytes, { stream });
      linesBefore += linesIn(text);
      return text;
    } catch {
      const [good = ''] = new TextDecoder().decode(bytes).split('\uFFFD', 1);
      throw new WrongFile({ kind: 'NOT_UTF8', line: linesBefore + linesIn(good) });
    }
  };

  const reader = file.stream().getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read())
    for (let from = 0; from < read.value.length; from += PIECE_BYTES) {
      const text = decode(read.value.subarray(from, from + PIECE_BYTES), true);
      await taken((done) => parser.write(text, () => done()));
      yield* found.splice(0);
    }
  decode(new Uint8Array(), false);
  await taken((done) => {
    parser.on('end', done).resume();
    parser.end();
  });
  yield* found.splice(0);
  if (!hasHeader) throw new WrongFile({ kind: 'EMPTY' });
}

function inputOf(record: Record<Column, string>): Omit<ImportRowInput, 'line'> {
  const entries = names.map((name) => [columns[name], record[name]]);
  return Object.fromEntries(entries) as Omit<ImportRowInput, 'line'>; // one for each column
}

/** What runs over several lines has lost a quote: all of them are left out. */
const inWords = (from: number, to: number, message: string): string =>
  to > from ? `lines ${from} to ${to}: ${message}` : message;

const linesIn = (text: string): number => text.split('\n').length - 1;

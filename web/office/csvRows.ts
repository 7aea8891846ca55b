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

/** Lines that are no row, from the first to the last. */
export interface Unreadable {
  line: number;
  to: number;
  why: Why;
}
type Why = 'COLUMNS' | 'QUOTE' | 'QUOTE_NOT_CLOSED' | 'NOT_TEXT' | 'TOO_LONG' | 'REFUSED';

/** By the parser's codes; there are no others with these options. */
const whyOf: Partial<Record<string, Why>> = {
  CSV_RECORD_INCONSISTENT_COLUMNS: 'COLUMNS',
  INVALID_OPENING_QUOTE: 'QUOTE',
  CSV_INVALID_CLOSING_QUOTE: 'QUOTE',
  CSV_QUOTE_NOT_CLOSED: 'QUOTE_NOT_CLOSED',
};

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
  /** Where what was read last ends, and how many empty lines there were by then. */
  let last = { line: 0, empty: 0 };
  /** Since a quote that is wrong, until the next row shows how far it reaches. */
  let lost: Omit<Unreadable, 'to'> | undefined;
  let hasHeader = false;
  const here = () => ({ line: parser.info.lines, empty: parser.info.empty_lines });
  const foundLost = (to: number) => {
    if (lost) found.push({ ...lost, to });
    lost = undefined;
  };
  const parser = parse({
    skip_empty_lines: true,
    skip_records_with_error: true,
    columns(header: string[]) {
      hasHeader = true;
      last = here();
      const missing = names.filter((name) => !header.includes(name));
      if (missing.length) throw new WrongFile({ kind: 'NO_COLUMN', missing });
      return header;
    },
    on_record(record: Record<Column, string>, { lines }) {
      const line = lines - linesIn(Object.values(record).join(''));
      foundLost(line - 1);
      last = here();
      const input = inputOf(record);
      const isText = !Object.values(input).some((text) => text?.includes('\0')); // the API takes none in a text
      found.push(isText ? { line, ...input } : { line, to: lines, why: 'NOT_TEXT' });
      return null; // they leave by `found`
    },
    on_skip(error) {
      const end = here();
      lost ??= { line: last.line + 1 + end.empty - last.empty, why: whyOf[error?.code ?? ''] ?? 'QUOTE' };
      last = end;
      if (lost.why === 'COLUMNS') foundLost(end.line);
      return undefined;
    },
  });
  const failed = new Promise<never>((_, reject) => parser.on('error', reject));
  failed.catch(() => undefined); // it is raced below
  const taken = (send: (done: () => void) => void) => Promise.race([new Promise<void>(send), failed]);

  const withLineFeeds = lineFeeds();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let linesBefore = 1;
  let lastLine = 1; // what ends the last one begins no other
  const decode = (bytes: Uint8Array<ArrayBuffer>, stream: boolean) => {
    try {
      const text = withLineFeeds(decoder.decode(bytes, { stream }));
      linesBefore += linesIn(text);
      if (text) lastLine = text.endsWith('\n') ? linesBefore - 1 : linesBefore;
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
  foundLost(lastLine);
  yield* found.splice(0);
  if (!hasHeader) throw new WrongFile({ kind: 'EMPTY' });
}

function inputOf(record: Record<Column, string>): Omit<ImportRowInput, 'line'> {
  const entries = names.map((name) => [columns[name], record[name]]);
  return Object.fromEntries(entries) as Omit<ImportRowInput, 'line'>; // one for each column
}

/** Ends each line of a text that comes in pieces by LF alone: the parser counts CR LF within quotes as two lines. */
function lineFeeds(): (piece: string) => string {
  let isAfterReturn = false;
  return (piece) => {
    if (!piece) return '';
    const text = isAfterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    isAfterReturn = piece.endsWith('\r');
    return text.replace(/\r\n?/g, '\n');
  };
}

const linesIn = (text: string): number => text.split('\n').length - 1;

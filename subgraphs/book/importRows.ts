/** Rows of a file become titles of the catalogue, many in one transaction, beside whatever else goes on in the shop. */
import { randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { audit } from '#platform/audit.ts';
import { type EntityManager, transaction } from '#platform/database.ts';
import { codeOf } from '#platform/errors.ts';
import type { Viewer } from '#platform/tokens.ts';
import { addBookInput, changeBook, newBook, present, UNIQUE_VIOLATION } from './catalogue.ts';
import { Book } from './entities.ts';
import { bookIn, type FileBook, type Row } from './goodbooks.ts';
import { acquire } from './stock.ts';

const outcomes = ['imported', 'updated', 'unchanged', 'left out'] as const;
export type Outcome = (typeof outcomes)[number];

export interface FileRow {
  /** Of the file, counted from 1. */
  line: number;
  row: Row;
}

/** What became of a row; `remarks` say why it was left out, or what of it was. */
export interface Report {
  line: number;
  outcome: Outcome;
  remarks: string[];
}

/** The line on which each source id and each ISBN of the file was seen first. */
interface Seen {
  sourceIds: Map<string, number>;
  isbns: Map<string, number>;
}

interface Candidate {
  line: number;
  book: FileBook;
}

/**
 * The import of one file, to be called with its rows, some at a time and in order. It adds what is new and updates what the
 * file knows better; fee, copies, tags and status of a title that is here already are the shop's own. The same rows again
 * change nothing. `viewer` is null where the command does it.
 */
export function createImport(
  em: EntityManager,
  currency: string,
  viewer: Viewer | null,
): (rows: FileRow[]) => Promise<Report[]> {
  const seen: Seen = { sourceIds: new Map(), isbns: new Map() };
  const rules = addBookInput(currency);

  /** A row that can be stored, or the report of one that cannot. */
  function check({ line, row }: FileRow): Candidate | Report {
    const leftOut = (...remarks: string[]): Report => ({ line, outcome: 'left out', remarks });
    // The bytes of another encoding are read as U+FFFD, and PostgreSQL stores no NUL.
    if (Object.values(row).some((text) => /[\uFFFD\0]/.test(text))) return leftOut('it is not UTF-8 text');
    const book = bookIn(row, currency);
    if (!book) return leftOut(`book_id "${row.book_id}" is not a positive number`);
    const { sourceId } = book.input;
    const first = seen.sourceIds.get(sourceId);
    if (first) return leftOut(`book_id ${row.book_id} is on line ${first} already`);
    const { error } = rules.safeParse(book.input);
    if (error) return leftOut(...error.issues.map(({ message }) => message));
    seen.sourceIds.set(sourceId, line);
    leaveOutSeenIsbn(line, book, seen);
    return { line, book };
  }

  return async (rows) => {
    const checked = rows.map(check);
    const candidates = checked.filter((one) => 'book' in one);
    const leftOut = checked.filter((one) => 'outcome' in one);
    return onceMoreAfterAnother(() =>
      transaction(em, async (em) => {
        const reports = [...leftOut, ...(await store(em, candidates, viewer))];
        if (viewer) auditImport(em, viewer, reports);
        return reports;
      }),
    );
  };
}

/** A title that somebody else has registered meanwhile is known at the second try. */
async function onceMoreAfterAnother<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
    return work();
  }
}

/** One entry for all rows, about an import of its own. */
function auditImport(em: EntityManager, viewer: Viewer, reports: Report[]): void {
  const { imported, updated, unchanged, 'left out': leftOut } = tally(reports);
  if (!imported && !updated) return;
  audit(em, viewer, 'importBooks', { type: 'Import', id: randomUUID() }, { imported, updated, unchanged, leftOut });
}

export function tally(reports: Report[]): Record<Outcome, number> {
  const count = (outcome: Outcome) => reports.filter((report) => report.outcome === outcome).length;
  return Object.fromEntries(outcomes.map((outcome) => [outcome, count(outcome)])) as Record<Outcome, number>; // one for each
}

function leaveOutSeenIsbn(line: number, { input, remarks }: FileBook, { isbns }: Seen): void {
  if (!input.isbn) return;
  const first = isbns.get(input.isbn);
  if (!first) return void isbns.set(input.isbn, line);
  remarks.push(`ISBN ${input.isbn} is on line ${first} already, so the book goes without it`);
  input.isbn = null;
}

async function store(em: EntityManager, candidates: Candidate[], viewer: Viewer | null): Promise<Report[]> {
  const known = await lockKnown(em, candidates);
  const arrivals: { book: Book; count: number }[] = [];
  const reports = candidates.map(({ line, book: { input, popularity, remarks } }): Report => {
    const { copies, rentalFee, publishedYear, language, ...facts } = input;
    const own = known.bySourceId.get(facts.sourceId);
    const holder = facts.isbn ? known.byIsbn.get(facts.isbn) : undefined;
    const taken = holder && (own ? holder !== own : holder.sourceId);
    const said = taken
      ? [...remarks, `ISBN ${facts.isbn} is another book's here, so the book goes without it`]
      : remarks;
    const changes = { ...facts, isbn: taken ? null : facts.isbn, publishedYear, language, popularity };

    const book = own ?? (taken ? undefined : holder);
    if (book) return { line, outcome: update(em, book, changes) ? 'updated' : 'unchanged', remarks: said };
    const { amount, currency } = rentalFee;
    const added = newBook(em, { ...changes, tags: [], feeAmount: amount, feeCurrency: currency });
    arrivals.push({ book: added, count: copies });
    return { line, outcome: 'imported', remarks: said };
  });
  await acquire(em, arrivals, { reason: 'import', actor: viewer?.customerId ?? null });
  return reports;
}

async function lockKnown(em: EntityManager, candidates: Candidate[]) {
  const inputs = candidates.map(({ book }) => book.input);
  const sourceId = { $in: inputs.map(({ sourceId }) => sourceId) };
  const isbn = { $in: inputs.flatMap(({ isbn }) => isbn ?? []) };
  const books = await em.find(
    Book,
    { $or: [{ sourceId }, { isbn }] },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
  return {
    bySourceId: new Map(books.map((book) => [book.sourceId, book])),
    byIsbn: new Map(books.map((book) => [book.isbn, book])),
  };
}

/** What the file leaves empty stays as it is. Ratings are no part of the event, yet a change. */
function update(em: EntityManager, book: Book, changes: Parameters<typeof changeBook>[2]): boolean {
  const rated = book.popularity !== changes.popularity;
  return changeBook(em, book, present(changes)).length > 0 || rated;
}

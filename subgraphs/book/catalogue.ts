/** Titles are registered and changed here, by people, the import and the demo alike: each change is one event with the whole state. */
import { randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { audit } from '#platform/audit.ts';
import type { EntityManager } from '#platform/database.ts';
import { checkInput, codeOf, Refusal } from '#platform/errors.ts';
import { idInput } from '#platform/ids.ts';
import { publish } from '#platform/outbox.ts';
import { typedText } from '#platform/text.ts';
import type { Viewer } from '#platform/tokens.ts';
import type { DataOf } from '#schema/events.ts';
import { facetsOf, isbn13, languageIn, normalize, type Searchable, searchTextOf } from './book.ts';
import { Book } from './entities.ts';
import { lockBookOrRefuse } from './movements.ts';
import { acquire, copyCount } from './stock.ts';
import { offerAvailable } from './waitlist.ts';

/** A rental of 100 copies must still have a total that GraphQL's 32 bits hold. */
const MAX_FEE = 20_000_000;

const text = (what: string, max: number) =>
  typedText.min(1, `${what} must not be empty.`).max(max, `${what} must have at most ${max} characters.`);
const isbn = z.string().transform((written, context) => {
  const digits = isbn13(written);
  if (!digits) context.addIssue({ code: 'custom', message: 'This is not an ISBN: its check digit is wrong.' });
  return digits;
});
const fee = (currency: string) =>
  z.object({
    amount: z.int().min(0, 'The fee must not be negative.').max(MAX_FEE, `The fee must be at most ${MAX_FEE}.`),
    currency: z.literal(currency, `The shop's currency is ${currency}.`),
  });
const title = text('The title', 500);
const authors = z.array(text('An author', 200)).max(100, 'At most 100 authors.');
const publisher = text('The publisher', 200);
const tags = z.array(text('A tag', 50)).max(50, 'At most 50 tags.');

export const addBookInput = (currency: string) =>
  z.object({
    isbn: isbn.nullish(),
    sourceId: text('The source id', 200).nullish(),
    title,
    authors,
    publisher: publisher.nullish(),
    publishedYear: z
      .int()
      .min(-5000, 'The year must be -5000 or later.')
      .max(9999, 'The year must be 9999 or earlier.')
      .nullish(),
    language: z
      .string()
      .regex(/^[a-z]{2,3}$/, 'The language must be an ISO 639-1 or -3 code, such as "ko".')
      .transform((code) => languageIn(code))
      .nullish(),
    tags: tags.nullish(),
    rentalFee: fee(currency),
    copies: copyCount.min(0, 'The number of copies must not be negative.').nullish(),
  });

const updateBookInput = (currency: string) =>
  z.object({
    id: idInput,
    expectedVersion: z.int().nullish(),
    title: title.nullish(),
    authors: authors.nullish(),
    publisher: publisher.nullish(),
    tags: tags.nullish(),
    status: z.enum(['LISTED', 'WITHDRAWN']).nullish(),
    rentalFee: fee(currency).nullish(),
  });

/** What the shop has settled, by its configuration. */
export interface Terms {
  currency: string;
  /** How long a copy is set aside for who is next on the waitlist. */
  offerMs: number;
}

/** `viewer` is null where no person adds it. @throws Refusal INVALID_INPUT with a path for each mistake. */
export async function addBook(
  em: EntityManager,
  input: unknown,
  currency: string,
  viewer: Viewer | null,
): Promise<Book> {
  const { copies, tags, rentalFee, ...facts } = checkInput(addBookInput(currency), input);
  const book = newBook(em, {
    ...facts,
    tags: tags ?? [],
    feeAmount: rentalFee.amount,
    feeCurrency: rentalFee.currency,
    popularity: 0,
  });
  await acquire(em, [{ book, count: copies ?? 0 }], { actor: viewer?.customerId ?? null });
  if (viewer) audit(em, viewer, 'addBook', { type: 'Book', id: book.id }, { copies: copies ?? 0 });
  return book;
}

/** A field that is left out, or null where null means nothing, stays as it is. @throws Refusal INVALID_INPUT, NOT_FOUND, VERSION_CONFLICT. */
export async function updateBook(
  em: EntityManager,
  input: unknown,
  { currency, offerMs }: Terms,
  viewer: Viewer,
): Promise<Book> {
  const { id, expectedVersion, rentalFee, publisher, ...changes } = checkInput(updateBookInput(currency), input);
  const book = await lockBookOrRefuse(em, id, ['input', 'id']);
  if (typeof expectedVersion === 'number' && expectedVersion !== book.version)
    throw new Refusal('VERSION_CONFLICT', `The book is at version ${book.version}, not ${expectedVersion}.`, [
      'input',
      'expectedVersion',
    ]);
  const fields = changeBook(em, book, {
    ...present(changes),
    ...(publisher !== undefined && { publisher }),
    ...(rentalFee && { feeAmount: rentalFee.amount, feeCurrency: rentalFee.currency }),
  });
  await offerAvailable(em, book, offerMs); // it may be listed again
  const { status, version } = book;
  if (fields.length) audit(em, viewer, 'updateBook', { type: 'Book', id }, { fields, status, version });
  return book;
}

type BookFacts = Pick<Book, 'title' | 'authors' | 'tags' | 'feeAmount' | 'feeCurrency' | 'popularity'> &
  Partial<Pick<Book, 'isbn' | 'sourceId' | 'publisher' | 'publishedYear' | 'language'>>;

/** A title without copies, and its event. */
export function newBook(em: EntityManager, facts: BookFacts): Book {
  const book = em.create(Book, {
    id: randomUUID(),
    ...facts,
    ...searchColumns(facts),
    status: 'LISTED',
    available: 0,
    reserved: 0,
    out: 0,
    inspecting: 0,
    version: 0,
  });
  publish(em, book, 'book.saved', stateOf(book));
  return book;
}

/** Changes a locked book. Tells of it, unless nothing is different; answers the names of what is. */
export function changeBook(
  em: EntityManager,
  book: Book,
  changes: Partial<BookFacts & Pick<Book, 'status'>>,
): (keyof DataOf<'book.saved'>)[] {
  const before = stateOf(book);
  Object.assign(book, changes);
  const after = stateOf(book);
  const names = Object.keys(after) as (keyof typeof after)[]; // the keys of a literal
  const different = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  if (!different.length) return [];
  Object.assign(book, searchColumns(book));
  publish(em, book, 'book.saved', after);
  if (before.status === 'LISTED' && after.status === 'WITHDRAWN')
    publish(em, book, 'book.withdrawn', { bookId: book.id });
  return different;
}

/**
 * Tells again of the next titles after this id, as they are, each as a new version. Answers their ids; none after the last.
 * For `npm run republish`: who comes late learns so what has left the stream.
 */
export async function republishBooks(em: EntityManager, after: string, limit: number): Promise<string[]> {
  const next = { orderBy: { id: 'asc' }, limit, lockMode: LockMode.PESSIMISTIC_WRITE } as const;
  const books = await em.find(Book, { id: { $gt: after } }, next);
  for (const book of books) publish(em, book, 'book.saved', stateOf(book));
  return books.map(({ id }) => id);
}

/** Runs the work; a second book with the same ISBN or source id is the caller's mistake. @throws Refusal DUPLICATE with the path. */
export async function refusingDuplicates<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
    const field = String((error as { constraint?: string }).constraint).includes('source_id') ? 'sourceId' : 'isbn'; // PostgreSQL names it
    throw new Refusal('DUPLICATE', `There is a book with this ${field === 'isbn' ? 'ISBN' : 'source id'} already.`, [
      'input',
      field,
    ]);
  }
}
export const UNIQUE_VIOLATION = '23505';

const searchColumns = (book: Searchable) => ({
  searchTitle: normalize(book.title),
  searchText: searchTextOf(book),
  facets: facetsOf(book),
});

const stateOf = (book: Book): DataOf<'book.saved'> => ({
  bookId: book.id,
  isbn: book.isbn ?? null,
  sourceId: book.sourceId ?? null,
  title: book.title,
  authors: book.authors,
  publisher: book.publisher ?? null,
  publishedYear: book.publishedYear ?? null,
  language: book.language ?? null,
  tags: book.tags,
  status: book.status,
  rentalFee: { amount: book.feeAmount, currency: book.feeCurrency },
});

/** Without the fields that were left out or null. */
export const present = <T extends object>(changes: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null && value !== undefined)) as never; // the same keys

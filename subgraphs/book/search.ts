/** The catalogue search: words and filters that must all match, in one of four orders, by keyset pages. */
import { type EntityManager, query } from '#platform/database.ts';
import { badUserInput } from '#platform/errors.ts';
import { type Connection, connectionOf, type Keys, type PageArgs, pageOf } from '#platform/pages.ts';
import { normalize, searchWords } from './book.ts';
import { type Bind, type BookFilter, type Condition, conditionsOf, not, piecesOf, tiersOf } from './conditions.ts';
import { type Counting, countsOf } from './counts.ts';
import type { Book } from './entities.ts';
import { type Sample, type Sampled, type Sampling, sampleOf } from './sample.ts';

export interface SearchArgs extends PageArgs {
  search?: string | null;
  filter?: BookFilter | null;
  orderBy?: BookOrder | null;
}
type BookOrder = 'RELEVANCE' | 'POPULAR' | 'NEWEST' | 'TITLE';

const MAX_SEARCH = 200;

/** A book as the statements below answer it: what its resolvers read, without an entity being made of it. */
export type Found = Omit<Book, 'searchTitle' | 'searchText' | 'facets'> & { rank: number; searchTitle: string };

const COLUMNS = `id, isbn, source_id AS "sourceId", title, authors, publisher, published_year AS "publishedYear", language, tags, status,
  fee_amount AS "feeAmount", fee_currency AS "feeCurrency", available, reserved, "out", inspecting, popularity, version,
  search_title AS "searchTitle"`;

/** Named, since a statement with all of a table's columns is planned anew each time: platform/database.ts. */
const ROW = `id, isbn, source_id, title, authors, publisher, published_year, language, tags, status, fee_amount, fee_currency,
  available, reserved, "out", inspecting, popularity, version, search_title, search_text, facets`;

interface Key {
  sql: string;
  type: 'int' | 'text' | 'uuid';
  of(book: Found): string | number;
}

const rank: Key = { sql: 'rank', type: 'int', of: (book) => book.rank };
const popular: Key = { sql: '(-popularity)', type: 'int', of: (book) => -book.popularity };
const newest: Key = {
  sql: '(-coalesce(published_year, -9999))',
  type: 'int',
  of: (book) => -(book.publishedYear ?? -9999),
};
const byTitle: Key[] = [
  { sql: 'search_title', type: 'text', of: (book) => book.searchTitle },
  { sql: 'id', type: 'uuid', of: (book) => book.id },
];

/** All ascending, so that one comparison of rows tells where a page begins. But for the rank, each is an index. */
const orders: Record<BookOrder, Key[]> = {
  RELEVANCE: [rank, popular, ...byTitle],
  POPULAR: [popular, ...byTitle],
  NEWEST: [newest, ...byTitle],
  TITLE: byTitle,
};

/** What a process keeps from one search for others. */
export interface SearchMemory {
  sampling: Sampling;
  counting: Counting;
}

export const searchMemory = (em: () => EntityManager): SearchMemory => ({
  sampling: sampleOf(em),
  counting: countsOf(),
});

/**
 * The books that match. `totalCount` asks when it is called. `withdrawn` shows books that are no longer lent, too.
 * @throws BAD_USER_INPUT for a search that is too long, or a page that cannot be.
 */
export async function searchBooks(
  em: EntityManager,
  { search, filter, orderBy, ...page }: SearchArgs,
  { withdrawn, sampling, counting }: { withdrawn: boolean } & SearchMemory,
): Promise<Connection<Found> & { totalCount: () => Promise<number> }> {
  if (search && search.length > MAX_SEARCH) throw badUserInput(`"search" must have at most ${MAX_SEARCH} characters.`);
  const words = searchWords(search ?? '');
  const order = orderOf(words, orderBy);
  const { limit, keys: after } = pageOf(
    page,
    order.map(({ type }) => type),
  );
  const asksNothing = words.length === 0 && Boolean(search?.trim()); // punctuation alone is in no title
  const conditions = conditionsOf(words, filter ?? {}, withdrawn);
  const sample = await sampling();
  const asked: Asked = {
    em,
    conditions,
    indexed: [...conditions.filter((condition) => condition.indexed), ...piecesOf(words)],
    sample,
    alike: those(sample.books, conditions),
  };

  const rows = asksNothing
    ? []
    : order === orders.RELEVANCE
      ? await mostRelevant(asked, tiersOf(words, normalize(search ?? '')), after, limit)
      : await inOrder(asked, order, after, limit);
  return {
    ...connectionOf(rows, page, (book) => order.map(({ of }) => of(book))),
    totalCount: async () => (asksNothing ? 0 : countOf(asked, counting)),
  };
}

/** Without words the popular are the most relevant. */
function orderOf(words: string[], orderBy: SearchArgs['orderBy']): Key[] {
  const wanted = orderBy ?? 'RELEVANCE';
  return orders[wanted === 'RELEVANCE' && !words.length ? 'POPULAR' : wanted];
}

interface Asked {
  em: EntityManager;
  /** All must hold. */
  conditions: Condition[];
  /** By which an index could find the rows. */
  indexed: Condition[];
  sample: Sample;
  /** Those of the sample for which all hold. */
  alike: Sampled[];
}

/**
 * Few matches are ranked and sorted. Of many the page is filled from one rank after the other, each in the order of an index.
 */
async function mostRelevant(asked: Asked, tiers: Condition[], after: Keys | null, limit: number): Promise<Found[]> {
  if (areFew(asked, limit)) return sorted(asked, orders.RELEVANCE, after, limit, tiers);
  let rank = Math.max(0, Number(after?.[0] ?? 0));
  const found: Found[] = [];
  const begun = within(asked, tiers.slice(1, 2));
  if (rank < 2 && areFew(begun, limit)) {
    found.push(...(await sorted(begun, orders.RELEVANCE, after, limit, tiers.slice(0, 1))));
    rank = 2;
  }
  for (; rank <= tiers.length && found.length < limit; rank++) {
    const inTier = within(asked, [...tiers.slice(rank, rank + 1), ...tiers.slice(0, rank).map(not)]);
    const begin = after && rank === after[0] ? after.slice(1) : null;
    const rows = await inOrder(inTier, orders.POPULAR, begin, limit - found.length);
    found.push(...rows.map((row) => ({ ...row, rank })));
  }
  return found;
}

const within = (asked: Asked, conditions: Condition[]): Asked => ({
  ...asked,
  conditions: [...asked.conditions, ...conditions],
  indexed: [...asked.indexed, ...conditions.filter(({ indexed }) => indexed)],
  alike: those(asked.alike, conditions),
});

/**
 * Where many match, by an index in that order, whose rows are read until there are enough: so many as should hold them, then
 * more, since the sample knows nothing of how they lie. Where few match, or when so many were read, all that match, sorted.
 */
async function inOrder(asked: Asked, order: Key[], after: Keys | null, limit: number): Promise<Found[]> {
  const { perMatch, all } = foresee(asked);
  for (let toRead = SPARE * limit * perMatch; toRead < all; toRead *= MORE) {
    const found = await firstOf(asked, order, after, limit, toRead);
    if (found.length === limit) return found;
  }
  return sorted(asked, order, after, limit);
}

const SPARE = 2;
const MORE = 8;

/** So few that to read them all is quicker than to read in an order until there are enough. */
function areFew(asked: Asked, limit: number): boolean {
  const { perMatch, all } = foresee(asked);
  return all <= limit * perMatch;
}

/** How many rows of any order have to be read for each match, and how many there are to be read through an index. */
function foresee({ alike, indexed, sample: { books, size } }: Asked) {
  return {
    perMatch: alike.length ? books.length / alike.length : Number.POSITIVE_INFINITY,
    all: (those(books, rarest(indexed, books)).length / Math.max(1, books.length)) * size,
  };
}

/** A second condition helps an index where it is about as rare as the first. */
function rarest(conditions: Condition[], books: Sampled[]): Condition[] {
  if (conditions.length < 2) return conditions;
  const counts = conditions.map(({ holds }) => books.filter(holds).length);
  const enough = 4 * Math.min(...counts) + 4;
  return conditions.filter((_, place) => (counts[place] ?? 0) <= enough);
}

const those = (books: Sampled[], conditions: Condition[]): Sampled[] =>
  books.filter((book) => conditions.every(({ holds }) => holds(book)));

async function firstOf({ em, conditions }: Asked, order: Key[], after: Keys | null, limit: number, toRead: number) {
  const { values, bind } = binding();
  return query<Found>(
    em,
    `SELECT ${COLUMNS} FROM (
       SELECT ${ROW} FROM book WHERE ${afterIn(order, after, bind)} ORDER BY ${sqlOf(order)} LIMIT ${powerOfTwo(toRead)}) AS book
     WHERE ${allOf(conditions, bind)} ORDER BY ${sqlOf(order)} LIMIT ${bind(limit, 'int')}`,
    values,
  );
}

/** A number that the planner sees; few of them, so that few statements are prepared. */
const powerOfTwo = (atLeast: number): number => 2 ** Math.ceil(Math.log2(atLeast));

async function sorted(asked: Asked, order: Key[], after: Keys | null, limit: number, tiers: Condition[] = []) {
  const { values, bind } = binding();
  const access = accessOf(asked);
  const ranks = tiers.map(({ sql }, rank) => `WHEN ${sql(bind)} THEN ${rank}`);
  return query<Found>(
    asked.em,
    `SELECT ${COLUMNS}, rank FROM (
       SELECT ${ROW}, ${ranks.length ? `CASE ${ranks.join(' ')} ELSE ${ranks.length} END` : '0'} AS rank FROM book
       WHERE ${allOf(access, bind)} OFFSET 0) AS book
     WHERE ${afterIn(order, after, bind)} AND ${othersOf(asked, access, bind)} ORDER BY ${sqlOf(order)} LIMIT ${bind(limit, 'int')}`,
    values,
  );
}

async function countOf(asked: Asked, counting: Counting): Promise<number> {
  const { values, bind } = binding();
  const access = accessOf(asked);
  const statement = `SELECT count(*)::int AS count FROM book WHERE ${allOf(access, bind)} AND ${othersOf(asked, access, bind)}`;
  return counting(JSON.stringify([statement, values]), async () => {
    const [row] = await query<{ count: number }>(asked.em, statement, values);
    return row?.count ?? 0;
  });
}

const allOf = (conditions: Condition[], bind: Bind): string =>
  conditions.map(({ sql }) => sql(bind)).join(' AND ') || 'true';

/** By which the rows are found; the others are then tried on these. */
const accessOf = ({ conditions, indexed, sample }: Asked): Condition[] =>
  indexed.length ? rarest(indexed, sample.books) : conditions;

const othersOf = ({ conditions }: Asked, access: Condition[], bind: Bind): string =>
  allOf(
    conditions.filter((condition) => !access.includes(condition)),
    bind,
  );

/**
 * Values are kept from the planner, as subqueries. From a value itself it guesses how many rows match, and for that plans the
 * statement anew each time: 0.15 ms of 0.4 (bench/search.ts).
 */
function binding(): { values: unknown[]; bind: Bind } {
  const values: unknown[] = [];
  return { values, bind: (value, type) => `(SELECT $${values.push(value)}::${type})` };
}

const sqlOf = (order: Key[]) => order.map(({ sql }) => sql).join(', ');

const afterIn = (order: Key[], after: Keys | null, bind: Bind) =>
  after
    ? `(${sqlOf(order)}) > (${after.map((key, place) => `${bind(key, order[place]?.type ?? 'text')}`).join(', ')})`
    : 'true';

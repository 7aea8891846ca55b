/** The catalogue search: words and filters that must all match, in one of four orders, by keyset pages. */
import { type EntityManager, query } from '#platform/database.ts';
import { badUserInput } from '#platform/errors.ts';
import { type Connection, connectionOf, type Keys, type PageArgs, pageOf } from '#platform/pages.ts';
import { facet, normalize, searchWords } from './book.ts';

export interface SearchArgs extends PageArgs {
  search?: string | null;
  filter?: BookFilter | null;
  orderBy?: keyof typeof orders | null;
}

interface BookFilter {
  available?: boolean | null;
  tag?: string | null;
  author?: string | null;
  publisher?: string | null;
  language?: string | null;
  publishedFrom?: number | null;
  publishedTo?: number | null;
}

const MAX_SEARCH = 200;

/** Expressions and their types, all ascending, so that one comparison of rows tells where a page begins. */
const byTitle = { search_title: 'text', id: 'uuid' } as const;
const orders = {
  RELEVANCE: { rank: 'int', '(-popularity)': 'int', ...byTitle },
  POPULAR: { '(-popularity)': 'int', ...byTitle },
  NEWEST: { '(-coalesce(published_year, -9999))': 'int', ...byTitle },
  TITLE: byTitle,
} as const;

export interface Found {
  id: string;
  keys: Keys;
}

/**
 * The ids of the books that match. `totalCount` asks when it is called. `withdrawn` shows books that are no longer lent, too.
 * @throws BAD_USER_INPUT for a search that is too long, or a page that cannot be.
 */
export async function searchBooks(
  em: EntityManager,
  { search, filter, orderBy, ...page }: SearchArgs,
  { withdrawn }: { withdrawn: boolean },
): Promise<Connection<Found> & { totalCount: () => Promise<number> }> {
  if (search && search.length > MAX_SEARCH) throw badUserInput(`"search" must have at most ${MAX_SEARCH} characters.`);
  const words = searchWords(search ?? '');
  const order = orderOf(words, orderBy);
  const types = Object.values(order);
  const { limit, keys: after } = pageOf(page, types);

  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const asksNothing = words.length === 0 && Boolean(search?.trim()); // punctuation alone is in no title
  const matching = asksNothing ? 'false' : conditions(words, filter ?? {}, withdrawn, bind);
  const count = { text: `SELECT count(*)::int AS count FROM book WHERE ${matching}`, values: [...values] };
  const source = 'rank' in order ? `(SELECT *, ${rank(words, search ?? '', bind)} AS rank FROM book) AS book` : 'book';
  const keys = Object.keys(order).join(', ');
  const begin = after && `(${after.map((key, place) => `${bind(key)}::${types[place]}`).join(', ')})`;
  const rows = await query<Found>(
    em,
    `SELECT id, jsonb_build_array(${keys}) AS keys FROM ${source}
     WHERE ${matching} ${begin ? `AND (${keys}) > ${begin}` : ''} ORDER BY ${keys} LIMIT ${bind(limit)}`,
    values,
  );
  return {
    ...connectionOf(rows, page, (row) => row.keys),
    totalCount: async () => (await query<{ count: number }>(em, count.text, count.values))[0]?.count ?? 0,
  };
}

/** Without words the popular are the most relevant. */
function orderOf(words: string[], orderBy: SearchArgs['orderBy']) {
  const wanted = orderBy ?? 'RELEVANCE';
  return orders[wanted === 'RELEVANCE' && !words.length ? 'POPULAR' : wanted];
}

type Bind = (value: unknown) => string;

function conditions(words: string[], filter: BookFilter, withdrawn: boolean, bind: Bind): string {
  const { available, tag, author, publisher, language, publishedFrom, publishedTo } = filter;
  const facets = [
    tag && facet('tag', tag),
    author && facet('author', author),
    publisher && facet('publisher', publisher),
    language && facet('language', language),
  ].filter(Boolean);
  const all = words.map((word) => `search_text LIKE ${bind(`%${word}%`)}`);
  if (!withdrawn) all.push(`status = 'LISTED'`);
  if (facets.length) all.push(`facets @> ${bind(facets)}::text[]`);
  if (typeof available === 'boolean') all.push(`(available > 0) = ${bind(available)}`);
  if (typeof publishedFrom === 'number') all.push(`published_year >= ${bind(publishedFrom)}`);
  if (typeof publishedTo === 'number') all.push(`published_year <= ${bind(publishedTo)}`);
  return all.length ? all.join(' AND ') : 'true';
}

/** 0: this very title; 1: it begins so; 2: every word begins a word of the book; 3: somewhere. */
function rank(words: string[], search: string, bind: Bind): string {
  const title = bind(normalize(search));
  const beginnings = bind(words.map((word) => `% ${word}%`));
  return `CASE WHEN search_title = ${title} THEN 0 WHEN starts_with(search_title, ${title}) THEN 1
    WHEN search_text LIKE ALL(${beginnings}::text[]) THEN 2 ELSE 3 END`;
}

/** What one would write first: one statement that finds all matches, ranks them and sorts them anew for each page. */
import type { Pool } from 'pg';
import { facet, normalize, searchWords } from '../subgraphs/book/book.ts';
import type { SearchArgs } from '../subgraphs/book/search.ts';

const keysOf = {
  RELEVANCE: ['rank', '(-popularity)', 'search_title', 'id'],
  POPULAR: ['(-popularity)', 'search_title', 'id'],
  NEWEST: ['(-coalesce(published_year, -9999))', 'search_title', 'id'],
  TITLE: ['search_title', 'id'],
};

const COLUMNS = 'id, isbn, title, authors, publisher, published_year, language, tags, status, fee_amount, available';

/** By trigrams, in the same order as the catalogue search has: the ids of a page, and of the first book after it. */
export async function plainSearch(pool: Pool, args: SearchArgs): Promise<string[]> {
  const { search, orderBy, first, after } = args;
  const { values, bind, words, matching } = conditionsOf(args, (word, bind) => `search_text LIKE ${bind(`%${word}%`)}`);
  const keys = keysOf[orderBy ?? (words.length ? 'RELEVANCE' : 'POPULAR')];
  const title = bind(normalize(search ?? ''));
  const beginnings = bind(words.map((word) => `% ${word}%`));
  const begin: unknown[] | undefined = after ? JSON.parse(Buffer.from(after, 'base64url').toString()) : undefined;
  const typed = (key: unknown) => `${bind(key)}::${typeof key === 'number' ? 'int' : 'text'}`;
  const list = keys.map((key) => (key === 'id' ? 'id::text' : key)).join(', ');
  const { rows } = await pool.query<{ id: string }>(
    `SELECT ${COLUMNS} FROM (
        SELECT *, CASE WHEN search_title = ${title}::text THEN 0 WHEN starts_with(search_title, ${title}::text) THEN 1
          WHEN search_text LIKE ALL(${beginnings}::text[]) THEN 2 ELSE 3 END AS rank FROM book) AS book
      WHERE ${matching} ${begin ? `AND (${list}) > (${begin.map(typed).join(', ')})` : ''}
      ORDER BY ${keys.join(', ')} LIMIT ${bind(first + 1)}`,
    values,
  );
  return rows.map(({ id }) => id);
}

/** PostgreSQL's own full text search: whole words, of which the last may go on, in the order of ts_rank. It knows no cursor. */
export async function fullTextSearch(pool: Pool, args: SearchArgs): Promise<string[]> {
  const { values, bind, words, matching } = conditionsOf(args, () => 'true');
  const list = words.map((word, place) => (place === words.length - 1 ? `${word}:*` : word)).join(' & ');
  const asked = words.length ? `to_tsquery('simple', ${bind(list)})` : '';
  const { rows } = await pool.query<{ id: string }>(
    `SELECT ${COLUMNS} FROM book JOIN word USING (id) WHERE ${matching} ${asked && `AND word.list @@ ${asked}`}
      ORDER BY ${asked && `ts_rank(word.list, ${asked}) DESC, `} (-popularity), search_title, id LIMIT ${bind(args.first + 1)}`,
    values,
  );
  return rows.map(({ id }) => id);
}

/** What `fullTextSearch` reads. */
export const FULL_TEXT = `
  CREATE TABLE word AS SELECT id, to_tsvector('simple', search_text) AS list FROM book;
  CREATE INDEX word_list ON word USING gin (list);
  ALTER TABLE word ADD PRIMARY KEY (id);
  ANALYZE word`;

type Bind = (value: unknown) => string;

function conditionsOf({ search, filter }: SearchArgs, contains: (word: string, bind: Bind) => string) {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const words = searchWords(search ?? '');
  const all = words.map((word) => contains(word, bind));
  const { tag, language, available } = filter ?? {};
  const facets = [tag && facet('tag', tag), language && facet('language', language)].filter(Boolean);
  if (search?.trim() && !words.length) all.push('false');
  if (facets.length) all.push(`facets @> ${bind(facets)}::text[]`);
  if (typeof available === 'boolean') all.push(`(available > 0) = ${bind(available)}`);
  all.push(`status = 'LISTED'`);
  return { values, bind, words, matching: all.join(' AND ') };
}

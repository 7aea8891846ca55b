/** What a search asks of a book: conditions in SQL, each also as it is asked of a book in memory. */
import { facet } from './book.ts';
import type { Sampled } from './sample.ts';

export interface BookFilter {
  available?: boolean | null;
  tag?: string | null;
  author?: string | null;
  publisher?: string | null;
  language?: string | null;
  publishedFrom?: number | null;
  publishedTo?: number | null;
}

export type Bind = (value: unknown, type: 'text' | 'text[]' | 'int' | 'uuid' | 'boolean') => string;

/** What a book must fulfil: in SQL, and for one of the sample. */
export interface Condition {
  sql(bind: Bind): string;
  holds(book: Sampled): boolean;
  /** An index finds what fulfils it. */
  indexed?: true;
}

export function conditionsOf(words: string[], filter: BookFilter, withdrawn: boolean): Condition[] {
  const { available, tag, author, publisher, language, publishedFrom, publishedTo } = filter;
  const facets = [
    tag && facet('tag', tag),
    author && facet('author', author),
    publisher && facet('publisher', publisher),
    language && facet('language', language),
  ].filter((wanted) => typeof wanted === 'string');
  const all = words.map(contains);
  if (!withdrawn) all.push({ sql: () => `status = 'LISTED'`, holds: ({ status }) => status === 'LISTED' });
  if (facets.length)
    all.push({
      indexed: true,
      sql: (bind) => `facets @> ${bind(facets, 'text[]')}`,
      holds: (book) => facets.every((wanted) => book.facets.includes(wanted)),
    });
  if (typeof available === 'boolean')
    all.push({
      sql: (bind) => `(available > 0) = ${bind(available, 'boolean')}`,
      holds: (book) => book.available > 0 === available,
    });
  if (typeof publishedFrom === 'number')
    all.push({
      sql: (bind) => `published_year >= ${bind(publishedFrom, 'int')}`,
      holds: ({ publishedYear }) => publishedYear !== null && publishedYear >= publishedFrom,
    });
  if (typeof publishedTo === 'number')
    all.push({
      sql: (bind) => `published_year <= ${bind(publishedTo, 'int')}`,
      holds: ({ publishedYear }) => publishedYear !== null && publishedYear <= publishedTo,
    });
  return all;
}

/** Anywhere in the text. One or two letters have no trigram. */
const contains = (word: string): Condition => ({
  ...(!isShort(word) && { indexed: true }),
  sql: (bind) => `search_text LIKE ${bind(`%${word}%`, 'text')}`,
  holds: ({ text }) => text.includes(word),
});

const isShort = (word: string) => [...word].length < 3;

/** Short words, by an index of their own. */
export function piecesOf(words: string[]): Condition[] {
  const pieces = words.filter(isShort);
  if (!pieces.length) return [];
  return [
    {
      indexed: true,
      sql: (bind) => `search_pieces(search_text) @> ${bind(pieces, 'text[]')}`,
      holds: ({ text }) => pieces.every((piece) => text.includes(piece)),
    },
  ];
}

/** How well a title fits the words, best first: it is the very title; it begins so; each word begins one of the book's; somewhere. */
export function tiersOf(words: string[], title: string): Condition[] {
  return [
    { indexed: true, sql: (bind) => `search_title = ${bind(title, 'text')}`, holds: (book) => book.title === title },
    {
      indexed: true,
      // Between the title and whatever could follow it: an index serves that also where the value is not known when it is planned.
      sql: (bind) => `search_title >= ${bind(title, 'text')} AND search_title < ${bind(`${title}\u{10ffff}`, 'text')}`,
      holds: (book) => book.title.startsWith(title),
    },
    {
      indexed: true,
      sql: (bind) => words.map((word) => `search_text LIKE ${bind(`% ${word}%`, 'text')}`).join(' AND '),
      holds: ({ text }) => words.every((word) => text.includes(` ${word}`)),
    },
  ];
}

export const not = ({ sql, holds }: Condition): Condition => ({
  sql: (bind) => `NOT (${sql(bind)})`,
  holds: (book) => !holds(book),
});

/**
 * What a row of a goodbooks-10k file (github.com/zygmuntz/goodbooks-10k) says of a book. The file has no publishers, fees or
 * copies; its `isbn13` is in scientific notation, so the ISBN comes from `isbn`.
 */
import { shown } from '#platform/text.ts';
import { isbn13, languageIn } from './book.ts';

/** Those that are read; a file may have others. */
export const columns = [
  'book_id',
  'isbn',
  'authors',
  'original_publication_year',
  'title',
  'language_code',
  'ratings_count',
] as const;
export type Row = Record<(typeof columns)[number], string>;

/** `book_id` is the rank by popularity: 1 is the most rated one. */
export const tiers = [
  { upToRank: 100, copies: 20, fee: 4000 },
  { upToRank: 1000, copies: 8, fee: 3500 },
  { upToRank: 5000, copies: 4, fee: 3000 },
  { upToRank: Infinity, copies: 2, fee: 2500 },
];

export interface FileBook {
  /** What addBook takes, for a title that is new here. */
  input: {
    isbn: string | null;
    sourceId: string;
    title: string;
    authors: string[];
    publishedYear: number | null;
    language: string | null;
    rentalFee: { amount: number; currency: string };
    copies: number;
  };
  popularity: number;
  /** What was left out of it, in words. */
  remarks: string[];
}

/** The book, without what cannot be right in it; null where the row does not even say which book it is. */
export function bookIn(row: Row, currency: string): FileBook | null {
  const rank = integerIn(row.book_id);
  if (!rank || rank < 1) return null;
  const { copies, fee } = tiers.find(({ upToRank }) => rank <= upToRank) ?? { copies: 0, fee: 0 };
  const remarks: string[] = [];

  /** The value of a column that may be empty. */
  function optional<T>(column: keyof Row, read: (text: string) => T | null, wrong: string): T | null {
    const text = row[column].trim();
    if (!text) return null;
    const value = read(text);
    if (value === null) remarks.push(`${column} "${text}" ${wrong}, so the book goes without it`);
    return value;
  }

  return {
    input: {
      // Most ISBNs have lost their leading zeros on the way through a spreadsheet.
      isbn: optional('isbn', (text) => isbn13(text.padStart(10, '0')), 'has a wrong check digit'),
      sourceId: `goodbooks:${rank}`,
      title: row.title.trim(),
      authors: row.authors
        .split(', ')
        .map((author) => shown(author))
        .filter(Boolean),
      publishedYear: optional('original_publication_year', integerIn, 'is not a year'),
      language: optional('language_code', languageIn, 'is not a language'),
      rentalFee: { amount: fee, currency },
      copies,
    },
    popularity: optional('ratings_count', integerIn, 'is not a number') ?? 0,
    remarks,
  };
}

/** As a spreadsheet writes it: 1997, 1997.0, -750.0. */
const integerIn = (text: string): number | null =>
  /^-?\d{1,9}(\.0+)?$/.test(text.trim()) ? Math.trunc(Number(text)) : null;

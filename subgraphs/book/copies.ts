/** Pages of copies: of the whole shop, by what the desk asks for; and of many books in one statement, since a list of books with their copies would cost one for each. */
import DataLoader from 'dataloader';
import { type EntityManager, query } from '#platform/database.ts';
import { isId } from '#platform/ids.ts';
import { type Connection, connectionOf, type PageArgs, pageOf } from '#platform/pages.ts';
import { type CopyStatus, copyStatuses } from './book.ts';
import { BookCopy } from './entities.ts';

export interface CopyFilter {
  barcode?: string | null;
  status?: CopyStatus[] | null;
  rentalId?: string | null;
  bookId?: string | null;
}

/** Those that have been in their status longest come first. */
export async function listCopies(
  em: EntityManager,
  { barcode, status, rentalId, bookId }: CopyFilter,
  page: PageArgs,
): Promise<Connection<BookCopy>> {
  const { limit, keys } = pageOf(page, ['timestamptz', 'text']);
  const values: unknown[] = [[...new Set(status ?? copyStatuses)], limit];
  const value = (one: unknown) => `$${values.push(one)}`;
  const id = (one: string) => `${value(isId(one) ? one : null)}::uuid`; // what is no id is none's
  const conditions = [
    'status = asked.status',
    typeof barcode === 'string' && `barcode = ${value(barcode.trim().toUpperCase())}`, // as they are made: RB and a number
    typeof rentalId === 'string' && `rental_id = ${id(rentalId)}`,
    typeof bookId === 'string' && `book_id = ${id(bookId)}`,
    keys && `(status_since, barcode) > (${value(keys[0])}::timestamptz, ${value(keys[1])}::text)`,
  ];
  // The first ones of each status: the index has them in their order within each only.
  const rows = await query<object>(
    em,
    `SELECT copy.* FROM unnest($1::text[]) AS asked(status) CROSS JOIN LATERAL (
       SELECT * FROM book_copy WHERE ${conditions.filter(Boolean).join(' AND ')} ORDER BY status_since, barcode LIMIT $2
     ) AS copy ORDER BY status_since, barcode LIMIT $2`,
    values,
  );
  const copies = rows.map((row) => em.map(BookCopy, row));
  return connectionOf(copies, page, ({ statusSince, barcode }) => [statusSince.toISOString(), barcode]);
}

interface CopiesOf {
  bookId: string;
  page: PageArgs;
}

/** By barcode. One loader per request; the page is checked when it is asked for. */
export function copiesOfBooks(em: EntityManager): DataLoader<CopiesOf, Connection<BookCopy>, string> {
  return new DataLoader(
    async (asked) => {
      const pages = asked.map(({ page }) => pageOf(page, ['text']));
      const rows = await query<{ place: string }>(
        em,
        `SELECT asked.place, copy.* FROM unnest($1::uuid[], $2::text[], $3::int[]) WITH ORDINALITY AS asked(book_id, after, size, place)
         CROSS JOIN LATERAL (
           SELECT * FROM book_copy WHERE book_copy.book_id = asked.book_id AND barcode > asked.after ORDER BY barcode LIMIT asked.size
         ) AS copy`,
        [asked.map(({ bookId }) => bookId), pages.map(({ keys }) => keys?.[0] ?? ''), pages.map(({ limit }) => limit)],
      );
      const found = Map.groupBy(rows, ({ place }) => Number(place) - 1);
      return asked.map(({ page }, place) => {
        const copies = (found.get(place) ?? []).map((row) => em.map(BookCopy, row));
        return connectionOf(copies, page, ({ barcode }) => [barcode]);
      });
    },
    { cacheKeyFn: ({ bookId, page }) => JSON.stringify([bookId, page.first, page.after]) },
  );
}

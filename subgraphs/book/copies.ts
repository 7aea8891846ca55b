/** Pages of the copies of many books, in one statement: a list of books with their copies would cost one for each. */
import DataLoader from 'dataloader';
import { type EntityManager, query } from '#platform/database.ts';
import { type Connection, connectionOf, type PageArgs, pageOf } from '#platform/pages.ts';
import { BookCopy } from './entities.ts';

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

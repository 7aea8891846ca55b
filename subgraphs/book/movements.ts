/** The moves that all changes of stock are made of: the counts, the line in the ledger and the copies themselves, under the book's row lock. */
import { LockMode } from '@mikro-orm/core';
import { type EntityManager, query } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import { type CopyMove, type CopyStatus, type MoveName, moves, stockAfter } from './book.ts';
import { Book, type BookCopy, StockMovement } from './entities.ts';

/** What a line of the ledger says beside the move itself. */
export interface About {
  copyIds?: string[];
  rentalId?: string | null;
  reason?: string | null;
  /** Id of the account that did it; none where another service's event did. */
  actor?: string | null;
}

export const lockBook = (em: EntityManager, id: string): Promise<Book | null> =>
  em.findOne(Book, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });

/** @throws Refusal NOT_FOUND with the path. */
export async function lockBookOrRefuse(em: EntityManager, id: string, path: string[]): Promise<Book> {
  const book = await lockBook(em, id);
  if (!book) throw new Refusal('NOT_FOUND', `There is no book ${id}.`, path);
  return book;
}

export const movesCopies = (move: MoveName): move is CopyMove => 'copies' in moves[move];

/** The counts and the ledger. */
export function moveStock(
  em: EntityManager,
  book: Book,
  move: MoveName,
  quantity: number,
  { copyIds = [], rentalId = null, reason = null, actor = null }: About,
): void {
  Object.assign(book, stockAfter(book, move, quantity));
  const { type, from, to } = moves[move];
  const copyId = copyIds.length === 1 ? copyIds[0] : null;
  em.create(StockMovement, {
    bookId: book.id,
    type,
    from,
    to,
    quantity,
    copyId,
    rentalId,
    reason,
    actor,
    occurredAt: new Date(),
  });
}

/** One copy, which is at hand. */
export function moveCopy(copy: BookCopy, move: CopyMove): void {
  copy.status = moves[move].copies.to;
  copy.statusSince = new Date();
}

/** Particular copies, held by `rental.from` before and by `rental.to` after; answers which. @throws when there are fewer. */
export async function moveCopies(
  em: EntityManager,
  move: CopyMove,
  bookId: string,
  quantity: number,
  rental: { from: string | null; to: string | null },
): Promise<string[]> {
  const { from, to }: { from: readonly CopyStatus[]; to: CopyStatus } = moves[move].copies;
  const rows = await query<{ id: string }>(
    em,
    `UPDATE book_copy SET status = $1, rental_id = $2, status_since = $7
     WHERE id IN (SELECT id FROM book_copy WHERE book_id = $3 AND status = ANY($4) AND rental_id IS NOT DISTINCT FROM $5 ORDER BY barcode LIMIT $6)
     RETURNING id`,
    [to, rental.to, bookId, from, rental.from, quantity, new Date()],
  );
  if (rows.length !== quantity) throw new Error(`Book ${bookId} has ${rows.length} copies to ${move}, not ${quantity}`);
  return rows.map(({ id }) => id);
}

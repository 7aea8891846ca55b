/**
 * What happens to copies, each change with its count, its line in the ledger, the copies themselves and its event, in one
 * transaction. All of it under the book's row lock, which is taken first.
 */
import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { NotYet } from '#platform/apply.ts';
import { audit } from '#platform/audit.ts';
import { type EntityManager, query } from '#platform/database.ts';
import { checkInput, Refusal } from '#platform/errors.ts';
import { idInput } from '#platform/ids.ts';
import { publish } from '#platform/outbox.ts';
import { typedText } from '#platform/text.ts';
import type { Viewer } from '#platform/tokens.ts';
import {
  copyConditions,
  inspectionMove,
  type MoveName,
  type ReservationChange,
  receptionMove,
  reservationAfter,
} from './book.ts';
import { type Book, BookCopy, Reservation } from './entities.ts';
import { type About, lockBook, lockBookOrRefuse, moveCopies, moveCopy, moveStock, movesCopies } from './movements.ts';
import { offerAvailable } from './waitlist.ts';

const MAX_COPIES = 1000;
export const copyCount = z.int().max(MAX_COPIES, `At most ${MAX_COPIES} copies at once.`);
const someCopies = copyCount.min(1, 'At least one copy.');
const remark = typedText.max(500, 'At most 500 characters.');

const addCopiesInput = z.object({ bookId: idInput, count: someCopies, reason: remark.nullish() });
const withdrawCopiesInput = z.object({
  bookId: idInput,
  count: someCopies,
  reason: remark.min(1, 'The reason must not be empty.'),
});
const inspectCopyInput = z.object({ copyId: idInput, condition: z.enum(copyConditions), note: remark.nullish() });

/** What every event about a rental says. */
export interface RentalFacts {
  rentalId: string;
  customerId: string;
  bookId: string;
  quantity: number;
}

/** New copies on the shelf. @throws Refusal INVALID_INPUT, NOT_FOUND. */
export async function addCopies(em: EntityManager, input: unknown, viewer: Viewer, offerMs: number): Promise<Book> {
  const { bookId, count, reason } = checkInput(addCopiesInput, input);
  const book = await lockBookOrRefuse(em, bookId, ['input', 'bookId']);
  await acquire(em, [{ book, count }], { reason: reason ?? null, actor: viewer.customerId });
  await offerAvailable(em, book, offerMs);
  audit(em, viewer, 'addCopies', { type: 'Book', id: bookId }, { count });
  return book;
}

/** Makes the copies and counts them: for many titles at once, none of which anybody else can be changing. */
export async function acquire(
  em: EntityManager,
  arrivals: { book: Book; count: number }[],
  about: About,
): Promise<void> {
  const some = arrivals.filter(({ count }) => count > 0);
  for (const { book, count } of some) moveStock(em, book, 'acquire', count, about);
  await em.flush(); // copies refer to their book
  await query(
    em,
    `INSERT INTO book_copy (book_id, status)
     SELECT arrival.book_id, 'ON_SHELF' FROM unnest($1::uuid[], $2::int[]) AS arrival(book_id, count), generate_series(1, arrival.count)`,
    [some.map(({ book }) => book.id), some.map(({ count }) => count)],
  );
}

/** @throws Refusal INVALID_INPUT, NOT_FOUND, WOULD_BE_NEGATIVE when fewer are available. */
export async function withdrawCopies(em: EntityManager, input: unknown, viewer: Viewer): Promise<Book> {
  const { bookId, count, reason } = checkInput(withdrawCopiesInput, input);
  const book = await lockBookOrRefuse(em, bookId, ['input', 'bookId']);
  if (count > book.available)
    throw new Refusal('WOULD_BE_NEGATIVE', `Cannot withdraw ${count} copies: ${book.available} are available.`, [
      'input',
      'count',
    ]);
  const copyIds = await moveCopies(em, 'withdraw', book.id, count, { from: null, to: null });
  moveStock(em, book, 'withdraw', count, { copyIds, reason, actor: viewer.customerId });
  audit(em, viewer, 'withdrawCopies', { type: 'Book', id: bookId }, { count });
  return book;
}

/**
 * Ends the inspection of a returned copy, which its rental waits for, or its repair, which no rental does any more.
 * @throws Refusal INVALID_INPUT, NOT_FOUND, NOT_ALLOWED_IN_STATE.
 */
export async function inspectCopy(
  em: EntityManager,
  input: unknown,
  viewer: Viewer,
  offerMs: number,
): Promise<BookCopy> {
  const { copyId, condition, note } = checkInput(inspectCopyInput, input);
  const { book, copy } = await lockCopyOrRefuse(em, copyId, ['input', 'copyId']);

  const from = copy.status;
  const move = inspectionMove(from, condition);
  const rentalId = (from === 'INSPECTING' && copy.rentalId) || null;
  moveStock(em, book, move, 1, { copyIds: [copy.id], rentalId, reason: note ?? null, actor: viewer.customerId });
  moveCopy(copy, move);
  const details = { bookId: book.id, rentalId, condition, from, to: copy.status };
  audit(em, viewer, 'inspectCopy', { type: 'BookCopy', id: copy.id }, details);
  if (copy.status !== 'LOST') copy.rentalId = null; // whose fault it was matters until a lost one turns up
  if (rentalId) {
    const reservation = await lockReservationOf(em, copy, rentalId);
    await em.flush();
    const remaining = await em.count(BookCopy, { bookId: book.id, rentalId, status: 'INSPECTING' });
    publish(em, reservation, 'stock.inspected', { ...factsOf(reservation), copyId, condition, remaining });
  }
  await offerAvailable(em, book, offerMs);
  return copy;
}

/**
 * A copy that was thought lost is here: it is inspected for itself, and whoever had lost it is told of.
 * @throws Refusal INVALID_INPUT, NOT_FOUND, NOT_ALLOWED_IN_STATE.
 */
export async function receiveCopy(em: EntityManager, copyId: string, viewer: Viewer): Promise<BookCopy> {
  checkInput(idInput, copyId, ['copyId']);
  const { book, copy } = await lockCopyOrRefuse(em, copyId, ['copyId']);
  const from = copy.status;
  const move = receptionMove(from);
  const rentalId = copy.rentalId ?? null;
  moveStock(em, book, move, 1, { copyIds: [copy.id], rentalId, actor: viewer.customerId });
  moveCopy(copy, move);
  copy.rentalId = null; // no rental waits for this inspection
  audit(em, viewer, 'receiveCopy', { type: 'BookCopy', id: copy.id }, { bookId: book.id, rentalId });
  if (!rentalId) return copy;
  const reservation = await lockReservationOf(em, copy, rentalId);
  publish(em, reservation, 'stock.found', { ...factsOf(reservation), copyId });
  return copy;
}

/** A copy and its title, whose row is locked. @throws Refusal NOT_FOUND with the path. */
async function lockCopyOrRefuse(
  em: EntityManager,
  copyId: string,
  path: string[],
): Promise<{ book: Book; copy: BookCopy }> {
  const [found] = await query<{ bookId: string }>(em, 'SELECT book_id AS "bookId" FROM book_copy WHERE id = $1', [
    copyId,
  ]);
  if (!found) throw new Refusal('NOT_FOUND', `There is no copy ${copyId}.`, path);
  const book = await lockBookOrRefuse(em, found.bookId, path);
  return { book, copy: await em.findOneOrFail(BookCopy, { id: copyId }) };
}

/**
 * Gives back what a rental has, from the shelf or from the courier. Where it has nothing (yet) a tombstone stays, so that a
 * reserve that comes later is refused.
 */
export async function release(em: EntityManager, facts: RentalFacts, offerMs: number): Promise<void> {
  const book = await lockBook(em, facts.bookId);
  const reservation = (await lockReservation(em, facts.rentalId)) ?? tombstone(em, facts);
  await change(em, book, reservation, 'release');
  if (book) await offerAvailable(em, book, offerMs);
}

/**
 * The copies go out, come back for inspection, or never do. `scannedAt` is when they did, whatever the order of the news.
 * @throws NotYet for a rental that is not known here.
 */
export async function changeReservation(
  em: EntityManager,
  { bookId, rentalId }: RentalFacts,
  wanted: 'issue' | 'receive' | 'lose',
  scannedAt?: Date,
): Promise<void> {
  const book = await lockBook(em, bookId);
  const reservation = await lockReservation(em, rentalId);
  if (!reservation) throw new NotYet(`Nothing is known of rental ${rentalId} yet`);
  // One parcel's events may overtake another's: what comes back, or is lost, has gone out.
  if (wanted !== 'issue') await change(em, book, reservation, 'issue');
  await change(em, book, reservation, wanted);
  if (wanted === 'issue' && scannedAt) reservation.issuedAt ??= scannedAt;
  if (wanted === 'receive' && scannedAt) reservation.returnedAt ??= scannedAt;
}

const RELEASED = { outcome: 'RELEASED' } as const;

/** As if it had been refused; its release follows. */
const tombstone = (em: EntityManager, { rentalId: id, ...facts }: RentalFacts): Reservation =>
  em.create(Reservation, { id, ...facts, status: 'REFUSED', answer: RELEASED, version: 0 });

const lockReservation = (em: EntityManager, id: string): Promise<Reservation | null> =>
  em.findOne(Reservation, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });

async function lockReservationOf(em: EntityManager, { id }: BookCopy, rentalId: string): Promise<Reservation> {
  const reservation = await lockReservation(em, rentalId);
  if (!reservation) throw new Error(`Copy ${id} was with rental ${rentalId}, which has no reservation`);
  return reservation;
}

const factsOf = ({ id, customerId, bookId, quantity }: Reservation): RentalFacts => ({
  rentalId: id,
  customerId,
  bookId,
  quantity,
});

const eventOf = { issue: 'stock.issued', receive: 'stock.received', lose: 'stock.written_off' } as const;

/** Nothing, where the table does not allow it (any more): the event came twice, or too late. */
async function change(
  em: EntityManager,
  book: Book | null,
  reservation: Reservation,
  wanted: ReservationChange,
): Promise<void> {
  const next = reservationAfter(reservation.status, wanted);
  if (!next) return;
  reservation.status = next.to;
  if (next.move) await moveReserved(em, book, reservation, next.move);
  if (wanted !== 'release') return publish(em, reservation, eventOf[wanted], factsOf(reservation));
  reservation.answer = RELEASED;
  const quantity = next.move ? reservation.quantity : 0;
  publish(em, reservation, 'stock.released', { ...factsOf(reservation), quantity });
}

async function moveReserved(
  em: EntityManager,
  book: Book | null,
  { id, quantity }: Reservation,
  move: MoveName,
): Promise<void> {
  if (!book) throw new Error(`Rental ${id} has copies of a book that does not exist`);
  const copyIds = movesCopies(move)
    ? await moveCopies(em, move, book.id, quantity, {
        from: move === 'issue' ? null : id,
        to: move === 'takeBack' ? null : id,
      })
    : [];
  moveStock(em, book, move, quantity, { copyIds, rentalId: id });
}

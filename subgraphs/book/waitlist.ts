/**
 * Waiting for a copy of a title. Whatever copy becomes available is offered to who is next before it is available to all: it
 * is set aside, and counts as reserved, until it is rented, left or expired. All of it under the book's row lock.
 */
import { randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { auditForAnother } from '#platform/audit.ts';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { checkInput, Refusal } from '#platform/errors.ts';
import { idInput } from '#platform/ids.ts';
import { publish } from '#platform/outbox.ts';
import { isStaff, type Viewer } from '#platform/tokens.ts';
import type { DataOf } from '#schema/events.ts';
import { openStatuses, waitlistAfter } from './book.ts';
import { type Book, WaitlistEntry } from './entities.ts';
import { lockBook, lockBookOrRefuse, moveStock } from './movements.ts';

/** The place that the customer has already, or a new one at the end. @throws Refusal INVALID_INPUT, NOT_FOUND, POLICY_DENIED. */
export async function joinWaitlist(em: EntityManager, bookId: string, { customerId }: Viewer): Promise<WaitlistEntry> {
  checkInput(idInput, bookId, ['bookId']);
  const book = await lockBookOrRefuse(em, bookId, ['bookId']);
  const open = await em.findOne(WaitlistEntry, { bookId, customerId, status: { $in: openStatuses } });
  if (open) return open;
  if (book.status === 'WITHDRAWN')
    throw new Refusal('POLICY_DENIED', 'This book is withdrawn.', ['bookId'], 'NO_LONGER_LENT');
  if (book.available > 0)
    throw new Refusal(
      'POLICY_DENIED',
      'Copies of this book are available: rent one at once.',
      ['bookId'],
      'COPIES_AVAILABLE',
    );
  const entry = em.create(WaitlistEntry, {
    id: randomUUID(),
    bookId,
    customerId,
    status: 'WAITING',
    joinedAt: new Date(),
    version: 0,
  });
  publish(em, entry, 'waitlist.joined', factsOf(entry));
  return entry;
}

/** Gives a place up, and the copy that was offered. @throws Refusal INVALID_INPUT, NOT_FOUND, NOT_ALLOWED_IN_STATE. */
export async function leaveWaitlist(
  em: EntityManager,
  entryId: string,
  viewer: Viewer,
  offerMs: number,
): Promise<WaitlistEntry> {
  checkInput(idInput, entryId, ['entryId']);
  const [own] = await query<{ bookId: string }>(
    em,
    'SELECT book_id AS "bookId" FROM waitlist_entry WHERE id = $1 AND (customer_id = $2 OR $3)',
    [entryId, viewer.customerId, isStaff(viewer)],
  );
  if (!own) throw new Refusal('NOT_FOUND', `There is no waitlist entry ${entryId}.`, ['entryId']);
  const book = await lockBookOrRefuse(em, own.bookId, ['entryId']);
  const entry = await em.findOneOrFail(WaitlistEntry, { id: entryId }, FOR_UPDATE);
  const from = entry.status;
  if (from === 'LEFT') return entry;
  if (!waitlistAfter(from, 'leave'))
    throw new Refusal('NOT_ALLOWED_IN_STATE', `Cannot leave a waitlist with an entry that is ${from}.`);
  await end(em, book, entry, 'leave', offerMs, new Date());
  const { id, customerId } = entry;
  auditForAnother(em, viewer, 'leaveWaitlist', { type: 'WaitlistEntry', id }, { customerId, from });
  return entry;
}

/** Offers what is available to those who are next, one each. Call it whenever copies have become available. */
export async function offerAvailable(em: EntityManager, book: Book, offerMs: number, now = new Date()): Promise<void> {
  if (book.status !== 'LISTED' || book.available < 1) return;
  const next = await query<{ id: string }>(
    em,
    `SELECT id FROM waitlist_entry WHERE book_id = $1 AND status = 'WAITING' ORDER BY number LIMIT $2 FOR UPDATE`,
    [book.id, book.available],
  );
  if (!next.length) return;
  const entries = await em.find(WaitlistEntry, { id: { $in: next.map(({ id }) => id) } });
  const place = new Map(next.map(({ id }, place) => [id, place]));
  for (const entry of entries.toSorted((a, b) => Number(place.get(a.id)) - Number(place.get(b.id)))) {
    moveStock(em, book, 'reserve', 1, {});
    const expiresAt = new Date(now.getTime() + offerMs);
    entry.offerExpiresAt = expiresAt;
    move(em, entry, 'offer', { expiresAt: expiresAt.toISOString() }, now);
  }
}

const EXPIRE_AT_ONCE = 50;

/** Ends the offers that nobody took in time; answers how many were due. */
export async function expireOffers(em: EntityManager, offerMs: number, now: Date): Promise<number> {
  const due = await query<{ id: string; bookId: string }>(
    em,
    `SELECT id, book_id AS "bookId" FROM waitlist_entry WHERE status = 'OFFERED' AND offer_expires_at <= $1
     ORDER BY offer_expires_at LIMIT ${EXPIRE_AT_ONCE}`,
    [now],
  );
  for (const { id, bookId } of due)
    await transaction(em, async (em) => {
      const book = await lockBook(em, bookId);
      const entry = await em.findOne(WaitlistEntry, { id }, FOR_UPDATE);
      if (!book || entry?.status !== 'OFFERED') return; // taken or left meanwhile
      await end(em, book, entry, 'expire', offerMs, now);
    });
  return due.length;
}

/** Whoever is erased waits for nothing any more. */
export async function leaveAll(em: EntityManager, customerId: string, offerMs: number): Promise<void> {
  const waited = await query<{ bookId: string }>(
    em,
    'SELECT book_id AS "bookId" FROM waitlist_entry WHERE customer_id = $1 AND status = ANY($2) ORDER BY book_id',
    [customerId, openStatuses],
  );
  for (const { bookId } of waited) {
    const book = await lockBook(em, bookId);
    const entry = await em.findOne(WaitlistEntry, { bookId, customerId, status: { $in: openStatuses } }, FOR_UPDATE);
    if (book && entry) await end(em, book, entry, 'leave', offerMs, new Date());
  }
}

const FOR_UPDATE = { lockMode: LockMode.PESSIMISTIC_WRITE } as const;

/** Ends an open entry; a copy that was offered goes to the next. */
async function end(
  em: EntityManager,
  book: Book,
  entry: WaitlistEntry,
  change: 'expire' | 'leave',
  offerMs: number,
  now: Date,
): Promise<void> {
  const offered = entry.status === 'OFFERED';
  entry.offerExpiresAt = null;
  move(em, entry, change, {}, now);
  if (!offered) return;
  moveStock(em, book, 'release', 1, {});
  await offerAvailable(em, book, offerMs, now);
}

const eventOf = { offer: 'waitlist.offered', expire: 'waitlist.expired', leave: 'waitlist.left' } as const;

/** @throws when the table does not allow it: the caller has looked at the status under the lock. */
function move(
  em: EntityManager,
  entry: WaitlistEntry,
  change: keyof typeof eventOf,
  more: Partial<DataOf<'waitlist.offered'>>,
  now: Date,
): void {
  const next = waitlistAfter(entry.status, change);
  if (!next) throw new Error(`Waitlist entry ${entry.id} is ${entry.status}: it has no ${change}`);
  entry.status = next;
  publish(em, entry, eventOf[change], { ...factsOf(entry), ...more } as DataOf<'waitlist.offered'>, now); // `more` has what an offer says
}

const factsOf = ({ id, customerId, bookId }: WaitlistEntry): DataOf<'waitlist.joined'> => ({
  entryId: id,
  customerId,
  bookId,
});

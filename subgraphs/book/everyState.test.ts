/**
 * Every state of a copy, of a rental's copies and of a place on a waitlist, with everything that staff, parcels and rentals may want of
 * it: what the tables allow happens, and whatever else comes changes nothing at all. On a real database.
 */
import { randomUUID } from 'node:crypto';
import { query, transaction } from '#platform/database.ts';
import { createDatabase } from '../../tests/services.ts';
import {
  type CopyMove,
  type CopyStatus,
  copyConditions,
  copyStatuses,
  moves,
  type ReservationChange,
  type ReservationStatus,
  reservationAfter,
  reservationStatuses,
  type Stock,
  waitlistAfter,
  waitlistStatuses,
} from './book.ts';
import { BookCopy, Reservation, StockMovement, WaitlistEntry } from './entities.ts';
import { expectSums, openShop, rentalOf, type Shop, staff, terms } from './fixture.ts';
import { changeReservation, release } from './stock.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(await createDatabase('book'));
});
afterAll(() => shop?.close());

const bucketOf = {
  ON_SHELF: 'available',
  OUT: 'out',
  INSPECTING: 'inspecting',
  REPAIR: 'inspecting',
  LOST: null,
  WITHDRAWN: null,
} as const satisfies Record<CopyStatus, keyof Stock | null>;

/** What a rental's copies are by then. */
const copiesOf = {
  RESERVED: { status: 'ON_SHELF', bucket: 'reserved' },
  ISSUED: { status: 'OUT', bucket: 'out' },
  REFUSED: { status: 'ON_SHELF', bucket: 'available' },
  RELEASED: { status: 'ON_SHELF', bucket: 'available' },
  RETURNED: { status: 'INSPECTING', bucket: 'inspecting' },
  WRITTEN_OFF: { status: 'LOST', bucket: null },
} as const satisfies Record<ReservationStatus, { status: CopyStatus; bucket: keyof Stock | null }>;

const holders: ReservationStatus[] = ['ISSUED', 'RETURNED', 'WRITTEN_OFF'];

/** A title whose one copy stands so, held by a reservation in that state where one holds it; the ledger agrees. */
async function titleWith(status: CopyStatus, bucket: keyof Stock | null, reservation: ReservationStatus | null) {
  const book = await shop.addTitle(0);
  const rental = rentalOf(book);
  const copyId = await transaction(shop.em(), async (em) => {
    if (bucket) {
      await em.nativeUpdate('Book' as never, { id: book.id }, { [bucket]: 1 } as never);
      em.create(StockMovement, {
        bookId: book.id,
        type: 'ACQUIRE',
        from: 'OUTSIDE',
        to: bucket.toUpperCase() as 'AVAILABLE', // as the buckets are named
        quantity: 1,
        occurredAt: new Date(),
      });
    }
    const held = reservation && holders.includes(reservation) ? rental.rentalId : null;
    const copy = em.create(BookCopy, {
      id: randomUUID(),
      bookId: book.id,
      barcode: randomUUID(),
      status,
      statusSince: new Date(),
      rentalId: held,
    });
    if (reservation) {
      const { rentalId: id, ...facts } = rental;
      em.create(Reservation, { id, ...facts, status: reservation, answer: { outcome: 'RELEASED' }, version: 1 });
    }
    return copy.id;
  });
  return { book, rental, copyId };
}

async function everything(bookId: string): Promise<object> {
  const rows = (sql: string) => query<object>(shop.em(), sql, [bookId]);
  return {
    book: await rows('SELECT * FROM book WHERE id = $1'),
    copies: await rows('SELECT * FROM book_copy WHERE book_id = $1 ORDER BY id'),
    // When the parcels were scanned is noted whatever the order of the news.
    reservations: await rows(
      `SELECT to_jsonb(reservation) - 'issued_at' - 'returned_at' AS row FROM reservation WHERE book_id = $1 ORDER BY id`,
    ),
    ledger: await rows('SELECT * FROM stock_movement WHERE book_id = $1 ORDER BY id'),
    places: await rows('SELECT * FROM waitlist_entry WHERE book_id = $1 ORDER BY id'),
    told: await rows(`SELECT event_id FROM outbox WHERE payload->'data'->>'bookId' = $1::text ORDER BY id`),
  };
}

const moveOf = { GOOD: 'restock', WORN: 'restock', DAMAGED: 'repair', UNUSABLE: 'discard', MISSING: 'miss' } as const;
const reservationOf: Partial<Record<CopyStatus, ReservationStatus>> = {
  OUT: 'ISSUED',
  INSPECTING: 'RETURNED',
  LOST: 'WRITTEN_OFF',
};

const commands: { name: string; move: CopyMove; field: (id: string) => string }[] = [
  ...copyConditions.map((condition) => ({
    name: `inspected as ${condition}`,
    move: moveOf[condition],
    field: (id: string) => `inspectCopy(input: { copyId: "${id}", condition: ${condition} })`,
  })),
  { name: 'received', move: 'find', field: (id) => `receiveCopy(copyId: "${id}")` },
];

test.each(copyStatuses.flatMap((status) => commands.map((command) => ({ status, ...command }))))(
  'a copy that is $status and $name',
  async ({ status, move, field }) => {
    const { book, copyId } = await titleWith(status, bucketOf[status], reservationOf[status] ?? null);
    const before = await everything(book.id);
    const { from, to }: { from: readonly CopyStatus[]; to: CopyStatus } = moves[move].copies;

    const { done } = await shop.askAs(
      staff(),
      `mutation { done: ${field(copyId)} { copy { status } userErrors { code } } }`,
    );

    if (from.includes(status)) {
      expect(done).toEqual({ copy: { status: to }, userErrors: [] });
      await expectSums(shop, book.id);
      return;
    }
    expect(done.userErrors).toEqual([{ code: 'NOT_ALLOWED_IN_STATE' }]);
    expect(await everything(book.id)).toEqual(before);
  },
);

const changes: ReservationChange[] = ['release', 'issue', 'receive', 'lose'];

test.each(reservationStatuses.flatMap((status) => changes.map((change) => ({ status, change }))))(
  "a rental's copies that are $status: $change",
  async ({ status, change }) => {
    const { status: copyStatus, bucket } = copiesOf[status];
    const { book, rental } = await titleWith(copyStatus, bucket, status);
    const before = await everything(book.id);

    await transaction(shop.em(), (em) =>
      change === 'release' ? release(em, rental, terms.offerMs) : changeReservation(em, rental, change, new Date()),
    );

    const { status: found } = await shop.em().findOneOrFail(Reservation, { id: rental.rentalId });
    // What comes back, or is lost, has gone out: of two parcels' events one may overtake the other.
    const issued = change === 'release' ? null : reservationAfter(status, 'issue');
    const next = reservationAfter(issued?.to ?? status, change) ?? issued;
    expect(found).toBe(next?.to ?? status);
    await expectSums(shop, book.id);
    if (!next) expect(await everything(book.id)).toEqual(before);
  },
);

test.each(waitlistStatuses)('a place that is %s is left where it is open, and stays where not', async (status) => {
  const { book } = await titleWith('ON_SHELF', status === 'OFFERED' ? 'reserved' : 'available', null);
  const entry = await transaction(shop.em(), async (em) =>
    em.create(WaitlistEntry, {
      id: randomUUID(),
      bookId: book.id,
      customerId: randomUUID(),
      status,
      joinedAt: new Date(),
      offerExpiresAt: status === 'OFFERED' ? new Date(Date.now() + terms.offerMs) : null,
      version: 1,
    }),
  );
  const before = await everything(book.id);

  const { done } = await shop.askAs(
    staff(),
    `mutation { done: leaveWaitlist(entryId: "${entry.id}") { entry { status } userErrors { code } } }`,
  );

  const next = waitlistAfter(status, 'leave');
  expect(done.userErrors).toEqual(next || status === 'LEFT' ? [] : [{ code: 'NOT_ALLOWED_IN_STATE' }]);
  expect((await shop.em().findOneOrFail(WaitlistEntry, { id: entry.id })).status).toBe(next ?? status);
  await expectSums(shop, book.id);
  if (!next) expect(await everything(book.id)).toEqual(before);
});

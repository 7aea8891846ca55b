/** Stock on a real database: what is reserved, sent, brought back, lost and inspected, in time, twice, too late and at once. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { query, transaction } from '#platform/database.ts';
import type { Viewer } from '#platform/tokens.ts';
import { eventually } from '../../tests/client.ts';
import { createDatabase } from '../../tests/services.ts';
import type { Book } from './entities.ts';
import { expectSums, openShop, reader, rentalOf, type Shop, terms } from './fixture.ts';
import { lockBook } from './movements.ts';
import { createReserve } from './reserve.ts';
import type { RentalFacts } from './stock.ts';
import { expireOffers } from './waitlist.ts';

let shop: Shop;
let reserve: ReturnType<typeof createReserve>;
beforeAll(async () => {
  shop = await openShop(await createDatabase('book'));
  reserve = createReserve(shop.em);
});
afterAll(() => shop?.close());

const RESERVED = { outcome: 'RESERVED', fee: { amount: 4500, currency: 'KRW' } };
const OUT_OF_STOCK = { outcome: 'REFUSED', reason: 'OUT_OF_STOCK' };
const RELEASED = { outcome: 'RELEASED' };

const tellOf = (rental: RentalFacts) => shop.tellOf(rental);
const parcelOf = (rental: RentalFacts, direction: 'OUTBOUND' | 'RETURN' = 'OUTBOUND') =>
  shop.parcelOf(rental, direction);
const cancel = (rental: RentalFacts) => tellOf(rental)('rental.cancelled', { from: 'REQUESTED' });
const reservationEvents = ({ rentalId }: RentalFacts) => shop.eventsOf(`reservation-${rentalId}`);

async function sent(book: Book, quantity = 1): Promise<RentalFacts> {
  const rental = rentalOf(book, quantity);
  await reserve(rental);
  await parcelOf(rental)('delivery.picked_up');
  return rental;
}

async function returned(book: Book, quantity = 1): Promise<RentalFacts> {
  const rental = await sent(book, quantity);
  await parcelOf(rental, 'RETURN')('delivery.delivered');
  return rental;
}

const copiesOf = ({ id }: Book) => shop.copiesOf(id);
const idsOf = async (book: Book, status: string) =>
  (await copiesOf(book)).filter((copy) => copy.status === status).map(({ id }) => id);
const inspect = (copyId: string | undefined, condition: string) => shop.inspect(copyId, condition);

describe('reserving', () => {
  test('F7 stock goes down when it is reserved and comes back when the rental is cancelled', async () => {
    const book = await shop.addTitle(3);
    const rental = rentalOf(book);

    expect(await reserve(rental)).toEqual(RESERVED);
    expect(await expectSums(shop, book.id)).toEqual({ available: 2, reserved: 1, out: 0, inspecting: 0 });

    await cancel(rental);
    expect(await expectSums(shop, book.id)).toEqual({ available: 3, reserved: 0, out: 0, inspecting: 0 });
    expect(await reservationEvents(rental)).toEqual(['stock.reserved', 'stock.released']);
  });

  test('F10 stock 3: quantity 5 is OUT_OF_STOCK, quantity 2 leaves 1', async () => {
    const book = await shop.addTitle(3);

    expect(await reserve(rentalOf(book, 5))).toEqual(OUT_OF_STOCK);
    expect(await reserve(rentalOf(book, 2))).toEqual(RESERVED);

    expect(await expectSums(shop, book.id)).toMatchObject({ available: 1, reserved: 2 });
  });

  test('N2 stock 1 and 50 reservations at once: one is granted, 49 are OUT_OF_STOCK', async () => {
    const book = await shop.addTitle(1);
    const processes = Array.from({ length: 3 }, () => createReserve(shop.em));
    const ask = (n: number) => (processes[n % 3] ?? reserve)(rentalOf(book));

    // All of them have begun, and wait for the row, before the first can decide.
    const asking = await transaction(shop.em(), async (em) => {
      await lockBook(em, book.id);
      const asking = Array.from({ length: 50 }, (_, n) => ask(n));
      await eventually(shop.waitingStatements, (count) => count === processes.length);
      return asking;
    });
    const answers = await Promise.all(asking);

    expect(answers.filter(({ outcome }) => outcome === 'RESERVED')).toHaveLength(1);
    expect(answers.filter((answer) => 'reason' in answer && answer.reason === 'OUT_OF_STOCK')).toHaveLength(49);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0, reserved: 1 });
  });

  test('a request that does not fit leaves room for smaller ones that come with it', async () => {
    const book = await shop.addTitle(3);

    const answers = await Promise.all([2, 5, 1].map((quantity) => reserve(rentalOf(book, quantity))));

    expect(answers).toEqual([RESERVED, OUT_OF_STOCK, RESERVED]);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0, reserved: 3 });
  });

  test('the same rental gets the same answer, however often and by however many it is asked', async () => {
    const book = await shop.addTitle(1);
    const [granted, refused] = [rentalOf(book), rentalOf(book)];
    const elsewhere = createReserve(shop.em);

    await reserve(granted);
    await reserve(refused);
    const again = await Promise.all([reserve, reserve, elsewhere].flatMap((ask) => [ask(granted), ask(refused)]));

    expect(again).toEqual([RESERVED, OUT_OF_STOCK, RESERVED, OUT_OF_STOCK, RESERVED, OUT_OF_STOCK]);
    expect(await reservationEvents(granted)).toEqual(['stock.reserved']);
    expect(await reservationEvents(refused)).toEqual(['stock.refused']);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0, reserved: 1 });
  });

  test('processes that are asked at once for the same rental reserve once', async () => {
    const book = await shop.addTitle(100);
    const processes = Array.from({ length: 4 }, () => createReserve(shop.em));
    const rentals = Array.from({ length: 5 }, () => rentalOf(book, 2));

    const asking = await transaction(shop.em(), async (em) => {
      await lockBook(em, book.id);
      const asking = rentals.flatMap((rental) => processes.map((ask) => ask(rental)));
      await eventually(shop.waitingStatements, (count) => count === processes.length);
      return asking;
    });

    expect(await Promise.all(asking)).toEqual(Array(20).fill(RESERVED));
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 90, reserved: 10 });
  });

  test('an unknown book and a withdrawn one are refused, and say so', async () => {
    const book = await shop.addTitle(1);
    await shop.ask(
      `mutation ($id: ID!) { updateBook(input: { id: $id, status: WITHDRAWN }) { book { id } } }`,
      { id: book.id },
      'STAFF',
    );
    const unknown = { ...rentalOf(book), bookId: randomUUID() };
    const withdrawn = rentalOf(book);

    expect(await reserve(unknown)).toEqual({ outcome: 'REFUSED', reason: 'BOOK_NOT_FOUND' });
    expect(await reserve(withdrawn)).toEqual({ outcome: 'REFUSED', reason: 'BOOK_WITHDRAWN' });

    const [told] = await query<{ data: object }>(
      shop.em(),
      `SELECT payload->'data' AS data FROM outbox WHERE aggregate = $1`,
      [`reservation-${withdrawn.rentalId}`],
    );
    expect(told?.data).toEqual({ ...withdrawn, reason: 'BOOK_WITHDRAWN' });
  });
});

describe('releasing', () => {
  test('twice is once', async () => {
    const book = await shop.addTitle(2);
    const rental = rentalOf(book);
    await reserve(rental);

    await cancel(rental);
    await parcelOf(rental)('delivery.stopped');

    expect(await expectSums(shop, book.id)).toMatchObject({ available: 2, reserved: 0 });
    expect(await reservationEvents(rental)).toEqual(['stock.reserved', 'stock.released']);
    expect(await reserve(rental)).toEqual(RELEASED);
  });

  test('a release that comes first leaves a tombstone: a reserve that comes later is refused', async () => {
    const book = await shop.addTitle(2);
    const rental = rentalOf(book);

    await tellOf(rental)('rental.rejected', { code: 'PAYMENT_DECLINED' });

    expect(await reserve(rental)).toEqual(RELEASED);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 2, reserved: 0 });
    expect(await reservationEvents(rental)).toEqual(['stock.released']);
  });

  test('a refused reservation is released with quantity 0', async () => {
    const book = await shop.addTitle(0);
    const rental = rentalOf(book);
    await reserve(rental);

    await tellOf(rental)('rental.rejected', { code: 'OUT_OF_STOCK' });

    const told = await query(
      shop.em(),
      `SELECT payload->'data'->'quantity' AS quantity FROM outbox WHERE aggregate = $1 ORDER BY id`,
      [`reservation-${rental.rentalId}`],
    );
    expect(told).toEqual([{ quantity: 1 }, { quantity: 0 }]);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0 });
  });

  test('a cancel of an accepted rental releases nothing before its parcel is stopped', async () => {
    const book = await shop.addTitle(1);
    const rental = await sent(book);

    await tellOf(rental)('rental.cancelled', { from: 'SHIPPING' });
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0, out: 1 });

    await parcelOf(rental)('delivery.stopped');
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 1, out: 0, inspecting: 0 });
    expect((await copiesOf(book)).map(({ status, rental }) => ({ status, rental }))).toEqual([
      { status: 'ON_SHELF', rental: null },
    ]);
  });

  test('what is returned to its sender is available again without an inspection', async () => {
    const book = await shop.addTitle(2);
    const rental = await sent(book, 2);

    await parcelOf(rental)('delivery.returned_to_sender');

    expect(await expectSums(shop, book.id)).toMatchObject({ available: 2, out: 0 });
    expect(await reservationEvents(rental)).toEqual(['stock.reserved', 'stock.issued', 'stock.released']);
  });
});

describe('parcels', () => {
  test('F7 copies go out with the parcel, come back for inspection, and are on the shelf after it', async () => {
    const book = await shop.addTitle(3);
    const rental = rentalOf(book, 2);
    await reserve(rental);

    await parcelOf(rental)('delivery.picked_up');
    expect(await expectSums(shop, book.id)).toEqual({ available: 1, reserved: 0, out: 2, inspecting: 0 });
    expect(
      (await copiesOf(book)).filter((copy) => copy.rental?.id === rental.rentalId).map(({ status }) => status),
    ).toEqual(['OUT', 'OUT']);

    await parcelOf(rental, 'RETURN')('delivery.delivered');
    expect(await expectSums(shop, book.id)).toEqual({ available: 1, reserved: 0, out: 0, inspecting: 2 });

    for (const id of await idsOf(book, 'INSPECTING'))
      expect((await inspect(id, 'GOOD')).copy).toEqual({ status: 'ON_SHELF', rental: null });
    expect(await expectSums(shop, book.id)).toEqual({ available: 3, reserved: 0, out: 0, inspecting: 0 });
    expect(await reservationEvents(rental)).toEqual([
      'stock.reserved',
      'stock.issued',
      'stock.received',
      'stock.inspected',
      'stock.inspected',
    ]);
  });

  test('a RETURN parcel whose news comes before that of the OUTBOUND one has it gone out first', async () => {
    const book = await shop.addTitle(1);
    const rental = rentalOf(book);
    await reserve(rental);

    await parcelOf(rental, 'RETURN')('delivery.delivered');
    await parcelOf(rental)('delivery.picked_up');

    expect(await expectSums(shop, book.id)).toMatchObject({ out: 0, inspecting: 1 });
    expect(await reservationEvents(rental)).toEqual(['stock.reserved', 'stock.issued', 'stock.received']);
  });

  test.each(['OUTBOUND', 'RETURN'] as const)('copies lost on their %s way are written off', async (direction) => {
    const book = await shop.addTitle(2);
    const rental = await sent(book);

    await parcelOf(rental, direction)('delivery.lost');
    await tellOf(rental)('rental.lost', { by: 'CARRIER' });

    expect(await expectSums(shop, book.id)).toEqual({ available: 1, reserved: 0, out: 0, inspecting: 0 });
    expect(await idsOf(book, 'LOST')).toHaveLength(1);
    expect(await reservationEvents(rental)).toEqual(['stock.reserved', 'stock.issued', 'stock.written_off']);
  });

  test('a parcel of a rental that is not known yet is heard again later', async () => {
    const book = await shop.addTitle(1);
    const rental = rentalOf(book);
    const parcel = parcelOf(rental);

    await expect(parcel('delivery.picked_up')).rejects.toThrow('Nothing is known of rental');
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 1 });
  });
});

describe('inspecting', () => {
  test('each inspection tells how many are left; a damaged copy stays in inspection until it is repaired', async () => {
    const book = await shop.addTitle(4);
    const rental = await returned(book, 4);
    const [first, second, third, fourth] = await idsOf(book, 'INSPECTING');

    expect((await inspect(first, 'WORN')).copy.status).toBe('ON_SHELF');
    expect((await inspect(second, 'DAMAGED')).copy).toEqual({ status: 'REPAIR', rental: null });
    expect((await inspect(third, 'UNUSABLE')).copy.status).toBe('WITHDRAWN');
    expect((await inspect(fourth, 'MISSING')).copy).toEqual({ status: 'LOST', rental: { id: rental.rentalId } });

    expect(await expectSums(shop, book.id)).toEqual({ available: 1, reserved: 0, out: 0, inspecting: 1 });
    const told = await query(
      shop.em(),
      `SELECT payload->'data'->>'condition' AS condition, payload->'data'->'remaining' AS remaining FROM outbox WHERE aggregate = $1 AND payload->>'type' LIKE '%inspected%' ORDER BY id`,
      [`reservation-${rental.rentalId}`],
    );
    expect(told).toEqual([
      { condition: 'WORN', remaining: 3 },
      { condition: 'DAMAGED', remaining: 2 },
      { condition: 'UNUSABLE', remaining: 1 },
      { condition: 'MISSING', remaining: 0 },
    ]);

    expect((await inspect(second, 'GOOD')).copy.status).toBe('ON_SHELF');
    expect(await expectSums(shop, book.id)).toEqual({ available: 2, reserved: 0, out: 0, inspecting: 0 });
    expect(await reservationEvents(rental)).toHaveLength(7);
  });

  test('a copy on the shelf cannot be inspected, nor one twice', async () => {
    const book = await shop.addTitle(2);
    await returned(book);
    const [returnedCopy] = await idsOf(book, 'INSPECTING');
    const [shelved] = await idsOf(book, 'ON_SHELF');
    await inspect(returnedCopy, 'GOOD');

    for (const copyId of [shelved, returnedCopy])
      expect(await inspect(copyId, 'GOOD')).toEqual({
        copy: null,
        userErrors: [{ code: 'NOT_ALLOWED_IN_STATE', message: 'Cannot inspect a copy that is ON_SHELF.', path: null }],
      });
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 2, inspecting: 0 });
  });

  test('an unknown copy is NOT_FOUND, a malformed id INVALID_INPUT', async () => {
    expect((await inspect(randomUUID(), 'GOOD')).userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['input', 'copyId'] },
    ]);
    expect((await inspect('x', 'GOOD')).userErrors).toMatchObject([
      { code: 'INVALID_INPUT', path: ['input', 'copyId'] },
    ]);
  });
});

describe('a lost copy that is here', () => {
  const RECEIVE = `mutation ($copyId: ID!) { done: receiveCopy(copyId: $copyId) { copy { status rental { id } } userErrors { code message path } } }`;
  const receive = async (copyId: string | undefined) => (await shop.ask(RECEIVE, { copyId }, 'STAFF')).done;

  test('goes to inspection, which no rental waits for, and who had lost it is told of once', async () => {
    const book = await shop.addTitle(2);
    const rental = await sent(book);
    await parcelOf(rental, 'RETURN')('delivery.lost');
    const [copyId] = await idsOf(book, 'LOST');

    expect(await receive(copyId)).toEqual({ copy: { status: 'INSPECTING', rental: null }, userErrors: [] });
    expect(await expectSums(shop, book.id)).toEqual({ available: 1, reserved: 0, out: 0, inspecting: 1 });
    expect(await receive(copyId)).toMatchObject({
      copy: null,
      userErrors: [{ code: 'NOT_ALLOWED_IN_STATE', message: expect.stringContaining('INSPECTING') }],
    });
    expect((await inspect(copyId, 'GOOD')).copy).toEqual({ status: 'ON_SHELF', rental: null });

    expect(await expectSums(shop, book.id)).toEqual({ available: 2, reserved: 0, out: 0, inspecting: 0 });
    expect((await reservationEvents(rental)).slice(2)).toEqual(['stock.written_off', 'stock.found']);
    const [told] = await query<{ data: object }>(
      shop.em(),
      `SELECT payload->'data' AS data FROM outbox WHERE aggregate = $1 AND payload->>'type' LIKE '%found%'`,
      [`reservation-${rental.rentalId}`],
    );
    expect(told?.data).toEqual({ ...rental, copyId });
  });

  test('was missing at an inspection, and turns up', async () => {
    const book = await shop.addTitle(1);
    const rental = await returned(book);
    const [copyId] = await idsOf(book, 'INSPECTING');
    await inspect(copyId, 'MISSING');

    expect((await receive(copyId)).copy).toEqual({ status: 'INSPECTING', rental: null });

    expect(await expectSums(shop, book.id)).toEqual({ available: 0, reserved: 0, out: 0, inspecting: 1 });
    expect((await reservationEvents(rental)).slice(3)).toEqual(['stock.inspected', 'stock.found']);
  });

  test('is NOT_FOUND where there is none of this id, and INVALID_INPUT where that is none', async () => {
    expect((await receive(randomUUID())).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['copyId'] }]);
    expect((await receive('x')).userErrors).toMatchObject([{ code: 'INVALID_INPUT', path: ['copyId'] }]);
  });
});

describe('at once', () => {
  test('F7 the ledger always sums to the stock, and the copies to both, whatever happens', async () => {
    const happening = fc.record({
      what: fc.constantFrom(
        ...['reserve', 'cancel', 'pickUp', 'stop', 'bringBack', 'lose', 'inspect', 'withdraw', 'add'],
        ...['join', 'leave', 'expire', 'find'],
      ),
      which: fc.nat({ max: 3 }),
      quantity: fc.integer({ min: 1, max: 3 }),
      condition: fc.constantFrom('GOOD', 'WORN', 'DAMAGED', 'UNUSABLE', 'MISSING'),
    });
    const JOIN = 'mutation ($id: ID!) { joinWaitlist(bookId: $id) { userErrors { code } } }';
    const LEAVE = 'mutation ($id: ID!) { leaveWaitlist(entryId: $id) { userErrors { code } } }';
    const FIND = 'mutation ($copyId: ID!) { receiveCopy(copyId: $copyId) { userErrors { code } } }';
    const openPlaces = async (bookId: string, { customerId }: Viewer): Promise<string[]> => {
      const open = `SELECT id FROM waitlist_entry WHERE book_id = $1 AND customer_id = $2 AND status IN ('WAITING', 'OFFERED')`;
      return (await query<{ id: string }>(shop.em(), open, [bookId, customerId])).map(({ id }) => id);
    };
    const count = async (mutation: string, bookId: string, quantity: number) =>
      shop.ask(
        `mutation ($bookId: ID!, $count: Int!) { ${mutation}(input: { bookId: $bookId, count: $count, reason: "test" }) { userErrors { code } } }`,
        { bookId, count: quantity },
        'STAFF',
      );

    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 25 }), async (happenings) => {
        const book = await shop.addTitle(4);
        const viewers = [reader(), reader()];
        const [one, other] = viewers.map(({ customerId }) => customerId);
        const rentals = [1, 2, 1, 3].map((quantity, n) => rentalOf(book, quantity, n % 2 ? one : other));
        const known = new Set<RentalFacts>();
        for (const { what, which, quantity, condition } of happenings) {
          const rental = rentals[which] ?? rentalOf(book);
          if (['reserve', 'cancel', 'stop'].includes(what)) known.add(rental);
          if (['pickUp', 'bringBack', 'lose'].includes(what) && !known.has(rental)) continue; // a parcel has a rental
          if (what === 'reserve') await reserve(rental);
          if (what === 'cancel') await cancel(rental);
          if (what === 'pickUp') await parcelOf(rental)('delivery.picked_up');
          if (what === 'stop') await parcelOf(rental)('delivery.stopped');
          if (what === 'bringBack') await parcelOf(rental, 'RETURN')('delivery.delivered');
          if (what === 'lose') await parcelOf(rental)('delivery.lost');
          if (what === 'inspect')
            for (const { id } of (await copiesOf(book)).slice(which, which + 2)) await inspect(id, condition);
          if (what === 'withdraw') await count('withdrawCopies', book.id, quantity);
          if (what === 'add') await count('addCopies', book.id, quantity);
          const viewer = viewers[which % 2] ?? reader();
          if (what === 'join') await shop.askAs(viewer, JOIN, { id: book.id });
          if (what === 'leave')
            for (const id of await openPlaces(book.id, viewer)) await shop.askAs(viewer, LEAVE, { id });
          if (what === 'expire') await expireOffers(shop.em(), terms.offerMs, new Date(Date.now() + terms.offerMs));
          if (what === 'find')
            for (const copyId of await idsOf(book, 'LOST')) await shop.ask(FIND, { copyId }, 'STAFF');
          await expectSums(shop, book.id);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('reservations and releases of many titles at once all succeed, whatever order their locks come in', async () => {
    const books = await Promise.all(Array.from({ length: 6 }, () => shop.addTitle(5)));
    const processes = [createReserve(shop.em), createReserve(shop.em)];

    const outcomes = await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const rental = rentalOf(books[n % books.length] as Book);
        const { outcome } = await (processes[n % 2] ?? reserve)(rental);
        if (n % 3) await cancel(rental);
        return outcome;
      }),
    );

    expect(outcomes).toHaveLength(120);
    for (const { id } of books) await expectSums(shop, id);
  });
});

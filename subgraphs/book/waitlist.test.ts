/** Waiting for a copy, on a real database: who is next gets what becomes free, whatever frees it, and nobody else does. */
import { randomUUID } from 'node:crypto';
import { query, transaction } from '#platform/database.ts';
import type { Viewer } from '#platform/tokens.ts';
import { parseEvent } from '#schema/events.ts';
import { eventually } from '../../tests/client.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { createDatabase } from '../../tests/services.ts';
import type { Book } from './entities.ts';
import { customerConsumer } from './events.ts';
import { expectSums, openShop, reader, rentalOf, type Shop, staff, terms } from './fixture.ts';
import { lockBook } from './movements.ts';
import { personalDataOf } from './personalData.ts';
import { quoteOf } from './quote.ts';
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
const DAY_MS = 86_400_000;

const ENTRY =
  'entry { id position status estimatedAt offerExpiresAt joinedAt book { id } } userErrors { code reason message path }';
const JOIN = `mutation ($id: ID!) { done: joinWaitlist(bookId: $id) { ${ENTRY} } }`;
const LEAVE = `mutation ($id: ID!) { done: leaveWaitlist(entryId: $id) { ${ENTRY} } }`;
const join = async (viewer: Viewer, bookId: string) => (await shop.askAs(viewer, JOIN, { id: bookId })).done;
const leave = async (viewer: Viewer, entryId: string) => (await shop.askAs(viewer, LEAVE, { id: entryId })).done;

interface Waiting {
  viewer: Viewer;
  entryId: string;
}
async function waits(book: Book, viewer = reader()): Promise<Waiting> {
  const { entry, userErrors } = await join(viewer, book.id);
  expect(userErrors).toEqual([]);
  return { viewer, entryId: entry.id };
}
/** So many of them, one after the other. */
async function queue(book: Book, length: number): Promise<Waiting[]> {
  const all: Waiting[] = [];
  for (let n = 0; n < length; n++) all.push(await waits(book));
  return all;
}

async function statusesOf(entries: Waiting[]): Promise<string[]> {
  const rows = await query<{ id: string; status: string }>(shop.em(), 'SELECT id, status FROM waitlist_entry');
  const found = new Map(rows.map(({ id, status }) => [id, status]));
  return entries.map(({ entryId }) => found.get(entryId) ?? 'missing');
}
const eventsOf = ({ entryId }: Waiting) => shop.eventsOf(`waitlist-${entryId}`);

const cancel = (rental: RentalFacts) => shop.tellOf(rental)('rental.cancelled', { from: 'REQUESTED' });
const addCopies = (book: Book, count: number) =>
  shop.ask(
    'mutation ($id: ID!, $count: Int!) { addCopies(input: { bookId: $id, count: $count }) { userErrors { code } } }',
    { id: book.id, count },
    'STAFF',
  );
const setStatus = (book: Book, status: 'LISTED' | 'WITHDRAWN') =>
  shop.ask(
    `mutation ($id: ID!) { updateBook(input: { id: $id, status: ${status} }) { userErrors { code } } }`,
    { id: book.id },
    'STAFF',
  );
const expireAll = (now = new Date(Date.now() + terms.offerMs)) => expireOffers(shop.em(), terms.offerMs, now);

/** A title whose only copy somebody has reserved. */
async function soldOut(copies = 1): Promise<{ book: Book; rental: RentalFacts }> {
  const book = await shop.addTitle(copies);
  const rental = rentalOf(book, copies);
  await reserve(rental);
  return { book, rental };
}

/** A title with one copy, which is offered to the first of so many who wait. */
async function offered(length = 1): Promise<{ book: Book; entries: Waiting[] }> {
  const { book, rental } = await soldOut();
  const entries = await queue(book, length);
  await cancel(rental);
  expect(await statusesOf(entries)).toEqual(['OFFERED', ...Array(length - 1).fill('WAITING')]);
  return { book, entries };
}

const by = ({ viewer }: Waiting, book: Book, quantity = 1) => rentalOf(book, quantity, viewer.customerId);
const first = <T>([one]: T[]): T => one as T; // there is one
const last = <T>(all: T[]): T => all.at(-1) as T; // likewise

/** The lines of the ledger since a copy was made. */
async function linesOf(book: Book): Promise<string[]> {
  const rows = await query<{ line: string }>(
    shop.em(),
    `SELECT type || ' ' || quantity || CASE WHEN rental_id IS NULL THEN '' ELSE ' rental' END AS line
     FROM stock_movement WHERE book_id = $1 ORDER BY id`,
    [book.id],
  );
  return rows.map(({ line }) => line);
}

describe('joining', () => {
  test('places are given in order, and the same one to who joins again', async () => {
    const { book } = await soldOut();
    const [one, two] = [reader(), reader()];

    const { entry } = await join(one, book.id);
    expect(entry).toMatchObject({ position: 1, status: 'WAITING', offerExpiresAt: null, book: { id: book.id } });
    expect((await join(two, book.id)).entry).toMatchObject({ position: 2 });
    expect((await join(one, book.id)).entry).toEqual(entry);

    const { book: shown } = await shop.ask(`{ book(id: "${book.id}") { waitlist { length } } }`);
    expect(shown.waitlist).toEqual({ length: 2 });
    expect(await shop.eventsOf(`waitlist-${entry.id}`)).toEqual(['waitlist.joined']);
  });

  test('an account that joins many times at once has one place', async () => {
    const { book } = await soldOut();
    const viewer = reader();

    const places = await Promise.all(Array.from({ length: 10 }, () => join(viewer, book.id)));

    expect(new Set(places.map(({ entry }) => entry.id)).size).toBe(1);
  });

  test('nobody waits for an unknown book, a withdrawn one, or one that is available', async () => {
    const available = await shop.addTitle(1);
    const { book: withdrawn } = await soldOut();
    await setStatus(withdrawn, 'WITHDRAWN');

    const refusal = async (id: string) => first((await join(reader(), id)).userErrors as object[]);
    expect(await refusal(randomUUID())).toMatchObject({ code: 'NOT_FOUND', reason: null });
    expect(await refusal('x')).toMatchObject({ code: 'INVALID_INPUT', reason: null });
    expect(await refusal(withdrawn.id)).toMatchObject({ code: 'POLICY_DENIED', reason: 'NO_LONGER_LENT' });
    expect(await refusal(available.id)).toMatchObject({ code: 'POLICY_DENIED', reason: 'COPIES_AVAILABLE' });
    expect(await shop.errorsOf(JOIN, { id: available.id })).toEqual(['UNAUTHENTICATED']);
  });

  test('a customer sees their own places, the open ones first', async () => {
    const viewer = reader();
    const over = await waits((await soldOut()).book, viewer);
    const { book } = await soldOut();
    await waits(book);
    const open = await waits(book, viewer);
    const later = await waits((await soldOut()).book, viewer);
    await leave(viewer, later.entryId);
    await leave(viewer, over.entryId);
    const OWN = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { waitlist { id status position } } } }`;
    const of = [{ __typename: 'Customer', id: viewer.customerId }];

    const { _entities } = await shop.askAs(viewer, OWN, { of });

    expect(first<{ waitlist: unknown }>(_entities).waitlist).toEqual([
      { id: open.entryId, status: 'WAITING', position: 2 },
      { id: later.entryId, status: 'LEFT', position: null },
      { id: over.entryId, status: 'LEFT', position: null },
    ]);
    expect(await shop.errorsOf(OWN, { of }, 'CUSTOMER')).toEqual(['FORBIDDEN']);
  });
});

describe('offering', () => {
  type Way = (book: Book, rental: RentalFacts, others: Waiting[]) => Promise<unknown>;
  const parcel = (rental: RentalFacts) => shop.parcelOf(rental, 'OUTBOUND');
  const comesBack = async (book: Book, rental: RentalFacts, condition: string): Promise<string> => {
    await parcel(rental)('delivery.picked_up');
    await shop.parcelOf(rental, 'RETURN')('delivery.delivered');
    const [copy] = (await shop.copiesOf(book.id)).filter(({ status }) => status === 'INSPECTING');
    await shop.inspect(copy?.id, condition);
    return copy?.id ?? '';
  };

  test.each<[string, Way]>([
    ['a rental is cancelled before its parcel', (_, rental) => cancel(rental)],
    ['a rental is rejected', (_, rental) => shop.tellOf(rental)('rental.rejected', { code: 'PAYMENT_DECLINED' })],
    [
      'a parcel is returned to sender',
      async (_, rental) => {
        const scan = parcel(rental);
        await scan('delivery.picked_up');
        await scan('delivery.returned_to_sender');
      },
    ],
    ['a returned copy is inspected', (book, rental) => comesBack(book, rental, 'WORN')],
    ['a copy is repaired', async (book, rental) => shop.inspect(await comesBack(book, rental, 'DAMAGED'), 'GOOD')],
    ['copies are added', (book) => addCopies(book, 1)],
    [
      'the title is listed again',
      async (book, rental) => {
        await setStatus(book, 'WITHDRAWN');
        await cancel(rental);
        expect(await expectSums(shop, book.id)).toMatchObject({ available: 1, reserved: 0 });
        await setStatus(book, 'LISTED');
      },
    ],
  ])('whoever is next is offered the copy when %s', async (_, way) => {
    const { book, rental } = await soldOut();
    const entries = await queue(book, 2);

    await way(book, rental, entries);

    expect(await statusesOf(entries)).toEqual(['OFFERED', 'WAITING']);
    expect(await eventsOf(first(entries))).toEqual(['waitlist.joined', 'waitlist.offered']);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0 });
    expect(last(await linesOf(book))).toBe('RESERVE 1');
    expect(await reserve(rentalOf(book))).toEqual(OUT_OF_STOCK);
  });

  test('an offer says until when', async () => {
    const before = Date.now();
    const { entries } = await offered();
    const { viewer, entryId } = first(entries);

    const { _entities } = await shop.askAs(
      viewer,
      'query ($of: [_Any!]!) { _entities(representations: $of) { ... on WaitlistEntry { status position estimatedAt offerExpiresAt } } }',
      { of: [{ __typename: 'WaitlistEntry', id: entryId }] },
    );

    const entry = first<{ offerExpiresAt: string }>(_entities);
    expect(entry).toMatchObject({ status: 'OFFERED', position: null, estimatedAt: null });
    const untilMs = new Date(entry.offerExpiresAt).getTime() - terms.offerMs;
    expect(untilMs).toBeGreaterThanOrEqual(before);
    expect(untilMs).toBeLessThanOrEqual(Date.now());
  });

  test('several copies go to as many, one each, and the rest are available', async () => {
    const { book } = await soldOut();
    const entries = await queue(book, 3);

    await addCopies(book, 2);
    expect(await statusesOf(entries)).toEqual(['OFFERED', 'OFFERED', 'WAITING']);

    await addCopies(book, 3);
    expect(await statusesOf(entries)).toEqual(['OFFERED', 'OFFERED', 'OFFERED']);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 2, reserved: 4 });
  });
});

describe('the end of an offer', () => {
  test('one that nobody takes in time goes to the next, and after the last is available to all', async () => {
    const { book, entries } = await offered(2);

    await expireAll(new Date(Date.now() + terms.offerMs - 60_000));
    expect(await statusesOf(entries)).toEqual(['OFFERED', 'WAITING']);
    await expireAll();
    expect(await statusesOf(entries)).toEqual(['EXPIRED', 'OFFERED']);
    expect(await eventsOf(first(entries))).toEqual(['waitlist.joined', 'waitlist.offered', 'waitlist.expired']);

    await expireAll(new Date(Date.now() + 3 * terms.offerMs));
    expect(await statusesOf(entries)).toEqual(['EXPIRED', 'EXPIRED']);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 1, reserved: 0 });
    expect(await reserve(rentalOf(book))).toEqual(RESERVED);
  });

  test('processes that end the same offers end each once', async () => {
    const { book, entries } = await offered(3);

    await Promise.all([expireAll(), expireAll(), expireAll()]);

    expect(await statusesOf(entries)).toEqual(['EXPIRED', 'OFFERED', 'WAITING']);
    await expectSums(shop, book.id);
  });

  test('whoever leaves gives the copy to the next, and leaves once', async () => {
    const { book, entries } = await offered(2);
    const { viewer, entryId } = first(entries);

    expect((await leave(viewer, entryId)).entry).toMatchObject({ status: 'LEFT', offerExpiresAt: null });
    expect((await leave(viewer, entryId)).entry).toMatchObject({ status: 'LEFT' });

    expect(await statusesOf(entries)).toEqual(['LEFT', 'OFFERED']);
    expect(await eventsOf(first(entries))).toEqual(['waitlist.joined', 'waitlist.offered', 'waitlist.left']);
    await expectSums(shop, book.id);
  });

  test('whoever leaves while waiting makes room for those behind', async () => {
    const { book } = await soldOut();
    const [one, two] = await queue(book, 2);
    if (!one || !two) throw new Error('Nobody waits');

    await leave(one.viewer, one.entryId);

    expect((await join(two.viewer, book.id)).entry).toMatchObject({ id: two.entryId, position: 1 });
    expect((await join(one.viewer, book.id)).entry).toMatchObject({ position: 2 });
  });

  test("another's place is NOT_FOUND, but not for staff; one that has ended stays", async () => {
    const { entries } = await offered();
    const { viewer, entryId } = first(entries);

    expect((await leave(reader(), entryId)).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['entryId'] }]);
    expect((await leave(viewer, randomUUID())).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect((await leave(staff(), entryId)).entry).toMatchObject({ status: 'LEFT' });

    const over = await offered();
    await expireAll();
    expect((await leave(first(over.entries).viewer, first(over.entries).entryId)).userErrors).toEqual([
      { code: 'NOT_ALLOWED_IN_STATE', message: expect.stringContaining('EXPIRED'), path: null, reason: null },
    ]);
  });

  test('an account that is erased waits for nothing any more, and its copies go to the next', async () => {
    const { book, entries } = await offered(2);
    const { viewer } = first(entries);
    const elsewhere = await waits((await soldOut()).book, viewer);
    const { customerId } = viewer;

    const erased = arrived('customer.erased', { id: customerId, version: 1 }, { customerId });
    await deliver(shop.em(), customerConsumer(terms.offerMs), erased);

    expect(await statusesOf([...entries, elsewhere])).toEqual(['LEFT', 'OFFERED', 'LEFT']);
    expect(await eventsOf(elsewhere)).toEqual(['waitlist.joined', 'waitlist.left']);
    await expectSums(shop, book.id);
  });
});

describe('renting', () => {
  test("a customer's own offer is taken first: nothing moves, and their place is fulfilled", async () => {
    const { book, entries } = await offered(2);
    const before = await linesOf(book);
    const rental = by(first(entries), book);

    expect(await reserve(rental)).toEqual(RESERVED);
    expect(await reserve(rental)).toEqual(RESERVED);

    expect(await linesOf(book)).toEqual(before);
    expect(await statusesOf(entries)).toEqual(['FULFILLED', 'WAITING']);
    expect(await expectSums(shop, book.id)).toEqual({ available: 0, reserved: 1, out: 0, inspecting: 0 });
    await cancel(rental);
    expect(await statusesOf(entries)).toEqual(['FULFILLED', 'OFFERED']);
    await expectSums(shop, book.id);
  });

  test('what is told of a place that is fulfilled is an event like any other', async () => {
    const { book, entries } = await offered();
    const { entryId, viewer } = first(entries);
    await reserve(by(first(entries), book));

    const rows = await query<{ event_id: string; subject: string; payload: object }>(
      shop.em(),
      'SELECT event_id, subject, payload FROM outbox WHERE aggregate = $1 ORDER BY id',
      [`waitlist-${entryId}`],
    );

    const { event_id, subject, payload } = last(rows);
    const { customerId } = viewer;
    expect([event_id, subject]).toEqual([`waitlist-${entryId}:3`, `rentabook.waitlist.fulfilled.${entryId}`]);
    expect(parseEvent(JSON.stringify(payload))).toEqual({ kind: 'event', type: 'waitlist.fulfilled', event: payload });
    expect(payload).toMatchObject({
      id: event_id,
      aggregateversion: 3,
      data: { entryId, customerId, bookId: book.id },
    });
    expect(Object.keys(payload).sort()).toEqual(Object.keys(first(rows).payload).sort());
  });

  test('of two copies one is taken from the offer and one from what is available', async () => {
    const { book, entries } = await offered();
    const rental = by(first(entries), book, 2);
    expect(await reserve(by(first(entries), book, 2))).toEqual(OUT_OF_STOCK);
    expect(await statusesOf(entries)).toEqual(['OFFERED']);

    await addCopies(book, 1);
    expect(await reserve(rental)).toEqual(RESERVED);

    expect(last(await linesOf(book))).toBe('RESERVE 1 rental');
    expect(await statusesOf(entries)).toEqual(['FULFILLED']);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0, reserved: 2 });
  });

  test("others, and a customer's second rental, cannot have an offered copy", async () => {
    const { book, entries } = await offered();
    const rentals = [rentalOf(book, 3), by(first(entries), book), by(first(entries), book), rentalOf(book)];

    const answers = await Promise.all(rentals.map((rental) => reserve(rental)));

    expect(answers).toEqual([OUT_OF_STOCK, RESERVED, OUT_OF_STOCK, OUT_OF_STOCK]);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 0, reserved: 1 });
  });

  test('of two rentals of a customer the second has the offer where the first is too large for it', async () => {
    const { book, entries } = await offered();

    const answers = await Promise.all(
      [by(first(entries), book, 3), by(first(entries), book)].map((one) => reserve(one)),
    );

    expect(answers).toEqual([OUT_OF_STOCK, RESERVED]);
    expect(await statusesOf(entries)).toEqual(['FULFILLED']);
    await expectSums(shop, book.id);
  });

  test('the offer goes to a fresh rental, not to one that was refused before and is asked for again beside it', async () => {
    const { book, entries } = await offered();
    const [refused, fresh] = [by(first(entries), book, 2), by(first(entries), book)];
    await reserve(refused);
    await addCopies(book, 2);

    expect(await Promise.all([reserve(refused), reserve(fresh)])).toEqual([OUT_OF_STOCK, RESERVED]);

    expect(await statusesOf(entries)).toEqual(['FULFILLED']);
    expect(await expectSums(shop, book.id)).toMatchObject({ available: 2, reserved: 1 });
  });

  test('an offer that is past its time and not ended yet may still be taken', async () => {
    const { book, entries } = await offered();
    await query(shop.em(), 'UPDATE waitlist_entry SET offer_expires_at = $1 WHERE id = $2', [
      new Date(Date.now() - DAY_MS),
      first(entries).entryId,
    ]);

    expect(await reserve(by(first(entries), book))).toEqual(RESERVED);
    await expireAll();
    expect(await statusesOf(entries)).toEqual(['FULFILLED']);
  });

  test('an offer that is made while a request waits for the title is taken by it', async () => {
    const { book, rental } = await soldOut();
    const entry = await waits(book);

    const asking = await transaction(shop.em(), async (em) => {
      await lockBook(em, book.id);
      const releasing = cancel(rental);
      await eventually(shop.waitingStatements, (count) => count === 1);
      const reserving = reserve(by(entry, book));
      await eventually(shop.waitingStatements, (count) => count === 2);
      return { releasing, reserving };
    });
    await asking.releasing;

    expect(await asking.reserving).toEqual(RESERVED);
    expect(await statusesOf([entry])).toEqual(['FULFILLED']);
    await expectSums(shop, book.id);
  });

  test('whoever gets an available copy while they wait, waits no longer', async () => {
    const { book } = await soldOut();
    const entry = await waits(book);
    await setStatus(book, 'WITHDRAWN');
    await addCopies(book, 1);
    await query(shop.em(), `UPDATE book SET status = 'LISTED' WHERE id = $1`, [book.id]); // without what follows from it

    expect(await reserve(by(entry, book))).toEqual(RESERVED);

    expect(await statusesOf([entry])).toEqual(['FULFILLED']);
    expect(last(await linesOf(book))).toBe('RESERVE 1 rental');
    await expectSums(shop, book.id);
  });

  test('a quote counts the offer of who asks, and of nobody else', async () => {
    const { book, entries } = await offered();
    const quote = quoteOf(shop.em);
    const fee = { amount: 4500, currency: 'KRW' };
    const asked = { bookId: book.id, customerId: first(entries).viewer.customerId };

    expect(await quote(asked)).toEqual({ book: { status: 'LISTED', fee, available: 1 } });
    expect(await quote({ ...asked, customerId: randomUUID() })).toEqual({
      book: { status: 'LISTED', fee, available: 0 },
    });
    expect(await quote({ ...asked, bookId: randomUUID() })).toEqual({ book: null });
  });

  test('twenty clients reserve while offers are made, taken, left and ended: counts, ledger and copies agree', async () => {
    const { book, rental } = await soldOut(5);
    const entries = await queue(book, 20);
    const processes = [createReserve(shop.em), createReserve(shop.em)];
    await cancel(rental);

    const rentals = [...entries.map((entry) => by(entry, book)), ...entries.map(() => rentalOf(book))];
    const working = rentals.map(async (rental, n) => {
      const { outcome } = await (processes[n % 2] ?? reserve)(rental);
      if (n % 3) await cancel(rental);
      return { rental, outcome };
    });
    const others = [
      expireAll(),
      ...entries.slice(15).map(({ viewer, entryId }) => leave(viewer, entryId)),
      addCopies(book, 2),
    ];
    await Promise.all(others);
    const answers = await Promise.all(working);

    expect(answers.some(({ outcome }) => outcome === 'RESERVED')).toBe(true);
    const { available } = await expectSums(shop, book.id);
    const statuses = await statusesOf(entries);
    if (available > 0) expect(statuses).not.toContain('WAITING');
    // An entry's versions count its events, in order.
    const torn = await query(
      shop.em(),
      `SELECT e.id FROM waitlist_entry e WHERE book_id = $1 AND version <> (SELECT count(*) FROM outbox WHERE aggregate = 'waitlist-' || e.id)`,
      [book.id],
    );
    expect(torn).toEqual([]);
  });
});

describe('how long it takes', () => {
  /** A loan of so many days, which ended so many days ago. */
  async function lent(book: Book, days: number, ago: number): Promise<void> {
    const rental = rentalOf(book);
    await reserve(rental);
    const back = new Date(Date.now() - ago * DAY_MS);
    // The news of the return may come first; what counts are the scans.
    await shop.parcelOf(rental, 'RETURN')('delivery.delivered', back);
    await shop.parcelOf(rental, 'OUTBOUND')('delivery.picked_up', new Date(back.getTime() - days * DAY_MS));
    for (const { id } of (await shop.copiesOf(book.id)).filter(({ status }) => status === 'INSPECTING'))
      await shop.inspect(id, 'GOOD');
  }
  const WAITLISTS =
    'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Book { waitlist { length estimatedAt } } } }';
  const inDays = (instant: string) => Math.round((new Date(instant).getTime() - Date.now()) / DAY_MS);

  test('a wait is estimated by the median of the loans, and of fewer than five nothing is said', async () => {
    const [book, other] = await Promise.all([shop.addTitle(2), shop.addTitle(1)]);
    for (const [place, days] of [30, 10, 12, 14].entries()) await lent(book, days, place);
    const representations = [book, other].map(({ id }) => ({ __typename: 'Book', id }));
    expect((await shop.ask(WAITLISTS, { of: representations }))._entities).toEqual([
      { waitlist: { length: 0, estimatedAt: null } },
      { waitlist: { length: 0, estimatedAt: null } },
    ]);

    await lent(book, 11, 1);
    await reserve(rentalOf(book, 2));
    const viewers = [reader(), reader(), reader()];
    const places = [];
    for (const viewer of viewers) places.push((await join(viewer, book.id)).entry);

    expect(places.map(({ position, estimatedAt }) => [position, inDays(estimatedAt)])).toEqual([
      [1, 12],
      [2, 12],
      [3, 24],
    ]);
    const { _entities } = await shop.ask(WAITLISTS, { of: representations });
    const [{ waitlist }, without] = _entities;
    expect([waitlist.length, inDays(waitlist.estimatedAt)]).toEqual([3, 24]);
    expect(without.waitlist).toEqual({ length: 0, estimatedAt: null });
  });
});

test('what is told to a customer who takes their data away has their places, in pages', async () => {
  const viewer = reader();
  const { book } = await soldOut();
  const { entryId } = await waits(book, viewer);
  const rentals = [rentalOf(book, 1, viewer.customerId), rentalOf(book, 1, viewer.customerId)];
  for (const rental of rentals) await reserve(rental);
  const read = personalDataOf(shop.em);

  const items = [];
  for (let after = '00000000-0000-0000-0000-000000000000', page = ['']; page.length; ) {
    page = (await read(viewer.customerId, after, 1)).map(({ id }) => id);
    items.push(...page);
    after = page.at(-1) ?? after;
  }

  expect(items).toEqual([entryId, ...rentals.map(({ rentalId }) => rentalId)].sort());
});

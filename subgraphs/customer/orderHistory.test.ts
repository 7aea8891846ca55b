/** The order history, on a real database, told by events as they come. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Arrived } from '#platform/apply.ts';
import { transaction } from '#platform/database.ts';
import { CustomerSubgraph, Rental, viewerOf } from '../../tests/customerSubgraph.ts';
import { arrived } from '../../tests/events.ts';
import { register } from './accounts.ts';

let service: CustomerSubgraph;
beforeAll(async () => {
  service = await CustomerSubgraph.open();
});
afterAll(() => service?.close());

const ORDER = `query ($id: ID!) { order(rentalId: $id) {
  id status statusSince deliveryStatus trackingUrl requestedAt dueAt quantity bookTitle bookId rental { id } book { id }
  timeline { type status deliveryStatus message occurredAt }
} }`;
const ORDERS = `query ($first: Int, $after: String, $filter: OrderFilter) { me { orders(first: $first, after: $after, filter: $filter) {
  edges { cursor node { id status bookTitle } } pageInfo { hasNextPage endCursor } totalCount
} } }`;

/** An account, so that `me` finds it. */
async function account(): Promise<string> {
  const mark = randomUUID();
  const details = {
    email: `${mark}@example.test`,
    name: 'A Reader',
    passwordHash: 'none',
    roles: ['CUSTOMER' as const],
  };
  const { id } = await transaction(service.orm.em, async (em) => register(em, details));
  return id;
}

const DUE = '2026-12-24T12:00:00.000Z';
/** From the request to the shelf, with a parcel each way. */
const wholeLife = (rental: Rental): Arrived[] => [
  rental.did('rental.requested', { total: null }),
  rental.did('rental.held', { reason: 'BOOK' }),
  rental.did('rental.resumed'),
  rental.did('rental.accepted', { total: { amount: 4500, currency: 'KRW' } }),
  rental.scanned('delivery.created'),
  rental.scanned('delivery.picked_up'),
  rental.did('rental.shipped'),
  rental.scanned('delivery.delivered'),
  rental.did('rental.loan_started', { dueAt: DUE }),
  rental.did('rental.return_requested'),
  rental.scanned('delivery.created', 'RETURN'),
  rental.scanned('delivery.picked_up', 'RETURN'),
  rental.did('rental.returning'),
  rental.scanned('delivery.delivered', 'RETURN'),
  rental.did('rental.returned'),
];

test('N6 an order tells its whole story from the read model alone', async () => {
  const customerId = randomUUID();
  const bookId = randomUUID();
  const rental = new Rental(customerId, { bookId, at: new Date('2026-11-01T00:00:00Z') });
  for (const event of wholeLife(rental)) await service.tell(event);

  const { order } = await service.data(ORDER, viewerOf(customerId), { id: rental.id });

  expect(order).toMatchObject({
    id: rental.id,
    status: 'RETURNED',
    deliveryStatus: 'DELIVERED',
    trackingUrl: expect.stringContaining('carrier.test'),
    requestedAt: '2026-11-01T00:00:01.000Z',
    dueAt: DUE,
    quantity: 1,
    bookTitle: null,
    rental: { id: rental.id },
    book: { id: bookId },
  });
  expect(order.timeline.map((entry: { type: string; status: string }) => [entry.type, entry.status])).toEqual([
    ['rental.requested', 'REQUESTED'],
    ['rental.held', 'ON_HOLD'],
    ['rental.resumed', 'REQUESTED'],
    ['rental.accepted', 'ACCEPTED'],
    ['delivery.created', 'ACCEPTED'],
    ['delivery.picked_up', 'ACCEPTED'],
    ['rental.shipped', 'SHIPPING'],
    ['delivery.delivered', 'SHIPPING'],
    ['rental.loan_started', 'ON_LOAN'],
    ['rental.return_requested', 'ON_LOAN'],
    ['delivery.created', 'ON_LOAN'],
    ['delivery.picked_up', 'ON_LOAN'],
    ['rental.returning', 'RETURNING'],
    ['delivery.delivered', 'RETURNING'],
    ['rental.returned', 'RETURNED'],
  ]);
});

const saved = (bookId: string, version: number, title: string) =>
  arrived(
    'book.saved',
    { id: bookId, version },
    {
      bookId,
      isbn: null,
      sourceId: null,
      title,
      authors: [],
      publisher: null,
      publishedYear: null,
      language: null,
      tags: [],
      status: 'LISTED',
      rentalFee: { amount: 1, currency: 'KRW' },
    },
  );

test('the title comes with the book, before or after the order', async () => {
  const customerId = await account();
  const bookId = randomUUID();
  const rental = new Rental(customerId, { bookId });
  await service.tell(rental.did('rental.requested', { total: null }));
  const title = async () => (await service.data(ORDER, viewerOf(customerId), { id: rental.id })).order.bookTitle;

  expect(await title()).toBeNull();
  await service.tell(saved(bookId, 1, 'Middlemarch'));
  expect(await title()).toBe('Middlemarch');
  await service.tell(saved(bookId, 2, 'Middlemarch, 100 % new'));
  expect(await title()).toBe('Middlemarch, 100 % new');

  const found = async (search: string) =>
    (await service.data(ORDERS, viewerOf(customerId), { filter: { search } })).me.orders.totalCount;
  expect(await found('MIDDLE')).toBe(1);
  expect(await found('100 %')).toBe(1);
  expect(await found('1_0')).toBe(0);
});

test('F6 customers see their own orders and only theirs, staff see all; that of another is null, the same as none', async () => {
  const [owner, stranger] = [viewerOf(), viewerOf()];
  const rental = new Rental(owner.customerId);
  await service.tell(rental.did('rental.requested', { total: null }));
  const ask = (viewer: Parameters<typeof service.ask>[1], id = rental.id) =>
    service.ask('query ($id: ID!) { order(rentalId: $id) { id status } }', viewer, { id });
  const seen = { data: { order: { id: rental.id, status: 'REQUESTED' } } };
  const nothing = { data: { order: null } };

  expect(await ask(owner)).toEqual(seen);
  expect(await ask(viewerOf(randomUUID(), 'STAFF'))).toEqual(seen);
  expect(await ask(viewerOf(randomUUID(), 'ADMIN'))).toEqual(seen);
  expect(await ask(stranger)).toEqual(nothing);
  expect(await ask(viewerOf(randomUUID(), 'COURIER'))).toEqual(nothing);
  expect(await ask(null)).toEqual(nothing);
  expect(await ask(owner, randomUUID())).toEqual(nothing);
  expect(await ask(owner, 'no id')).toEqual(nothing);
});

test('F6 the history, e-mail and addresses of another customer are refused, also to an entity reference', async () => {
  const customerId = await account();
  const source = `query ($ids: [_Any!]!) { _entities(representations: $ids) { ... on Customer { id email addresses { id } orders { totalCount } orderCursor } } }`;
  const representations = [{ __typename: 'Customer', id: customerId }];
  const ask = (viewer: Parameters<typeof service.ask>[1]) => service.ask(source, viewer, { ids: representations });

  const own = await ask(viewerOf(customerId));
  const others = await ask(viewerOf());

  expect(own.errors).toBeUndefined();
  expect(own.data?._entities[0]).toMatchObject({
    id: customerId,
    email: expect.any(String),
    addresses: [],
    orders: { totalCount: 0 },
  });
  expect(others.data?._entities).toEqual([
    { id: customerId, email: null, addresses: null, orders: null, orderCursor: null },
  ]);
  expect(others.errors?.map(({ extensions }) => extensions.code)).toEqual(Array(4).fill('FORBIDDEN'));
});

test('N6 the history comes in pages, newest first, each order once, however many were requested at the same moment', async () => {
  const customerId = await account();
  const at = new Date('2026-05-01T00:00:00Z');
  const rentals = Array.from(
    { length: 7 },
    (_, n) => new Rental(customerId, { at: n < 4 ? at : new Date('2026-05-02T00:00:00Z') }),
  );
  for (const rental of rentals) await service.tell(rental.did('rental.requested', { total: null }));
  await service.tell(rentals[0]?.did('rental.cancelled', { from: 'REQUESTED' }) as Arrived);

  const ids: string[] = [];
  let page = { hasNextPage: true, endCursor: null };
  while (page.hasNextPage) {
    const variables = { first: 3, after: page.endCursor };
    const { orders } = (await service.data(ORDERS, viewerOf(customerId), variables)).me;
    expect(orders.totalCount).toBe(7);
    ids.push(...orders.edges.map(({ node }: { node: { id: string } }) => node.id));
    page = orders.pageInfo;
  }
  const filtered = async (filter: object) =>
    (await service.data(ORDERS, viewerOf(customerId), { filter })).me.orders.totalCount;

  expect(ids).toHaveLength(7);
  expect(new Set(ids.slice(0, 3))).toEqual(new Set(rentals.slice(4).map(({ id }) => id)));
  expect(new Set(ids.slice(3))).toEqual(new Set(rentals.slice(0, 4).map(({ id }) => id)));
  expect(await filtered({ status: ['CANCELLED'] })).toBe(1);
  expect(await filtered({ status: ['REQUESTED', 'CANCELLED'], to: '2026-05-02T00:00:00Z' })).toBe(4);
  expect(await filtered({ from: '2026-05-02T00:00:00Z' })).toBe(3);
});

test('N6 filters take orders out of the pages and leave the others in their order; lists of one request do not mix', async () => {
  const customerId = await account();
  const [wanted, other] = [randomUUID(), randomUUID()];
  await service.tell(saved(wanted, 1, 'The Mill on the Floss'));
  await service.tell(saved(other, 1, 'Silas Marner'));
  const rentals = Array.from({ length: 18 }, (_, n) => {
    const at = new Date(Date.UTC(2026, 4, 1 + Math.floor(n / 4))); // some at the same moment
    return new Rental(customerId, { bookId: n % 3 ? wanted : other, at });
  });
  for (const [n, rental] of rentals.entries()) {
    await service.tell(rental.did('rental.requested', { total: null }));
    if (n % 2) await service.tell(rental.did('rental.cancelled', { from: 'REQUESTED' }));
    else if (n % 4) await service.tell(rental.did('rental.rejected', { code: 'OUT_OF_STOCK' }));
  }
  const walk = async (filter: object): Promise<string[]> => {
    const ids: string[] = [];
    let page: { hasNextPage: boolean; endCursor: string | null } = { hasNextPage: true, endCursor: null };
    while (page.hasNextPage) {
      const { orders } = (await service.data(ORDERS, viewerOf(customerId), { first: 2, after: page.endCursor, filter }))
        .me;
      ids.push(...orders.edges.map(({ node }: { node: { id: string } }) => node.id));
      expect(orders.edges.length).toBeGreaterThan(0);
      page = orders.pageInfo;
    }
    return ids;
  };

  const all = await walk({});
  const where = (holds: (n: number) => boolean) => all.filter((id) => holds(rentals.findIndex((one) => one.id === id)));

  expect(all).toHaveLength(18);
  expect(await walk({ status: ['CANCELLED', 'REQUESTED', 'CANCELLED'] })).toEqual(where((n) => n % 4 !== 2));
  expect(await walk({ search: 'mill' })).toEqual(where((n) => n % 3 !== 0));
  expect(await walk({ search: 'MARNER', status: ['REJECTED', 'REQUESTED'], from: '2026-05-02T00:00:00Z' })).toEqual(
    where((n) => n % 3 === 0 && n % 2 === 0 && n >= 4),
  );
  const { me } = await service.data(
    `{ me {
      newest: orders(first: 1) { totalCount edges { node { id } } }
      cancelled: orders(filter: { status: [CANCELLED] }) { totalCount edges { node { id } } }
      none: orders(filter: { status: [] }) { totalCount edges { node { id } } }
    } }`,
    viewerOf(customerId),
  );
  const idsOf = ({ edges }: { edges: { node: { id: string } }[] }) => edges.map(({ node }) => node.id);
  expect(me.newest).toMatchObject({ totalCount: 18, edges: [{ node: { id: all[0] } }] });
  expect(me.cancelled.totalCount).toBe(9);
  expect(idsOf(me.cancelled)).toEqual(where((n) => n % 2 === 1));
  expect(me.none).toEqual({ totalCount: 0, edges: [] });
});

test('N7 events twice, late or in another order between aggregates: the read model ends the same', async () => {
  const at = new Date('2026-11-01T00:00:00Z');
  /** The story without what is this run's alone. */
  const told = async (events: Arrived[], rental: Rental, customerId: string) => {
    for (const event of events) await service.tell(event);
    const { order } = await service.data(ORDER, viewerOf(customerId), { id: rental.id });
    const { id: _, bookId: _b, rental: _r, book: _k, trackingUrl, ...story } = order;
    return { ...story, tracked: Boolean(trackingUrl) };
  };
  const inOrder = viewerOf();
  const plain = new Rental(inOrder.customerId, { at });
  const expected = await told(wholeLife(plain), plain, inOrder.customerId);

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(2), { minLength: 60, maxLength: 60 }),
      fc.array(fc.nat(20), { maxLength: 10 }),
      async (picks, repeats) => {
        const { customerId } = viewerOf();
        const rental = new Rental(customerId, { at });
        const shuffled = interleaved(wholeLife(rental), picks);
        const withRepeats = repeats.reduce(
          (events, n) => events.toSpliced(n + 1, 0, ...events.slice(n, n + 1)),
          shuffled,
        );

        expect(await told(withRepeats, rental, customerId)).toEqual(expected);
      },
    ),
    { numRuns: 20 },
  );
}, 60_000);

/** The same events, each aggregate's in its order, those of different ones in any. */
function interleaved(events: Arrived[], picks: number[]): Arrived[] {
  const queues = [...Map.groupBy(events, ({ event }) => event.subject).values()];
  return events.map((_, n) => {
    const waiting = queues.filter((queue) => queue.length);
    return waiting[(picks[n] ?? 0) % waiting.length]?.shift() as Arrived; // as many as there are events
  });
}

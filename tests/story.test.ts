/** The main job, end to end, as a client of real processes: search, rent, watch the order live until it is delivered, cancel another. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addBook, type Client, eventually, rentalOf, requestRental, signIn, stockOf, type Watch } from './client.ts';
import { type System, startSystem } from './system.ts';

/** What a program of the shop's is told that customers are to be told. */
const notifications: { kind: string; rentalId: string; refund: object | null }[] = [];
const program = createServer(async (request, response) => {
  notifications.push(JSON.parse((await request.toArray()).join('')));
  response.writeHead(204).end();
});

let system: System;
beforeAll(async () => {
  await new Promise<void>((resolve) => void program.listen(0, '127.0.0.1', resolve));
  system = await startSystem({
    SANDBOX_CARRIER_STEP_MS: '400',
    NOTIFY_WEBHOOK_URL: `http://127.0.0.1:${(program.address() as AddressInfo).port}`,
    NOTIFY_WEBHOOK_SECRET: 'the secret between the shop and its program',
  });
}, 90_000);
afterAll(async () => {
  await system?.stop();
  program.closeAllConnections();
  program.close();
});

const ORDER_STATUS = `subscription {
  orderStatus {
    cursor status previousStatus message
    order {
      id bookTitle
      customer { id email }
      book { title stock { available } }
      rental { status payment { status } deliveries { direction status trackingEvents { status } } }
    }
  }
}`;
const HISTORY =
  '{ me { orders(first: 20) { edges { node { id status bookTitle deliveryStatus timeline { status deliveryStatus } } } } } }';
const CANCEL =
  'mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { rental { status } userErrors { message } } }';

interface OrderStatus {
  cursor: string;
  status: string;
  previousStatus: string | null;
  order: {
    id: string;
    bookTitle: string;
    customer: { email: string };
    book: { title: string };
    rental: { status: string; deliveries: { direction: string }[] };
  };
}

/** What the subscription told of one order. */
function told(watch: Watch, rentalId: string): OrderStatus[] {
  const faults = watch.results.flatMap(({ errors }) => errors ?? []);
  expect(faults).toEqual([]);
  return watch.results.map(({ data }) => data.orderStatus).filter(({ order }) => order.id === rentalId);
}
const statuses = (watch: Watch, rentalId: string) => told(watch, rentalId).map(({ status }) => status);

async function findByTitle(client: Client, title: string): Promise<string> {
  const { books } = await client.data(
    'query ($search: String!) { books(search: $search) { edges { node { id title } } } }',
    { search: title },
  );
  return books.edges[0].node.id;
}

test('a reader finds a book, rents it, watches the order until it is delivered, and cancels another', async () => {
  const [reader, staff] = await Promise.all([
    signIn(system.url, 'reader@demo.test'),
    signIn(system.url, 'staff@demo.test'),
  ]);
  await addBook(staff, 3, { title: 'The Story of the First Order' });
  await addBook(staff, 3, { title: 'The Story of the Second Order' });
  const watch = reader.watch(ORDER_STATUS);

  const first = await findByTitle(reader, 'story first order');
  const { rental } = await requestRental(reader, first);
  expect(rental.status).toBe('ACCEPTED');
  expect((await stockOf(reader, first)).available).toBe(2);

  await eventually(
    () => statuses(watch, rental.id),
    (seen) => seen.includes('ON_LOAN'),
  );
  expect(statuses(watch, rental.id)).toEqual(['REQUESTED', 'ACCEPTED', 'SHIPPING', 'ON_LOAN']);
  const events = told(watch, rental.id);
  expect(new Set(events.map(({ cursor }) => cursor)).size).toBe(events.length);
  expect(events.map(({ previousStatus }) => previousStatus)).toEqual([null, 'REQUESTED', 'ACCEPTED', 'SHIPPING']);
  expect(events.at(-1)?.order).toMatchObject({
    bookTitle: 'The Story of the First Order',
    customer: { email: 'reader@demo.test' },
    book: { title: 'The Story of the First Order', stock: { available: 2 } },
    rental: { status: 'ON_LOAN', deliveries: [{ direction: 'OUTBOUND', status: 'DELIVERED' }] },
  });

  const { me } = await reader.data(HISTORY);
  const order = me.orders.edges
    .map(({ node }: { node: { id: string } }) => node)
    .find(({ id }: { id: string }) => id === rental.id);
  expect(order).toMatchObject({
    status: 'ON_LOAN',
    deliveryStatus: 'DELIVERED',
    bookTitle: 'The Story of the First Order',
  });

  const second = await findByTitle(reader, 'story second order');
  const other = (await requestRental(reader, second)).rental;
  await eventually(
    () => statuses(watch, other.id),
    (seen) => seen.includes('SHIPPING'),
  );
  expect((await reader.data(CANCEL, { id: other.id })).cancelRental).toEqual({
    rental: { status: 'CANCELLED' },
    userErrors: [],
  });

  const settled = await eventually(
    () => rentalOf(reader, other.id),
    ({ pendingCompensations, payment }) => pendingCompensations.length === 0 && payment.status !== 'CAPTURED',
  );
  expect(settled).toMatchObject({
    deliveries: [{ direction: 'OUTBOUND', status: 'STOPPED' }],
    payment: { status: 'REFUNDED' },
  });
  expect((await stockOf(reader, second)).available).toBe(3);
  await eventually(
    () => statuses(watch, other.id),
    (seen) => seen.includes('CANCELLED'),
  );
  expect(statuses(watch, other.id)).toEqual(['REQUESTED', 'ACCEPTED', 'SHIPPING', 'CANCELLED']);
  await watch.stop();

  const refunds = await eventually(
    () => notifications.filter(({ kind }) => kind === 'REFUNDED'),
    (seen) => seen.length > 0,
  );
  expect(refunds).toMatchObject([{ rentalId: other.id, refund: { of: 'PAYMENT' } }]);
  const once = notifications.map(({ kind, rentalId }) => `${kind} ${rentalId}`);
  expect(new Set(once).size).toBe(once.length);
}, 60_000);

const MAIN = `query ($bookId: ID!, $rentalId: ID!) {
  book(id: $bookId) { title stock { available } }
  rental(id: $rentalId) { status book { title } customer { name } deliveries { status } }
  order(rentalId: $rentalId) { status bookTitle book { title } rental { status } }
  me { email orders { edges { node { id } } } }
}`;

test.each([
  [
    'book',
    {
      book: null,
      rental: {
        status: expect.any(String),
        book: null,
        customer: { name: expect.any(String) },
        deliveries: expect.any(Array),
      },
      order: { status: expect.any(String), book: null },
      me: { email: 'reader@demo.test' },
    },
  ],
  [
    'rental',
    {
      book: { title: expect.any(String) },
      rental: null,
      order: { status: expect.any(String), book: { title: expect.any(String) }, rental: null },
      me: { email: 'reader@demo.test' },
    },
  ],
  [
    'delivery',
    {
      book: { title: expect.any(String) },
      rental: { status: expect.any(String), deliveries: null },
      order: { status: expect.any(String) },
      me: { email: 'reader@demo.test' },
    },
  ],
  [
    'customer',
    {
      book: { title: expect.any(String) },
      rental: { status: expect.any(String), customer: { name: null }, deliveries: expect.any(Array) },
      order: null,
      me: null,
    },
  ],
] as const)(
  'with %s down the main queries answer all the rest',
  async (service, expected) => {
    const [reader, staff] = await Promise.all([
      signIn(system.url, 'reader@demo.test'),
      signIn(system.url, 'staff@demo.test'),
    ]);
    const bookId = await addBook(staff, 1);
    const { rental } = await requestRental(reader, bookId);
    await eventually(
      () => reader.ask(MAIN, { bookId, rentalId: rental.id }),
      ({ data, errors }) => !errors && data.order?.bookTitle !== null && data.rental.deliveries.length === 1,
    );

    await system.pause(service);
    try {
      const { data, errors } = await reader.ask(MAIN, { bookId, rentalId: rental.id });
      expect(data).toMatchObject(expected);
      expect(new Set(errors?.map(({ extensions }) => extensions?.code))).toEqual(new Set(['SERVICE_UNAVAILABLE']));
    } finally {
      await system.resume(service);
    }
  },
  60_000,
);

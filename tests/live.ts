/** What the tests of live order status share: changes on demand, and what a follower must have been told. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { cursorOf } from '../subgraphs/customer/customer.ts';
import { type Answer, addBook, type Client, clientOf, eventually, REQUEST, rentalInput, signIn } from './client.ts';
import { type Follower, follow, type Told, transports } from './followers.ts';
import type { System } from './system.ts';

/** The position before a customer's first change. */
export const beginningOf = (customerId: string): string => cursorOf({ customerId, number: 0 });

/** Writes the next changes into a customer's log, in one transaction; they are seen within a second, as if the bell had been lost. */
export const appendChanges = (
  system: System,
  customerId: string,
  count: number,
  message = 'A change.',
): Promise<unknown> =>
  system.query(
    'customer',
    `WITH log AS (
       INSERT INTO order_log VALUES ($1, $3::int)
       ON CONFLICT (customer_id) DO UPDATE SET last = order_log.last + $3::int RETURNING last)
     INSERT INTO order_event (customer_id, number, rental_id, aggregate, version, type, status, previous_status, message, occurred_at)
     SELECT $1, n, $2::uuid, 'rental-' || $2::text, n, 'rental.held', CASE n % 2 WHEN 0 THEN 'ON_HOLD' ELSE 'REQUESTED' END,
       CASE n % 2 WHEN 0 THEN 'REQUESTED' ELSE 'ON_HOLD' END, $4, now()
     FROM log, generate_series(log.last - $3::int + 1, log.last) AS n`,
    [customerId, randomUUID(), count, message],
  );

/** All changes of status that the customer's log has, oldest first. */
export async function changesOf(system: Pick<System, 'query'>, customerId: string): Promise<Told[]> {
  const rows = await system.query<{ number: number; rental_id: string; status: string }>(
    'customer',
    `SELECT number, rental_id, status FROM order_event
     WHERE customer_id = $1 AND status IS DISTINCT FROM previous_status ORDER BY number`,
    [customerId],
  );
  return rows.map(({ number, rental_id, status }) => ({
    cursor: cursorOf({ customerId, number }),
    rentalId: rental_id,
    status,
  }));
}

export interface LiveSocket {
  socket: WebSocket;
  /** What the subscription has brought so far. */
  answers: Answer[];
  send(message: object): void;
}

/** A subscription on a bare socket, which a test can stop reading. Resolves when it is acknowledged that there is an account. */
export async function openLiveSocket(
  url: string,
  token: string,
  query: string,
  variables: object = {},
): Promise<LiveSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const answers: Answer[] = [];
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data)) as { type: string; payload: Answer };
    if (type === 'next') answers.push(payload);
  });
  const send = (message: object) => socket.send(JSON.stringify(message));
  await once(socket, 'open');
  send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  await once(socket, 'message');
  send({ type: 'subscribe', id: '1', payload: { query, variables } });
  return { socket, answers, send };
}

/** In turn; a service that a follower is connected to, directly or not, and the broker between them. */
const VICTIMS = ['customer', 'nats', 'router', 'rental'] as const;
const KILL_EVERY_MS = 2500;
const BREAK_EVERY_MS = 1000;

const PATIENCE_MS = 60_000;

interface Customer {
  customerId: string;
  client: Client;
  followers: Follower[];
  /** Rentals that he was told of. */
  acknowledged: string[];
}

interface Followed extends Customer {
  changes: Told[];
}

/**
 * Customers rent and cancel while processes are killed; each is followed over both transports, and every connection is broken
 * once a second. Resolves when all has come to rest, with what each was told and should have been.
 */
export async function reconnectFor(system: System, ms: number): Promise<Followed[]> {
  const bookId = await addBook(await signIn(system.url, 'staff@demo.test'), 1000);
  const customers = await Promise.all([1, 2, 3].map(() => newCustomer(system)));
  const until = Date.now() + ms;

  await Promise.all([
    killInTurn(system, until),
    breakConnections(
      customers.flatMap(({ followers }) => followers),
      until,
    ),
    ...customers.map((customer) => rentAndCancel(customer, bookId, until)),
  ]);

  for (const customer of customers) await whenQuiet(system, customer);
  await Promise.all(customers.flatMap(({ followers }) => followers.map((follower) => follower.stop())));
  return Promise.all(
    customers.map(async (customer) => ({ ...customer, changes: await changesOf(system, customer.customerId) })),
  );
}

/** So many rentals acknowledged, and connections broken, at least: what a run that disturbed nobody would not show. */
export function expectNothingMissed(
  customers: Followed[],
  atLeast: { acknowledged: number; reconnects: number },
): void {
  for (const { acknowledged, changes, followers } of customers) {
    expect(acknowledged.length).toBeGreaterThan(atLeast.acknowledged);
    const requested = changes.filter(({ status }) => status === 'REQUESTED').map(({ rentalId }) => rentalId);
    expect(requested).toEqual(expect.arrayContaining(acknowledged));
    for (const { told, faults, reconnects } of followers) {
      expect(told()).toEqual(changes);
      expect(faults).toEqual([]);
      expect(reconnects).toBeGreaterThan(atLeast.reconnects);
    }
  }
}

async function newCustomer(system: System): Promise<Customer> {
  const customerId = randomUUID();
  const token = await system.tokenOf(customerId);
  const followers = transports.map((transport) => follow(transport, system.url, token, beginningOf(customerId)));
  return { customerId, client: clientOf(system.url, token), followers, acknowledged: [] };
}

async function killInTurn(system: System, until: number): Promise<void> {
  for (let turn = 0; Date.now() < until; turn++) {
    await sleep(KILL_EVERY_MS);
    system.kill(VICTIMS[turn % VICTIMS.length] ?? 'customer');
  }
}

async function breakConnections(followers: Follower[], until: number): Promise<void> {
  while (Date.now() < until) {
    await sleep(BREAK_EVERY_MS);
    await Promise.all(followers.map((follower) => follower.drop()));
  }
}

const CANCEL = 'mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { userErrors { message } } }';

/** One rental after the other, every second one cancelled; what is not answered is let go. */
async function rentAndCancel({ client, acknowledged }: Customer, bookId: string, until: number): Promise<void> {
  while (Date.now() < until) {
    const answer = await client.ask(REQUEST, { input: rentalInput(bookId) }).catch(() => null);
    const id = answer?.data?.requestRental?.rental?.id;
    if (id) acknowledged.push(id);
    if (id && acknowledged.length % 2) await client.ask(CANCEL, { id }).catch(() => null);
    await sleep(50);
  }
}

interface OrderState {
  id: string;
  status: string;
}

/** Resolves when every rental is decided, the order history has it as Rental has it, and there was time to be told of it. */
async function whenQuiet(system: System, { customerId, followers }: Customer): Promise<void> {
  await eventually(
    async () => ({
      rentals: await system.query<OrderState>('rental', STATES('rental'), [customerId]),
      orders: await system.query<OrderState>('customer', STATES('customer_order'), [customerId]),
    }),
    ({ rentals, orders }) =>
      JSON.stringify(rentals) === JSON.stringify(orders) &&
      rentals.every(({ status }) => status !== 'REQUESTED' && status !== 'ON_HOLD'),
    PATIENCE_MS,
  );
  const { length } = await changesOf(system, customerId);
  await eventually(() => followers.every((follower) => follower.told().length >= length), Boolean, PATIENCE_MS).catch(
    () => {},
  ); // what they were not told is for the test to say
}

const STATES = (table: string) => `SELECT id, status FROM ${table} WHERE customer_id = $1 ORDER BY id`;

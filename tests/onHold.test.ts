/** Overload and outages: requests wait instead of failing, nothing is lost, and everybody has a turn (보류). */
import pLimit from 'p-limit';
import {
  type Answer,
  addBook,
  type Client,
  eventually,
  REQUEST,
  rentalInput,
  rentalOf,
  requestRental,
  signIn,
  stockOf,
} from './client.ts';
import { type System, startSystem } from './system.ts';

/** The bank does a hundred authorisations a second. Parcels stay where they are. */
const settings = {
  ADMISSION_LIMIT: '20',
  ADMISSION_TARGET_MS: '60000', // other tests keep the machine busy, and the limit is not to follow that
  SANDBOX_PAYMENT_SLOTS: '10',
  SANDBOX_PAYMENT_DELAY_MS: '100',
  SANDBOX_CARRIER_STEP_MS: '3600000',
};

let system: System;
let staff: Client;
beforeAll(async () => {
  system = await startSystem(settings);
  staff = await signIn(system.url, 'staff@demo.test');
}, 90_000);
afterAll(() => system?.stop());

const ADMISSION = '{ admission { state limit inFlight onHold oldestHeldSince } }';
const admission = async () => (await staff.data(ADMISSION)).admission;

const statusesOf = async (bookId: string): Promise<Record<string, number>> => {
  const rows = await system.query<{ status: string; count: number }>(
    'rental',
    'SELECT status, count(*)::int AS count FROM rental WHERE book_id = $1 GROUP BY status',
    [bookId],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
};

/** Whose held requests of a book were resumed, in that order, each with its number in the order of arrival. */
const resumedOf = (bookId: string) =>
  system.query<{ customer: string; number: number }>(
    'rental',
    `SELECT r.customer_id AS customer, r.number::int AS number FROM outbox o JOIN rental r ON r.id = (o.payload->>'subject')::uuid
     WHERE r.book_id = $1 AND o.payload->>'type' = 'rentabook.rental.resumed.v1' ORDER BY o.id`,
    [bookId],
  );

/**
 * Twice what is settled at once, so that some have to wait; with a hundred at once and chaos beside it an answer was seen to
 * take 3.7 s on two cores, and on a slower machine more than the router's 10.
 */
const atOnce = pLimit(40);

/** What became of the requests for a book, once nothing waits any more. */
async function decided(bookId: string): Promise<Record<string, number>> {
  await eventually(
    () => admission().catch(() => null), // the service may be starting again
    (found) => found?.onHold === 0 && found.inFlight === 0,
    60_000,
  );
  // Of a process that died the leases run out first; then what it was deciding is taken over.
  return eventually(
    () => statusesOf(bookId),
    ({ REQUESTED = 0, ON_HOLD = 0 }) => REQUESTED + ON_HOLD === 0,
    60_000,
  );
}

test('N2 500 copies under 255 clients sell exactly 500', async () => {
  const bookId = await addBook(staff, 500);
  const customers = await system.newCustomers(255);

  const requests = customers.flatMap((customer) => [1, 2, 3].map(() => customer));
  await Promise.all(requests.map((customer) => atOnce(() => requestRental(customer, bookId))));

  expect(await decided(bookId)).toEqual({ ACCEPTED: 500, REJECTED: 265 });
  expect(await stockOf(staff, bookId)).toEqual({ owned: 500, available: 0, reserved: 500, out: 0, inspecting: 0 });
}, 120_000);

test('N4 a burst of 500 on a limit of 20 is answered without an error, and all of it is decided after a kill -9 in the middle, in the order promised', async () => {
  const bookId = await addBook(staff, 1000);
  const [greedy, ...modest] = await system.newCustomers(301);
  if (!greedy) throw new Error('There are no customers');
  const ask = (client: Client) => atOnce(() => client.ask(REQUEST, { input: rentalInput(bookId) }));

  const burst = [...Array.from({ length: 200 }, () => greedy), ...modest];
  const answers: Answer[] = await Promise.all(burst.map(ask));
  const held = await admission();
  system.kill('rental');
  const outcome = await decided(bookId);

  expect(answers.filter(({ errors }) => errors)).toEqual([]);
  const rentals = answers.map(({ data }) => data.requestRental.rental);
  // One that was held may have been resumed before its answer was read: requested, held, resumed is version 3.
  const told = rentals.map(({ status, version }) => (status === 'REQUESTED' && version === 3 ? 'ON_HOLD' : status));
  expect(new Set(told)).toEqual(new Set(['ACCEPTED', 'ON_HOLD']));
  expect(held).toMatchObject({ state: 'HOLDING', limit: 20, oldestHeldSince: expect.any(String) });
  expect(held.onHold).toBeGreaterThan(0); // so the kill met some of them
  expect(held.inFlight).toBeLessThanOrEqual(20);
  expect(outcome).toEqual({ ACCEPTED: 500 });
  const authorised = await system.query<{ count: number }>(
    'sandbox',
    `SELECT count(*)::int AS count FROM payment_intent WHERE status = 'requires_capture' AND metadata->>'rentalId' = ANY($1)
     GROUP BY metadata->>'rentalId'`,
    [rentals.map(({ id }) => id)],
  );
  expect(authorised).toEqual(Array.from({ length: 500 }, () => ({ count: 1 })));

  const resumed = Map.groupBy(await resumedOf(bookId), ({ customer }) => customer);
  for (const [, turns] of resumed) expect(turns).toEqual(turns.toSorted((a, b) => a.number - b.number));
}, 120_000);

test('N4 a customer with one request is served in the first round, although another has 200', async () => {
  const bookId = await addBook(staff, 1000);
  const [greedy, modest] = await system.newCustomers(2);
  if (!greedy || !modest) throw new Error('There are no customers');
  const ask = (client: Client) => atOnce(() => requestRental(client, bookId));

  await system.pause('sandbox'); // so that nobody is served meanwhile
  await Promise.all(Array.from({ length: 200 }, () => ask(greedy)));
  const { rental } = await ask(modest);
  const { holdPosition } = await rentalOf(modest, rental.id);
  await system.resume('sandbox');

  expect(rental.status).toBe('ON_HOLD');
  expect(holdPosition).toBe(2); // after the one request of the other that is in the same round
  expect(await decided(bookId)).toEqual({ ACCEPTED: 201 });
  const order = await resumedOf(bookId);
  const [{ customer } = { customer: '' }] = order.toSorted((a, b) => b.number - a.number);
  expect(order.findIndex((turn) => turn.customer === customer)).toBeLessThan(20);
}, 120_000);

describe.each([
  ['Book', 'book', 'BOOK'],
  ['the provider', 'sandbox', 'PAYMENT'],
  ['NATS', 'nats', 'BOOK'],
] as const)('with %s down', (_, part, reason) => {
  test('requests are held, and decided when it is back', async () => {
    const bookId = await addBook(staff, 10);
    const customers = await system.newCustomers(5);

    await system.pause(part);
    const answers = await Promise.all(customers.map((customer) => requestRental(customer, bookId)));
    const waiting = await admission();
    const reasons = await system.query<{ reason: string }>(
      'rental',
      'SELECT DISTINCT hold_reason AS reason FROM rental WHERE book_id = $1',
      [bookId],
    );
    await system.resume(part);

    expect(answers.map(({ rental }) => rental.status)).toEqual(customers.map(() => 'ON_HOLD'));
    expect(waiting).toMatchObject({ state: 'HOLDING', onHold: 5 });
    expect(reasons).toEqual([{ reason }]);
    expect(await decided(bookId)).toEqual({ ACCEPTED: 5 });
    expect(await stockOf(staff, bookId)).toMatchObject({ available: 5, reserved: 5 });
  }, 60_000);
});

const CANCEL =
  'mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { rental { status pendingCompensations } userErrors { code } } }';

test('N5 with Book down a cancel is CANCELLED at once, the release is owed, and the copy is back exactly once after Book is', async () => {
  const bookId = await addBook(staff, 1);
  const [customer] = await system.newCustomers(1);
  if (!customer) throw new Error('There are no customers');
  const { rental } = await requestRental(customer, bookId);
  await eventually(
    () => rentalOf(customer, rental.id),
    ({ deliveries }) => deliveries?.length === 1,
  );

  await system.pause('book');
  const answers = await Promise.all([1, 2, 3].map(() => customer.data(CANCEL, { id: rental.id })));
  const owing = await eventually(
    () => rentalOf(customer, rental.id),
    ({ pendingCompensations }) => pendingCompensations.length === 1, // the parcel is stopped and the money given back
  );
  await system.resume('book');
  const settled = await eventually(
    () => rentalOf(customer, rental.id),
    ({ pendingCompensations }) => pendingCompensations.length === 0,
  );

  for (const { cancelRental } of answers) {
    expect(cancelRental).toMatchObject({ rental: { status: 'CANCELLED' }, userErrors: [] });
    expect(cancelRental.rental.pendingCompensations).toContain('STOCK_RELEASE');
  }
  expect(owing.pendingCompensations).toEqual(['STOCK_RELEASE']);
  expect(settled).toMatchObject({ status: 'CANCELLED', payment: { status: 'VOIDED' } });
  expect(await stockOf(staff, bookId)).toEqual({ owned: 1, available: 1, reserved: 0, out: 0, inspecting: 0 });
  const movements = await system.query<{ type: string }>(
    'book',
    'SELECT type FROM stock_movement WHERE rental_id = $1 ORDER BY id',
    [rental.id],
  );
  expect(movements).toEqual([{ type: 'RESERVE' }, { type: 'RELEASE' }]);
}, 60_000);

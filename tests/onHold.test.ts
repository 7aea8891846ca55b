/** Overload and outages: requests wait instead of failing, nothing is lost, and everybody has a turn (보류). */
import {
  type Answer,
  addBook,
  type Client,
  eventually,
  REQUEST,
  rentalInput,
  requestRental,
  signIn,
  stockOf,
} from './client.ts';
import { type System, startSystem } from './system.ts';

/** The bank does a hundred authorisations a second. Parcels stay where they are. */
const settings = {
  ADMISSION_LIMIT: '20',
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
const allDecided = () => eventually(admission, ({ onHold, inFlight }) => onHold === 0 && inFlight === 0, 60_000);

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
    `SELECT r.customer_id AS customer, r.number::int AS number FROM outbox o JOIN rental r ON r.id = o.payload->>'subject'::uuid
     WHERE r.book_id = $1 AND o.payload->>'type' = 'rentabook.rental.resumed.v1' ORDER BY o.id`.replace(
      "o.payload->>'subject'::uuid",
      "(o.payload->>'subject')::uuid",
    ),
    [bookId],
  );

test('N2 500 copies under 255 clients sell exactly 500', async () => {
  const bookId = await addBook(staff, 500);
  const customers = await system.newCustomers(255);

  await Promise.all(customers.flatMap((customer) => [1, 2, 3].map(() => requestRental(customer, bookId))));
  await allDecided();

  expect(await statusesOf(bookId)).toEqual({ ACCEPTED: 500, REJECTED: 265 });
  expect(await stockOf(staff, bookId)).toEqual({ owned: 500, available: 0, reserved: 500, out: 0, inspecting: 0 });
}, 120_000);

test('N4 a burst of 500 on a limit of 20 is answered without an error, and all of it is decided after a kill -9 in the middle, in the order promised', async () => {
  const bookId = await addBook(staff, 1000);
  const [greedy, ...modest] = await system.newCustomers(301);
  if (!greedy) throw new Error('There are no customers');
  const ask = (client: Client) => client.ask(REQUEST, { input: rentalInput(bookId) });

  const first = Array.from({ length: 200 }, () => ask(greedy));
  const answers: Answer[] = await Promise.all([...first, ...modest.map(ask)]);
  const held = await admission();
  await eventually(
    () => statusesOf(bookId),
    ({ ACCEPTED = 0 }) => ACCEPTED >= 150,
  );
  system.kill('rental');
  await eventually(
    () => admission().catch(() => null),
    (found) => found?.onHold === 0 && found.inFlight === 0,
    60_000,
  );

  expect(answers.filter(({ errors }) => errors)).toEqual([]);
  const statuses = answers.map(({ data }) => data.requestRental.rental.status);
  expect(new Set(statuses)).toEqual(new Set(['ACCEPTED', 'ON_HOLD']));
  expect(held).toMatchObject({ state: 'HOLDING', limit: 20, oldestHeldSince: expect.any(String) });
  expect(held.inFlight).toBeLessThanOrEqual(20);
  expect(await statusesOf(bookId)).toEqual({ ACCEPTED: 500 });
  const authorised = await system.query<{ count: number }>(
    'sandbox',
    `SELECT count(*)::int AS count FROM payment_intent WHERE status = 'requires_capture' AND metadata->>'rentalId' = ANY($1)
     GROUP BY metadata->>'rentalId'`,
    [answers.map(({ data }) => data.requestRental.rental.id)],
  );
  expect(authorised).toEqual(Array.from({ length: 500 }, () => ({ count: 1 })));

  const resumed = await resumedOf(bookId);
  const byCustomer = Map.groupBy(resumed, ({ customer }) => customer);
  for (const [, turns] of byCustomer) expect(turns).toEqual(turns.toSorted((a, b) => a.number - b.number));
  const most = [...byCustomer.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
  const lastModest = resumed.findLastIndex(({ customer }) => customer !== most[0]?.customer);
  const before = resumed.slice(0, lastModest).filter(({ customer }) => customer === most[0]?.customer).length;
  process.stderr.write(`greedy ${most.length}, before the last modest ${before}, resumed ${resumed.length}\n`);
}, 120_000);

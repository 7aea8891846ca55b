/** How requests become rentals, on a real database: many in one transaction, let in or held, known again, turned away, expired. */
import { randomUUID } from 'node:crypto';
import { readConfig } from '#platform/config.ts';
import { type Orm, query } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { deliverTo, eventually } from '../../tests/client.ts';
import { createDatabase } from '../../tests/services.ts';
import { type Admission, openAdmission } from './admission.ts';
import { rentalDatabase } from './database.ts';
import { startExpiry } from './drain.ts';
import { createTake, type Take } from './intake.ts';
import { watchOutages } from './outages.ts';
import { policyOf, policySettings } from './policy.ts';
import { createPositions } from './positions.ts';

const log = createLog('test', 'silent');
const policy = policyOf(readConfig(policySettings, {}));
const LEASE_MS = 60_000;
const HOLD_LIMIT = 30;
const answers = async () => true;

let orm: Orm;
let admission: Admission;
let take: Take;
beforeEach(async () => {
  orm = await openServiceDatabase({ ...rentalDatabase, url: await createDatabase('rental'), log });
  const em = () => orm.em.fork();
  const outages = watchOutages({ BOOK: answers, PAYMENT: answers });
  admission = await openAdmission({ em, outages, cap: 3, targetMs: 2000, holdLimit: HOLD_LIMIT, log });
  take = createTake({ em, admission, policy, leaseMs: LEASE_MS });
});
afterEach(async () => {
  await admission?.stop();
  await orm?.close();
});

const request = (more: object = {}) => ({
  idempotencyKey: randomUUID(),
  bookId: randomUUID(),
  quantity: 1,
  paymentMethod: 'pm_card_visa',
  deliverTo: { ...deliverTo, line2: null, phone: null },
  ...more,
});
const rows = <Row>(sql: string, values: unknown[] = []) => query<Row>(orm.em.fork(), sql, values);
const count = async (sql: string) =>
  (await rows<{ count: number }>(`SELECT count(*)::int AS count FROM ${sql}`))[0]?.count;

test('as many as there is room for are let in under a lease, the others are held with their turn; each tells it by its events', async () => {
  const customers = Array.from({ length: 5 }, () => randomUUID());

  const taken = await Promise.all(customers.map((customer) => take(customer, request())));

  expect(taken.map(({ place }) => place)).toEqual(['LET_IN', 'LET_IN', 'LET_IN', 'HELD', 'HELD']);
  expect(await admission.read(orm.em.fork())).toMatchObject({ state: 'HOLDING', limit: 3, inFlight: 3, onHold: 2 });
  const events = await rows<{ type: string; id: string }>(
    `SELECT payload->>'type' AS type, payload->>'subject' AS id FROM outbox ORDER BY outbox.id`,
  );
  const typesOf = (id = '') => events.filter((event) => event.id === id).map(({ type }) => type);
  expect(typesOf(taken[0]?.id)).toEqual(['rentabook.rental.requested.v1']);
  expect(typesOf(taken[4]?.id)).toEqual(['rentabook.rental.requested.v1', 'rentabook.rental.held.v1']);
  const positions = createPositions(() => orm.em.fork());
  expect(await Promise.all(taken.map(({ id }) => positions(id)))).toEqual([null, null, null, 1, 2]);
});

test('a lease that has run out makes room', async () => {
  for (let one = 1; one <= 3; one++) await take(randomUUID(), request());
  expect((await take(randomUUID(), request())).place).toBe('HELD');

  await rows(`UPDATE rental SET status = 'ACCEPTED' WHERE status = 'ON_HOLD'`);
  await rows(`UPDATE rental SET lease_until = now() - interval '1 second' WHERE status = 'REQUESTED'`);

  expect((await take(randomUUID(), request())).place).toBe('LET_IN');
});

test('F1 one key is one rental, also within one batch; with other input it is a conflict of that request alone', async () => {
  const [customer, other] = [randomUUID(), randomUUID()];
  const first = request({ bookId: '00000000-0000-4000-8000-000000000001' });

  const [a, b, conflict, another] = await Promise.allSettled([
    take(customer, first),
    take(customer, first),
    take(customer, { ...first, quantity: 2 }),
    take(other, first), // a key is the customer's own
  ]);
  const again = await take(customer, first);

  const rental = a.status === 'fulfilled' ? a.value : null;
  expect(b).toMatchObject({ status: 'fulfilled', value: { id: rental?.id, place: 'KNOWN' } });
  expect(conflict).toMatchObject({ reason: { userErrors: [{ code: 'IDEMPOTENCY_CONFLICT' }] } });
  expect(another).toMatchObject({ status: 'fulfilled', value: { place: 'LET_IN' } });
  expect(again).toEqual({ id: rental?.id, place: 'KNOWN' });
  expect(await count('rental')).toBe(2);
});

test('the fee of a book that is known makes the total; of one that is not, it is open', async () => {
  const bookId = randomUUID();
  await rows(`INSERT INTO book VALUES ($1, 'LISTED', 4500, 'KRW')`, [bookId]);

  const known = await take(randomUUID(), request({ bookId, quantity: 2 }));
  const unknown = await take(randomUUID(), request());

  expect([known.leased?.totalAmount, unknown.leased?.totalAmount]).toEqual([9000, null]);
});

describe('what the policy says no to', () => {
  const told = async (id = '') => {
    const events = await rows<{ told: string }>(
      `SELECT aggregate || ' ' || (payload->>'type') AS told FROM outbox WHERE payload->>'correlationid' = $1 ORDER BY id`,
      [id],
    );
    return events.map(({ told }) => told.replace(/-\S+/, '').replace(/rentabook\.|\.v1/g, ''));
  };

  test('a customer is let in up to the limit, also within one batch, and another is not held up by that', async () => {
    take = createTake({
      em: () => orm.em.fork(),
      admission,
      policy: { ...policy, rentalsPerCustomer: 2 },
      leaseMs: LEASE_MS,
    });
    const [greedy, modest] = [randomUUID(), randomUUID()];

    const taken = await Promise.all([greedy, greedy, greedy, modest].map((customer) => take(customer, request())));

    expect(taken.map(({ place }) => place)).toEqual(['LET_IN', 'LET_IN', 'REFUSED', 'LET_IN']);
    const refused = taken[2]?.id;
    expect(
      await rows(
        `SELECT rental.status, rejection, rental.version, lease_until, payment.status AS payment, step.kind, step.status AS step
         FROM rental JOIN payment USING (id) JOIN step ON rental_id = rental.id WHERE rental.id = $1`,
        [refused],
      ),
    ).toEqual([
      {
        status: 'REJECTED',
        rejection: 'LIMIT_REACHED',
        version: 2,
        lease_until: null,
        payment: 'VOIDED',
        kind: 'STOCK_RELEASE',
        step: 'WAITING',
      },
    ]);
    expect(await told(refused)).toEqual([
      'rental rental.requested',
      'rental rental.rejected',
      'payment payment.voided',
    ]);
  });

  test('what has ended no longer counts', async () => {
    take = createTake({
      em: () => orm.em.fork(),
      admission,
      policy: { ...policy, rentalsPerCustomer: 1 },
      leaseMs: LEASE_MS,
    });
    const customer = randomUUID();
    for (const status of ['CLOSED', 'REJECTED', 'CANCELLED', 'LOST']) {
      expect((await take(customer, request())).place).toBe('LET_IN');
      await rows('UPDATE rental SET status = $1, lease_until = NULL WHERE customer_id = $2', [status, customer]);
    }
    await take(customer, request());
    expect((await take(customer, request())).place).toBe('REFUSED');
  });

  test('who has something overdue gets nothing more, and it takes no turn of the others', async () => {
    const customer = randomUUID();
    const { id } = await take(customer, request());
    await rows(`UPDATE rental SET status = 'OVERDUE', lease_until = NULL WHERE id = $1`, [id]);

    const asked = await Promise.all([1, 2, 3].map(() => take(customer, request())));

    expect(asked.map(({ place }) => place)).toEqual(['REFUSED', 'REFUSED', 'REFUSED']);
    expect(await rows(`SELECT DISTINCT rejection FROM rental WHERE status = 'REJECTED'`)).toEqual([
      { rejection: 'CUSTOMER_BLOCKED' },
    ]);
    expect(await admission.read(orm.em.fork())).toMatchObject({ state: 'OPEN', inFlight: 0, onHold: 0 });
  });
});

test('above the limit a new request is turned away before anything is stored, and one that is known is still answered', async () => {
  const customer = randomUUID();
  const known = request();
  const { id } = await take(customer, known);
  await Promise.all(Array.from({ length: HOLD_LIMIT + 2 }, () => take(randomUUID(), request())));
  const before = await eventually(
    () =>
      take(randomUUID(), request()).then(
        () => null,
        (error) => error,
      ), // the backlog is looked at twice a second
    (error) => error !== null,
  );
  const stored = await count('rental');

  const refused = take(randomUUID(), request());

  await expect(refused).rejects.toMatchObject({ extensions: { code: 'OVERLOADED', retryAfterSeconds: 30 } });
  expect(before.message).toMatch(/^Too many requests wait already \(\d+\); nothing was stored\.$/);
  expect(await take(customer, known)).toEqual({ id, place: 'KNOWN' });
  expect(await count('rental')).toBe(stored);
  expect(await count('outbox')).toBe(await count('(SELECT DISTINCT event_id FROM outbox) AS events'));
});

test('what has waited too long is rejected as HOLD_EXPIRED, and what it may owe is written down', async () => {
  for (let one = 1; one <= 3; one++) await take(randomUUID(), request());
  const [old, young] = [await take(randomUUID(), request()), await take(randomUUID(), request())];
  await rows(`UPDATE rental SET held_since = now() - interval '2 hours' WHERE id = $1`, [old.id]);

  const expiry = startExpiry(() => orm.em.fork(), 3_600_000, log);
  const statusOf = async (id: string) =>
    (await rows<{ status: string }>('SELECT status FROM rental WHERE id = $1', [id]))[0]?.status;
  await eventually(
    () => statusOf(old.id),
    (status) => status === 'REJECTED',
  );
  await expiry.stop();

  expect(await statusOf(young.id)).toBe('ON_HOLD');
  expect(await rows('SELECT rejection, status FROM rental WHERE id = $1', [old.id])).toEqual([
    { rejection: 'HOLD_EXPIRED', status: 'REJECTED' },
  ]);
  expect(await rows('SELECT kind, status FROM step WHERE rental_id = $1', [old.id])).toEqual([
    { kind: 'STOCK_RELEASE', status: 'WAITING' },
  ]);
  expect(await rows('SELECT status FROM payment WHERE id = $1', [old.id])).toEqual([{ status: 'VOIDED' }]);
});

test('another limit in the configuration counts from the next start, and one that was learnt outlives it', async () => {
  const em = () => orm.em.fork();
  const outages = watchOutages({ BOOK: answers, PAYMENT: answers });
  const limitWith = async (cap: number) => {
    const opened = await openAdmission({ em, outages, cap, targetMs: 2000, holdLimit: HOLD_LIMIT, log });
    const { limit } = await opened.read(em());
    await opened.stop();
    return limit;
  };
  await rows('UPDATE admission SET "limit" = 2');

  expect(await limitWith(3)).toBe(2);
  expect(await limitWith(10)).toBe(10);
});

test('the limit follows what settling takes', async () => {
  for (let one = 1; one <= 50; one++) admission.observe(5000);

  await eventually(
    () => rows<{ limit: number }>('SELECT "limit" FROM admission'),
    ([row]) => row?.limit === 2.7,
  );
});

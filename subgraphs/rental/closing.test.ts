/** Closing an account, on a real database: what is open keeps it open, and no request slips through beside it. */
import { randomUUID } from 'node:crypto';
import { readConfig } from '#platform/config.ts';
import { type Orm, query } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { deliverTo } from '../../tests/client.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { createDatabase } from '../../tests/services.ts';
import { type Admission, openAdmission } from './admission.ts';
import { closeCustomer } from './closing.ts';
import { rentalDatabase } from './database.ts';
import { customerConsumer } from './events.ts';
import { createTake, type Take } from './intake.ts';
import { watchOutages } from './outages.ts';
import { policyOf, policySettings } from './policy.ts';

const log = createLog('test', 'silent');
const policy = policyOf(readConfig(policySettings, {}));
const answers = async () => true;

let orm: Orm;
let admission: Admission;
let take: Take;
let close: ReturnType<typeof closeCustomer>;
beforeEach(async () => {
  orm = await openServiceDatabase({ ...rentalDatabase, url: await createDatabase('rental'), log });
  const em = () => orm.em.fork();
  const outages = watchOutages({ BOOK: answers, PAYMENT: answers });
  admission = await openAdmission({ em, outages, cap: 64, targetMs: 2000, holdLimit: 100, log });
  take = createTake({ em, admission, policy, leaseMs: 60_000 });
  close = closeCustomer(em);
});
afterEach(async () => {
  await admission?.stop();
  await orm?.close();
});

const rows = <Row>(sql: string, values: unknown[] = []) => query<Row>(orm.em.fork(), sql, values);
const request = () => ({
  idempotencyKey: randomUUID() as string,
  bookId: randomUUID(),
  quantity: 1,
  paymentMethod: 'pm_card_visa',
  deliverTo: { ...deliverTo, line2: null, phone: null },
});

/** A rental that has come to its end. */
async function ended(customerId: string, asked = request()): Promise<string> {
  const { id } = await take(customerId, asked);
  await rows("UPDATE rental SET status = 'CLOSED', cancel_reason = 'Mine' WHERE id = $1", [id]);
  return id;
}

const refusal = {
  userErrors: [{ code: 'POLICY_DENIED', message: 'This account is closed.', path: null, reason: 'ACCOUNT_CLOSED' }],
};

test('an account without anything open is closed, also one that Rental has never heard of, and again', async () => {
  const [known, unknown] = [randomUUID(), randomUUID()];
  await ended(known);
  for (const customerId of [known, unknown, known]) expect(await close({ customerId })).toEqual({ closed: true });
});

test('a rental that is not at its end is named, and nothing changes', async () => {
  const customerId = randomUUID();
  const { id } = await take(customerId, request());
  await ended(customerId);

  expect(await close({ customerId })).toEqual({ closed: false, open: [{ kind: 'RENTAL', id, status: 'REQUESTED' }] });
  await expect(take(customerId, request())).resolves.toMatchObject({ place: 'LET_IN' });
});

test.each(['WAITING', 'TODO'])(
  'one that still owes something (%s) is open, and not when that is done',
  async (status) => {
    const customerId = randomUUID();
    const id = await ended(customerId);
    await rows('INSERT INTO step (rental_id, kind, status, attempts) VALUES ($1, $2, $3, 0)', [
      id,
      'DELIVERY_STOP',
      status,
    ]);

    expect(await close({ customerId })).toMatchObject({ closed: false, open: [{ id }] });
    await rows("UPDATE step SET status = 'DONE'");
    expect(await close({ customerId })).toEqual({ closed: true });
  },
);

test('then a new request is refused, one from before is known still, and others of the same batch are let in', async () => {
  const [customerId, other] = [randomUUID(), randomUUID()];
  const before = request();
  const id = await ended(customerId, before);
  await close({ customerId });

  const [late, again, beside] = await Promise.allSettled([
    take(customerId, request()),
    take(customerId, before),
    take(other, request()),
  ]);

  expect(late).toMatchObject({ status: 'rejected', reason: refusal });
  expect(again).toMatchObject({ value: { id, place: 'KNOWN' } });
  expect(beside).toMatchObject({ value: { place: 'LET_IN' } });
});

test('of a request and a closing at the same moment one sees the other', async () => {
  for (let round = 0; round < 20; round++) {
    const customerId = randomUUID();
    const [taken, closed] = await Promise.allSettled([take(customerId, request()), close({ customerId })]);
    const wasTaken = taken.status === 'fulfilled';
    expect(closed).toMatchObject({ status: 'fulfilled', value: { closed: !wasTaken } });
  }
});

test('once the account is erased the rentals tell of nobody, each still as it was', async () => {
  const [customerId, other] = [randomUUID(), randomUUID()];
  const [id, theirs] = [await ended(customerId), await ended(other)];

  await deliver(orm.em, customerConsumer, arrived('customer.erased', { id: customerId, version: 1 }, { customerId }));

  const [blank] = await rows<Record<string, unknown>>('SELECT * FROM rental WHERE id = $1', [id]);
  expect(blank).toMatchObject({
    status: 'CLOSED',
    deliver_to: null,
    cancel_reason: null,
    payment_method: '',
    fingerprint: '',
  });
  const [whole] = await rows<Record<string, unknown>>('SELECT * FROM rental WHERE id = $1', [theirs]);
  expect(whole).toMatchObject({ cancel_reason: 'Mine', deliver_to: { line1: deliverTo.line1 } });
});

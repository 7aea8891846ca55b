/** Stripe's messages as they come in over HTTP, whose they are, and what comes of them with a bank that has the truth: twice, late, in any order. */
import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { type Orm, query, transaction } from '#platform/database.ts';
import { type Http, listen } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { OutboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { freePort } from '../../local/ports.ts';
import { eventually } from '../../tests/client.ts';
import { type SandboxProcess, STRIPE_SECRET_KEY, startSandbox } from '../../tests/sandboxProcess.ts';
import { createDatabase } from '../../tests/services.ts';
import { rentalDatabase } from './database.ts';
import { Fee, Payment, Rental, Step } from './entities.ts';
import { sweepFees } from './fees.ts';
import { policy, storeRental } from './fixture.ts';
import { sweepMoney } from './money.ts';
import { type CreatedPayment, type PaymentProvider, stripeProvider } from './paymentProvider.ts';
import type { FeeStatus, PaymentStatus, RentalStatus } from './rental.ts';
import { applyStripeEvents } from './stripeEvents.ts';
import { stripeWebhook } from './stripeWebhook.ts';

const SECRET = 'whsec_the_secret_between_stripe_and_this_test';
const AMOUNT = 4500;
const HOUR_MS = 3_600_000;
const log = createLog('test', 'silent');
let orm: Orm;
let http: Http;
let sandbox: SandboxProcess;
let provider: PaymentProvider;
/** Of the same account, for what is done at the bank past the shop. */
let desk: Stripe;

beforeAll(async () => {
  const [rental, bank] = await Promise.all([createDatabase('rental'), createDatabase('sandbox')]);
  orm = await openServiceDatabase({ ...rentalDatabase, url: rental, log });
  const em = () => orm.em.fork();
  http = await listen({
    host: '127.0.0.1',
    port: await freePort(),
    log,
    routes: { '/webhooks/stripe': stripeWebhook(em, SECRET), '/not-configured': stripeWebhook(em, undefined) },
    notReady: async () => null,
  });
  sandbox = await startSandbox(bank, {
    STRIPE_WEBHOOK_SECRET: SECRET,
    SANDBOX_STRIPE_WEBHOOK_URL: `http://127.0.0.1:${http.port}/webhooks/stripe`,
  });
  provider = stripeProvider({ STRIPE_URL: sandbox.url, STRIPE_SECRET_KEY, PAYMENT_TIMEOUT_MS: 10_000 });
  desk = new Stripe(STRIPE_SECRET_KEY, { protocol: 'http', host: '127.0.0.1', port: new URL(sandbox.url).port });
}, 60_000);
afterAll(async () => {
  await sandbox?.stop();
  await http?.close();
  await orm?.close();
});

const hearing = () => ({ em: () => orm.em.fork(), provider, claimMs: 2000, settleWaitMs: 0, policy, log });
/** A round of each worker, as main.ts has them. */
const work = async () => {
  await applyStripeEvents(hearing(), log);
  await sweepMoney(hearing(), log);
  await sweepFees(hearing());
};

/** At the bank alone: the shop knows nothing of it yet. */
const paidAtBank = (...done: Done[]): Promise<CreatedPayment> => {
  const rentalId = randomUUID();
  return payAtBank(rentalId, rentalId, done);
};

type Done = 'confirm' | 'capture';
async function payAtBank(rentalId: string, key: string, done: Done[]): Promise<CreatedPayment> {
  const order = { key, rentalId, amount: AMOUNT, currency: 'KRW' };
  const created = await provider.createIntent(order);
  if (created.status !== 'CREATED') throw new Error(`The bank said ${created.status}`);
  const payment = { ...order, intentId: created.intentId };
  if (done.includes('confirm')) await provider.confirmIntent({ ...payment, paymentMethod: 'pm_card_visa' });
  if (done.includes('capture')) await provider.capture(payment);
  return payment;
}

interface Known {
  rental: RentalStatus;
  payment: PaymentStatus;
  holdReason?: 'PAYMENT';
  retryAt?: Date;
}

/** The shop's side of it. */
async function knownHere({ rentalId: id, intentId }: CreatedPayment, known: Known): Promise<void> {
  const { rental, payment: status, ...hold } = known;
  const authorized = ['AUTHORIZED', 'CAPTURED'].includes(status) ? AMOUNT : 0;
  await transaction(orm.em, (em) =>
    storeRental(em, rental, { id, ...hold }, { status, intentId, authorized, version: 1 }),
  );
}

/** A step whose next attempt is far off, unless something makes it due. */
const owe = ({ rentalId }: CreatedPayment, kind: Step['kind'], nextAttemptAt = new Date(Date.now() + HOUR_MS)) =>
  transaction(orm.em, async (em) => {
    em.create(Step, { rentalId, kind, status: 'TODO', attempts: 3, nextAttemptAt });
  });

/** A rental whose money has been taken, there and here. */
async function onLoan(): Promise<CreatedPayment> {
  const payment = await paidAtBank('confirm', 'capture');
  await knownHere(payment, { rental: 'ON_LOAN', payment: 'CAPTURED' });
  return payment;
}

const refundAtDesk = ({ intentId }: CreatedPayment, amount: number) =>
  desk.refunds.create({ payment_intent: intentId, amount });

const paymentOf = ({ rentalId: id }: CreatedPayment) => orm.em.fork().findOneOrFail(Payment, { id });
const stepOf = ({ rentalId }: CreatedPayment) => orm.em.fork().findOneOrFail(Step, { rentalId });

/** What has been told of the payment, each with its amount. */
async function toldOf({ rentalId }: CreatedPayment): Promise<[type: string, amount: number][]> {
  const rows = await orm.em.fork().find(OutboxRow, { aggregate: `payment-${rentalId}` }, { orderBy: { id: 'asc' } });
  return rows.flatMap(({ payload: { type, data } }) =>
    'amount' in data ? [[type.split('.')[2] ?? '', data.amount.amount]] : [],
  );
}

interface Kept {
  id: string;
  type: string;
  outcome: string | null;
}
const keptOf = ({ intentId }: CreatedPayment) =>
  query<Kept>(orm.em, 'SELECT id, type, outcome FROM stripe_event WHERE intent_id = $1 ORDER BY received_at, id', [
    intentId,
  ]);
const all = () => query<Record<string, unknown>>(orm.em, 'SELECT * FROM stripe_event ORDER BY id');

/** Works until the bank's messages of these types about the payment have an outcome, and answers them. */
const outcomesOf = (payment: CreatedPayment, ...types: string[]): Promise<(string | null)[]> =>
  eventually(
    async () => {
      await work();
      const kept = await keptOf(payment);
      return types.map((type) => kept.find((one) => one.type === type && one.outcome)?.outcome ?? null);
    },
    (outcomes) => outcomes.every(Boolean),
  );

interface Message {
  id: string;
  type: string;
  created: number;
  data: { object: object };
}
/** As Stripe would make it of this payment. */
const message = (payment: CreatedPayment, type: string, object: object = {}): Message => ({
  id: `evt_${randomUUID()}`,
  type,
  created: Math.floor(Date.now() / 1000),
  data: {
    object: {
      object: type.split('.')[0],
      id: type.startsWith('payment_intent') ? payment.intentId : 'ch_1',
      payment_intent: payment.intentId,
      metadata: { rentalId: payment.rentalId, key: payment.key },
      amount: payment.amount,
      ...object,
    },
  },
});

interface Posting {
  secret?: string;
  ageS?: number;
  alter?: (body: string) => string;
  path?: string;
}
async function post(message: object, { secret = SECRET, ageS = 0, alter = (body) => body, path }: Posting = {}) {
  const payload = JSON.stringify(message);
  const timestamp = Math.floor(Date.now() / 1000) - ageS;
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  const response = await fetch(`http://127.0.0.1:${http.port}${path ?? '/webhooks/stripe'}`, {
    method: 'POST',
    headers: { 'stripe-signature': signature },
    body: alter(payload),
  });
  return response.status;
}

test('what Stripe did not sign just so and just now is refused, and nothing of it is stored', async () => {
  const payment = await onLoan();
  const own = ['created', 'amount_capturable_updated', 'succeeded'].map((what) => `payment_intent.${what}`);
  await outcomesOf(payment, ...own);
  const before = await all();
  const genuine = message(payment, 'charge.refunded');

  const answers = [
    await post(genuine, { secret: 'whsec_a_secret_of_somebody_else' }),
    await post(genuine, { ageS: 6 * 60 }),
    await post(genuine, { alter: (body) => body.replace('4500', '4501') }),
    await post({ ...genuine, id: 7 }),
    await post({ ...genuine, data: 'none' }),
  ];
  const url = `http://127.0.0.1:${http.port}/webhooks/stripe`;
  const unsigned = await fetch(url, { method: 'POST', body: JSON.stringify(genuine) });

  expect(answers).toEqual([400, 400, 400, 400, 400]);
  expect(unsigned.status).toBe(400);
  expect((await fetch(url)).status).toBe(405);
  expect(await post(genuine, { path: '/not-configured' })).toBe(404);
  expect(await all()).toEqual(before);
  expect(await post(genuine, { ageS: 4 * 60 })).toBe(200);
});

test('of a message its facts are kept, and nothing of a person', async () => {
  const payment = await paidAtBank();
  const told = message(payment, 'charge.refunded', {
    status: 'succeeded',
    amount_refunded: 1000,
    receipt_email: 'reader@example.test',
    billing_details: { name: 'A Reader', address: { line1: '1 Main Street' } },
  });

  expect(await post(told)).toBe(200);

  const kept = (await all()).find(({ id }) => id === told.id);
  expect(new Date(String(kept?.created_at)).getTime()).toBe(told.created * 1000);
  expect(kept).toMatchObject({
    type: 'charge.refunded',
    intent_id: payment.intentId,
    rental_id: payment.rentalId,
    key: payment.key,
    status: 'succeeded',
    amount: '4500',
    amount_refunded: '1000',
    outcome: null,
  });
  expect(JSON.stringify(kept)).not.toMatch(/reader|Street/i);
});

test('a kind of message that leads to nothing is kept as that', async () => {
  const payment = await paidAtBank('confirm', 'capture');
  await post(message(payment, 'charge.updated'));

  const kept = await eventually(
    () => keptOf(payment),
    ({ length }) => length === 4,
  );
  const outcomes = Object.fromEntries(kept.map(({ type, outcome }) => [type, outcome]));
  expect(outcomes).toMatchObject({ 'payment_intent.created': 'IGNORED', 'charge.updated': 'IGNORED' });
});

test('refunds made at the bank, in part and then in full, are written down and told once each', async () => {
  const payment = await onLoan();

  await refundAtDesk(payment, 1000);
  expect(await outcomesOf(payment, 'charge.refunded', 'refund.created')).toContain('APPLIED');
  expect(await paymentOf(payment)).toMatchObject({ status: 'PARTIALLY_REFUNDED', captured: 4500, refunded: 1000 });

  await refundAtDesk(payment, 500);
  await refundAtDesk(payment, 3000);
  await eventually(
    async () => {
      await work();
      return (await keptOf(payment)).filter(({ type, outcome }) => type.includes('refund') && outcome);
    },
    ({ length }) => length === 6,
  );

  expect(await paymentOf(payment)).toMatchObject({ status: 'REFUNDED', captured: 4500, refunded: 4500 });
  const told = await toldOf(payment);
  expect(new Set(told.map(([type]) => type))).toEqual(new Set(['refunded']));
  expect(told[0]).toEqual(['refunded', 1000]);
  expect(told.reduce((sum, [, amount]) => sum + amount, 0)).toBe(4500);
});

test('messages in the wrong order, each many times at once and seen to by two workers, change nothing more than once', async () => {
  const payment = await onLoan();
  const first = message(payment, 'charge.refunded', { amount_refunded: 1000 });
  const second = message(payment, 'charge.refunded', { amount_refunded: 2500 });
  await refundAtDesk(payment, 1000);
  await refundAtDesk(payment, 1500);

  for (const told of [second, first])
    expect(await Promise.all([1, 2, 3, 4, 5].map(() => post(told)))).toEqual([200, 200, 200, 200, 200]);
  const kept = await eventually(
    async () => {
      await Promise.all([work(), work()]);
      return keptOf(payment);
    },
    (kept) => kept.length === 9 && kept.every(({ outcome }) => outcome),
  );

  expect(kept.filter(({ id }) => id === first.id || id === second.id)).toHaveLength(2);
  expect(await paymentOf(payment)).toMatchObject({ status: 'PARTIALLY_REFUNDED', refunded: 2500 });
  const told = await toldOf(payment);
  expect(told.reduce((sum, [, amount]) => sum + amount, 0)).toBe(2500);
  expect(await post(second)).toBe(200);
  await work();
  expect(await toldOf(payment)).toEqual(told);
});

test('a message that overtakes its rental is kept, and applied once there is one', async () => {
  const payment = await paidAtBank('confirm', 'capture');
  await refundAtDesk(payment, 1000);
  const early = await eventually(
    async () => {
      await work();
      return keptOf(payment);
    },
    (kept) => kept.filter(({ type }) => type.includes('refund')).length === 2,
  );
  expect(early.filter(({ outcome }) => outcome && outcome !== 'IGNORED')).toEqual([]);

  await knownHere(payment, { rental: 'ON_LOAN', payment: 'CAPTURED' });

  await outcomesOf(payment, 'charge.refunded', 'refund.created', 'payment_intent.succeeded');
  expect(await paymentOf(payment)).toMatchObject({ status: 'PARTIALLY_REFUNDED', refunded: 1000 });
});

test('a message whose rental never comes is left as that after an hour', async () => {
  const payment = await paidAtBank('confirm', 'capture');
  await refundAtDesk(payment, 1000);
  await eventually(
    () => keptOf(payment),
    (kept) => kept.filter(({ type }) => type.includes('refund')).length === 2,
  );

  await query(
    orm.em,
    `UPDATE stripe_event SET received_at = received_at - interval '61 minutes', next_attempt_at = clock_timestamp() WHERE intent_id = $1`,
    [payment.intentId],
  );

  expect(await outcomesOf(payment, 'charge.refunded', 'payment_intent.succeeded')).toEqual([
    'UNKNOWN_RENTAL',
    'UNKNOWN_RENTAL',
  ]);
});

test('a message about money that is none of this shop is left at once', async () => {
  const elsewhere = { ...(await paidAtBank()), intentId: 'pi_of_another_account' };
  const ownDesk = await desk.paymentIntents.create({ amount: 100, currency: 'krw', capture_method: 'manual' });
  const atDesk = { ...elsewhere, intentId: ownDesk.id };
  await post(message(elsewhere, 'charge.refunded'));
  await post(message(atDesk, 'charge.refunded'));
  await post(message(atDesk, 'payment_intent.succeeded', { metadata: {} }));

  expect(await outcomesOf(elsewhere, 'charge.refunded')).toEqual(['NOT_OURS']);
  expect(await outcomesOf(atDesk, 'charge.refunded', 'payment_intent.succeeded')).toEqual(['NOT_OURS', 'NOT_OURS']);
});

test('what was given back before the capture was noted here waits for that, and hurries it', async () => {
  const payment = await paidAtBank('confirm', 'capture');
  await knownHere(payment, { rental: 'SHIPPING', payment: 'AUTHORIZED' });
  await owe(payment, 'CAPTURE');
  await refundAtDesk(payment, 1000);

  await outcomesOf(payment, 'charge.refunded');

  expect(await paymentOf(payment)).toMatchObject({ status: 'PARTIALLY_REFUNDED', captured: 4500, refunded: 1000 });
  expect(await toldOf(payment)).toEqual([
    ['captured', 4500],
    ['refunded', 1000],
  ]);
});

test.each([
  ['told', true],
  ['not told', false],
])('our own refund gives back only what is left after one at the bank of which we were %s', async (_, told) => {
  const payment = await onLoan();
  await refundAtDesk(payment, 1000);
  if (told) await outcomesOf(payment, 'charge.refunded', 'refund.created');

  await owe(payment, 'PAYMENT_REFUND', new Date());
  await eventually(
    async () => {
      await sweepMoney(hearing(), log);
      return stepOf(payment);
    },
    ({ status }) => status === 'DONE',
  );
  await outcomesOf(payment, 'charge.refunded', 'refund.created');

  const books = await desk.paymentIntents.retrieve(payment.intentId, { expand: ['latest_charge'] });
  expect(books.latest_charge).toMatchObject({ amount_captured: 4500, amount_refunded: 4500 });
  expect(await paymentOf(payment)).toMatchObject({ status: 'REFUNDED', refunded: 4500 });
  expect((await toldOf(payment)).reduce((sum, [, amount]) => sum + amount, 0)).toBe(4500);
});

test('an authorisation that ends at the bank makes the capture due, which is then refused', async () => {
  const payment = await paidAtBank('confirm');
  await knownHere(payment, { rental: 'SHIPPING', payment: 'AUTHORIZED' });
  await outcomesOf(payment, 'payment_intent.amount_capturable_updated');
  await owe(payment, 'CAPTURE');
  await desk.paymentIntents.cancel(payment.intentId);

  expect(await outcomesOf(payment, 'payment_intent.canceled')).toEqual(['APPLIED']);

  const step = await eventually(
    async () => {
      await work();
      return stepOf(payment);
    },
    ({ status }) => status !== 'TODO',
  );
  expect(step.status).toBe('FAILED');
  expect(await paymentOf(payment)).toMatchObject({ status: 'VOIDED', captured: 0 });
});

test('an authorisation of which the answer was lost is asked for again at once', async () => {
  const payment = await paidAtBank('confirm');
  await knownHere(payment, {
    rental: 'ON_HOLD',
    payment: 'UNKNOWN',
    holdReason: 'PAYMENT',
    retryAt: new Date(Date.now() + HOUR_MS),
  });

  expect(await outcomesOf(payment, 'payment_intent.amount_capturable_updated')).toEqual(['APPLIED']);

  const { retryAt } = await orm.em.fork().findOneOrFail(Rental, { id: payment.rentalId });
  expect(retryAt?.getTime()).toBeLessThanOrEqual(Date.now());
});

/** A fee of a rental on loan, whose payment the bank has; written down here as `status`, and nothing due before an hour is over. */
async function feeOf(status: FeeStatus): Promise<CreatedPayment & { feeId: string }> {
  const { rentalId } = await onLoan();
  const feeId = randomUUID();
  const payment = await payAtBank(rentalId, `fee:${feeId}:1`, ['confirm', 'capture']);
  await transaction(orm.em, async (em) => {
    const rental = await em.findOneOrFail(Rental, { id: rentalId });
    em.create(Fee, {
      id: feeId,
      rentalId,
      customerId: rental.customerId,
      kind: 'LATE',
      status,
      amount: AMOUNT,
      currency: 'KRW',
      explanation: 'Late',
      dropped: false,
      attempt: 1,
      paymentMethod: 'pm_card_visa',
      intentId: payment.intentId,
      tries: 1,
      nextAttemptAt: status === 'PENDING' ? new Date(Date.now() + HOUR_MS) : null,
      createdAt: new Date(),
      version: 0,
    });
  });
  return { ...payment, feeId };
}

/** Works until the fee is that. */
const feeBecomes = ({ feeId: id }: { feeId: string }, status: FeeStatus) =>
  eventually(
    async () => {
      await work();
      return orm.em.fork().findOneOrFail(Fee, { id });
    },
    (fee) => fee.status === status,
  );

test('a fee that is given back at the bank in full is not owed after all; a part of it is for a person to see to', async () => {
  const fee = await feeOf('PAID');

  await refundAtDesk(fee, 1000);
  expect(await outcomesOf(fee, 'charge.refunded')).toEqual(['FEE_IN_PART']);
  expect((await feeBecomes(fee, 'PAID')).dropped).toBe(false);

  await refundAtDesk(fee, 3500);
  expect(await feeBecomes(fee, 'REFUNDED')).toMatchObject({ refundedAt: expect.any(Date), nextAttemptAt: null });
  expect(await toldOf(fee)).toEqual([]);
});

test('a payment of a fee of which the answer was lost is asked for again at once', async () => {
  const fee = await feeOf('PENDING');

  expect((await feeBecomes(fee, 'PAID')).paidAt).toEqual(expect.any(Date));
});

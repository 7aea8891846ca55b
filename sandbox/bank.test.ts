/** The bank over HTTP, asked as Rental asks it: through the adapter on Stripe's own client. */
import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { listen, readBody, text } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { freePort } from '../local/ports.ts';
import { type CreatedPayment, type PaymentProvider, stripeProvider } from '../subgraphs/rental/paymentProvider.ts';
import { eventually } from '../tests/client.ts';
import { type SandboxProcess, STRIPE_SECRET_KEY, startSandbox } from '../tests/sandboxProcess.ts';
import { createDatabase } from '../tests/services.ts';

/** Longer than a loaded machine takes. */
const PATIENT_MS = 10_000;

const providerAt = (url: string, timeoutMs: number, secretKey = STRIPE_SECRET_KEY): PaymentProvider =>
  stripeProvider({ STRIPE_URL: url, STRIPE_SECRET_KEY: secretKey, PAYMENT_TIMEOUT_MS: timeoutMs });

function newOrder() {
  const rentalId = randomUUID();
  return { key: rentalId, rentalId, amount: 4500, currency: 'KRW' };
}

async function create(provider: PaymentProvider): Promise<CreatedPayment> {
  const order = newOrder();
  const result = await provider.createIntent(order);
  if (result.status !== 'CREATED') throw new Error(`The bank said ${result.status}`);
  return { ...order, intentId: result.intentId };
}

async function authorize(provider: PaymentProvider): Promise<CreatedPayment> {
  const payment = await create(provider);
  expect(await provider.confirmIntent({ ...payment, paymentMethod: 'pm_card_visa' })).toEqual({ status: 'AUTHORIZED' });
  return payment;
}

describe('a bank that answers at once', () => {
  let sandbox: SandboxProcess;
  let provider: PaymentProvider;

  beforeAll(async () => {
    sandbox = await startSandbox(await createDatabase());
    provider = providerAt(sandbox.url, PATIENT_MS);
  });
  afterAll(() => sandbox?.stop());

  test('the same order is one payment intent, however often it is created', async () => {
    const order = newOrder();

    const [first, second] = await Promise.all([provider.createIntent(order), provider.createIntent(order)]);
    const third = await provider.createIntent(order);

    // Of two at once, one may be told that the other is under way.
    const created = [first, second].filter(({ status }) => status === 'CREATED');
    expect(created.length).toBeGreaterThan(0);
    for (const answer of created) expect(answer).toEqual(third);
  });

  test('a payment is authorised, captured once and refunded once', async () => {
    const payment = await authorize(provider);

    expect(await provider.capture(payment)).toEqual({ status: 'CAPTURED' });
    expect(await provider.capture(payment)).toEqual({ status: 'CAPTURED' });
    expect(await provider.void(payment)).toEqual({ status: 'CAPTURED' });

    expect(await provider.refund(payment)).toEqual({ status: 'REFUNDED' });
    expect(await provider.refund(payment)).toEqual({ status: 'REFUNDED' });
  });

  test('a second capture or refund by another key changes nothing, and counts as done', async () => {
    const payment = await authorize(provider);
    const forgotten = { ...payment, key: randomUUID() };
    await provider.capture(payment);

    expect(await provider.capture(forgotten)).toEqual({ status: 'CAPTURED' });

    await provider.refund(payment);
    expect(await provider.refund(forgotten)).toEqual({ status: 'REFUNDED' });
  });

  test('what somebody has given back already, in parts, is not given back again', async () => {
    const payment = await authorize(provider);
    await provider.capture(payment);
    const desk = new Stripe(STRIPE_SECRET_KEY, {
      protocol: 'http',
      host: '127.0.0.1',
      port: new URL(sandbox.url).port,
    });
    const giveBack = (amount: number) => desk.refunds.create({ payment_intent: payment.intentId, amount });
    await giveBack(1000);
    await giveBack(500);
    // Ours, which had seen nothing of them and was refused: that key is good for this amount only.
    const late = desk.refunds.create(
      { payment_intent: payment.intentId, amount: payment.amount },
      { idempotencyKey: `${payment.key}:refund` },
    );
    await expect(late).rejects.toThrow('More than was captured');

    expect(await provider.look(payment.intentId)).toMatchObject({ captured: 4500, refunded: 1500 });
    expect(await provider.refund(payment)).toEqual({ status: 'REFUNDED' });
    expect(await provider.refund(payment)).toEqual({ status: 'REFUNDED' });

    expect(await provider.look(payment.intentId)).toEqual({
      status: 'KNOWN',
      key: payment.key,
      rentalId: payment.rentalId,
      captured: 4500,
      refunded: 4500,
    });
    await expect(giveBack(1)).rejects.toThrow('already been refunded');
  });

  test('of a payment that was voided nothing was given back, and one that there is not is missing', async () => {
    const payment = await authorize(provider);
    await provider.void(payment);

    expect(await provider.look(payment.intentId)).toMatchObject({ captured: 0, refunded: 0 });
    expect(await provider.look('pi_of_another_account')).toEqual({ status: 'MISSING' });
  });

  test('a declined card says why, and the same key says so again', async () => {
    const payment = { ...(await create(provider)), paymentMethod: 'pm_card_chargeDeclined' };

    const declined = { status: 'DECLINED', declineCode: 'generic_decline' };
    expect(await provider.confirmIntent(payment)).toEqual(declined);
    expect(await provider.confirmIntent(payment)).toEqual(declined);
    expect(await provider.capture(payment)).toEqual({ status: 'REFUSED', code: 'payment_intent_unexpected_state' });
    expect(await provider.void(payment)).toMatchObject({ status: 'VOIDED', wasAuthorized: false });
  });

  test('a card that does not exist is declined', async () => {
    const payment = { ...(await create(provider)), paymentMethod: 'pm_of_my_own_making' };

    expect(await provider.confirmIntent(payment)).toEqual({ status: 'DECLINED', declineCode: 'resource_missing' });
  });

  test('what was voided before it was confirmed can never be authorised', async () => {
    const payment = await create(provider);

    expect(await provider.void(payment)).toMatchObject({ status: 'VOIDED', wasAuthorized: false });
    expect(await provider.confirmIntent({ ...payment, paymentMethod: 'pm_card_visa' })).toEqual({ status: 'VOIDED' });
    expect(await provider.void(payment)).toMatchObject({ status: 'VOIDED', wasAuthorized: false });
  });

  test('a void without an intent stops the one that is created later by the same key', async () => {
    const order = newOrder();
    const voided = await provider.void({ ...order, intentId: null });

    const late = await provider.createIntent(order);

    expect(late).toEqual({ status: 'CREATED', intentId: voided.status === 'VOIDED' && voided.intentId });
    const payment = { ...order, intentId: late.status === 'CREATED' ? late.intentId : '' };
    expect(await provider.confirmIntent({ ...payment, paymentMethod: 'pm_card_visa' })).toEqual({ status: 'VOIDED' });
  });

  test('a void gives an authorisation back, after which a capture is refused and not a fault', async () => {
    const payment = await authorize(provider);

    const voided = { status: 'VOIDED', wasAuthorized: true, intentId: payment.intentId };
    expect(await provider.void(payment)).toEqual(voided);
    expect(await provider.void({ ...payment, key: randomUUID() })).toEqual(voided);
    expect(await provider.capture(payment)).toEqual({ status: 'REFUSED', code: 'payment_intent_unexpected_state' });
    expect(await provider.refund(payment)).toEqual({ status: 'REFUSED', code: 'payment_intent_unexpected_state' });
  });

  test('a key that belongs to another payment is a fault', async () => {
    const order = newOrder();
    await provider.createIntent(order);

    await expect(provider.createIntent({ ...order, amount: 9000 })).rejects.toThrow('first used with other parameters');
  });

  test('a wrong secret key is a fault', async () => {
    await expect(providerAt(sandbox.url, PATIENT_MS, 'sk_test_wrong').ping()).rejects.toThrow('secret key');
  });
});

test('an authorisation that times out was carried out, and is told when it is asked for again', async () => {
  const sandbox = await startSandbox(await createDatabase());
  try {
    const provider = providerAt(sandbox.url, PATIENT_MS);
    const payment = { ...(await create(provider)), paymentMethod: 'pm_sandbox_timeout' };

    expect(await providerAt(sandbox.url, 1000).confirmIntent(payment)).toMatchObject({ status: 'UNKNOWN' });
    expect(await provider.confirmIntent(payment)).toEqual({ status: 'AUTHORIZED' });
    expect(await provider.capture(payment)).toEqual({ status: 'CAPTURED' });
  } finally {
    await sandbox.stop();
  }
});

describe('a bank with one slot, slower than anybody waits', () => {
  let sandbox: SandboxProcess;
  let provider: PaymentProvider;
  let hasty: PaymentProvider;

  beforeAll(async () => {
    const slow = { SANDBOX_PAYMENT_SLOTS: '1', SANDBOX_PAYMENT_DELAY_MS: '1000' };
    sandbox = await startSandbox(await createDatabase(), slow);
    provider = providerAt(sandbox.url, PATIENT_MS);
    hasty = providerAt(sandbox.url, 250);
  });
  afterAll(() => sandbox?.stop());

  test('an authorisation under way is unknown to whoever asks again, until it is done', async () => {
    const payment = { ...(await create(provider)), paymentMethod: 'pm_card_visa' };

    expect(await hasty.confirmIntent(payment)).toMatchObject({ status: 'UNKNOWN' });
    await eventually(
      () => hasty.confirmIntent(payment),
      ({ status }) => status === 'AUTHORIZED',
    );
  });

  test('a void overtakes an authorisation that waits for its slot, which is then refused', async () => {
    const payments = await Promise.all([create(provider), create(provider), create(provider)]);
    const confirm = (payment: CreatedPayment) => hasty.confirmIntent({ ...payment, paymentMethod: 'pm_card_visa' });
    await Promise.all(payments.map(confirm));

    const voids = await Promise.all(payments.map((payment) => provider.void(payment)));

    expect(voids).toEqual(payments.map(() => expect.objectContaining({ status: 'VOIDED' })));
    for (const payment of payments.slice(1)) {
      const late = await eventually(
        () => confirm(payment),
        ({ status }) => status !== 'UNKNOWN',
      );
      expect(late).toEqual({ status: 'VOIDED' });
    }
  });
});

test('whatever was acknowledged is still so after a kill -9', async () => {
  const database = await createDatabase();
  const before = await startSandbox(database);
  const first = providerAt(before.url, PATIENT_MS);
  const authorized = await authorize(first);
  const voided = await create(first);
  await first.void(voided);

  before.kill();
  await before.ended;
  expect(await first.ping()).toBe(false);
  expect(await first.capture(authorized)).toMatchObject({ status: 'UNKNOWN' });

  const after = await startSandbox(database);
  try {
    const second = providerAt(after.url, PATIENT_MS);
    expect(await second.ping()).toBe(true);
    expect(await second.createIntent(authorized)).toEqual({ status: 'CREATED', intentId: authorized.intentId });
    expect(await second.capture(authorized)).toEqual({ status: 'CAPTURED' });
    expect(await second.confirmIntent({ ...voided, paymentMethod: 'pm_card_visa' })).toEqual({ status: 'VOIDED' });
  } finally {
    await after.stop();
  }
});

test('its messages are signed, and sent again until they are taken; what was not taken before a kill -9 is sent after', async () => {
  const secret = 'whsec_the_secret_between_the_bank_and_this_test';
  const database = await createDatabase();
  const heard: { type: string; about: string }[] = [];
  let open = false;
  const shop = await listen({
    host: '127.0.0.1',
    port: await freePort(),
    log: createLog('test', 'silent'),
    routes: {
      '/webhook': async (request, response) => {
        const body = await readBody(request, 64_000);
        const signature = request.headers['stripe-signature']?.toString() ?? '';
        const { type, data } = Stripe.webhooks.constructEvent(body, signature, secret);
        if (open) heard.push({ type, about: JSON.stringify(data.object) });
        text(response, open ? 200 : 503, '');
      },
    },
    notReady: async () => null,
  });
  const settings = {
    STRIPE_WEBHOOK_SECRET: secret,
    SANDBOX_STRIPE_WEBHOOK_URL: `http://127.0.0.1:${shop.port}/webhook`,
  };
  const first = await startSandbox(database, settings);
  const payment = await authorize(providerAt(first.url, PATIENT_MS));
  first.kill();
  await first.ended;

  const second = await startSandbox(database, settings);
  try {
    const provider = providerAt(second.url, PATIENT_MS);
    await provider.capture(payment);
    await provider.refund(payment);
    await provider.confirmIntent({ ...(await create(provider)), paymentMethod: 'pm_card_chargeDeclined' });
    await provider.void(await create(provider));
    open = true;

    const types = [
      'payment_intent.created',
      'payment_intent.amount_capturable_updated',
      'payment_intent.succeeded',
      'charge.refunded',
      'refund.created',
      'payment_intent.payment_failed',
      'payment_intent.canceled',
    ];
    await eventually(
      () => types.filter((type) => !heard.some((one) => one.type === type)),
      (missing) => missing.length === 0,
    );
    const aboutIt = new Set(heard.filter(({ about }) => about.includes(payment.intentId)).map(({ type }) => type));
    expect(aboutIt).toEqual(new Set(types.slice(0, 5)));
  } finally {
    await second.stop();
    await shop.close();
  }
});

test('a drain hangs up on those who wait for an answer that does not come', async () => {
  const sandbox = await startSandbox(await createDatabase());
  const provider = providerAt(sandbox.url, 60_000);
  const payment = await create(provider);
  const waiting = provider.confirmIntent({ ...payment, paymentMethod: 'pm_sandbox_timeout' });
  await eventually(
    () => statusOf(sandbox, payment),
    (status) => status === 'requires_capture',
  );

  await sandbox.stop();

  expect(await sandbox.ended).toBe('exit code 0');
  expect(await waiting).toMatchObject({ status: 'UNKNOWN' });
});

async function statusOf(sandbox: SandboxProcess, { intentId }: CreatedPayment): Promise<string> {
  const response = await fetch(`${sandbox.url}/v1/payment_intents/${intentId}`, {
    headers: { authorization: `Bearer ${STRIPE_SECRET_KEY}` },
  });
  const intent = (await response.json()) as { status: string };
  return intent.status;
}

/** Fees on a real database, paid at the real sandbox bank: raised for what happened, charged once, given back where they are not owed. */
import { randomUUID } from 'node:crypto';
import { query, transaction } from '#platform/database.ts';
import type { DataOf } from '#schema/events.ts';
import { askDatabase } from '../../tests/askDatabase.ts';
import { eventually } from '../../tests/client.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { type SandboxProcess, STRIPE_SECRET_KEY, startSandbox } from '../../tests/sandboxProcess.ts';
import { createDatabase } from '../../tests/services.ts';
import { addStep, dropFee, factsOf, lockFees, lockRental } from './changes.ts';
import { Fee, Payment, type Rental } from './entities.ts';
import { bookConsumer, deliveryConsumer } from './events.ts';
import { sweepFees } from './fees.ts';
import { openRentals, policy, type Rentals } from './fixture.ts';
import { sweepLoans } from './loans.ts';
import { sweepMoney } from './money.ts';

let bankDatabase: string;
let bank: SandboxProcess;
let rentals: Rentals;
beforeAll(async () => {
  bankDatabase = await createDatabase('bank');
  bank = await startSandbox(bankDatabase);
  rentals = await openRentals(bank.url, STRIPE_SECRET_KEY);
});
afterAll(async () => {
  await rentals?.close();
  await bank?.stop();
});

const DAY_MS = 86_400_000;
const stock = bookConsumer(policy);
const parcels = deliveryConsumer(policy);

const PAY = `mutation ($id: ID!, $card: String!) {
  payFee(feeId: $id, paymentMethod: $card) { fee { status } userErrors { code message path } }
}`;
const pay = async (fee: Fee, paymentMethod = 'pm_card_visa') =>
  (await rentals.ask(fee.customerId, PAY, { id: fee.id, card: paymentMethod })).payFee;

const feesOf = ({ id }: Rental): Promise<Fee[]> =>
  rentals.em().find(Fee, { rentalId: id }, { orderBy: { kind: 'asc', createdAt: 'asc', id: 'asc' } });
const told = async ({ id }: Fee): Promise<string[]> => {
  const rows = await query<{ type: string }>(
    rentals.em(),
    `SELECT payload->>'type' AS type FROM outbox WHERE aggregate = $1 ORDER BY id`,
    [`fee-${id}`],
  );
  return rows.map(({ type }) => type.replace(/^rentabook\.|\.v1$/g, ''));
};
const drop = (rental: Rental) =>
  transaction(rentals.em(), async (em) => {
    const locked = await lockRental(em, rental.id);
    for (const fee of await lockFees(em, rental.id)) if (locked) dropFee(em, fee, locked);
  });

/** What the bank has of a fee: received and given back, an entry for each attempt. */
const bankOf = ({ id }: Fee): Promise<object[]> =>
  askDatabase(
    bankDatabase,
    `SELECT amount_received AS received, amount_refunded AS refunded FROM payment_intent WHERE metadata->>'key' LIKE $1 ORDER BY metadata->>'key'`,
    [`fee:${id}:%`],
  );

describe('paying', () => {
  test('a fee is paid once, however many ask at the same time', async () => {
    const fee = await rentals.feeIn(await rentals.rentalIn('CLOSED'), 'OUTSTANDING');

    const answers = await Promise.all([pay(fee), pay(fee), pay(fee)]);

    const codes = answers.map(({ userErrors }) => userErrors[0]?.code ?? null).sort();
    expect(codes).toEqual(['NOT_ALLOWED_IN_STATE', 'NOT_ALLOWED_IN_STATE', null]);
    expect(await bankOf(fee)).toEqual([{ received: 900, refunded: 0 }]);
    expect(await told(fee)).toEqual(['fee.paid']);
  });

  test('a payment that is declined leaves the fee outstanding, and the next means of payment is a new attempt', async () => {
    const fee = await rentals.feeIn(await rentals.rentalIn('CLOSED'), 'OUTSTANDING');

    expect(await pay(fee, 'pm_card_chargeDeclined')).toEqual({
      fee: { status: 'OUTSTANDING' },
      userErrors: [
        {
          code: 'PAYMENT_DECLINED',
          message: 'The payment was declined (generic_decline).',
          path: ['paymentMethod'],
        },
      ],
    });
    expect(await pay(fee)).toEqual({ fee: { status: 'PAID' }, userErrors: [] });
    expect(await bankOf(fee)).toEqual([
      { received: 0, refunded: 0 },
      { received: 900, refunded: 0 },
    ]);
  });

  test('another customer may not pay it, nor learn that it exists', async () => {
    const fee = await rentals.feeIn(await rentals.rentalIn('CLOSED'), 'OUTSTANDING');
    const { payFee } = await rentals.ask(randomUUID(), PAY, { id: fee.id, card: 'pm_card_visa' });
    expect(payFee).toMatchObject({ fee: null, userErrors: [{ code: 'NOT_FOUND', path: ['feeId'] }] });
  });

  test('what a process left behind when it died is paid by the sweeper, by the same key', async () => {
    const rental = await rentals.rentalIn('CLOSED');
    const fee = await rentals.feeIn(rental, 'PENDING', {
      attempt: 1,
      paymentMethod: 'pm_card_visa',
      nextAttemptAt: new Date(0),
    });
    // It had come as far as the intent, and nobody wrote that down.
    const order = { key: `fee:${fee.id}:1`, rentalId: rental.id, amount: 900, currency: 'KRW' };
    await rentals.collecting.provider.createIntent(order);

    while (await sweepFees(rentals.collecting));

    expect(await bankOf(fee)).toEqual([{ received: 900, refunded: 0 }]);
    expect((await feesOf(rental))[0]).toMatchObject({ status: 'PAID', paymentMethod: null, nextAttemptAt: null });
  });

  test('a bank that is silent leaves it PENDING, and it is paid once the bank is back', async () => {
    const away = { ...rentals.collecting, settleWaitMs: 100 };
    const rental = await rentals.rentalIn('CLOSED');
    const fee = await rentals.feeIn(rental, 'PENDING', {
      attempt: 1,
      paymentMethod: 'pm_card_visa',
      nextAttemptAt: new Date(0),
    });
    await bank.stop();
    await sweepFees(away);
    expect((await feesOf(rental))[0]).toMatchObject({ status: 'PENDING', tries: 1 });

    bank = await startSandbox(bankDatabase, { PORT: new URL(bank.url).port });
    await eventually(
      async () => {
        await sweepFees(rentals.collecting);
        return (await feesOf(rental))[0]?.status;
      },
      (status) => status === 'PAID',
    );

    expect(await bankOf(fee)).toEqual([{ received: 900, refunded: 0 }]);
  });
});

test('an amount that the provider does not take leaves the fee to another day, or to a person', async () => {
  const fee = await rentals.feeIn(await rentals.rentalIn('CLOSED'), 'OUTSTANDING', { amount: 100_000_000 }); // the bank's most is one less
  expect(await pay(fee)).toMatchObject({ fee: { status: 'OUTSTANDING' }, userErrors: [{ code: 'PAYMENT_DECLINED' }] });
});

test('the payment of an attempt is not made again, however long ago its key was', async () => {
  const rental = await rentals.rentalIn('CLOSED');
  const fee = await rentals.feeIn(rental, 'PENDING', {
    attempt: 1,
    paymentMethod: 'pm_card_visa',
    nextAttemptAt: new Date(0),
  });
  const { provider } = rentals.collecting;
  // As if the bank had forgotten the key: it was made under another.
  const order = { key: `fee:${fee.id}:0`, rentalId: rental.id, amount: 900, currency: 'KRW' };
  const intent = await provider.createIntent(order);
  if (intent.status !== 'CREATED') throw new Error(`The bank said ${intent.status}`);
  await rentals.em().nativeUpdate(Fee, { id: fee.id }, { intentId: intent.intentId });

  while (await sweepFees(rentals.collecting));

  expect(await bankOf(fee)).toEqual([{ received: 900, refunded: 0 }]);
});

describe('what is not owed after all', () => {
  test('is given back once where it was paid', async () => {
    const rental = await rentals.rentalIn('LOST');
    const fee = await rentals.feeIn(rental, 'OUTSTANDING', { kind: 'LOST' });
    await pay(fee);

    await drop(rental);
    await drop(rental);
    await Promise.all([sweepFees(rentals.collecting), sweepFees(rentals.collecting)]);

    expect(await bankOf(fee)).toEqual([{ received: 900, refunded: 900 }]);
    expect(await told(fee)).toEqual(['fee.paid', 'fee.refunded']);
    expect((await feesOf(rental))[0]).toMatchObject({ status: 'REFUNDED', nextAttemptAt: null });
  });

  test('is given back too where it was being paid just then', async () => {
    const rental = await rentals.rentalIn('LOST');
    const fee = await rentals.feeIn(rental, 'PENDING', {
      kind: 'LOST',
      attempt: 1,
      paymentMethod: 'pm_card_visa',
      nextAttemptAt: new Date(0),
    });
    await drop(rental);

    while (await sweepFees(rentals.collecting));

    expect(await told(fee)).toEqual(['fee.paid', 'fee.refunded']);
    expect(await bankOf(fee)).toEqual([{ received: 900, refunded: 900 }]);
  });
});

/** A loan whose return parcel the carrier took on that day, and which is back; `inspect` ends inspections, `more` of them are left. */
async function backLate(days: number, more: Partial<Rental> = {}) {
  const dueAt = new Date(Date.now() - 30 * DAY_MS);
  const rental = await rentals.rentalIn('OVERDUE', { dueAt, ...more });
  const delivery = { id: randomUUID(), version: 0 };
  const scan = (type: 'delivery.picked_up' | 'delivery.delivered', occurredAt: Date) => {
    delivery.version += 1;
    const data = { ...factsOf(rental), deliveryId: delivery.id, direction: 'RETURN' as const };
    return deliver(
      rentals.em(),
      parcels,
      arrived(type, delivery, { ...data, occurredAt: occurredAt.toISOString() } as DataOf<typeof type>), // neither has more
    );
  };
  await scan('delivery.picked_up', new Date(dueAt.getTime() + days * DAY_MS));
  await scan('delivery.delivered', new Date());

  const reservation = { id: rental.id, version: 0 };
  const inspected: string[] = [];
  const inspect = async (conditions: DataOf<'stock.inspected'>['condition'][], more = 0) => {
    for (const [place, condition] of conditions.entries()) {
      reservation.version += 1;
      const remaining = conditions.length - place - 1 + more;
      const copyId = randomUUID();
      inspected.push(copyId);
      const data = { ...factsOf(rental), copyId, condition, remaining };
      await deliver(rentals.em(), stock, arrived('stock.inspected', reservation, data));
    }
    return (await feesOf(rental)).map(({ kind, amount, explanation }) => ({ kind, amount, explanation }));
  };
  const found = (copyId: string) => {
    reservation.version += 1;
    return deliver(rentals.em(), stock, arrived('stock.found', reservation, { ...factsOf(rental), copyId }));
  };
  return { rental, inspect, inspected, found };
}

describe('what a loan costs once it is back', () => {
  test('a late one costs until the carrier took the parcel, however long the carrier had it', async () => {
    const { rental, inspect } = await backLate(4);
    const [due, taken] = [rental.dueAt, new Date((rental.dueAt?.getTime() ?? 0) + 4 * DAY_MS)].map((day) =>
      day?.toISOString().slice(0, 10),
    );

    expect(await inspect(['GOOD'])).toEqual([
      {
        kind: 'LATE',
        amount: 1800,
        explanation: `Due on ${due}, picked up for the return on ${taken}: 4 days late at 450 KRW a day, for 1 copy.`,
      },
    ]);
  });

  test('what it costs so far grows with the days, and no more once the carrier has the parcel', async () => {
    const soFar = async ({ id, customerId }: Rental) =>
      (await rentals.ask(customerId, `{ rental(id: "${id}") { lateFeeSoFar { amount } } }`)).rental.lateFeeSoFar
        ?.amount ?? null;
    const dueAgo = (days: number) => ({ dueAt: new Date(Date.now() - days * DAY_MS) });

    expect(await soFar(await rentals.rentalIn('ON_LOAN', dueAgo(0.5)))).toBeNull();
    expect(await soFar(await rentals.rentalIn('OVERDUE', dueAgo(2.5)))).toBe(3 * 450);
    const { rental, inspect } = await backLate(4);
    expect(await soFar(rental)).toBe(4 * 450);
    await inspect(['GOOD']);
    expect(await soFar(rental)).toBeNull(); // it is a fee now
  });

  test('within the grace period it costs nothing', async () => {
    const { inspect } = await backLate(1);
    expect(await inspect(['WORN'])).toEqual([]);
  });

  test('each copy that is not as it was costs what became of it', async () => {
    const { inspect } = await backLate(-3, { quantity: 4, totalAmount: 18_000 });

    const fees = await inspect(['DAMAGED', 'UNUSABLE', 'MISSING', 'GOOD']);

    expect(fees.map(({ kind, amount }) => [kind, amount]).sort()).toEqual([
      ['DAMAGE', 22_500],
      ['DAMAGE', 4500],
      ['LOST', 22_500],
    ]);
  });

  test('a copy that was missing and turns up is no longer paid for; the others are', async () => {
    const { rental, inspect, found } = await backLate(-3, { quantity: 2, totalAmount: 9000 });
    await inspect(['MISSING', 'MISSING']);
    const [one] = await feesOf(rental);

    await found(one?.copyId ?? '');

    const after = await feesOf(rental);
    expect(after.map(({ id, status }) => [id === one?.id, status]).sort()).toEqual([
      [false, 'OUTSTANDING'],
      [true, 'WAIVED'],
    ]);
  });
});

test('a copy that was missing and turns up before the last inspection costs nothing', async () => {
  const { inspect, found, inspected } = await backLate(-3, { quantity: 2, totalAmount: 9000 });
  await inspect(['MISSING'], 1);
  await found(inspected[0] ?? '');
  expect(await inspect(['GOOD'])).toEqual([]);
});

test('a loan that was given up while its return was on the way costs nothing more once it has arrived', async () => {
  const rental = await rentals.rentalIn('OVERDUE');
  const delivery = { id: randomUUID(), version: 0 };
  const scan = (type: 'delivery.picked_up' | 'delivery.delivered') => {
    delivery.version += 1;
    const data = { ...factsOf(rental), deliveryId: delivery.id, direction: 'RETURN' as const };
    const event = { ...data, occurredAt: new Date().toISOString() } as DataOf<typeof type>; // neither has more
    return deliver(rentals.em(), parcels, arrived(type, delivery, event));
  };
  const now = new Date((rental.dueAt?.getTime() ?? 0) + 62 * DAY_MS);
  while (await sweepLoans(rentals.em(), policy, now, rentals.collecting.log));
  expect(await feesOf(rental)).toMatchObject([{ kind: 'LOST', status: 'OUTSTANDING' }]);

  await scan('delivery.picked_up');
  await scan('delivery.delivered');

  expect(await feesOf(rental)).toMatchObject([{ kind: 'LOST', status: 'WAIVED', dropped: true }]);
});

test('one that never comes back is lost in the end, each copy is paid for, and each that turns up is given back', async () => {
  const rental = await rentals.rentalIn('OVERDUE', { quantity: 2, totalAmount: 9000 });
  const now = new Date((rental.dueAt?.getTime() ?? 0) + 62 * DAY_MS);
  while (await sweepLoans(rentals.em(), policy, now, rentals.collecting.log));
  const fees = await feesOf(rental);
  for (const fee of fees) await pay(fee);

  const found = { ...factsOf(rental), copyId: randomUUID() };
  await deliver(rentals.em(), stock, arrived('stock.found', { id: rental.id, version: 1 }, found));
  while (await sweepFees(rentals.collecting));

  expect(fees.map(({ kind, amount }) => [kind, amount])).toEqual([
    ['LOST', 22_500],
    ['LOST', 22_500],
  ]);
  expect((await feesOf(rental)).map(({ status }) => status).sort()).toEqual(['PAID', 'REFUNDED']);
});

describe('a capture that the bank refuses because the authorisation has expired', () => {
  const expired = async (status: 'SHIPPING' | 'CANCELLED') => {
    const rental = await rentals.rentalIn(status);
    const { provider } = rentals.collecting;
    const order = { key: rental.id, rentalId: rental.id, amount: 4500, currency: 'KRW' };
    const intent = await provider.createIntent(order);
    if (intent.status !== 'CREATED') throw new Error(`The bank said ${intent.status}`);
    await provider.void({ ...order, intentId: intent.intentId }); // as the bank does after a week
    await transaction(rentals.em(), async (em) => {
      await em.nativeUpdate(
        Payment,
        { id: rental.id },
        {
          status: 'AUTHORIZED',
          captured: 0,
          authorized: 4500,
          intentId: intent.intentId,
        },
      );
      addStep(em, rental.id, 'CAPTURE', 'TODO');
    });
    while (await sweepMoney({ ...rentals.collecting, policy }, rentals.collecting.log));
    return rental;
  };

  test('becomes a fee of the same amount for who has the books', async () => {
    const rental = await expired('SHIPPING');
    expect(await feesOf(rental)).toMatchObject([{ kind: 'RENTAL', status: 'OUTSTANDING', amount: 4500 }]);
    expect(await rentals.em().findOneOrFail(Payment, { id: rental.id })).toMatchObject({
      status: 'VOIDED',
      captured: 0,
    });
  });

  test('costs nothing where the rental was cancelled meanwhile', async () => {
    expect(await feesOf(await expired('CANCELLED'))).toEqual([]);
  });
});

test('a customer sees every fee that is unpaid, the oldest first, each with its rental, and no fee of another', async () => {
  const [lost, closed, another] = [
    await rentals.rentalIn('LOST'),
    await rentals.rentalIn('CLOSED'),
    await rentals.rentalIn('CLOSED'),
  ];
  const own = { customerId: lost.customerId };
  const newer = await rentals.feeIn(lost, 'PENDING', { createdAt: new Date(Date.now() - DAY_MS) });
  const older = await rentals.feeIn(closed, 'OUTSTANDING', { ...own, createdAt: new Date(Date.now() - 2 * DAY_MS) });
  await rentals.feeIn(lost, 'PAID');
  await rentals.feeIn(lost, 'WAIVED');
  await rentals.feeIn(another, 'OUTSTANDING');

  const { _entities } = await rentals.ask(
    lost.customerId,
    'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { unpaidFees { id status } } } }',
    { of: [{ __typename: 'Customer', id: lost.customerId }] },
  );

  expect(_entities[0].unpaidFees).toEqual([
    { id: older.id, status: 'OUTSTANDING' },
    { id: newer.id, status: 'PENDING' },
  ]);
});

test('who has an overdue rental, or too many unpaid fees, is blocked until that is mended', async () => {
  const blocked = async (id: string) =>
    (
      await rentals.ask(
        id,
        'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { blocked } } }',
        { of: [{ __typename: 'Customer', id }] },
      )
    )._entities[0].blocked;
  const late = await rentals.rentalIn('OVERDUE');
  const rental = await rentals.rentalIn('CLOSED');
  const small = await rentals.feeIn(rental, 'OUTSTANDING', { amount: policy.unpaidFeesLimit });
  expect(await blocked(rental.customerId)).toBe(false);
  const more = await rentals.feeIn(rental, 'OUTSTANDING', { amount: 1 });

  expect([await blocked(late.customerId), await blocked(rental.customerId)]).toEqual([true, true]);
  await pay(more);
  expect(await blocked(small.customerId)).toBe(false);
});

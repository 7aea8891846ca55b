/**
 * Every state of a rental, a payment and a fee, with everything that people, parcels, Book and the clock may want of it: what the
 * tables allow happens, and whatever else comes changes nothing at all. On a real database, through the graph's own operations.
 */
import { randomUUID } from 'node:crypto';
import { transaction } from '#platform/database.ts';
import type { DataOf, EventType } from '#schema/events.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { dropFee, factsOf, lockFees, lockPayment, lockRental, moveFee, movePayment } from './changes.ts';
import type { Rental } from './entities.ts';
import { bookConsumer, deliveryConsumer } from './events.ts';
import { openRentals, policy, type Rentals } from './fixture.ts';
import { sweepLoans } from './loans.ts';
import {
  after,
  type Change,
  type FeeChange,
  feeAfter,
  feeStatuses,
  isFinal,
  type PaymentChange,
  paymentAfter,
  paymentStatuses,
  rentalStatuses,
} from './rental.ts';

let rentals: Rentals;
beforeAll(async () => {
  rentals = await openRentals();
});
afterAll(() => rentals?.close());

const SELECTION = '{ rental { status version allowedActions } userErrors { code message } }';
const commands = {
  cancel: { field: (id: string) => `cancelRental(input: { rentalId: "${id}" })`, action: 'CANCEL' },
  renew: { field: (id: string) => `renewRental(rentalId: "${id}")`, action: 'RENEW' },
  requestReturn: { field: (id: string) => `returnRental(rentalId: "${id}")`, action: 'RETURN' },
  reportLost: { field: (id: string) => `reportRentalLost(rentalId: "${id}")`, action: 'REPORT_LOST' },
} as const;
const commandNames = Object.keys(commands) as (keyof typeof commands)[]; // the keys of the literal

const pairs = <A, B>(all: readonly A[], others: readonly B[]): [A, B][] =>
  all.flatMap((one) => others.map((other): [A, B] => [one, other]));

test.each(pairs(rentalStatuses, commandNames))('a rental that is %s: %s', async (status, command) => {
  const rental = await rentals.rentalIn(status);
  const before = await rentals.everything(rental.id);
  const { field, action } = commands[command];
  const next = after(status, command);
  const offered = await rentals.ask(rental.customerId, `{ rental(id: "${rental.id}") { allowedActions } }`);

  const { done } = await rentals.ask(rental.customerId, `mutation { done: ${field(rental.id)} ${SELECTION} }`);

  expect(offered.rental.allowedActions.includes(action)).toBe(next !== null);
  if (next) {
    expect(done).toMatchObject({ rental: { status: next, version: 4 }, userErrors: [] });
    return;
  }
  // A cancel that comes again changes nothing, and is no mistake.
  const again = command === 'cancel' && status === 'CANCELLED';
  expect(done.userErrors.map(({ code }: { code: string }) => code)).toEqual(again ? [] : ['NOT_ALLOWED_IN_STATE']);
  expect(done.rental).toEqual({ status, version: 3, allowedActions: offered.rental.allowedActions });
  expect(await rentals.everything(rental.id)).toEqual(before);
});

test.each(commandNames)(
  "%s: an id that is none is told as such, and another customer's rental as none",
  async (command) => {
    const rental = await rentals.rentalIn('ON_LOAN');
    const codesOf = async (id: string) => {
      const { done } = await rentals.ask(
        randomUUID(),
        `mutation { done: ${commands[command].field(id)} ${SELECTION} }`,
      );
      return [done.rental, ...done.userErrors.map(({ code }: { code: string }) => code)];
    };
    expect(await codesOf('none')).toEqual([null, 'INVALID_INPUT']);
    expect(await codesOf(rental.id)).toEqual([null, 'NOT_FOUND']);
  },
);

/** What each parcel's event means to a rental, in the words of its table; the others mean nothing to it. */
const parcelChanges: Record<string, Change> = {
  'OUTBOUND picked_up': 'ship',
  'OUTBOUND delivered': 'deliver',
  'OUTBOUND stopped': 'giveBack',
  'OUTBOUND returned_to_sender': 'giveBack',
  'OUTBOUND lost': 'lose',
  'RETURN picked_up': 'startReturn',
  'RETURN delivered': 'receive',
  'RETURN stopped': 'resumeLoan',
  'RETURN returned_to_sender': 'resumeLoan',
  'RETURN lost': 'lose',
};
const scans = [
  'picked_up',
  'in_transit',
  'out_for_delivery',
  'delivered',
  'failed',
  'stopped',
  'returned_to_sender',
  'lost',
];
const parcelEvents = pairs(['OUTBOUND', 'RETURN'] as const, scans);

const statusOf = async (id: string) => ((await rentals.em().findOneOrFail('Rental' as never, { id })) as Rental).status; // the entity's name

/** The state, the payment and the fees: what a parcel's event may only touch where the rental's own table, or a debt, says so. */
async function parcelTells(rental: Rental, direction: 'OUTBOUND' | 'RETURN', scan: string): Promise<void> {
  const type = `delivery.${scan}` as Extract<EventType, `delivery.${string}`>; // one of the list
  const delivery = { id: randomUUID(), version: 1 };
  const data = { ...factsOf(rental), deliveryId: delivery.id, direction, occurredAt: new Date().toISOString() };
  const event = arrived(type, delivery, data as DataOf<typeof type>); // none of them has more
  expect(await deliver(rentals.em(), deliveryConsumer(policy), event)).toBe('applied');
}

test.each(rentalStatuses)(
  'a rental that is %s moves by its parcels as its table says, and never otherwise',
  async (status) => {
    for (const [direction, scan] of parcelEvents) {
      const rental = await rentals.rentalIn(status);
      const change = parcelChanges[`${direction} ${scan}`];
      const next = (change && after(status, change)) ?? status;

      await parcelTells(rental, direction, scan);

      const { told } = (await rentals.everything(rental.id)) as { told: { event_id: string }[] };
      expect([direction, scan, await statusOf(rental.id)]).toEqual([direction, scan, next]);
      if (next === status) expect(told.filter(({ event_id }) => event_id.startsWith('rental-'))).toEqual([]);
    }
  },
);

test.each(rentalStatuses)(
  'a rental that is %s is closed by the last inspection only once it is back',
  async (status) => {
    const rental = await rentals.rentalIn(status);
    const inspected = { ...factsOf(rental), copyId: randomUUID(), condition: 'DAMAGED' as const, remaining: 0 };

    await deliver(
      rentals.em(),
      bookConsumer(policy),
      arrived('stock.inspected', { id: rental.id, version: 1 }, inspected),
    );

    expect(await statusOf(rental.id)).toBe(after(status, 'close') ?? status);
  },
);

test.each(rentalStatuses)('the clock moves a rental that is %s only as its table says', async (status) => {
  const now = new Date();
  const longAgo = new Date(now.getTime() - 400 * 86_400_000);
  const lately = new Date(now.getTime() - 5 * 86_400_000);
  const [old, young] = [
    await rentals.rentalIn(status, { dueAt: longAgo }),
    await rentals.rentalIn(status, { dueAt: lately }),
  ];

  while (await sweepLoans(rentals.em(), policy, now, rentals.collecting.log));

  const overdue = after(status, 'fallDue') ?? status;
  expect(await statusOf(young.id)).toBe(overdue);
  expect(await statusOf(old.id)).toBe(after(overdue, 'giveUp') ?? overdue);
});

test('stuck is what should have gone on by itself, not a loan that is read', async () => {
  const longAgo = new Date(Date.now() - 3_600_000);
  const made = new Map<string, string>();
  for (const status of rentalStatuses) made.set((await rentals.rentalIn(status, { changedAt: longAgo })).id, status);
  const returning = await rentals.rentalIn('OVERDUE', { changedAt: longAgo, returnRequested: true });
  const fresh = await rentals.rentalIn('ACCEPTED');
  const STUCK = '{ rentals(first: 100, filter: { stuckForMinutes: 30 }) { edges { node { id } } } }';

  const answer = await rentals.ask(randomUUID(), STUCK, {}, ['STAFF']);

  const ids: string[] = answer.rentals.edges.map(({ node }: { node: { id: string } }) => node.id);
  expect(
    ids
      .map((id) => made.get(id))
      .filter(Boolean)
      .sort(),
  ).toEqual(['REQUESTED', 'ON_HOLD', 'ACCEPTED', 'SHIPPING', 'RETURNING', 'RETURNED'].sort());
  expect([ids.includes(returning.id), ids.includes(fresh.id)]).toEqual([true, false]);
});

test('of what is stuck the oldest request comes first, from page to page', async () => {
  const customerId = randomUUID();
  const changedAt = new Date(Date.now() - 3_600_000);
  const made: string[] = [];
  for (const hours of [4, 3, 2]) {
    const requestedAt = new Date(Date.now() - hours * 3_600_000);
    made.push((await rentals.rentalIn('ACCEPTED', { customerId, requestedAt, changedAt })).id);
  }
  const PAGE = `query ($after: String, $filter: RentalFilter) {
    rentals(first: 2, after: $after, filter: $filter) { edges { node { id } } pageInfo { endCursor } }
  }`;
  const idsOf = async (filter: object) => {
    const ids: string[] = [];
    for (let after: string | null = null; ids.length < made.length; ) {
      const { rentals: page } = await rentals.ask(randomUUID(), PAGE, { after, filter }, ['STAFF']);
      ids.push(...page.edges.map(({ node }: { node: { id: string } }) => node.id));
      after = page.pageInfo.endCursor;
    }
    return ids;
  };

  expect(await idsOf({ customerId, stuckForMinutes: 30 })).toEqual(made);
  expect(await idsOf({ customerId })).toEqual(made.toReversed());
});

test('no state of a rental is a dead end but the final ones', () => {
  const changes: Change[] = ['accept', 'resume', 'ship', 'deliver', 'startReturn', 'receive', 'close'];
  for (const status of rentalStatuses) {
    const ways = changes.map((change) => after(status, change)).filter(Boolean);
    expect(ways.length > 0).toBe(!isFinal(status));
  }
});

const paymentEvents = {
  authorize: 'payment.authorized',
  decline: 'payment.declined',
  lose: 'payment.declined',
  void: 'payment.voided',
  capture: 'payment.captured',
  refundPart: 'payment.refunded',
  refund: 'payment.refunded',
} as const satisfies Record<PaymentChange, EventType>;
const paymentChanges = Object.keys(paymentEvents) as PaymentChange[]; // the keys of the literal

test.each(paymentStatuses)('a payment that is %s moves as its table says, and never otherwise', async (status) => {
  for (const change of paymentChanges) {
    const rental = await rentals.rentalIn('ACCEPTED');
    await rentals.em().nativeUpdate('Payment' as never, { id: rental.id }, { status } as never);
    const before = await rentals.everything(rental.id);

    const moved = await transaction(rentals.em(), async (em) => {
      const locked = await lockRental(em, rental.id);
      if (!locked) throw new Error('It was made just now');
      const payment = await lockPayment(em, rental.id);
      const more = change === 'decline' || change === 'lose' ? { declineCode: 'no' } : {};
      return movePayment(em, payment, locked, change, paymentEvents[change], 4500, more as never);
    });

    const next = paymentAfter(status, change);
    expect([change, moved]).toEqual([change, next !== null]);
    const [payment] = ((await rentals.everything(rental.id)) as { payment: { status: string }[] }).payment;
    expect(payment?.status).toBe(next ?? status);
    if (!next) expect(await rentals.everything(rental.id)).toEqual(before);
  }
});

test.each(pairs(feeStatuses, ['pay', 'waive'] as const))('a fee that is %s: %s', async (status, change) => {
  const rental = await rentals.rentalIn('CLOSED');
  const fee = await rentals.feeIn(rental, status);
  const before = await rentals.everything(rental.id);
  const field =
    change === 'pay'
      ? `payFee(feeId: "${fee.id}", paymentMethod: "pm_card_visa")`
      : `waiveFee(feeId: "${fee.id}", reason: "A good customer")`;
  if (change === 'pay' && feeAfter(status, 'pay')) return; // fees.test.ts pays them, at a real bank

  const { done } = await rentals.ask(
    rental.customerId,
    `mutation { done: ${field} { fee { status } userErrors { code } } }`,
    {},
    ['STAFF'],
  );

  const next = feeAfter(status, change);
  expect(done).toEqual({
    fee: { status: next ?? status },
    userErrors: next ? [] : [{ code: 'NOT_ALLOWED_IN_STATE' }],
  });
  if (!next) expect(await rentals.everything(rental.id)).toEqual(before);
});

const feeChanges: FeeChange[] = ['pay', 'waive', 'drop', 'confirm', 'decline', 'refund'];

test.each(feeStatuses)('a fee that is %s moves as its table says, and never otherwise', async (status) => {
  for (const change of feeChanges) {
    const rental = await rentals.rentalIn('CLOSED');
    await rentals.feeIn(rental, status);
    const before = await rentals.everything(rental.id);

    await transaction(rentals.em(), async (em) => {
      const locked = await lockRental(em, rental.id);
      const [fee] = await lockFees(em, rental.id);
      if (!locked || !fee) throw new Error('They were made just now');
      moveFee(em, fee, locked, change);
    });

    const next = feeAfter(status, change);
    const [fee] = ((await rentals.everything(rental.id)) as { fees: { status: string }[] }).fees;
    expect([change, fee?.status]).toEqual([change, next ?? status]);
    if (!next) expect(await rentals.everything(rental.id)).toEqual(before);
  }
});

test.each([
  ['OUTSTANDING', 'WAIVED', false],
  ['PENDING', 'PENDING', false],
  ['PAID', 'PAID', true], // until the provider has given it back
  ['WAIVED', 'WAIVED', false],
  ['REFUNDED', 'REFUNDED', false],
] as const)('a fee that is %s and not owed after all is %s', async (status, then, due) => {
  const rental = await rentals.rentalIn('LOST');
  await rentals.feeIn(rental, status, { kind: 'LOST' });

  await transaction(rentals.em(), async (em) => {
    const locked = await lockRental(em, rental.id);
    const [fee] = await lockFees(em, rental.id);
    if (locked && fee) dropFee(em, fee, locked);
  });

  const { fees } = (await rentals.everything(rental.id)) as { fees: { status: string; next_attempt_at: unknown }[] };
  expect(fees).toMatchObject([{ status: then, dropped: true }]);
  expect(fees[0]?.next_attempt_at !== null).toBe(due);
});

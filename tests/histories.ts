/** Random histories of a shop, with time, and what must hold at rest whatever has happened. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { query } from '#platform/database.ts';
import { staff } from '../subgraphs/book/fixture.ts';
import type { DeliveryStatus } from '../subgraphs/delivery/delivery.ts';
import { Fee, Rental } from '../subgraphs/rental/entities.ts';
import { isFinal, lent } from '../subgraphs/rental/rental.ts';
import { openWholeShop, viewer, type WholeShop } from './shop.ts';

const scans = [
  'PICKED_UP',
  'IN_TRANSIT',
  'OUT_FOR_DELIVERY',
  'DELIVERED',
  'FAILED',
  'STOPPED',
  'RETURNED_TO_SENDER',
  'LOST',
] as const;
const conditions = ['GOOD', 'WORN', 'DAMAGED', 'UNUSABLE', 'MISSING'] as const;

const customer = fc.nat({ max: 2 });
/** Which of those there are, modulo how many. */
const which = fc.nat({ max: 99 });

const seldom = fc.nat({ max: 5 }).map((throw_) => throw_ === 0);

/** Something that somebody does, or that time does. What does not go then is answered so, and that is all. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      customer,
      quantity: fc.integer({ min: 1, max: 2 }),
      declined: seldom,
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('scan' as const),
      which,
      status: fc.constantFrom(...scans, 'PICKED_UP' as const, 'DELIVERED' as const, 'DELIVERED' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew' as const), which }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('return' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('lose' as const), which }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('inspect' as const), which, condition: fc.constantFrom(...conditions) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('receive' as const), which }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pay' as const), which, declined: seldom }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('waive' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), customer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('days' as const), days: fc.integer({ min: 1, max: 25 }) }) },
  { weight: 6, arbitrary: fc.constant({ do: 'quiet' as const }) },
);
const histories = fc.array(step, { minLength: 40, maxLength: 100, size: 'max' });
type History = typeof histories extends fc.Arbitrary<infer H> ? H : never;

const ID = '($id: ID!)';
const RENTAL_MUTATIONS = {
  cancel: `mutation ${ID} { cancelRental(input: { rentalId: $id }) { userErrors { code } } }`,
  renew: `mutation ${ID} { renewRental(rentalId: $id) { userErrors { code } } }`,
  return: `mutation ${ID} { returnRental(rentalId: $id) { userErrors { code } } }`,
  lose: `mutation ${ID} { reportRentalLost(rentalId: $id) { userErrors { code } } }`,
};

const COPIES = 5;

/** Plays so many on one shop. @throws with the first history after which something does not hold. */
export async function holdsAfterAny(numRuns: number): Promise<void> {
  const shop = await openWholeShop();
  try {
    const holds = fc.asyncProperty(histories, async (history) => {
      expect(await play(shop, history)).toEqual([]);
    });
    await fc.assert(holds, { numRuns, endOnFailure: true }); // a shorter one would take minutes to find
  } finally {
    await shop.close();
  }
}

/** Plays it on a title of its own, then lets everything come to its end, and answers what does not hold then. */
async function play(shop: WholeShop, history: History): Promise<string[]> {
  const { book, rental } = shop;
  const { id: bookId } = await book.addTitle(COPIES);
  await shop.quiet();
  const customers = [randomUUID(), randomUUID(), randomUUID()];
  const rentals: { id: string; customerId: string }[] = [];

  const pick = <T>(all: T[], index: number): T | undefined => all[index % Math.max(all.length, 1)];
  const copiesIn = async (...statuses: string[]) =>
    (await book.copiesOf(bookId)).filter(({ status }) => statuses.includes(status));
  const fees = () =>
    rental.em().find(Fee, { customerId: { $in: customers } }, { orderBy: { createdAt: 'asc', id: 'asc' } });
  const unpaid = async () => (await fees()).filter(({ status }) => status === 'OUTSTANDING');
  const entries = async (customerId: string): Promise<{ id: string }[]> =>
    query(book.em(), "SELECT id FROM waitlist_entry WHERE customer_id = $1 AND status IN ('WAITING', 'OFFERED')", [
      customerId,
    ]);
  const pay = ({ id, customerId }: Fee, card: string) =>
    rental.ask(
      customerId,
      'mutation ($id: ID!, $card: String!) { payFee(feeId: $id, paymentMethod: $card) { userErrors { code } } }',
      { id, card },
    );
  const card = (declined: boolean) => (declined ? 'pm_card_chargeDeclined' : 'pm_card_visa');

  /** Of the rentals mostly one that is lent, else any: nobody wants to give back what they do not have, but may try. */
  async function mostlyLent(index: number) {
    const all = await rental
      .em()
      .find(Rental, { id: { $in: rentals.map(({ id }) => id) }, status: { $in: [...lent] } });
    return (index % 5 && pick(all, index)) || pick(rentals, index);
  }

  /** Only what can be scanned: a parcel that is to be stopped comes back or comes too late, as the carrier says. */
  async function scan(rentalId: string, status: DeliveryStatus): Promise<void> {
    const parcel = await shop.parcelOf(rentalId);
    if (!parcel || (status === 'STOPPED' && !parcel.stop && parcel.direction === 'OUTBOUND')) return;
    shop.passDays(1 / 86_400); // no two scans of a parcel at once
    await shop.scan(parcel, status);
  }

  async function take(next: History[number]): Promise<unknown> {
    switch (next.do) {
      case 'request': {
        const customerId = customers[next.customer] ?? '';
        rentals.push({ id: await shop.request(customerId, bookId, next.quantity, card(next.declined)), customerId });
        return;
      }
      case 'cancel':
      case 'renew':
      case 'return':
      case 'lose': {
        const one = next.do === 'cancel' ? pick(rentals, next.which) : await mostlyLent(next.which);
        return one && rental.ask(one.customerId, RENTAL_MUTATIONS[next.do], { id: one.id });
      }
      case 'scan': {
        const all = await shop.parcelsUnderWay();
        const one = pick(
          all.filter(({ bookId: of }) => of === bookId),
          next.which,
        );
        return one && scan(one.rentalId, next.status);
      }
      case 'inspect': {
        const copy = pick(await copiesIn('INSPECTING', 'REPAIR'), next.which);
        return copy && book.inspect(copy.id, next.condition);
      }
      case 'receive': {
        const copy = pick(await copiesIn('LOST'), next.which);
        return (
          copy &&
          book.askAs(staff(), `mutation ${ID} { receiveCopy(copyId: $id) { userErrors { code } } }`, { id: copy.id })
        );
      }
      case 'pay': {
        const fee = pick(await unpaid(), next.which);
        return fee && pay(fee, card(next.declined));
      }
      case 'waive': {
        const fee = pick(await unpaid(), next.which);
        return (
          fee &&
          rental.ask(
            fee.customerId,
            `mutation ${ID} { waiveFee(feeId: $id, reason: "So be it") { userErrors { code } } }`,
            { id: fee.id },
            ['STAFF'],
          )
        );
      }
      case 'join':
        return book.askAs(
          viewer(customers[next.customer] ?? ''),
          `mutation ${ID} { joinWaitlist(bookId: $id) { userErrors { code } } }`,
          { id: bookId },
        );
      case 'leave': {
        const customerId = pick(customers, next.which) ?? '';
        const entry = pick(await entries(customerId), next.which);
        return (
          entry &&
          book.askAs(viewer(customerId), `mutation ${ID} { leaveWaitlist(entryId: $id) { userErrors { code } } }`, {
            id: entry.id,
          })
        );
      }
      case 'days':
        return shop.passDays(next.days);
      case 'quiet':
        return shop.quiet();
    }
  }

  const statusOf = async ({ id }: { id: string }) => (await rental.em().findOneOrFail(Rental, { id })).status;

  /** Carriers bring everything to its end, staff look at every copy, readers send back what they have. */
  async function finish(): Promise<void> {
    for (let round = 0; round < 12; round += 1) {
      await shop.quiet();
      const open = [];
      for (const one of rentals) {
        const parcel = await shop.parcelOf(one.id);
        if (!isFinal(await statusOf(one)) || parcel) open.push({ ...one, parcel });
      }
      if (!open.length) break;
      for (const { id, customerId, parcel } of open) {
        if (parcel) await scan(id, parcel.stop ? 'STOPPED' : 'DELIVERED');
        else await rental.ask(customerId, RENTAL_MUTATIONS.return, { id });
      }
      await shop.quiet();
      for (const copy of await copiesIn('INSPECTING')) await book.inspect(copy.id, 'GOOD');
    }
    shop.passDays(100); // what was kept is written off
    await shop.quiet();
  }

  for (const next of history) await take(next);
  await finish();
  const states = await Promise.all(rentals.map(async (one) => ({ ...one, status: await statusOf(one) })));
  return [
    ...states.filter(({ status }) => !isFinal(status)).map(({ id, status }) => `Rental ${id} stays ${status}.`),
    ...(await moneyMistakes(shop, customers)),
    ...(await shop.differences()),
  ];
}

interface Sums {
  id: string;
  authorized: number;
  captured: number;
  voided: number;
  refunded: number;
  open: number;
}

/** By the events alone, which the rows have no part in: what was authorised was captured or voided, and no more given back than taken. */
async function moneyMistakes({ rental }: WholeShop, customers: string[]): Promise<string[]> {
  const sum = (type: string) =>
    `coalesce(sum((payload->'data'->'amount'->>'amount')::int) FILTER (WHERE payload->>'type' = 'rentabook.payment.${type}.v1'), 0)::int`;
  const payments = await query<Sums>(
    rental.em(),
    `WITH sums AS (
       SELECT payload->>'subject' AS id, ${sum('authorized')} AS authorized, ${sum('captured')} AS captured,
         ${sum('voided')} AS voided, ${sum('refunded')} AS refunded
       FROM outbox WHERE aggregate LIKE 'payment-%' AND payload->'data'->>'customerId' = ANY($1) GROUP BY payload->>'subject')
     SELECT sums.*, (SELECT count(*)::int FROM step WHERE rental_id::text = id AND status IN ('WAITING', 'TODO')) AS open FROM sums`,
    [customers],
  );
  const told = payments.flatMap(({ id, authorized, captured, voided, refunded, open }) => [
    ...(authorized - captured - voided === 0
      ? []
      : [`Payment ${id}: ${authorized} authorised, ${captured} captured, ${voided} voided.`]),
    ...(refunded <= captured ? [] : [`Payment ${id}: ${refunded} given back of ${captured}.`]),
    ...(open ? [`Rental ${id} still owes ${open}.`] : []),
  ]);
  const fees = await query<{ id: string; events: string[]; status: string }>(
    rental.em(),
    `SELECT fee.id, status, array_agg(split_part(payload->>'type', '.', 3) ORDER BY outbox.id) AS events
     FROM fee JOIN outbox ON aggregate = 'fee-' || fee.id WHERE customer_id::text = ANY($1) GROUP BY fee.id`,
    [customers],
  );
  const ways: Record<string, string> = {
    'raised OUTSTANDING': '',
    'raised,waived WAIVED': '',
    'raised,paid PAID': '',
    'raised,paid,refunded REFUNDED': '',
  };
  for (const { id, events, status } of fees)
    if (!(`${events} ${status}` in ways)) told.push(`Fee ${id} is ${status} after ${events}.`);
  return told;
}

/** What an operator is told of what waits and what is owed, from rows as they stand. */
import { query, transaction } from '#platform/database.ts';
import { addStep, setSteps } from './changes.ts';
import { openRentals, type Rentals } from './fixture.ts';
import { measures } from './metrics.ts';

let shop: Rentals;
beforeAll(async () => {
  shop = await openRentals();
});
afterAll(() => shop?.close());

/** Name -> value, in whole seconds where it is a time. */
async function told(): Promise<Record<string, number>> {
  const all: Record<string, number> = {};
  for (const { statement, values = [], gauges, label } of measures)
    for (const row of await query<Record<string, number>>(shop.em(), statement, values))
      for (const name of Object.keys(gauges)) all[label ? `${name} ${row[label]}` : name] = Math.floor(row[name] ?? -1);
  return all;
}

const nothing = {
  rentabook_held_requests: 0,
  rentabook_held_oldest_seconds: 0,
  'rentabook_compensations_owed STOCK_RELEASE': 0,
  'rentabook_compensations_owed DELIVERY_STOP': 0,
  'rentabook_compensations_owed PAYMENT_VOID': 0,
  'rentabook_compensations_owed PAYMENT_REFUND': 0,
  'rentabook_compensations_oldest_seconds STOCK_RELEASE': 0,
  'rentabook_compensations_oldest_seconds DELIVERY_STOP': 0,
  'rentabook_compensations_oldest_seconds PAYMENT_VOID': 0,
  'rentabook_compensations_oldest_seconds PAYMENT_REFUND': 0,
};
const HOUR_MS = 3_600_000;

test('held requests, and how long the oldest has waited', async () => {
  expect(await told()).toEqual(nothing);

  for (const hours of [2, 1])
    await shop.rentalIn('ON_HOLD', { round: 1, heldSince: new Date(Date.now() - hours * HOUR_MS) });

  expect(await told()).toEqual({ ...nothing, rentabook_held_requests: 2, rentabook_held_oldest_seconds: 7200 });
  await query(shop.em(), "UPDATE rental SET status = 'CLOSED' WHERE status = 'ON_HOLD'");
});

test('what is owed, and for how long what waits for nothing else', async () => {
  const rental = await shop.rentalIn('CANCELLED');
  await transaction(shop.em(), async (em) => {
    addStep(em, rental.id, 'CAPTURE', 'TODO');
    addStep(em, rental.id, 'DELIVERY_STOP', 'DONE');
    addStep(em, rental.id, 'PAYMENT_VOID', 'FAILED');
    addStep(em, rental.id, 'PAYMENT_REFUND', 'WAITING');
  });
  await query(shop.em(), "UPDATE step SET owed_since = now() - interval '1 hour'");
  const owed = {
    ...nothing,
    'rentabook_compensations_owed PAYMENT_VOID': 1,
    'rentabook_compensations_oldest_seconds PAYMENT_VOID': 3600,
    'rentabook_compensations_owed PAYMENT_REFUND': 1,
  };
  expect(await told()).toEqual(owed);

  await setSteps(shop.em(), rental.id, ['PAYMENT_REFUND'], 'TODO');
  expect(await told()).toEqual(owed); // its time begins now

  await query(shop.em(), "UPDATE step SET owed_since = now() - interval '1 minute' WHERE kind = 'PAYMENT_REFUND'");
  expect(await told()).toEqual({ ...owed, 'rentabook_compensations_oldest_seconds PAYMENT_REFUND': 60 });
});

/** What the other services' events do to a rental, on a real database: in time, twice, too late and out of order. */
import { randomUUID } from 'node:crypto';
import { type Orm, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { OutboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { DataOf, EventType } from '#schema/events.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { createDatabase } from '../../tests/services.ts';
import { factsOf, lockRental, move, owe } from './changes.ts';
import { rentalDatabase } from './database.ts';
import { Payment, Rental, Step } from './entities.ts';
import { bookConsumer, deliveryConsumer } from './events.ts';
import { policy, storeRental } from './fixture.ts';
import { sweepLoans } from './loans.ts';

let orm: Orm;
beforeAll(async () => {
  orm = await openServiceDatabase({
    ...rentalDatabase,
    url: await createDatabase('rental'),
    log: createLog('test', 'silent'),
  });
});
afterAll(() => orm?.close());

const parcels = deliveryConsumer(policy);
const stock = bookConsumer(policy);

/** A rental as it is after `settle`, with its payment authorised. */
const accepted = (): Promise<Rental> =>
  transaction(orm.em, async (em) => {
    const rental = await storeRental(em, 'REQUESTED', { version: 1, dueAt: null }, { status: 'AUTHORIZED' });
    move(em, rental, 'accept', 'rental.accepted', { total: { amount: 4500, currency: 'KRW' } });
    return rental;
  });

async function cancel(id: string): Promise<void> {
  await transaction(orm.em, async (em) => {
    const rental = await lockRental(em, id);
    if (!rental) throw new Error('There is no such rental');
    const from = rental.status as 'ACCEPTED' | 'SHIPPING'; // the tests cancel no other
    move(em, rental, 'cancel', 'rental.cancelled', { from });
    await owe(em, rental, 'cancel', from);
  });
}

type ParcelType = Extract<EventType, `delivery.${string}`>;

/** The parcel's events in order, each the next version of one delivery. */
function parcelOf(rental: Rental, direction: 'OUTBOUND' | 'RETURN') {
  const delivery = { id: randomUUID(), version: 0 };
  return (type: ParcelType, occurredAt = new Date()) => {
    delivery.version += 1;
    const data = { ...factsOf(rental), deliveryId: delivery.id, direction, occurredAt: occurredAt.toISOString() };
    return deliver(orm.em, parcels, arrived(type, delivery, data as DataOf<typeof type>)); // the tests send none with more
  };
}

const now = (id: string) => orm.em.fork().findOneOrFail(Rental, { id });
async function stepsOf(id: string): Promise<Record<string, string>> {
  const steps = await orm.em.fork().find(Step, { rentalId: id });
  return Object.fromEntries(steps.map(({ kind, status }) => [kind, status]));
}
const released = ({ rental, version = 1, quantity = 1 }: { rental: Rental; version?: number; quantity?: number }) =>
  deliver(orm.em, stock, arrived('stock.released', { id: rental.id, version }, { ...factsOf(rental), quantity }));

test('the parcel moves the rental: picked up is SHIPPING and owes a capture, delivered is ON_LOAN until its due date', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');

  await outbound('delivery.picked_up');
  expect(await stepsOf(rental.id)).toEqual({ CAPTURE: 'TODO' });
  await outbound('delivery.out_for_delivery');
  await outbound('delivery.delivered', new Date('2026-03-01T12:00:00Z'));

  expect(await now(rental.id)).toMatchObject({
    status: 'ON_LOAN',
    dueAt: new Date('2026-03-15T12:00:00Z'),
    version: 4,
  });
});

test('F5 a cancelled rental gets its money back when its parcel has been stopped, once, however often that is told', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  await outbound('delivery.picked_up');
  await cancel(rental.id);
  expect(await stepsOf(rental.id)).toEqual({
    CAPTURE: 'TODO',
    DELIVERY_STOP: 'WAITING',
    STOCK_RELEASE: 'WAITING',
    PAYMENT_REFUND: 'WAITING',
  });

  await outbound('delivery.stopped');
  await outbound('delivery.stopped');
  await released({ rental });

  expect(await stepsOf(rental.id)).toEqual({
    CAPTURE: 'TODO',
    DELIVERY_STOP: 'DONE',
    STOCK_RELEASE: 'DONE',
    PAYMENT_REFUND: 'TODO',
  });
  expect((await now(rental.id)).status).toBe('CANCELLED');
});

test('a parcel delivered although its rental is cancelled does not revive it: release and refund wait until it is back', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  await outbound('delivery.picked_up');
  await cancel(rental.id);

  await outbound('delivery.delivered');
  expect(await now(rental.id)).toMatchObject({ status: 'CANCELLED', dueAt: null });
  expect(await stepsOf(rental.id)).toMatchObject({
    DELIVERY_STOP: 'DONE',
    STOCK_RELEASE: 'WAITING',
    PAYMENT_REFUND: 'WAITING',
  });

  await parcelOf(rental, 'RETURN')('delivery.delivered');
  expect(await stepsOf(rental.id)).toMatchObject({ STOCK_RELEASE: 'DONE', PAYMENT_REFUND: 'TODO' });
});

test('a parcel that comes back without a cancel ends the rental and gives the money back', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  await outbound('delivery.picked_up');

  await outbound('delivery.returned_to_sender');

  expect((await now(rental.id)).status).toBe('CANCELLED');
  expect(await stepsOf(rental.id)).toEqual({ CAPTURE: 'TODO', STOCK_RELEASE: 'WAITING', PAYMENT_REFUND: 'TODO' });
});

test('a parcel lost by the carrier ends the rental without a fee and with a refund', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  await outbound('delivery.picked_up');

  await outbound('delivery.lost');

  expect((await now(rental.id)).status).toBe('LOST');
  expect(await stepsOf(rental.id)).toEqual({ CAPTURE: 'TODO', PAYMENT_REFUND: 'TODO' });
});

test('a release told before the parcel that came back is known here is not waited for again', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  await outbound('delivery.picked_up');

  await released({ rental });
  await outbound('delivery.stopped');

  expect(await stepsOf(rental.id)).toEqual({ CAPTURE: 'TODO', STOCK_RELEASE: 'DONE', PAYMENT_REFUND: 'TODO' });
});

test('an inspection known before the arrival of its parcel closes the rental with it', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  for (const type of ['delivery.picked_up', 'delivery.delivered'] as const) await outbound(type);
  const back = parcelOf(rental, 'RETURN');
  await back('delivery.picked_up');

  const inspected = { ...factsOf(rental), copyId: randomUUID(), condition: 'GOOD' as const, remaining: 0 };
  await deliver(orm.em, stock, arrived('stock.inspected', { id: rental.id, version: 1 }, inspected));
  expect((await now(rental.id)).status).toBe('RETURNING');
  await back('delivery.delivered');

  expect(await now(rental.id)).toMatchObject({ status: 'CLOSED', closedAt: expect.any(Date) });
});

/** A rental that was cancelled and came all the same, and its return, which the carrier has. */
async function onItsWayBack() {
  const rental = await accepted();
  const [outbound, back] = [parcelOf(rental, 'OUTBOUND'), parcelOf(rental, 'RETURN')];
  await outbound('delivery.picked_up');
  await cancel(rental.id);
  await outbound('delivery.delivered');
  await back('delivery.picked_up');
  return { rental, back };
}

test('what came although it was cancelled, and is lost on its way back, owes nothing more and is paid back', async () => {
  const { rental, back } = await onItsWayBack();

  await back('delivery.lost');

  expect(await stepsOf(rental.id)).toEqual({
    CAPTURE: 'TODO',
    DELIVERY_STOP: 'DONE',
    STOCK_RELEASE: 'DONE',
    PAYMENT_REFUND: 'TODO',
  });
});

test('what came although it was cancelled, and never goes back, is written off in the end, and the refund is off', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  await outbound('delivery.picked_up');
  await cancel(rental.id);
  await outbound('delivery.delivered', new Date('2026-01-01T12:00:00Z'));
  const sweep = (day: string) =>
    sweepLoans(orm.em.fork(), policy, new Date(`${day}T13:00:00Z`), createLog('test', 'silent'));

  await sweep('2026-02-28');
  expect(await stepsOf(rental.id)).toMatchObject({ STOCK_RELEASE: 'WAITING', PAYMENT_REFUND: 'WAITING' });
  await sweep('2026-03-03');

  expect(await stepsOf(rental.id)).toEqual({ CAPTURE: 'TODO', DELIVERY_STOP: 'DONE', STOCK_RELEASE: 'DONE' });
  const told = await orm.em.fork().find(OutboxRow, { aggregate: `rental-${rental.id}` }, { orderBy: { id: 'asc' } });
  expect(told.at(-1)?.payload.type).toBe('rentabook.rental.kept.v1');
  expect((await now(rental.id)).status).toBe('CANCELLED');
});

test('a return that the carrier brings back to the reader gives back the time that the carrier had it', async () => {
  const rental = await accepted();
  const outbound = parcelOf(rental, 'OUTBOUND');
  await outbound('delivery.picked_up');
  await outbound('delivery.delivered', new Date('2026-03-01T12:00:00Z'));
  const back = parcelOf(rental, 'RETURN');
  await back('delivery.picked_up', new Date('2026-03-15T11:00:00Z'));

  await back('delivery.returned_to_sender', new Date('2026-03-29T11:00:00Z'));

  expect(await now(rental.id)).toMatchObject({
    status: 'ON_LOAN',
    dueAt: new Date('2026-03-29T12:00:00Z'),
    returnStartedAt: null,
    returnRequested: false,
  });
});

const toldOf = async ({ id }: Rental): Promise<string[]> => {
  const rows = await orm.em.fork().find(OutboxRow, { aggregate: `rental-${id}` }, { orderBy: { id: 'asc' } });
  return rows.map(({ payload }) => payload.type.replace(/^rentabook\.rental\.|\.v1$/g, ''));
};

test('what came although it was cancelled is sent back again when its return comes to nothing', async () => {
  const { rental, back } = await onItsWayBack();

  await back('delivery.returned_to_sender');

  expect((await toldOf(rental)).at(-1)).toBe('return_requested');
});

test('books that were written off and come back after all are paid back', async () => {
  const rental = await accepted();
  const [outbound, back] = [parcelOf(rental, 'OUTBOUND'), parcelOf(rental, 'RETURN')];
  await outbound('delivery.picked_up');
  await transaction(orm.em, (em) =>
    em.nativeUpdate(Payment, { id: rental.id }, { status: 'CAPTURED', captured: 4500 }),
  );
  await cancel(rental.id);
  await outbound('delivery.delivered', new Date('2026-01-01T12:00:00Z'));
  await sweepLoans(orm.em.fork(), policy, new Date('2026-06-01T12:00:00Z'), createLog('test', 'silent'));
  expect(await stepsOf(rental.id)).not.toHaveProperty('PAYMENT_REFUND');

  await back('delivery.picked_up');
  await back('delivery.delivered');

  expect(await stepsOf(rental.id)).toMatchObject({ PAYMENT_REFUND: 'TODO' });
});

test('an event that comes twice is applied once, and one whose predecessor is missing waits', async () => {
  const rental = await accepted();
  const delivery = { id: randomUUID(), version: 1 };
  const data = {
    ...factsOf(rental),
    deliveryId: delivery.id,
    direction: 'OUTBOUND' as const,
    occurredAt: new Date().toISOString(),
  };
  const first = arrived('delivery.picked_up', delivery, data);
  const third = arrived('delivery.delivered', { ...delivery, version: 3 }, data);

  expect([
    await deliver(orm.em, parcels, third),
    await deliver(orm.em, parcels, first),
    await deliver(orm.em, parcels, first),
  ]).toEqual(['gap', 'applied', 'duplicate']);
  expect((await now(rental.id)).status).toBe('SHIPPING');
});

test('F9 an event that could not be stored takes its change with it', async () => {
  const rental = await accepted();
  const before = await orm.em.fork().count(OutboxRow, {});

  await expect(
    transaction(orm.em, async (em) => {
      const locked = await lockRental(em, rental.id);
      if (locked) move(em, locked, 'ship', 'rental.shipped', {});
      throw new Error('the connection broke');
    }),
  ).rejects.toThrow('the connection broke');

  expect(await now(rental.id)).toMatchObject({ status: 'ACCEPTED', version: 2 });
  expect(await orm.em.fork().count(OutboxRow, {})).toBe(before);
});

/** Every scan in every state of a parcel, on a real database: the table of its life, walked whole. */
import { randomUUID } from 'node:crypto';
import { type Orm, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { sharedTransactions } from '#platform/microBatches.ts';
import { OutboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { createDatabase } from '../../tests/services.ts';
import { deliveryDatabase } from './database.ts';
import { type DeliveryStatus, deliveryStatuses } from './delivery.ts';
import { Delivery, TrackingEvent } from './entities.ts';
import { CHANGES, lockDelivery, recordScans, recordWhole, wantParcel } from './parcels.ts';

/**
 * In each state the scans that move the parcel, each with the milestones that it tells of. By hand from domain.md, so that
 * a slip in the table of the code shows. What is not here moves nothing.
 */
const moves: Partial<Record<DeliveryStatus, Partial<Record<DeliveryStatus, string>>>> = {
  PENDING: {
    CREATED: 'created',
    PICKED_UP: 'created picked_up',
    IN_TRANSIT: 'created picked_up in_transit',
    OUT_FOR_DELIVERY: 'created picked_up in_transit out_for_delivery',
    DELIVERED: 'created picked_up in_transit out_for_delivery delivered',
    FAILED: 'created picked_up in_transit out_for_delivery failed',
    RETURNED_TO_SENDER: 'created picked_up in_transit out_for_delivery failed returned_to_sender',
    STOPPED: 'stopped',
    LOST: 'created picked_up lost',
  },
  CREATED: {
    PICKED_UP: 'picked_up',
    IN_TRANSIT: 'picked_up in_transit',
    OUT_FOR_DELIVERY: 'picked_up in_transit out_for_delivery',
    DELIVERED: 'picked_up in_transit out_for_delivery delivered',
    FAILED: 'picked_up in_transit out_for_delivery failed',
    RETURNED_TO_SENDER: 'picked_up in_transit out_for_delivery failed returned_to_sender',
    STOPPED: 'stopped',
    LOST: 'picked_up lost',
  },
  PICKED_UP: {
    IN_TRANSIT: 'in_transit',
    OUT_FOR_DELIVERY: 'in_transit out_for_delivery',
    DELIVERED: 'in_transit out_for_delivery delivered',
    FAILED: 'in_transit out_for_delivery failed',
    RETURNED_TO_SENDER: 'in_transit out_for_delivery failed returned_to_sender',
    STOPPED: 'stopped',
    LOST: 'lost',
  },
  IN_TRANSIT: {
    OUT_FOR_DELIVERY: 'out_for_delivery',
    DELIVERED: 'out_for_delivery delivered',
    FAILED: 'out_for_delivery failed',
    RETURNED_TO_SENDER: 'out_for_delivery failed returned_to_sender',
    STOPPED: 'stopped',
    LOST: 'lost',
  },
  OUT_FOR_DELIVERY: {
    DELIVERED: 'delivered',
    FAILED: 'failed',
    RETURNED_TO_SENDER: 'failed returned_to_sender',
    STOPPED: 'stopped',
    LOST: 'lost',
  },
  FAILED: {
    OUT_FOR_DELIVERY: 'out_for_delivery',
    DELIVERED: 'out_for_delivery delivered',
    RETURNED_TO_SENDER: 'returned_to_sender',
    STOPPED: 'stopped',
    LOST: 'lost',
  },
};

let orm: Orm;
beforeAll(async () => {
  orm = await openServiceDatabase({
    ...deliveryDatabase,
    url: await createDatabase('delivery'),
    log: createLog('test', 'silent'),
  });
});
afterAll(() => orm?.close());

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
const LAST_APPLIED = at(10);

const pairs = deliveryStatuses.flatMap((state) => deliveryStatuses.map((scan) => ({ state, scan })));

interface Walk {
  /** When the scans happened; the parcels had one applied at LAST_APPLIED. */
  occurredAt: Date;
  /** Whether they come from the carrier, which gives them an id, or are entered by hand. */
  byCarrier: boolean;
}

/** What became of a parcel of each state by each scan, in a word for each pair: `CREATED + LOST: LOST by picked_up lost, applied`. */
async function walk({ occurredAt, byCarrier }: Walk): Promise<string[]> {
  const parcels = await transaction(orm.em, async (em) =>
    pairs.map(({ state, scan }) => {
      const facts = { rentalId: randomUUID(), customerId: randomUUID(), bookId: randomUUID(), quantity: 1 };
      const delivery = wantParcel(em, facts, 'OUTBOUND', at(0));
      em.assign(delivery, { status: state, lastAppliedAt: LAST_APPLIED });
      return { id: delivery.id, state, scan };
    }),
  );

  const share = sharedTransactions(() => orm.em.fork(), CHANGES);
  await Promise.all(
    parcels.map(({ id, scan }) =>
      share(id, async (em) => {
        const delivery = await lockDelivery(em, { id });
        if (!delivery) throw new Error(`There is no delivery ${id}`);
        const seen = { status: scan, note: null, occurredAt, ...(byCarrier && { id: randomUUID() }) };
        await recordScans(em, delivery, [seen], at(30));
      }),
    ),
  );

  const em = orm.em.fork();
  const ids = parcels.map(({ id }) => id);
  const [deliveries, events, told] = [
    await em.find(Delivery, { id: { $in: ids } }),
    await em.find(TrackingEvent, { deliveryId: { $in: ids } }),
    await em.find(OutboxRow, { aggregate: { $in: ids.map((id) => `delivery-${id}`) } }, { orderBy: { id: 'asc' } }),
  ];
  return parcels.map(({ id, state, scan }) => {
    const delivery = deliveries.find((one) => one.id === id);
    const milestones = told.filter(({ aggregate }) => aggregate === `delivery-${id}`);
    const names = milestones.map(({ payload }) => payload.type.split('.')[2]).join(' ');
    const kept = events
      .filter(({ deliveryId }) => deliveryId === id)
      .map(({ applied }) => (applied ? 'applied' : 'kept'));
    const versions = milestones.map(({ payload }) => payload.aggregateversion);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
    expect(delivery?.version).toBe(versions.length);
    return `${state} + ${scan}: ${delivery?.status}${names && ` by ${names}`}, ${kept}`;
  });
}

const unmoved = ({ state, scan }: (typeof pairs)[number]) => `${state} + ${scan}: ${state}, kept`;
const byTheTable = pairs.map(({ state, scan }) => {
  const milestones = moves[state]?.[scan];
  return milestones ? `${state} + ${scan}: ${scan} by ${milestones}, applied` : unmoved({ state, scan });
});

test.each([true, false])(
  'moves the parcel where the table allows it, and is kept where not (by the carrier: %p)',
  async (byCarrier) => {
    expect(await walk({ occurredAt: at(20), byCarrier })).toEqual(byTheTable);
    expect(await walk({ occurredAt: LAST_APPLIED, byCarrier })).toEqual(byTheTable);
  },
);

test('is only kept where it is older than the last applied, whatever it says', async () => {
  expect(await walk({ occurredAt: at(9), byCarrier: true })).toEqual(pairs.map(unmoved));
});

test("a last word that ends nothing is as late as it says: the carrier's list may be out of date", async () => {
  const id = await transaction(orm.em, async (em) => {
    const facts = { rentalId: randomUUID(), customerId: randomUUID(), bookId: randomUUID(), quantity: 1 };
    const delivery = wantParcel(em, facts, 'OUTBOUND', at(0));
    em.assign(delivery, { status: 'FAILED', lastAppliedAt: at(10) });
    return delivery.id;
  });
  const out = { id: randomUUID(), status: 'OUT_FOR_DELIVERY' as const, note: null, occurredAt: at(9) };

  await transaction(orm.em.fork(), async (em) => {
    const delivery = await lockDelivery(em, { id });
    if (delivery) await recordWhole(em, delivery, [out], at(30));
  });

  expect(await orm.em.fork().findOneOrFail(Delivery, { id })).toMatchObject({ status: 'FAILED', version: 0 });
});

test("the carrier's last word counts, although its clock was set back before it", async () => {
  const scans = (['PICKED_UP', 'IN_TRANSIT', 'STOPPED'] as const).map((status, place) => ({
    id: randomUUID(),
    status,
    note: null,
    occurredAt: at(status === 'STOPPED' ? 3 : place + 5),
  }));
  const id = await transaction(orm.em, async (em) => {
    const facts = { rentalId: randomUUID(), customerId: randomUUID(), bookId: randomUUID(), quantity: 1 };
    return wantParcel(em, facts, 'OUTBOUND', at(0)).id;
  });
  const record = (work: typeof recordWhole, seen: typeof scans) =>
    transaction(orm.em.fork(), async (em) => {
      const delivery = await lockDelivery(em, { id });
      if (delivery) await work(em, delivery, seen, at(30));
      return delivery?.status;
    });

  for (const scan of scans) await record(recordScans, [scan]); // as they are reported
  expect(await record(recordScans, scans)).toBe('IN_TRANSIT');

  expect(await record(recordWhole, scans)).toBe('STOPPED');
  expect(await record(recordWhole, scans)).toBe('STOPPED');
  const told = await orm.em.fork().find(OutboxRow, { aggregate: `delivery-${id}` }, { orderBy: { id: 'asc' } });
  expect(told.map(({ payload }) => payload.type.split('.')[2])).toEqual([
    'created',
    'picked_up',
    'in_transit',
    'stopped',
  ]);
});

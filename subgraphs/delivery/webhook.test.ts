/** The carrier's reports as they come in over HTTP: whose they are, twice, late and out of order. */
import { createHmac, randomUUID } from 'node:crypto';
import { type Orm, transaction } from '#platform/database.ts';
import { type Http, listen } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { OutboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { createDatabase } from '../../tests/services.ts';
import type { CarrierReport, Scan } from './carrier.ts';
import { deliveryDatabase } from './database.ts';
import { Delivery, TrackingEvent } from './entities.ts';
import { customerConsumer } from './events.ts';
import { keepScans, reach, wantParcel } from './parcels.ts';
import { applyWaiting, carrierWebhook } from './webhook.ts';

const SECRET = 'the secret between the carrier and this test';
const log = createLog('test', 'silent');
let orm: Orm;
let http: Http;

beforeAll(async () => {
  orm = await openServiceDatabase({ ...deliveryDatabase, url: await createDatabase('delivery'), log });
  http = await listen({
    host: '127.0.0.1',
    port: 0,
    log,
    routes: { '/webhooks/carrier': carrierWebhook(() => orm.em.fork(), SECRET) },
    notReady: async () => null,
  });
});
afterAll(async () => {
  await http?.close();
  await orm?.close();
});

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
const scan = (status: string, minute: number, id: string = randomUUID()) => ({
  id,
  status,
  note: null,
  occurredAt: at(minute),
});

/** A parcel that the carrier has taken on. */
function createdParcel(more: Partial<Delivery> = {}): Promise<{ id: string; trackingNumber: string }> {
  const facts = { rentalId: randomUUID(), customerId: randomUUID(), bookId: randomUUID(), quantity: 1 };
  return transaction(orm.em, async (em) => {
    const delivery = wantParcel(em, facts, 'OUTBOUND', at(0));
    reach(em, delivery, 'CREATED', at(0));
    const trackingNumber = `T${delivery.id}`;
    em.assign(delivery, { carrierAsked: true, trackingNumber, ...more });
    return { id: delivery.id, trackingNumber };
  });
}

async function post(report: object, { secret = SECRET, method = 'POST' } = {}): Promise<number> {
  const body = JSON.stringify(report);
  const time = Date.now();
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  const response = await fetch(`http://127.0.0.1:${http.port}/webhooks/carrier`, {
    method,
    headers: { 'carrier-signature': `t=${time},v=${signature}` },
    body: method === 'POST' ? body : null,
  });
  return response.status;
}

const statusOf = async ({ id }: { id: string }) => (await orm.em.fork().findOneOrFail(Delivery, { id })).status;

async function keptOf({ id }: { id: string }): Promise<string[]> {
  const kept = await orm.em.fork().find(TrackingEvent, { deliveryId: id }, { orderBy: { number: 'asc' } });
  return kept.map(({ status, applied }) => `${status} ${applied ? 'applied' : 'kept'}`);
}

async function toldOf({ id }: { id: string }): Promise<(readonly [string | undefined, Date | null])[]> {
  const rows = await orm.em.fork().find(OutboxRow, { aggregate: `delivery-${id}` }, { orderBy: { id: 'asc' } });
  return rows.map(
    ({ payload: { type, data } }) =>
      [type.split('.')[2], 'occurredAt' in data ? new Date(data.occurredAt) : null] as const,
  );
}

test("a report moves the parcel; a scan implies the milestones it skipped, at the scan's own time", async () => {
  const parcel = await createdParcel();

  const answered = await post({ trackingNumber: parcel.trackingNumber, scans: [scan('OUT_FOR_DELIVERY', 30)] });

  expect(answered).toBe(200);
  expect(await statusOf(parcel)).toBe('OUT_FOR_DELIVERY');
  expect(await keptOf(parcel)).toEqual(['OUT_FOR_DELIVERY applied']);
  expect(await toldOf(parcel)).toEqual([
    ['created', at(0)],
    ['picked_up', at(30)],
    ['in_transit', at(30)],
    ['out_for_delivery', at(30)],
  ]);
});

test('the same scan twice is nothing, also when it comes many times at once', async () => {
  const parcel = await createdParcel();
  const { trackingNumber } = parcel;

  for (const [minute, status] of ['PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY'].entries()) {
    const report = { trackingNumber, scans: [scan(status, minute)] };
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(report)));
    expect(new Set(answers)).toEqual(new Set([200]));
  }

  expect(await keptOf(parcel)).toEqual(['PICKED_UP applied', 'IN_TRANSIT applied', 'OUT_FOR_DELIVERY applied']);
  expect(await toldOf(parcel)).toHaveLength(4);
});

test('a report that was overtaken by a later one is kept and not applied: what it tells was implied', async () => {
  const parcel = await createdParcel();
  const { trackingNumber } = parcel;

  await post({ trackingNumber, scans: [scan('IN_TRANSIT', 20)] });
  await post({ trackingNumber, scans: [scan('PICKED_UP', 10)] });

  expect(await statusOf(parcel)).toBe('IN_TRANSIT');
  expect(await keptOf(parcel)).toEqual(['IN_TRANSIT applied', 'PICKED_UP kept']);
  expect(await toldOf(parcel)).toHaveLength(3);
});

test('a scan older than the last applied is kept, also where the table would allow the move', async () => {
  const parcel = await createdParcel();
  const { trackingNumber } = parcel;

  await post({ trackingNumber, scans: [scan('FAILED', 40)] });
  await post({ trackingNumber, scans: [scan('OUT_FOR_DELIVERY', 30)] });

  expect(await statusOf(parcel)).toBe('FAILED');
  expect(await keptOf(parcel)).toEqual(['FAILED applied', 'OUT_FOR_DELIVERY kept']);
});

test('a scan that happened later than the last applied and is no move of the table is kept; the next good one counts', async () => {
  const parcel = await createdParcel();
  const { trackingNumber } = parcel;

  await post({ trackingNumber, scans: [scan('IN_TRANSIT', 20)] });
  await post({ trackingNumber, scans: [scan('PICKED_UP', 25)] });
  expect(await statusOf(parcel)).toBe('IN_TRANSIT');
  await post({ trackingNumber, scans: [scan('OUT_FOR_DELIVERY', 22)] }); // older than the one that was only kept

  expect(await keptOf(parcel)).toEqual(['IN_TRANSIT applied', 'PICKED_UP kept', 'OUT_FOR_DELIVERY applied']);
  expect(await toldOf(parcel)).toHaveLength(4);
});

test('reports in any order end where they would have ended in the order of the scans', async () => {
  const scans = [scan('PICKED_UP', 10), scan('IN_TRANSIT', 20), scan('OUT_FOR_DELIVERY', 30), scan('DELIVERED', 40)];
  for (const order of [
    [3, 2, 1, 0],
    [1, 3, 0, 2],
    [2, 0, 3, 1],
  ]) {
    const parcel = await createdParcel();
    const mine = scans.map((one) => ({ ...one, id: randomUUID() }));
    for (const place of order) await post({ trackingNumber: parcel.trackingNumber, scans: [mine[place]] });

    expect(await statusOf(parcel)).toBe('DELIVERED');
    expect(await keptOf(parcel)).toHaveLength(4);
    expect((await toldOf(parcel)).map(([name]) => name)).toEqual([
      'created',
      'picked_up',
      'in_transit',
      'out_for_delivery',
      'delivered',
    ]);
  }
});

test("an id that was stored stays as it was, whatever comes under it, and another parcel's may be the same", async () => {
  const [parcel, other] = [await createdParcel(), await createdParcel()];
  const first = scan('PICKED_UP', 10);

  await post({ trackingNumber: parcel.trackingNumber, scans: [first] });
  await post({ trackingNumber: parcel.trackingNumber, scans: [{ ...first, status: 'DELIVERED', occurredAt: at(20) }] });
  await post({ trackingNumber: other.trackingNumber, scans: [first] });

  for (const one of [parcel, other]) {
    expect(await statusOf(one)).toBe('PICKED_UP');
    expect(await keptOf(one)).toEqual(['PICKED_UP applied']);
  }
});

test('scans in one report count in the order they happened, each once', async () => {
  const parcel = await createdParcel();
  const [later, earlier] = [scan('IN_TRANSIT', 20), scan('PICKED_UP', 10)];

  expect(await post({ trackingNumber: parcel.trackingNumber, scans: [later, earlier, later] })).toBe(200);

  expect(await keptOf(parcel)).toEqual(['PICKED_UP applied', 'IN_TRANSIT applied']);
});

test('a parcel at its end stays there', async () => {
  const parcel = await createdParcel();
  const { trackingNumber } = parcel;

  await post({ trackingNumber, scans: [scan('STOPPED', 10)] });
  await post({ trackingNumber, scans: [scan('DELIVERED', 20)] });

  expect(await statusOf(parcel)).toBe('STOPPED');
  expect(await keptOf(parcel)).toEqual(['STOPPED applied', 'DELIVERED kept']);
});

test('what the carrier did not sign is refused, and nothing changes', async () => {
  const parcel = await createdParcel();
  const report = { trackingNumber: parcel.trackingNumber, scans: [scan('DELIVERED', 10)] };

  expect(await post(report, { secret: 'another secret, of somebody else' })).toBe(400);
  expect(await post({ ...report, scans: 'none' })).toBe(400);
  expect(await post(report, { method: 'GET' })).toBe(405);

  expect(await keptOf(parcel)).toEqual([]);
});

describe('a report of a parcel that is not known yet', () => {
  /** Without a tracking number, for now. */
  const pendingParcel = () => createdParcel({ trackingNumber: null });
  const writeDown = ({ id }: { id: string }, trackingNumber: string) =>
    orm.em.fork().nativeUpdate(Delivery, { id }, { trackingNumber });
  const waitingOf = (trackingNumber: string) => orm.em.fork().find(TrackingEvent, { trackingNumber });
  const apply = () => applyWaiting(() => orm.em.fork());

  test('is stored, once however often it comes, and is applied when the tracking number is written down', async () => {
    const parcel = await pendingParcel();
    const trackingNumber = `T${parcel.id}`;
    const report = { trackingNumber, scans: [scan('IN_TRANSIT', 20), scan('PICKED_UP', 10)] };

    const answers = await Promise.all(Array.from({ length: 5 }, () => post(report)));
    expect(answers).toEqual([200, 200, 200, 200, 200]);
    expect(await waitingOf(trackingNumber)).toHaveLength(2);
    expect(await apply()).toBe(0);
    await writeDown(parcel, trackingNumber);

    expect(await apply()).toBe(1);
    expect(await statusOf(parcel)).toBe('IN_TRANSIT');
    expect((await keptOf(parcel)).sort()).toEqual(['IN_TRANSIT applied', 'PICKED_UP applied']);
    expect(await toldOf(parcel)).toEqual([
      ['created', at(0)],
      ['picked_up', at(10)],
      ['in_transit', at(20)],
    ]);
    expect(await apply()).toBe(0);
    expect(await post(report)).toBe(200);
    expect(await keptOf(parcel)).toHaveLength(2);
  });

  test('is applied by the next report that finds the parcel, in the order of the scans', async () => {
    const parcel = await pendingParcel();
    const trackingNumber = `T${parcel.id}`;
    const first = scan('PICKED_UP', 10);

    await post({ trackingNumber, scans: [first] });
    await writeDown(parcel, trackingNumber);
    await post({ trackingNumber, scans: [first, scan('IN_TRANSIT', 20)] });

    expect(await keptOf(parcel)).toEqual(['PICKED_UP applied', 'IN_TRANSIT applied']);
    expect(await waitingOf(trackingNumber)).toEqual([]);
  });

  test('counts once where the carrier was asked meanwhile and told the same', async () => {
    const parcel = await createdParcel();
    const { trackingNumber } = parcel;
    const report = { trackingNumber, scans: [scan('PICKED_UP', 10)] };
    await post(report);
    await transaction(orm.em, (em) => keepScans(em, report as CarrierReport, new Date())); // a process that did not see the number yet

    expect(await apply()).toBe(1);

    expect(await keptOf(parcel)).toEqual(['PICKED_UP applied']);
    expect(await waitingOf(trackingNumber)).toEqual([]);
  });

  test('is forgotten after a week in which nobody knew it', async () => {
    const trackingNumber = `T${randomUUID()}`;
    await post({ trackingNumber, scans: [scan('CREATED', 0)] });
    await apply();
    expect(await waitingOf(trackingNumber)).toHaveLength(1);

    const weekAgo = new Date(Date.now() - 8 * 86_400_000);
    await orm.em.fork().nativeUpdate(TrackingEvent, { trackingNumber }, { receivedAt: weekAgo });
    await apply();

    expect(await waitingOf(trackingNumber)).toEqual([]);
  });

  test('loses its note with the customer whose parcel it is, applied or not', async () => {
    const parcel = await createdParcel();
    const { trackingNumber } = parcel;
    const noted = { ...scan('PICKED_UP', 10), note: 'Left with the neighbour' };
    await post({ trackingNumber, scans: [noted] });
    const another = { ...noted, id: randomUUID() };
    await transaction(orm.em, (em) => keepScans(em, { trackingNumber, scans: [another as Scan] }, new Date()));
    const { customerId } = await orm.em.fork().findOneOrFail(Delivery, { id: parcel.id });

    const erased = arrived('customer.erased', { id: customerId, version: 1 }, { customerId });
    expect(await deliver(orm.em, customerConsumer, erased)).toBe('applied');

    const notes = await orm.em.fork().find(TrackingEvent, { $or: [{ deliveryId: parcel.id }, { trackingNumber }] });
    expect(notes.map(({ note }) => note)).toEqual([null, null]);
  });
});

/** The carrier's reports as they come in over HTTP: whose they are, twice, late and out of order. */
import { createHmac, randomUUID } from 'node:crypto';
import { type Orm, transaction } from '#platform/database.ts';
import { type Http, listen } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { OutboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { createDatabase } from '../../tests/services.ts';
import { deliveryDatabase } from './database.ts';
import { Delivery, TrackingEvent } from './entities.ts';
import { reach, wantParcel } from './parcels.ts';
import { carrierWebhook } from './webhook.ts';

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
function createdParcel(): Promise<{ id: string; trackingNumber: string }> {
  const facts = { rentalId: randomUUID(), customerId: randomUUID(), bookId: randomUUID(), quantity: 1 };
  return transaction(orm.em, async (em) => {
    const delivery = wantParcel(em, facts, 'OUTBOUND', at(0));
    reach(em, delivery, 'CREATED', at(0));
    const trackingNumber = `T${delivery.id}`;
    em.assign(delivery, { carrierAsked: true, trackingNumber });
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

async function toldOf({ id }: { id: string }): Promise<unknown[]> {
  const rows = await orm.em.fork().find(OutboxRow, { aggregate: `delivery-${id}` }, { orderBy: { id: 'asc' } });
  return rows.map(({ payload: { type, data } }) => [
    type.split('.')[2],
    'occurredAt' in data ? new Date(data.occurredAt) : null,
  ]);
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

test('a scan that is older than the last applied, or leads back, is kept and not applied', async () => {
  const parcel = await createdParcel();
  const { trackingNumber } = parcel;

  await post({ trackingNumber, scans: [scan('IN_TRANSIT', 20)] });
  await post({ trackingNumber, scans: [scan('PICKED_UP', 10)] });
  await post({ trackingNumber, scans: [scan('OUT_FOR_DELIVERY', 15)] });
  await post({ trackingNumber, scans: [scan('PICKED_UP', 25)] });

  expect(await statusOf(parcel)).toBe('IN_TRANSIT');
  expect(await keptOf(parcel)).toEqual([
    'IN_TRANSIT applied',
    'PICKED_UP kept',
    'OUT_FOR_DELIVERY kept',
    'PICKED_UP kept',
  ]);
  expect(await toldOf(parcel)).toHaveLength(3);
});

test('scans in one report count in the order they happened', async () => {
  const parcel = await createdParcel();

  await post({ trackingNumber: parcel.trackingNumber, scans: [scan('IN_TRANSIT', 20), scan('PICKED_UP', 10)] });

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

test('a report that overtakes the answer with the tracking number is to be made again', async () => {
  expect(await post({ trackingNumber: 'not yet known', scans: [scan('CREATED', 0)] })).toBe(404);
});

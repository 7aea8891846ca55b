/** What Delivery does by itself when Rental acts: on a real database, with the sandbox courier as the carrier and Rental asked over NATS. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NatsConnection } from 'nats';
import { type EntityManager, type Orm, query, transaction } from '#platform/database.ts';
import { type Http, listen } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { connectForever } from '#platform/nats.ts';
import { answer, createAsk } from '#platform/requestReply.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { DataOf, EventType } from '#schema/events.ts';
import { freePort } from '../../local/ports.ts';
import { eventually } from '../../tests/client.ts';
import { type Courier, startCourier } from '../../tests/courier.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { CARRIER_WEBHOOK_SECRET } from '../../tests/sandboxProcess.ts';
import { createDatabase, natsUrl } from '../../tests/services.ts';
import { httpCarrier } from './carrier.ts';
import { withBreaker } from './carrierBreaker.ts';
import { type Carrying, sweepCarrier } from './carrierWork.ts';
import { deliveryDatabase } from './database.ts';
import { Delivery, TrackingEvent } from './entities.ts';
import { rentalConsumer } from './events.ts';
import { lockDelivery, recordScans } from './parcels.ts';
import { carrierWebhook } from './webhook.ts';

const address = {
  name: 'A Reader',
  line1: '1 Main Street',
  line2: null,
  city: 'Seoul',
  postalCode: '04524',
  country: 'KR',
  phone: null,
};

/** The second line of a rental's address, by which the sandbox courier knows what is to befall its RETURN parcel. */
const mishaps = new Map<string, string>();

const log = createLog('test', 'silent');
let orm: Orm;
let nats: NatsConnection;
let http: Http;
/** Its parcels stay where they are for the time of a test. */
let slow: Courier;
/** Its parcels move several times a second, and nobody hears its reports. */
let mute: Courier;
/** Its parcels move as fast, and it reports to the webhook. */
let quick: Courier;
const em = (): EntityManager => orm.em.fork();

beforeAll(async () => {
  orm = await openServiceDatabase({ ...deliveryDatabase, url: await createDatabase('delivery'), log });
  http = await listen({
    host: '127.0.0.1',
    port: 0,
    log,
    routes: { '/webhooks/carrier': carrierWebhook(em, CARRIER_WEBHOOK_SECRET) },
    notReady: async () => null,
  });
  const nowhere = `http://127.0.0.1:${await freePort()}/`;
  [nats, slow, mute, quick] = await Promise.all([
    connectForever({ natsUrl: natsUrl() }),
    startCourier(60_000, nowhere),
    startCourier(100, nowhere),
    startCourier(400, `http://127.0.0.1:${http.port}/webhooks/carrier`),
  ]);
  answer(nats, 'rpc.rental.address', log, async ({ rentalId }) => ({
    address: { ...address, line2: mishaps.get(rentalId) ?? null },
  }));
});
afterAll(async () => {
  await Promise.all([slow?.stop(), mute?.stop(), quick?.stop(), http?.close(), nats?.close()]);
  await orm?.close();
});

const workAt = (courier: Courier, more: Partial<Carrying> = {}): Carrying => ({
  em,
  ask: createAsk(Promise.resolve(nats)),
  carrier: withBreaker(httpCarrier(courier.settings), log),
  pollMs: 30_000,
  claimMs: 10_000,
  ...more,
});

/** Everything that is due at the carrier now, and what comes due by that. */
async function work(courier: Courier): Promise<void> {
  while (await sweepCarrier(workAt(courier), log));
}

/** A rental as Rental tells of it, event by event. */
function rentalOf() {
  const rental = { id: randomUUID(), version: 0 };
  const facts = { rentalId: rental.id, customerId: randomUUID(), bookId: randomUUID(), quantity: 1 };
  const tell = <T extends EventType>(type: T, more: object = {}) => {
    rental.version += 1;
    return deliver(orm.em, rentalConsumer, arrived(type, rental, { ...facts, ...more } as DataOf<T>)); // the facts and the rest make the whole
  };
  return {
    ...facts,
    accepted: () => tell('rental.accepted', { total: { amount: 4500, currency: 'KRW' } }),
    cancelled: (from: string) => tell('rental.cancelled', { from }),
    returnRequested: () => tell('rental.return_requested'),
    tell,
  };
}
type Rental = ReturnType<typeof rentalOf>;

const deliveriesOf = ({ rentalId }: Rental): Promise<Delivery[]> =>
  em().find(Delivery, { rentalId }, { orderBy: { createdAt: 'asc', direction: 'asc' } });

async function outboundOf({ rentalId }: Rental): Promise<Delivery> {
  return em().findOneOrFail(Delivery, { rentalId, direction: 'OUTBOUND' });
}

const reaches = (rental: Rental, status: Delivery['status']) =>
  eventually(
    () => outboundOf(rental),
    (delivery) => delivery.status === status,
  );

/** The events that were told of a rental's parcels, in the order of telling. */
async function toldOf({ rentalId }: Rental): Promise<string[]> {
  const rows = await query<{ type: string; version: number }>(
    em(),
    `SELECT payload->>'type' AS type, (payload->>'aggregateversion')::int AS version FROM outbox
     WHERE payload->'data'->>'rentalId' = $1 ORDER BY id`,
    [rentalId],
  );
  return rows.map(({ type, version }) => `${version} ${type.split('.').slice(1, 3).join('.')}`);
}

/** The parcel of a delivery in the courier's own books. */
const parcelOf = async (courier: Courier, { id }: Delivery) => (await courier.parcels()).find(({ key }) => key === id);
const askedOf = (courier: Courier, { id }: Delivery) => courier.wire.asked.filter((line) => line.includes(id));

/** Lets the wire be in this state for the time of the work. */
async function whileWire(courier: Courier, state: 'cut' | 'answerless', work: () => Promise<unknown>): Promise<void> {
  courier.wire.state = state;
  try {
    await work();
  } finally {
    courier.wire.state = 'whole';
  }
}

/** As if the pause after a failure were over. */
const hurry = ({ rentalId }: Rental) =>
  query(em(), 'UPDATE delivery SET next_attempt_at = created_at WHERE rental_id = $1 AND next_attempt_at IS NOT NULL', [
    rentalId,
  ]);

describe('F3 delivery of the book starts', () => {
  test('after rental.accepted there is an OUTBOUND parcel that nobody asked for, and the carrier gets it', async () => {
    const rental = rentalOf();

    await rental.accepted();
    expect(await deliveriesOf(rental)).toMatchObject([{ direction: 'OUTBOUND', status: 'PENDING', version: 0 }]);
    expect(await toldOf(rental)).toEqual([]);
    await work(slow);

    const delivery = await outboundOf(rental);
    expect(delivery).toMatchObject({ status: 'CREATED', carrier: 'Sandbox Courier', version: 1 });
    expect(delivery.trackingUrl).toContain(delivery.trackingNumber);
    expect(await toldOf(rental)).toEqual(['1 delivery.created']);
    expect(await parcelOf(slow, delivery)).toMatchObject({ status: 'CREATED', scans: ['CREATED'] });
  });

  test('an acceptance told twice makes one parcel', async () => {
    const rental = rentalOf();

    await rental.accepted();
    await rental.accepted();
    await work(slow);

    expect(await deliveriesOf(rental)).toHaveLength(1);
    expect(await toldOf(rental)).toEqual(['1 delivery.created']);
  });

  test('processes that work at once ask the carrier once for each parcel', async () => {
    const rentals = Array.from({ length: 8 }, rentalOf);
    for (const rental of rentals) await rental.accepted();

    await Promise.all([work(slow), work(slow), work(slow)]);

    for (const rental of rentals) expect(askedOf(slow, await outboundOf(rental))).toHaveLength(1);
  });

  test("the carrier's reports move the parcel to the door, each milestone one event, in order", async () => {
    const rental = rentalOf();

    await rental.accepted();
    await work(quick);
    await reaches(rental, 'DELIVERED');

    const milestones = ['created', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered'];
    expect(await toldOf(rental)).toEqual(milestones.map((name, index) => `${index + 1} delivery.${name}`));
    const { id } = await outboundOf(rental);
    const scans = await em().find(TrackingEvent, { deliveryId: id }, { orderBy: { number: 'asc' } });
    expect(scans.map(({ status, applied }) => `${status} ${applied}`)).toEqual([
      'CREATED true',
      'PICKED_UP true',
      'IN_TRANSIT true',
      'OUT_FOR_DELIVERY true',
      'DELIVERED true',
    ]);
  });

  test('a carrier whose reports are lost is asked', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await work(mute);

    const silent = workAt(mute, { pollMs: 100 });
    await eventually(
      async () => {
        await hurry(rental);
        await sweepCarrier(silent, log);
        return outboundOf(rental);
      },
      ({ status }) => status === 'DELIVERED',
    );

    expect((await toldOf(rental)).at(-1)).toBe('5 delivery.delivered');
    expect((await outboundOf(rental)).nextAttemptAt).toBeNull();
  });
});

describe('F11 a delivery has recipient, sender and status', () => {
  test('the label goes from the shop to the address that Rental gives; until then nobody is named', async () => {
    const rental = rentalOf();

    await rental.accepted();
    expect(await outboundOf(rental)).toMatchObject({ sender: null, recipient: null, address: null });
    await work(slow);

    expect(await outboundOf(rental)).toMatchObject({ sender: 'Rentabook', recipient: 'A Reader', address });
  });

  test('while Rental does not answer the parcel waits, and is made when it does', async () => {
    const rental = rentalOf();
    const silence = createAsk(new Promise(() => {}));
    await rental.accepted();

    await sweepCarrier(workAt(slow, { ask: silence }), log);
    expect(await outboundOf(rental)).toMatchObject({ status: 'PENDING', carrierAsked: false, attempts: 1 });
    await hurry(rental);
    await work(slow);

    expect(await outboundOf(rental)).toMatchObject({ status: 'CREATED', recipient: 'A Reader' });
  });
});

describe('F5 cancelling stops delivery', () => {
  test('F5 a cancel that arrives before the delivery exists means that no parcel is ever made', async () => {
    const rental = rentalOf();

    await rental.cancelled('ACCEPTED');
    await rental.accepted();
    await work(slow);

    const [delivery, ...more] = await deliveriesOf(rental);
    expect(delivery).toMatchObject({ direction: 'OUTBOUND', status: 'STOPPED' });
    expect(more).toEqual([]);
    expect(await toldOf(rental)).toEqual(['1 delivery.stopped']);
    expect(await slow.parcels()).not.toContainEqual(expect.objectContaining({ key: delivery?.id }));
  });

  test('a parcel that no carrier was asked for is STOPPED at once', async () => {
    const rental = rentalOf();

    await rental.accepted();
    await rental.cancelled('ACCEPTED');
    expect(await outboundOf(rental)).toMatchObject({ status: 'STOPPED', nextAttemptAt: null });
    await work(slow);

    expect(await toldOf(rental)).toEqual(['1 delivery.stopped']);
    expect(askedOf(slow, await outboundOf(rental))).toEqual([]);
  });

  test.each(['REQUESTED', 'ON_HOLD'])('a cancel from %s leaves nothing: there never was a parcel', async (from) => {
    const rental = rentalOf();

    await rental.cancelled(from);

    expect(await deliveriesOf(rental)).toEqual([]);
    expect(await toldOf(rental)).toEqual([]);
  });

  test('before the pick-up the parcel is STOPPED as soon as the carrier has been told', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await work(slow);

    await rental.cancelled('ACCEPTED');
    await work(slow);

    expect(await toldOf(rental)).toEqual(['1 delivery.created', '2 delivery.stopped']);
    expect(await parcelOf(slow, await outboundOf(rental))).toMatchObject({ status: 'STOPPED' });
  });

  test('F5 cancelling stops delivery: one stop by one key, however often retried', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await work(slow);
    const { id } = await outboundOf(rental);

    await rental.cancelled('ACCEPTED');
    for (let attempt = 1; attempt <= 3; attempt++) {
      await hurry(rental);
      await whileWire(slow, 'answerless', () => sweepCarrier(workAt(slow), log));
    }
    expect(await outboundOf(rental)).toMatchObject({ status: 'CREATED', stop: 'WANTED' });
    await hurry(rental);
    await work(slow);
    await rental.tell('rental.closed'); // whatever comes later
    await work(slow);

    const stops = askedOf(slow, await outboundOf(rental)).filter((line) => line.includes('/stop'));
    expect(stops).toHaveLength(4);
    expect(new Set(stops.map((line) => line.slice(line.indexOf('{'))))).toEqual(
      new Set([JSON.stringify({ key: `${id}:stop` })]),
    );
    expect(await toldOf(rental)).toEqual(['1 delivery.created', '2 delivery.stopped']);
    expect(await parcelOf(slow, await outboundOf(rental))).toMatchObject({
      stopKey: `${id}:stop`,
      scans: ['CREATED', 'STOPPED'],
    });
  });

  test('a parcel whose making the carrier never confirmed is made known first and then stopped, and never moves', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await whileWire(slow, 'answerless', () => sweepCarrier(workAt(slow), log));

    await rental.cancelled('ACCEPTED');
    expect(await outboundOf(rental)).toMatchObject({ status: 'PENDING', stop: 'WANTED' });
    await work(slow);

    const delivery = await outboundOf(rental);
    expect(delivery.status).toBe('STOPPED');
    expect(await toldOf(rental)).toEqual(['1 delivery.created', '2 delivery.stopped']);
    expect(await parcelOf(slow, delivery)).toMatchObject({ status: 'STOPPED', scans: ['CREATED', 'STOPPED'] });
    expect((await slow.parcels()).filter(({ key }) => key === delivery.id)).toHaveLength(1);
  });

  test('a parcel that the carrier refuses to take ends when it is cancelled, and waits for a person until then', async () => {
    const refusing = createServer((_, response) => void response.writeHead(422).end('{"code":"NO_SERVICE_THERE"}'));
    await new Promise<void>((resolve) => void refusing.listen(0, '127.0.0.1', resolve));
    const { port } = refusing.address() as AddressInfo; // a TCP server has one
    const carrier = httpCarrier({ ...slow.settings, CARRIER_URL: `http://127.0.0.1:${port}` });
    const rental = rentalOf();
    try {
      await rental.accepted();
      await sweepCarrier(workAt(slow, { carrier: withBreaker(carrier, log) }), log);
      expect(await outboundOf(rental)).toMatchObject({ status: 'PENDING', carrierAsked: true, attempts: 1 });
      await rental.cancelled('ACCEPTED');
      await sweepCarrier(workAt(slow, { carrier: withBreaker(carrier, log) }), log);
    } finally {
      refusing.closeAllConnections();
      await new Promise((resolve) => refusing.close(resolve));
    }

    expect(await outboundOf(rental)).toMatchObject({ status: 'STOPPED', nextAttemptAt: null });
    expect(await toldOf(rental)).toEqual(['1 delivery.stopped']);
  });

  test('a cancel while the carrier is being asked stops what it makes', async () => {
    const rental = rentalOf();
    await rental.accepted();
    const { carrier } = workAt(slow);

    await sweepCarrier(
      workAt(slow, {
        carrier: {
          ...carrier,
          async createParcel(parcel) {
            await rental.cancelled('ACCEPTED'); // at the worst moment
            return carrier.createParcel(parcel);
          },
        },
      }),
      log,
    );
    await work(slow);

    expect(await toldOf(rental)).toEqual(['1 delivery.created', '2 delivery.stopped']);
    expect(await parcelOf(slow, await outboundOf(rental))).toMatchObject({ scans: ['CREATED', 'STOPPED'] });
  });

  test('once picked up, the parcel is STOPPED when it is back', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await work(quick);
    await eventually(
      () => outboundOf(rental),
      ({ version }) => version >= 2,
    );

    await rental.cancelled('SHIPPING');
    await work(quick);
    await reaches(rental, 'STOPPED');

    const { scans } = (await parcelOf(quick, await outboundOf(rental))) ?? {};
    expect(scans?.at(-1)).toBe('STOPPED');
    expect(await toldOf(rental)).toEqual(expect.arrayContaining(['2 delivery.picked_up']));
    expect((await toldOf(rental)).at(-1)).toMatch(/delivery\.stopped$/);
    expect(await deliveriesOf(rental)).toHaveLength(1);
  });

  test('a stop that comes too late leaves the parcel delivered and makes a RETURN parcel by itself', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await work(mute);
    const delivery = await outboundOf(rental);
    await eventually(
      () => parcelOf(mute, delivery),
      (parcel) => parcel?.status === 'DELIVERED',
    );

    await rental.cancelled('SHIPPING');
    await work(mute);

    expect(await deliveriesOf(rental)).toMatchObject([
      { direction: 'OUTBOUND', status: 'DELIVERED', stop: 'TOO_LATE' },
      { direction: 'RETURN', status: 'CREATED', sender: 'A Reader', recipient: 'Rentabook' },
    ]);
    expect(await toldOf(rental)).toContain('5 delivery.delivered');
  });

  test('a cancel that comes after the delivery makes a RETURN parcel', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await work(quick);
    await reaches(rental, 'DELIVERED');

    await rental.cancelled('SHIPPING');

    expect(await deliveriesOf(rental)).toMatchObject([
      { direction: 'OUTBOUND', status: 'DELIVERED' },
      { direction: 'RETURN', status: 'PENDING' },
    ]);
  });
});

describe('a return', () => {
  test('goes from the reader to the shop, and there is one at a time', async () => {
    const rental = rentalOf();
    await rental.accepted();
    await work(slow);

    await rental.returnRequested();
    await rental.returnRequested();
    await work(slow);

    const [, back, ...more] = await deliveriesOf(rental);
    expect(more).toEqual([]);
    expect(back).toMatchObject({ direction: 'RETURN', status: 'CREATED', sender: 'A Reader', recipient: 'Rentabook' });
  });

  /** Has come to an end, as far as our side knows. */
  const ended = ({ rentalId }: Rental, status: Delivery['status']) =>
    query(em(), 'UPDATE delivery SET status = $2, next_attempt_at = NULL WHERE rental_id = $1', [rentalId, status]);
  const returnsOf = async (rental: Rental) =>
    (await deliveriesOf(rental)).filter(({ direction }) => direction === 'RETURN').map(({ status }) => status);

  test.each(['STOPPED', 'RETURNED_TO_SENDER'] as const)(
    'that ended %s may be followed by another, and that one is the only one under way',
    async (status) => {
      const rental = rentalOf();
      await rental.returnRequested();
      await ended(rental, status);

      await rental.returnRequested();
      await rental.returnRequested();

      expect((await returnsOf(rental)).sort()).toEqual(['PENDING', status].sort());
    },
  );

  test.each(['DELIVERED', 'LOST'] as const)('that ended %s was the last', async (status) => {
    const rental = rentalOf();
    await rental.returnRequested();
    await ended(rental, status);

    await rental.returnRequested();

    expect(await returnsOf(rental)).toEqual([status]);
  });

  test('ends as its address asks of the sandbox; one that could not be handed over is made anew when the customer asks again', async () => {
    const ends = [
      ['sandbox: lost', 'LOST', '4 delivery.lost'],
      ['sandbox: failed', 'FAILED', '5 delivery.failed'],
      ['sandbox: returned', 'RETURNED_TO_SENDER', '6 delivery.returned_to_sender'],
    ] as const;
    const rentals = ends.map(([line2]) => {
      const rental = rentalOf();
      mishaps.set(rental.rentalId, line2);
      return rental;
    });
    for (const rental of rentals) await rental.returnRequested();
    await work(quick);

    await eventually(
      async () => (await Promise.all(rentals.map(returnsOf))).flat(),
      (statuses) => statuses.join() === ends.map(([, status]) => status).join(),
    );
    const lastTold = await Promise.all(rentals.map(async (rental) => (await toldOf(rental)).at(-1)));
    expect(lastTold).toEqual(ends.map(([, , told]) => told));

    for (const rental of rentals) await rental.returnRequested();
    const counts = (await Promise.all(rentals.map(returnsOf))).map(({ length }) => length);
    expect(counts).toEqual([1, 1, 2]); // lost for good; under way; once more
  });

  describe.each([
    ['rental.lost', { by: 'CUSTOMER' }],
    ['rental.lost', { by: 'AGE' }],
    ['rental.kept', {}],
  ] as const)('of a rental that is over (%s %j)', (type, more) => {
    test('is STOPPED at once where no carrier was asked', async () => {
      const rental = rentalOf();
      await rental.returnRequested();

      await rental.tell(type, more);

      expect(await returnsOf(rental)).toEqual(['STOPPED']);
      expect(await toldOf(rental)).toEqual(['1 delivery.stopped']);
      await work(slow);
      expect(await returnsOf(rental)).toEqual(['STOPPED']);
    });

    test('is stopped by the carrier where it was not picked up yet', async () => {
      const rental = rentalOf();
      await rental.returnRequested();
      await work(slow);

      await rental.tell(type, more);
      await work(slow);

      expect(await toldOf(rental)).toEqual(['1 delivery.created', '2 delivery.stopped']);
      const [back] = await deliveriesOf(rental);
      expect(back && (await parcelOf(slow, back))).toMatchObject({ status: 'STOPPED', stopKey: `${back?.id}:stop` });
    });

    test('is left to arrive where the carrier has it', async () => {
      const rental = rentalOf();
      await rental.returnRequested();
      await work(slow);
      await transaction(orm.em, async (em) => {
        const delivery = await lockDelivery(em, { rentalId: rental.rentalId });
        const scan = { status: 'PICKED_UP', note: null, occurredAt: new Date() } as const;
        if (delivery) await recordScans(em, delivery, [scan], new Date());
      });

      await rental.tell(type, more);
      await work(slow);

      expect(await deliveriesOf(rental)).toMatchObject([{ status: 'PICKED_UP', stop: null }]);
    });

    test('leaves nothing where there is none', async () => {
      const rental = rentalOf();

      await rental.tell(type, more);

      expect(await deliveriesOf(rental)).toEqual([]);
    });
  });

  test('is nobody to stop where the carrier has lost the books', async () => {
    const rental = rentalOf();
    await rental.returnRequested();

    await rental.tell('rental.lost', { by: 'CARRIER' });

    expect(await returnsOf(rental)).toEqual(['PENDING']);
  });
});

test('N3 parcels asked for while the carrier is away are all made when it is back, once each, without anyone resending', async () => {
  const rentals = Array.from({ length: 5 }, rentalOf);
  await whileWire(slow, 'cut', async () => {
    for (const rental of rentals) await rental.accepted();
    await work(slow);
  });
  for (const rental of rentals) expect(await outboundOf(rental)).toMatchObject({ status: 'PENDING', attempts: 1 });

  await eventually(
    async () => {
      await sweepCarrier(workAt(slow), log);
      return Promise.all(rentals.map(outboundOf));
    },
    (deliveries) => deliveries.every(({ status }) => status === 'CREATED'),
  );

  const keys = (await slow.parcels()).map(({ key }) => key);
  for (const rental of rentals) {
    const { id } = await outboundOf(rental);
    expect(keys.filter((key) => key === id)).toHaveLength(1);
    expect(await toldOf(rental)).toEqual(['1 delivery.created']);
  }
});

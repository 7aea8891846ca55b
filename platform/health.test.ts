/** What the probes are told of a real database and a real broker, which go away and come back. */
import { type Broker, startBroker } from '../tests/broker.ts';
import { createDatabase } from '../tests/services.ts';
import { openWire } from '../tests/wire.ts';
import { type DatabaseProbe, probeDatabase, whyHung } from './health.ts';
import { connectForever } from './nats.ts';

let broker: Broker;
let database: DatabaseProbe;
beforeAll(async () => {
  broker = await startBroker();
  database = probeDatabase(await createDatabase('health'));
});
afterAll(async () => {
  await database?.close();
  await broker?.close();
});

const at = (busyMs: number) => ({ busyMs: () => busyMs, stop: async () => {} });

test('a database that goes away and comes back is told as that, however many ask at once', async () => {
  const url = await createDatabase('health');
  const wire = await openWire(url);
  const probe = probeDatabase(wire.url);
  expect(await Promise.all([probe.whyAway(), probe.whyAway()])).toEqual([null, null]);

  await wire.close();

  expect(await probe.whyAway()).toMatch(/^the database does not answer: /);
  const back = await openWire(url);
  const again = probeDatabase(back.url);
  expect(await again.whyAway()).toBeNull();
  await Promise.all([probe.close(), again.close()]);
  await back.close();
});

test('a database that says nothing any more is away', async () => {
  const wire = await openWire(await createDatabase('health'));
  const probe = probeDatabase(wire.url);
  expect(await probe.whyAway()).toBeNull();
  void wire.hold('toClient', 'SELECT');

  expect(await probe.whyAway()).toMatch(/timeout/i);
  expect(await probe.whyAway()).toBeNull(); // by a new connection
  await probe.close();
  await wire.close();
});

test('a consumer that is busy for five minutes hangs, but not while database or NATS is away', async () => {
  const nats = await connectForever({ natsUrl: broker.url });
  const nobody = await openWire(await createDatabase('health'));
  await nobody.close();
  const away = probeDatabase(nobody.url);
  const hanging = new Map([
    ['rental-book', at(0)],
    ['rental-delivery', at(301_000)],
  ]);

  expect(await whyHung(hanging, database, nats)).toBe('the consumer rental-delivery hangs');
  expect(await whyHung(new Map([['rental-book', at(299_000)]]), database, nats)).toBeNull();
  expect(await whyHung(hanging, away, nats)).toBeNull();
  expect(await whyHung(hanging, database, null)).toBeNull();
  await broker.stop();
  expect(await whyHung(hanging, database, nats)).toBeNull();
  await broker.start();
  await nats.close();
});

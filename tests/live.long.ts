/** Live order status for longer: a minute of broken connections, and clients who do not read for twenty thousand changes. */
import { randomUUID } from 'node:crypto';
import { freePort } from '../local/ports.ts';
import { mainOf } from '../local/services.ts';
import { clientOf, eventually } from './client.ts';
import { openEventStream } from './eventStream.ts';
import { launchInspected, memoryOf } from './inspect.ts';
import { appendChanges, beginningOf, changesOf, expectNothingMissed, openLiveSocket, reconnectFor } from './live.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '3600000' });
}, 90_000);
afterAll(() => system?.stop());

test('connections that break once a second for a minute, while services and the broker are killed, skip nothing and double nothing', async () => {
  expectNothingMissed(await reconnectFor(system, 60_000), { acknowledged: 20, reconnects: 30 });
}, 240_000);

const STATUS = 'subscription ($after: String) { orderStatus(after: $after) { cursor message } }';
const CHANGES = 20_000;
const BATCH = 1000;
/** 2 kB: all changes of both clients together would be 80 MB. */
const LONG = 'A change. '.repeat(200);

/** Customer and a router before it, beside the system's own, whose memory can be looked into. */
async function withInspected(work: (url: string, heldBytes: () => Promise<number[]>) => Promise<void>): Promise<void> {
  const { router, customer } = system.environments;
  const [port, customerPort, ...inspectPorts] = await Promise.all([1, 2, 3, 4].map(freePort));
  const environments = [
    ['customer', { ...customer, PORT: String(customerPort) }],
    ['router', { ...router, PORT: String(port), CUSTOMER_URL: `http://127.0.0.1:${customerPort}/graphql` }],
  ] as const;
  const running = environments.map(([service, environment], place) =>
    launchInspected(mainOf(service), { environment, onLine: () => {}, inspectPort: inspectPorts[place] ?? 0 }),
  );
  try {
    await Promise.all(running.map(({ ready }) => ready));
    await work(`http://127.0.0.1:${port}`, () =>
      Promise.all(
        inspectPorts.map(async (inspectPort) => {
          const { heapUsedBytes, externalBytes } = await memoryOf(inspectPort);
          return heapUsedBytes + externalBytes;
        }),
      ),
    );
  } finally {
    await Promise.all(running.map((server) => server.stop()));
  }
}

test('who does not read for 20,000 changes costs less than 50 MB and delays nobody, and reads them all later', async () => {
  const customerId = randomUUID();
  const token = await system.tokenOf(customerId);
  const variables = { after: beginningOf(customerId) };

  await withInspected(async (url, heldBytes) => {
    const quick = clientOf(url, token).watch(STATUS, variables);
    const [socket, stream] = await Promise.all([
      openLiveSocket(url, token, STATUS, variables),
      openEventStream(url, { token, body: JSON.stringify({ query: STATUS, variables }) }),
    ]);
    const quickHas = (count: number) =>
      eventually(
        () => quick.results.length,
        (length) => length >= count,
        60_000,
      );
    await appendChanges(system, customerId, BATCH, LONG);
    await quickHas(BATCH);
    const before = await heldBytes();

    socket.socket.pause();
    stream.pause();
    for (let made = BATCH; made < CHANGES + BATCH; made += BATCH) {
      await appendChanges(system, customerId, BATCH, LONG);
      await quickHas(made + BATCH);
    }
    const grown = (await heldBytes()).map((bytes, place) => bytes - (before[place] ?? 0));
    const had = [socket.answers.length, stream.answers().length];
    socket.socket.resume();
    stream.resume();

    const cursors = (await changesOf(system, customerId)).map(({ cursor }) => cursor);
    expect(cursors).toHaveLength(CHANGES + BATCH);
    for (const answers of [() => socket.answers, stream.answers]) {
      await eventually(
        () => answers().length,
        (length) => length >= cursors.length,
        60_000,
      );
      expect(answers().map(({ data }) => data.orderStatus.cursor)).toEqual(cursors);
    }
    expect(Math.max(...had)).toBeLessThan(CHANGES / 2); // they did stand still
    expect(Math.max(...grown)).toBeLessThan(50e6);
    socket.socket.terminate();
    stream.leave();
    await quick.stop();
  });
}, 240_000);

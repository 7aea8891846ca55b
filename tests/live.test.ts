/** Live order status through real processes: nothing skipped, nothing doubled, nothing of anybody else's, over both transports. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { freePort } from '../local/ports.ts';
import type { Running } from '../local/running.ts';
import { launchService } from '../local/services.ts';
import { layWire, type Wire } from './chaos/wires.ts';
import { addBook, type Client, clientOf, eventually, requestRental, signIn } from './client.ts';
import { openEventStream } from './eventStream.ts';
import { type Follower, follow, transports } from './followers.ts';
import { appendChanges, beginningOf, changesOf, expectNothingMissed, openLiveSocket, reconnectFor } from './live.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '3600000' });
}, 90_000);
afterAll(() => system?.stop());

const STATUS =
  'subscription ($rentalId: ID, $after: String) { orderStatus(rentalId: $rentalId, after: $after) { cursor rentalId status } }';

interface Account {
  customerId: string;
  token: string;
  client: Client;
}

async function newAccount(options: Parameters<System['tokenOf']>[1] = {}): Promise<Account> {
  const customerId = randomUUID();
  const token = await system.tokenOf(customerId, options);
  return { customerId, token, client: clientOf(system.url, token) };
}

/** Of all customers, at the subgraph. */
async function served(): Promise<number> {
  const { PORT } = system.environments.customer;
  const metrics = await (await fetch(`http://127.0.0.1:${PORT}/metrics`)).text();
  return Number(/^rentabook_subscriptions (\d+)$/m.exec(metrics)?.[1]);
}

const cursorsOf = (follower: Follower) => follower.told().map(({ cursor }) => cursor);

/** A second router beside the system's own, which reaches Customer by a wire. */
async function withRouterBehindWire(work: (url: string, wire: Wire, router: Running) => Promise<void>): Promise<void> {
  const environment = system.environments.router;
  const wire = await layWire('router to customer', [Number(system.environments.customer.PORT)]);
  const port = await freePort();
  const router = launchService('router', {
    environment: { ...environment, PORT: String(port), CUSTOMER_URL: `http://127.0.0.1:${wire.port}/graphql` },
    onLine: () => {},
  });
  try {
    await router.ready;
    await work(`http://127.0.0.1:${port}`, wire, router);
  } finally {
    await router.stop();
    await wire.close();
  }
}

test('connections that break once a second, while services and the broker are killed, skip nothing and double nothing', async () => {
  expectNothingMissed(await reconnectFor(system, 10_000), { acknowledged: 1, reconnects: 5 });
}, 120_000);

test('twenty cuts upstream, and a hundred clients see one and the same sequence without noticing', async () => {
  const { customerId, token } = await newAccount();
  await withRouterBehindWire(async (url, wire) => {
    const followers = Array.from({ length: 50 }, () =>
      transports.map((transport) => follow(transport, url, token, beginningOf(customerId))),
    ).flat();
    await eventually(served, (count) => count >= 100);

    for (let cut = 1; cut <= 20; cut++) {
      await appendChanges(system, customerId, 5);
      wire.trouble({ kind: 'cut' });
      await appendChanges(system, customerId, 5);
      wire.mend();
      if (cut % 5 === 0)
        await eventually(() => followers.every((follower) => follower.told().length >= cut * 10), Boolean);
    }

    const sequence = (await changesOf(system, customerId)).map(({ cursor }) => cursor);
    await Promise.all(followers.map((follower) => follower.stop()));
    expect(sequence).toHaveLength(200);
    expect(new Set(followers.map((follower) => cursorsOf(follower).join())).size).toBe(1);
    for (const follower of followers) {
      expect(cursorsOf(follower)).toEqual(sequence);
      expect(follower).toMatchObject({ faults: [], reconnects: 1 }); // of `stop`
    }
  });
}, 90_000);

test.each(transports)(
  'by %s: the leave of a quiet subscription is seen upstream before any further event',
  async (transport) => {
    const { customerId, token } = await newAccount();
    const before = await served();
    const follower = follow(transport, system.url, token, beginningOf(customerId));
    await eventually(served, (count) => count === before + 1);

    await follower.stop();

    await eventually(served, (count) => count === before);
    expect(follower.told()).toEqual([]);
  },
);

test("another customer's rental never delivers anything, and their cursor is refused; staff see any", async () => {
  const staff = await signIn(system.url, 'staff@demo.test');
  const [owner, stranger] = [await newAccount(), await newAccount()];
  const book = await addBook(staff, 10);
  const { rental } = await requestRental(owner.client, book);
  const before = await served();
  const own = owner.client.watch(STATUS, { rentalId: rental.id });
  const theirs = stranger.client.watch(STATUS, { rentalId: rental.id });
  const streamed = await openEventStream(system.url, {
    token: stranger.token,
    body: JSON.stringify({ query: STATUS, variables: { rentalId: rental.id } }),
  });
  const byStaff = staff.watch(STATUS, { rentalId: rental.id });
  await eventually(
    () => [own, byStaff],
    (watches) => watches.every(({ results }) => results.length > 0),
  );
  await eventually(served, (count) => count === before + 4); // the stranger's as well

  await owner.client.data('mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { userErrors { code } } }', {
    id: rental.id,
  });
  for (const watch of [own, byStaff])
    await eventually(
      () => watch.results.at(-1)?.data.orderStatus.status,
      (status) => status === 'CANCELLED',
    );
  const { cursor } = own.results[0]?.data.orderStatus ?? {};
  const refused = stranger.client.watch(STATUS, { after: cursor });
  await refused.ended;
  const resumed = staff.watch(STATUS, { rentalId: rental.id, after: cursor });
  await eventually(
    () => resumed.results,
    ({ length }) => length === own.results.length - 1,
  );

  expect(theirs.results).toEqual([]);
  expect(streamed.answers()).toEqual([]);
  expect(refused.results).toMatchObject([{ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] }]);
  expect(resumed.results).toEqual(own.results.slice(1));
  streamed.leave();
  await Promise.all([own, theirs, byStaff, resumed, refused].map((watch) => watch.stop()));
}, 60_000);

test('a token ends its socket and its stream, and a ping with a newer one of the same account keeps the socket', async () => {
  const { customerId, token } = await newAccount({ secondsToLive: 3 });
  const over = await openLiveSocket(system.url, token, STATUS);
  const renewed = await openLiveSocket(system.url, token, STATUS);
  const stream = await openEventStream(system.url, { token, body: JSON.stringify({ query: STATUS }) });
  renewed.send({ type: 'ping', payload: { authorization: `Bearer ${await system.tokenOf(customerId)}` } });

  const [code] = await once(over.socket, 'close');
  await stream.ended;
  await appendChanges(system, customerId, 1);
  await eventually(
    () => renewed.answers,
    ({ length }) => length === 1,
  );

  expect(code).toBe(4403);
  expect(stream.events.map(({ event }) => event)).not.toContain('complete');
  renewed.socket.terminate();
});

test('a router that is stopped sends its clients away with 1012, and they go on elsewhere', async () => {
  const { customerId, token } = await newAccount();
  await withRouterBehindWire(async (url, _wire, router) => {
    const leaving = clientOf(url, token).watch(STATUS, { after: beginningOf(customerId) });
    await appendChanges(system, customerId, 3);
    await eventually(
      () => leaving.results,
      ({ length }) => length === 3,
    );

    await router.stop();
    expect(await leaving.ended).toMatchObject({ code: 1012 });

    await appendChanges(system, customerId, 3);
    const after = leaving.results.at(-1)?.data.orderStatus.cursor;
    const elsewhere = clientOf(system.url, token).watch(STATUS, { after });
    await eventually(
      () => elsewhere.results,
      ({ length }) => length === 3,
    );
    const seen = [...leaving.results, ...elsewhere.results].map(({ data }) => data.orderStatus.cursor);
    expect(seen).toEqual((await changesOf(system, customerId)).map(({ cursor }) => cursor));
    await elsewhere.stop();
  });
}, 60_000);

/** What takes a minute: a client of which nothing is heard any more, a subgraph that stays away. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { clientOf, eventually } from '../tests/client.ts';
import { openEventStream } from '../tests/eventStream.ts';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());

const PADDED = 'subscription { numbers { number padding(size: 50000) } }';

test('who does not read for a minute is closed: a socket with 1013, by which clients come again, a stream without `complete`', async () => {
  const token = await fixture.tokenOf('anna');
  const socket = new WebSocket(`${fixture.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: PADDED } }));
  const stream = await openEventStream(fixture.url, { token, body: JSON.stringify({ query: PADDED }) });
  await eventually(
    () => fixture.numbers.readers,
    (readers) => readers === 2,
  );

  socket.pause();
  stream.pause();
  fixture.numbers.add(1000); // 50 MB: more than what is on the way may be
  await eventually(
    () => fixture.numbers.readers,
    (readers) => readers === 0,
  ); // both are left upstream
  const paused = Date.now();
  const streamOver = stream.ended;
  await eventually(
    () => Date.now() - paused,
    (ms) => ms > 75_000,
    80_000,
  );
  const closed = once(socket, 'close');
  socket.resume();
  stream.resume();

  expect((await closed)[0]).toBe(1013);
  await streamOver;
  expect(stream.events.map(({ event }) => event)).not.toContain('complete');
}, 120_000);

test('a subgraph that stays away for a minute ends its subscriptions, and says so', async () => {
  const token = await fixture.tokenOf('anna');
  const watch = clientOf(fixture.url, token).watch('subscription { numbers { number } }');
  await eventually(
    () => fixture.numbers.readers,
    (readers) => readers === 1,
  );

  await fixture.stopSubgraph('customer');
  const since = Date.now();
  await watch.ended;
  const seconds = (Date.now() - since) / 1000;
  await fixture.startSubgraph('customer');

  expect(watch.results).toMatchObject([{ errors: [{ extensions: { code: 'SUBSCRIPTION_UPSTREAM_LOST' } }] }]);
  expect(seconds).toBeGreaterThan(55);
  expect(seconds).toBeLessThan(75);
  await watch.stop();
}, 120_000);

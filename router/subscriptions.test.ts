/** The subscription engine by itself, driven step by step: an upstream in this process, which the test cuts where it wants. */
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { readGraph } from './graph.ts';
import { readUpstream, UpstreamLost, type UpstreamSink } from './readUpstream.ts';
import { FederatedSubscriptions, type UpstreamRequest } from './subscriptions.ts';

const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { ok: Boolean }
  type Event { cursor: String! number: Int! }
  type Subscription { events(after: String, parity: Int): Event! }
`);
const { supergraphSdl = '' } = composeServices([{ name: 'log', url: 'http://log', typeDefs }]);
const graph = readGraph(supergraphSdl);

interface Asked extends UpstreamRequest<object> {
  sink: UpstreamSink;
  left: boolean;
}

/** An engine, and each subscription that it has made upstream. */
function startEngine() {
  const asked: Asked[] = [];
  const waiting: (() => void)[] = [];
  const engine = new FederatedSubscriptions<object>({
    graph,
    sources: {},
    shareKey: () => undefined,
    upstream(_service, request, sink) {
      const subscription = { ...request, sink, left: false };
      asked.push(subscription);
      for (const wake of waiting.splice(0)) wake();
      return () => {
        subscription.left = true;
      };
    },
  });
  return {
    async subscribe(query: string, variableValues: Record<string, unknown> = {}) {
      const results = await engine.subscribe({ document: parse(query), variableValues, contextValue: {} });
      if (!(Symbol.asyncIterator in results)) throw new AggregateError(results.errors ?? []);
      return results;
    },
    /** The nth subscription upstream, from 0. */
    async asked(index: number): Promise<Asked> {
      for (;;) {
        const subscription = asked[index];
        if (subscription) return subscription;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

const event = (number: number) => ({ data: { events: { number, __cursor: `c${number}` } } });

test('a cut inside a snapshot goes on after the row that was handed on last', async () => {
  const { subscribe, asked } = startEngine();
  const results = await subscribe('subscription { events { number } }');
  const first = results.next();
  const snapshot = await asked(0);
  expect(snapshot.query).not.toContain('__after');

  for (const number of [5, 9]) snapshot.sink.next(event(number));
  snapshot.sink.lost('cut');
  expect((await first).value).toEqual({ data: { events: { number: 5 } } });
  expect((await results.next()).value).toEqual({ data: { events: { number: 9 } } });
  const third = results.next();
  const again = await asked(1);
  again.sink.next(event(10));

  expect(snapshot.left).toBe(true);
  expect(again.variables).toEqual({ __after: 'c9' });
  expect((await third).value).toEqual({ data: { events: { number: 10 } } });
});

test("the client's own `after` gives way to the cursor, and with it a variable that nothing else uses", async () => {
  const { subscribe, asked } = startEngine();
  const query = 'subscription ($from: String, $p: Int) { it: events(after: $from, parity: $p) { number } }';
  const results = await subscribe(query, { from: 'c1', p: 0 });
  const first = results.next();
  const before = await asked(0);
  before.sink.next({ data: { it: { number: 2, __cursor: 'c2' } } });
  await first;
  void results.next();
  before.sink.lost('cut');
  const again = await asked(1);

  expect(before.variables).toEqual({ from: 'c1', p: 0 });
  expect(again.variables).toEqual({ __after: 'c2', p: 0 });
  expect(again.query).not.toContain('$from');
});

test('a position is kept from the client, and is where a loss before the next event is made good', async () => {
  const { subscribe, asked } = startEngine();
  const results = await subscribe('subscription { events { number } }');
  const first = results.next();
  const before = await asked(0);
  before.sink.next({ extensions: { cursor: 'c7' } });
  before.sink.lost('cut');
  const again = await asked(1);
  again.sink.next(event(8));

  expect(again.variables).toEqual({ __after: 'c7' });
  expect((await first).value).toEqual({ data: { events: { number: 8 } } });
});

test('a loss before anything came asks the same again', async () => {
  const { subscribe, asked } = startEngine();
  const results = await subscribe('subscription ($from: String) { events(after: $from) { number } }', { from: 'c1' });
  void results.next();
  (await asked(0)).sink.lost('cut');
  expect((await asked(1)).variables).toEqual({ from: 'c1' });
});

test('errors end a subscription when upstream ends it with them, and completion ends it quietly', async () => {
  const { subscribe, asked } = startEngine();
  const results = await subscribe('subscription { events { number } }');
  const first = results.next();
  const { sink } = await asked(0);
  sink.next({ errors: [{ message: 'No.', extensions: { code: 'FORBIDDEN' } }] });
  sink.complete();

  expect((await first).value.errors[0]).toMatchObject({ message: 'No.', extensions: { code: 'FORBIDDEN' } });
  expect(await results.next()).toEqual({ done: true, value: undefined });
});

test('who leaves is not kept waiting, and upstream is left in that moment', async () => {
  const { subscribe, asked } = startEngine();
  const results = await subscribe('subscription { events { number } }');
  const pending = results.next();
  const upstream = await asked(0);

  await results.return?.();

  expect(upstream.left).toBe(true);
  expect(await pending).toEqual({ done: true, value: undefined });
});

test('one page waits for a slow reader, then upstream is left', async () => {
  let sink: UpstreamSink | undefined;
  let left = false;
  const results = readUpstream((given) => {
    sink = given;
    return () => {
      left = true;
    };
  }, new AbortController().signal);
  const first = results.next();
  for (let sent = 0; sent < 1000; sent += 1) sink?.next({ data: { sent } });

  const read: unknown[] = [(await first).value?.data?.sent];
  const reading = (async () => {
    for await (const { data } of results) read.push(data?.sent);
  })();

  await expect(reading).rejects.toThrow(UpstreamLost);
  expect(left).toBe(true);
  expect(read).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

describe('an event that is the answer as it comes', () => {
  test.each([
    ['aliases', 'subscription { it: events { n: number c: cursor } }', 'it', { n: 1, c: 'c1' }],
    [
      'fragments',
      'subscription { ...A } fragment A on Subscription { events { ...B number ... on Event { cursor } } } fragment B on Event { cursor }',
      'events',
      { cursor: 'c1', number: 1 },
    ],
  ])('is handed on without the cursor that was added, with %s', async (_, query, key, event) => {
    const { subscribe, asked } = startEngine();
    const results = await subscribe(query);
    const first = results.next();
    const sent = { data: { [key]: { ...event, __cursor: 'c1' } }, errors: [{ message: 'No.', path: [key, 'number'] }] };
    const before = structuredClone(sent);
    (await asked(0)).sink.next(sent);

    const { value } = await first;
    expect(JSON.stringify(value.data)).toBe(JSON.stringify({ [key]: event }));
    expect(value.errors[0].toJSON()).toMatchObject({ message: 'No.', path: [key, 'number'] });
    expect(sent).toEqual(before); // upstream may have given it to others as well
    await results.return?.();
  });

  test('is none where a variable decides what is in it', async () => {
    const { subscribe, asked } = startEngine();
    const results = await subscribe('subscription ($x: Boolean!) { events { number @include(if: $x) cursor } }', {
      x: false,
    });
    const first = results.next();
    (await asked(0)).sink.next({ data: { events: { cursor: 'c1', __cursor: 'c1' } } });

    expect((await first).value).toEqual({ data: { events: { cursor: 'c1' } } });
    await results.return?.();
  });
});

/** Operations over Server-Sent Events, before real subgraphs. */
import { once } from 'node:events';
import { request } from 'node:http';
import { createClient } from 'graphql-sse';
import { type Answer, eventually } from '../tests/client.ts';
import { type EventStream, openEventStream, type StreamRequest } from '../tests/eventStream.ts';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());

const opened: EventStream[] = [];
afterEach(async () => {
  for (const stream of opened.splice(0)) stream.leave();
  await following(0);
});

async function open(options: StreamRequest, url = fixture.url): Promise<EventStream> {
  const stream = await openEventStream(url, options);
  opened.push(stream);
  return stream;
}

interface Asked extends StreamRequest {
  customerId?: string;
  secondsToLive?: number;
  variables?: object;
}

const NUMBERS = 'subscription ($after: String) { numbers(after: $after) { number } }';

const ask = async (query: string, { customerId = 'anna', secondsToLive = 600, variables, ...more }: Asked = {}) =>
  open({
    token: await fixture.tokenOf(customerId, secondsToLive),
    body: JSON.stringify({ query, variables }),
    ...more,
  });

const following = (readers: number) =>
  eventually(
    () => fixture.numbers.readers,
    (now) => now === readers,
  );
const came = (stream: EventStream, count: number) => eventually(stream.answers, ({ length }) => length >= count);
const numbersIn = (answers: Answer[]): number[] => answers.map(({ data }) => data.numbers.number);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('a subscription', () => {
  test('tells where it stands, then each event with its cursor as its id, and all that other subgraphs add', async () => {
    const stream = await ask('subscription { numbers { number book { askedBy } } }');
    await following(1);
    const before = fixture.numbers.length;
    fixture.numbers.add(2);
    await came(stream, 2);

    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8' });
    const eventOf = (number: number) => ({
      event: 'next',
      id: String(number),
      data: JSON.stringify({ data: { numbers: { number, book: { askedBy: 'anna' } } } }),
    });
    expect(stream.events).toEqual([{ id: String(before) }, eventOf(before + 1), eventOf(before + 2)]);
  });

  test('goes on after Last-Event-ID, whatever the document says', async () => {
    fixture.numbers.add(10);
    const last = fixture.numbers.length;

    const stream = await ask(NUMBERS, { variables: { after: '1' }, lastEventId: String(last - 3) });

    expect(numbersIn(await came(stream, 3))).toEqual(range(last - 2, last));
  });

  test('that knows no cursors has no ids, and ignores Last-Event-ID', async () => {
    const stream = await ask('subscription { ticks }', { lastEventId: '1' });
    await following(1);
    fixture.numbers.add();

    await came(stream, 1);
    expect(stream.events).toEqual([
      { event: 'next', data: JSON.stringify({ data: { ticks: fixture.numbers.length } }) },
    ]);
  });

  test('by GET is the same', async () => {
    fixture.numbers.add(2);
    const last = fixture.numbers.length;
    const parts = new URLSearchParams({ query: NUMBERS, variables: JSON.stringify({ after: String(last - 1) }) });

    const stream = await open({ method: 'GET', path: `/graphql?${parts}`, token: await fixture.tokenOf('anna') });

    expect(numbersIn(await came(stream, 1))).toEqual([last]);
  });

  test('is closed upstream as soon as its client leaves, however quiet it is', async () => {
    const stream = await ask(NUMBERS);
    await following(1);
    stream.leave();
    await following(0);
  });

  test('of a client that is gone before it begins is not served', async () => {
    const token = await fixture.tokenOf('anna');
    for (const _ of range(1, 50)) {
      const asked = request(`${fixture.url}/graphql`, {
        method: 'POST',
        headers: { accept: 'text/event-stream', 'content-type': 'application/json', authorization: `Bearer ${token}` },
      });
      asked.on('error', () => {}); // it breaks it off itself
      asked.end(JSON.stringify({ query: NUMBERS }));
      await once(asked, 'finish');
      asked.destroy();
    }
    const stream = await ask(NUMBERS);
    await following(1);
    stream.leave();
    await following(0);
  });

  test('a cut upstream is made good', async () => {
    const stream = await ask(NUMBERS);
    await following(1);
    const start = fixture.numbers.length;
    for (const _ of range(1, 5)) {
      fixture.numbers.add(3);
      fixture.subgraphs.customer.cut();
    }

    expect(numbersIn(await came(stream, 15))).toEqual(range(start + 1, start + 15));
  });

  test('a client that does not read is not written to, and reads everything later', async () => {
    const slow = await ask('subscription { numbers { number padding(size: 20000) } }');
    const quick = await ask(NUMBERS);
    await following(2);
    const start = fixture.numbers.length;

    slow.pause();
    for (let added = 0; added < 1000; added += 50) {
      fixture.numbers.add(50);
      await came(quick, added + 50);
    }
    await following(1); // the slow one is left upstream, to be read on later
    slow.resume();

    expect(numbersIn(await came(slow, 1000))).toEqual(range(start + 1, start + 1000));
  });

  test('ends with its token, without `complete`: a client that comes again brings a newer one', async () => {
    const stream = await ask(NUMBERS, { secondsToLive: 2 });
    await stream.ended;
    expect(stream.events.map(({ event }) => event)).not.toContain('complete');
    await following(0);
  });

  test('ends without `complete` when the router stops', async () => {
    const stopping = await startFixture();
    const token = await stopping.tokenOf('anna');
    const stream = await open({ token, body: JSON.stringify({ query: NUMBERS }) }, stopping.url);
    await eventually(
      () => stopping.numbers.readers,
      (readers) => readers === 1,
    );

    await stopping.stop();

    await stream.ended;
    expect(stream.events.map(({ event }) => event)).not.toContain('complete');
  });
});

describe('an operation', () => {
  const urql =
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed';

  test.each([
    ['a query where JSON is accepted as well', '{ me }', urql, 'application/graphql-response+json'],
    ['a query where a stream is refused', '{ me }', 'text/event-stream;q=0, application/json', 'application/json'],
    ['a subscription where JSON is accepted as well', NUMBERS, urql, 'text/event-stream'],
  ])('%s is answered in the type that fits', async (_, query, accept, type) => {
    const stream = await ask(query, { headers: { accept } });
    expect(stream.headers['content-type']).toContain(type);
  });

  test.each([
    ['{ me broken }', { me: 'anna', broken: null }],
    ['mutation { rename(id: "5", title: "By stream") { title } }', { rename: { title: 'By stream' } }],
  ])('%s is answered once, and complete', async (query, data) => {
    const stream = await ask(query);
    await stream.ended;
    expect(stream.answers()[0]?.data).toEqual(data);
    expect(stream.events.at(-1)).toEqual({ event: 'complete', data: '' });
  });

  test.each([
    ['a syntax error', 'subscription {', 'GRAPHQL_PARSE_FAILED'],
    ['no field that exists', 'subscription { letters }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a second root field', 'subscription { numbers { number } ticks }', 'GRAPHQL_VALIDATION_FAILED'],
    ['@skip at its root', 'subscription { numbers @skip(if: false) { number } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['two operations and no name', 'query A { me } query B { me }', 'OPERATION_RESOLUTION_FAILURE'],
  ])('with %s is answered by its error within the stream', async (_, query, code) => {
    const stream = await ask(query);
    await stream.ended;
    expect(stream.status).toBe(200);
    expect(stream.answers()).toMatchObject([{ errors: [{ extensions: { code } }] }]);
    expect(stream.events.at(-1)).toEqual({ event: 'complete', data: '' });
  });

  test('without an account is answered UNAUTHENTICATED where it needs one', async () => {
    const stream = await open({ body: JSON.stringify({ query: NUMBERS }) });
    await stream.ended;
    expect(stream.answers()).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
  });

  test('with a token that does not verify is refused before there is a stream', async () => {
    const stream = await open({ token: 'a.b.c', body: JSON.stringify({ query: NUMBERS }) });
    expect(stream.status).toBe(401);
    expect(JSON.parse(await stream.ended)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  test('by GET cannot change anything', async () => {
    const parts = new URLSearchParams({ query: 'mutation { rename(id: "6", title: "Never") { title } }' });
    const stream = await open({ method: 'GET', path: `/graphql?${parts}` });
    await stream.ended;
    expect(stream.answers()).toMatchObject([{ errors: [{ message: 'A mutation needs POST.' }] }]);
  });

  test.each<[string, StreamRequest, number, string]>([
    ['is no JSON', { body: '{' }, 400, 'The body'],
    ['has no query', { body: '{}' }, 400, 'query'],
    ['has a list as variables', { body: '{"query":"{ me }","variables":[1]}' }, 400, 'variables'],
    ['is a list', { body: '[{"query":"{ me }"}]' }, 400, 'The request'],
    [
      'has broken variables in the address',
      { method: 'GET', path: '/graphql?query={me}&variables={' },
      400,
      'variables',
    ],
    ['says no content type', { body: '{}', headers: { 'content-type': 'text/plain' } }, 415, 'Content-Type'],
    ['is neither GET nor POST', { method: 'PUT', body: '{}' }, 405, 'POST'],
    ['is too large', { body: JSON.stringify({ query: 'x'.repeat(70_000) }) }, 413, '65536'],
  ])('that %s is refused, with the reason', async (_, request, status, reason) => {
    const stream = await open(request);
    expect(stream.status).toBe(status);
    expect(JSON.parse(await stream.ended).errors[0].message).toContain(reason);
  });
});

test("graphql-sse's own client runs a subscription, and comes again when the stream breaks off", async () => {
  let connections = 0;
  const client = createClient({
    url: `${fixture.url}/graphql`,
    headers: async () => ({ authorization: `Bearer ${await fixture.tokenOf('anna', connections++ ? 600 : 2)}` }),
    retry: async () => {},
  });
  const results = client.iterate<Answer['data']>({ query: 'subscription { numbers { number } }' });
  await eventually(
    () => connections,
    (count) => count === 2,
  ); // the first token is over
  await following(1);
  const next = results.next();
  fixture.numbers.add();

  expect((await next).value?.data).toEqual({ numbers: { number: fixture.numbers.length } });
  client.dispose();
});

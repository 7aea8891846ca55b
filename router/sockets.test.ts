/** Clients' sockets and the subscriptions over them, before real subgraphs. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import { type Answer, clientOf, eventually } from '../tests/client.ts';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());

const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await eventually(
    () => fixture.numbers.readers,
    (readers) => readers === 0,
  );
});

interface Message {
  type: string;
  id?: string;
  payload?: Answer & Answer['errors'];
}

/** A client that speaks the protocol itself, so that a test can break its rules. */
class Client {
  readonly socket: WebSocket;
  readonly received: Message[] = [];
  readonly closed: Promise<number>;

  constructor(url = fixture.url) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    sockets.push(this.socket);
    this.socket.on('message', (data: RawData) => this.received.push(JSON.parse(String(data))));
    this.closed = once(this.socket, 'close').then(([code]) => code);
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(query: string, id = '1', variables: object = {}): void {
    this.send({ type: 'subscribe', id, payload: { query, variables } });
  }

  /** The answers to an operation so far. */
  answers(id = '1'): Answer[] {
    return this.received.flatMap((message) =>
      message.type === 'next' && message.id === id && message.payload ? [message.payload] : [],
    );
  }

  numbers(id = '1'): number[] {
    return this.answers(id).map(({ data }) => data.numbers.number);
  }

  async first(type: string): Promise<Message> {
    const find = () => this.received.find((message) => message.type === type);
    const found = await eventually(find, Boolean);
    if (!found) throw new Error('eventually answers what holds');
    return found;
  }
}

async function connect(payload: object = {}, url = fixture.url): Promise<Client> {
  const client = new Client(url);
  await once(client.socket, 'open');
  client.send({ type: 'connection_init', payload });
  await client.first('connection_ack');
  return client;
}

const signedIn = async (customerId: string, secondsToLive = 600, { url, tokenOf } = fixture) =>
  connect({ authorization: `Bearer ${await tokenOf(customerId, secondsToLive)}` }, url);

/** A thousand fragments, each of which spreads the next one twice: 2^1000 fields in 50 kB. */
const BOMB = `subscription { numbers { ...F0 } } ${Array.from({ length: 1000 }, (_, i) => `fragment F${i} on Event { ...F${i + 1} ...F${i + 1} }`).join(' ')} fragment F1000 on Event { number }`;

const NUMBERS = 'subscription ($after: String) { numbers(after: $after) { number } }';
const following = (readers: number) =>
  eventually(
    () => fixture.numbers.readers,
    (now) => now === readers,
  );
/** Every number from one to another, once and in order. */
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('a subscription', () => {
  test("brings each event with what other subgraphs add to it, under the client's own names", async () => {
    const client = await signedIn('anna');
    client.subscribe('subscription { event: numbers { n: number it: book { title askedBy } } }');
    await following(1);

    fixture.numbers.add();

    const n = fixture.numbers.length;
    const [answer] = await eventually(
      () => client.answers(),
      ({ length }) => length === 1,
    );
    expect(answer).toEqual({ data: { event: { n, it: { title: `Title ${n % 10}`, askedBy: 'anna' } } } });
  });

  test('goes on when a subgraph that adds to its events is down, and says so', async () => {
    const client = await signedIn('anna');
    client.subscribe('subscription { numbers { number book { title } } }');
    await following(1);

    await fixture.stopSubgraph('book');
    fixture.numbers.add();
    await eventually(
      () => client.answers(),
      ({ length }) => length === 1,
    );
    await fixture.startSubgraph('book');
    fixture.numbers.add();

    const [without, whole] = await eventually(
      () => client.answers(),
      ({ length }) => length === 2,
    );
    expect(without?.data.numbers.book).toEqual({ title: null });
    expect(without?.errors?.[0]?.extensions).toEqual({ code: 'SERVICE_UNAVAILABLE', service: 'book' });
    expect(whole?.data.numbers.book.title).toMatch(/^Title/);
  });

  test('is closed upstream as soon as its client leaves, however quiet it is', async () => {
    const [left, gone] = [await signedIn('anna'), await signedIn('anna')];
    left.subscribe(NUMBERS);
    gone.subscribe(NUMBERS);
    await following(2);

    left.send({ type: 'complete', id: '1' });
    await following(1);
    gone.socket.terminate();
    await following(0);
  });

  test('without an account is answered UNAUTHENTICATED, and ends', async () => {
    const client = await connect();
    client.subscribe(NUMBERS);

    await client.first('complete');
    expect(client.answers()).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
  });

  test.each([
    ['a second root field', 'subscription { numbers { number } ticks }', {}],
    [
      'a second root field in a fragment',
      'subscription { ...A } fragment A on Subscription { numbers { number } ticks }',
      {},
    ],
    ['@skip at its root', 'subscription ($x: Boolean!) { numbers @skip(if: $x) { number } }', { x: false }],
    ['@include around its root', 'subscription { ... @include(if: true) { numbers { number } } }', {}],
    ['no field that exists', 'subscription { letters }', {}],
    ['a key that is reserved', 'subscription { numbers { __cursor: cursor } }', {}],
    ['a variable that is reserved', 'subscription ($__after: String) { numbers(after: $__after) { number } }', {}],
    ['a fragment bomb', BOMB, {}],
    ['a fragment that spreads itself', 'subscription { numbers { ...A } } fragment A on Event { number ...A }', {}],
    ['no end of depth', `subscription { numbers${'{ book'.repeat(8000)} { id }${' }'.repeat(8000)} }`, {}],
    ['a syntax error', 'subscription {', {}],
    ['a variable of another type', NUMBERS, { after: { number: 1 } }],
    [
      'a name that is almost right',
      'subscription ($parity: Parity) { numbers(parity: $parity) { number } }',
      { parity: 'OD' },
    ],
  ])('with %s is a GraphQL error, and the socket lives on', async (_, query, variables) => {
    const client = await signedIn('anna');

    client.subscribe(query, 'bad', variables);
    client.subscribe('{ me }', 'good');

    await eventually(
      () => client.answers('good'),
      ({ length }) => length === 1,
    );
    const refused = await eventually(() => client.received.find(({ id }) => id === 'bad'), Boolean);
    const [error] = refused?.type === 'error' ? (refused.payload ?? []) : (refused?.payload?.errors ?? []);
    expect(error?.extensions?.code).toMatch(/^(GRAPHQL_VALIDATION_FAILED|GRAPHQL_PARSE_FAILED|BAD_USER_INPUT)$/);
    expect(error?.message).not.toContain('Did you mean');
    expect(fixture.numbers.readers).toBe(0);
  });

  test("takes `after` as an argument, a variable or nothing, and variables' defaults", async () => {
    fixture.numbers.add(10);
    const client = await signedIn('anna');
    const before = fixture.numbers.length - 4;

    client.subscribe(`subscription { numbers(after: "${before}") { number } }`, 'literal');
    client.subscribe(
      'subscription ($from: String, $parity: Parity = EVEN) { numbers(after: $from, parity: $parity) { number } }',
      'variable',
      { from: String(before) },
    );

    const all = range(before + 1, before + 4);
    await eventually(
      () => client.numbers('literal').length,
      (length) => length === 4,
    );
    await eventually(
      () => client.numbers('variable').length,
      (length) => length === 2,
    );
    expect(client.numbers('literal')).toEqual(all);
    expect(client.numbers('variable')).toEqual(all.filter((number) => number % 2 === 0));
  });
});

describe('upstream', () => {
  test('many viewers share one socket, each with an identity of its own', async () => {
    const [anna, bert] = [await signedIn('anna'), await signedIn('bert')];
    for (const client of [anna, bert]) client.subscribe('subscription { numbers { viewer book { askedBy } } }');
    await following(2);

    fixture.numbers.add();

    for (const [client, name] of [
      [anna, 'anna'],
      [bert, 'bert'],
    ] as const) {
      const [answer] = await eventually(
        () => client.answers(),
        ({ length }) => length === 1,
      );
      expect(answer).toEqual({ data: { numbers: { viewer: name, book: { askedBy: name } } } });
    }
    expect(fixture.subgraphs.customer.sockets()).toBe(1);
  });

  test('a cut is made good: every client sees each event once and in order', async () => {
    const clients = await Promise.all(range(1, 20).map(() => signedIn('anna')));
    const start = fixture.numbers.length;
    for (const client of clients)
      client.subscribe(
        'subscription ($after: String, $parity: Parity) { numbers(after: $after, parity: $parity) { number book { title } } }',
      );
    await following(20);

    for (const _ of range(1, 10)) {
      fixture.numbers.add(7);
      fixture.subgraphs.customer.cut();
      fixture.numbers.add(7);
    }

    const all = range(start + 1, start + 140);
    for (const client of clients) {
      await eventually(
        () => client.numbers().length,
        (length) => length >= 140,
      );
      expect(client.numbers()).toEqual(all);
      expect(client.received.some(({ type }) => type === 'complete' || type === 'error')).toBe(false);
    }
  });

  test('a cut before the first event skips nothing either', async () => {
    fixture.numbers.add();
    const start = fixture.numbers.length;
    const client = await signedIn('anna');
    client.subscribe(NUMBERS);
    client.subscribe(NUMBERS, 'later', { after: String(start - 1) });
    await eventually(
      () => client.numbers('later').length,
      (length) => length === 1,
    ); // on the same socket, so the position of the first has come before

    await fixture.stopSubgraph('customer');
    fixture.numbers.add(3);
    await fixture.startSubgraph('customer');

    await eventually(
      () => client.numbers().length,
      (length) => length === 3,
    );
    expect(client.numbers()).toEqual(range(start + 1, start + 3));
  });

  test('a subgraph that is stopped and started again goes on where it was', async () => {
    const client = await signedIn('anna');
    client.subscribe(NUMBERS);
    await following(1);
    fixture.numbers.add();
    await eventually(
      () => client.numbers().length,
      (length) => length === 1,
    );

    await fixture.stopSubgraph('customer');
    fixture.numbers.add(3);
    await fixture.startSubgraph('customer');

    await eventually(
      () => client.numbers().length,
      (length) => length === 4,
    );
    expect(client.numbers()).toEqual(range(fixture.numbers.length - 3, fixture.numbers.length));
  });

  test('what knows no cursors cannot be made good, and ends with SUBSCRIPTION_UPSTREAM_LOST', async () => {
    const client = await signedIn('anna');
    client.subscribe('subscription { ticks }');
    await following(1);

    fixture.subgraphs.customer.cut();

    await client.first('complete');
    expect(client.answers()).toMatchObject([{ errors: [{ extensions: { code: 'SUBSCRIPTION_UPSTREAM_LOST' } }] }]);
  });

  test('a client that does not read is not written to, and reads everything later', async () => {
    const slow = await signedIn('anna');
    const quick = await signedIn('anna');
    const padded = 'subscription { numbers { number padding(size: 20000) } }';
    slow.subscribe(padded);
    quick.subscribe(NUMBERS);
    await following(2);
    const start = fixture.numbers.length;

    slow.socket.pause();
    for (let added = 0; added < 2000; added += 50) {
      fixture.numbers.add(50);
      await eventually(
        () => quick.numbers().length,
        (length) => length === added + 50,
      );
    }
    await following(1); // the slow one is left upstream, to be read on later
    slow.socket.resume();

    await eventually(
      () => slow.numbers().length,
      (length) => length >= 2000,
    );
    expect(slow.numbers()).toEqual(range(start + 1, start + 2000));
  });

  test('a fetch for one event is shared by the sockets of one viewer, never by two viewers', async () => {
    const anna = `Bearer ${await fixture.tokenOf('anna')}`;
    const clients = await Promise.all([
      connect({ authorization: anna }),
      connect({ authorization: anna }),
      signedIn('bert'),
    ]);
    for (const client of clients) client.subscribe('subscription { numbers { book { title } } }');
    await following(3);
    fixture.booksAsked.length = 0;

    fixture.numbers.add();

    for (const client of clients)
      await eventually(
        () => client.answers(),
        ({ length }) => length === 1,
      );
    const id = fixture.numbers.length % 10;
    expect(fixture.booksAsked.sort()).toEqual([`anna:${id}`, `bert:${id}`]);
  });

  test('an upgrade that the router did not sign is refused', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${fixture.subgraphs.customer.port}/graphql`, 'graphql-transport-ws');
    const [error] = await once(socket, 'error');
    expect(error.message).toContain('403');
  });
});

describe('the life of a socket', () => {
  test('queries and mutations travel on it too, and their faults are masked', async () => {
    const client = await signedIn('anna');
    client.subscribe('mutation { rename(id: "3", title: "Another") { title } }', 'mutation');
    client.subscribe('{ me broken }', 'query');

    const [renamed] = await eventually(
      () => client.answers('mutation'),
      ({ length }) => length === 1,
    );
    const [asked] = await eventually(
      () => client.answers('query'),
      ({ length }) => length === 1,
    );
    expect(renamed).toMatchObject({ data: { rename: { title: 'Another' } } });
    expect(asked?.data).toEqual({ me: 'anna', broken: null });
    expect(asked?.errors).toMatchObject([{ path: ['broken'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  });

  test('a client that says nothing is closed after three seconds with 4408', async () => {
    expect(await new Client().closed).toBe(4408);
  });

  test('a token that does not verify is closed with 4403', async () => {
    const client = new Client();
    await once(client.socket, 'open');
    client.send({ type: 'connection_init', payload: { Authorization: 'Bearer a.b.c' } });
    expect(await client.closed).toBe(4403);
  });

  test('a second initialisation is closed with 4429, a subscription before the first with 4401', async () => {
    const twice = await connect();
    twice.send({ type: 'connection_init' });
    const early = new Client();
    await once(early.socket, 'open');
    early.subscribe(NUMBERS);

    expect(await Promise.all([twice.closed, early.closed])).toEqual([4429, 4401]);
  });

  test('it ends with its token', async () => {
    const client = await signedIn('anna', 2);
    expect(await client.closed).toBe(4403);
  });

  test('a ping with a newer token of the same account lets it live on', async () => {
    const client = await signedIn('anna', 2);
    client.subscribe(NUMBERS);
    await following(1);

    client.send({ type: 'ping', payload: { authorization: `Bearer ${await fixture.tokenOf('anna')}` } });
    await client.first('pong');
    const other = await signedIn('anna', 2);
    await other.closed; // younger, and over: the first one's old token is as well

    fixture.numbers.add();
    await eventually(
      () => client.numbers(),
      ({ length }) => length === 1,
    );
  });

  test('a ping with an older token of the same account changes nothing', async () => {
    const client = await signedIn('anna');
    client.send({ type: 'ping', payload: { authorization: `Bearer ${await fixture.tokenOf('anna', 2)}` } });
    await client.first('pong');
    const other = await signedIn('anna', 2);
    await other.closed;

    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('who asks without reading the answers is not listened to, until it reads', async () => {
    const client = await signedIn('anna');
    client.socket.pause();
    const payload = { filling: 'x'.repeat(60_000) };
    for (let n = 0; n < 600; n++) client.send({ type: 'ping', payload }); // 36 MB, each to be answered with as much

    let [bytes, looks] = [-1, 0];
    await eventually(
      () => {
        looks = client.socket.bufferedAmount === bytes ? looks + 1 : 0;
        bytes = client.socket.bufferedAmount;
        return looks;
      },
      (unchanged) => unchanged === 10,
    );
    expect(bytes).toBeGreaterThan(1_000_000); // the router takes no more of it
    client.socket.resume();

    await eventually(
      () => client.received.filter(({ type }) => type === 'pong').length,
      (pongs) => pongs === 600,
    );
  });

  test("a ping with another account's token ends it", async () => {
    const client = await signedIn('anna');
    client.send({ type: 'ping', payload: { authorization: `Bearer ${await fixture.tokenOf('bert')}` } });
    expect(await client.closed).toBe(4403);
  });

  test('the twenty-first operation at once is refused, and the twenty go on', async () => {
    const client = await signedIn('anna');
    for (const id of range(1, 21)) client.subscribe(NUMBERS, String(id));
    await following(20);

    expect(await client.first('error')).toMatchObject({
      id: '21',
      payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
    fixture.numbers.add();
    for (const id of range(1, 20))
      await eventually(
        () => client.numbers(String(id)).length,
        (length) => length === 1,
      );
  });

  test('a message of more than 64 kB ends it with 1009', async () => {
    const client = await signedIn('anna');
    client.subscribe(`{ me } # ${'x'.repeat(70_000)}`);
    expect(await client.closed).toBe(1009);
  });

  test('one message that is none ends it with 4400', async () => {
    const client = await signedIn('anna');
    client.socket.send('hello');
    expect(await client.closed).toBe(4400);
  });

  test('on another path there is none', async () => {
    const socket = new WebSocket(`${fixture.url.replace('http', 'ws')}/other`, 'graphql-transport-ws');
    const [error] = await once(socket, 'error');
    expect(error.message).toContain('404');
  });

  test('who asks for one on another path and is gone does no harm', async () => {
    for (const port of [Number(new URL(fixture.url).port), fixture.subgraphs.customer.port])
      for (const _ of range(1, 20)) {
        const connection = connectTcp(port, '127.0.0.1');
        await once(connection, 'connect');
        const lines = ['GET /other HTTP/1.1', 'host: here', 'connection: upgrade', 'upgrade: websocket', '', ''];
        connection.write(lines.join('\r\n'), () => connection.resetAndDestroy());
        await once(connection, 'close');
      }

    const client = await signedIn('anna');
    client.subscribe('{ me }');
    await eventually(
      () => client.answers(),
      ({ length }) => length === 1,
    );
  });

  test("graphql-ws's own client runs a subscription", async () => {
    const watch = clientOf(fixture.url, await fixture.tokenOf('anna')).watch(NUMBERS);
    await following(1);
    fixture.numbers.add();
    await eventually(
      () => watch.results,
      ({ length }) => length === 1,
    );
    await watch.stop();
  });

  test('a router that stops answers first who waits for an answer', async () => {
    const stopping = await startFixture();
    const client = await signedIn('anna', 600, stopping);
    client.subscribe('{ slow }');
    client.send({ type: 'ping' });
    await client.first('pong'); // what came before it is under way

    await stopping.stop();

    expect(await client.closed).toBe(1012);
    expect(client.answers()).toEqual([expect.objectContaining({ data: { slow: true } })]);
  });

  test('a router that stops tells every socket to come back, with 1012', async () => {
    const stopping = await startFixture();
    const client = await signedIn('anna', 600, stopping);
    client.subscribe(NUMBERS);
    await eventually(
      () => stopping.numbers.readers,
      (readers) => readers === 1,
    );

    await stopping.stop();

    expect(await client.closed).toBe(1012);
    expect(client.received.some(({ type }) => type === 'complete')).toBe(false);
  });
});

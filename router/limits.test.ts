/** What the router turns away for its size, its cost or its number, before any subgraph is asked; over every transport. */
import { getIntrospectionQuery } from 'graphql';
import { type Answer, clientOf, eventually } from '../tests/client.ts';
import { openEventStream } from '../tests/eventStream.ts';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());

const post = async (query: string, { url, token }: { url: string; token?: string } = fixture) => {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
  const { data, errors = [], extensions } = (await answer.json()) as Answer & { extensions?: object };
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), data, errors, extensions };
};

const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');
const deep = (levels: number): string => (levels ? `ofType { ...F${levels - 1} }` : 'name');

const tooLarge: [string, string, string, string][] = [
  [
    'many words',
    `{ me } ${times(300, (i) => `fragment F${i} on Query { me }`)}`,
    'GRAPHQL_PARSE_FAILED',
    '1000 tokens',
  ],
  [
    'depth, through fragments as well',
    `{ __type(name: "Query") { ...F24 } } ${times(25, (i) => `fragment F${i} on __Type { ${deep(i)} }`)}`,
    'MAX_DEPTH_LIMIT',
    'more than 16 fields deep',
  ],
  [
    'fragments that multiply',
    `{ ...F0 } ${times(20, (i) => `fragment F${i} on Query { book7 { id } ...F${i + 1} ...F${i + 1} }`)} fragment F20 on Query { me }`,
    'MAX_HEIGHT_LIMIT',
    'more than 1000 fields',
  ],
  ['many aliases', `{ book7 { ${times(31, (i) => `a${i}: title`)} } }`, 'MAX_ALIASES_LIMIT', 'more than 30 aliases'],
  ['many root fields', `{ ${times(21, () => 'me')} }`, 'MAX_ROOT_FIELDS_LIMIT', 'more than 20 root fields'],
];

describe.each(tooLarge)('a document with %s', (_, query, code, reason) => {
  test('is refused with 400, its code and the limit', async () => {
    const { status, data, errors } = await post(query);
    expect([status, data]).toEqual([400, undefined]);
    expect(errors).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining(reason), extensions: { code } }),
    );
  });

  test('is refused over a socket and over an event stream too', async () => {
    const stream = await openEventStream(fixture.url, { body: JSON.stringify({ query }) });
    expect(await stream.ended).toContain(code);

    const watch = clientOf(fixture.url).watch(query);
    expect(JSON.stringify(await watch.ended)).toContain(code);
    await watch.stop();
  });
});

test('introspection, as tools ask for it, is within the limits', async () => {
  expect((await post(getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }))).errors).toEqual([]);
});

test('a body of more than 64 kB is refused with 413', async () => {
  const { status, errors } = await post(`{ me } # ${'x'.repeat(70_000)}`);
  expect([status, errors[0]?.extensions?.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
});

test('mistakes in a document are told by the first few', async () => {
  const { errors } = await post(`{ me ${times(10, () => '@aa')} }`);
  expect(errors).toHaveLength(6);
  expect(errors[5]?.message).toContain('error limit reached');
});

describe('the cost of an operation', () => {
  test('is told with the answer', async () => {
    expect(await post('{ book7 { id } }')).toMatchObject({ extensions: { cost: { estimated: 1, limit: 10_000 } } });
  });

  test('above the limit is refused, and nothing is run', async () => {
    const poor = await startFixture({ limits: { cost: 15 } });
    try {
      const { status, data, errors } = await post(
        'mutation { a: rename(id: 1, title: "x") { id } b: rename(id: 1, title: "y") { id } }',
        poor,
      );
      expect([status, data]).toEqual([400, undefined]);
      expect(errors).toMatchObject([
        { extensions: { code: 'COST_ESTIMATED_TOO_EXPENSIVE', cost: { estimated: 20, limit: 15 } } },
      ]);
      expect((await post('mutation { rename(id: 1, title: "z") { id } }', poor)).errors).toEqual([]);
    } finally {
      await poor.stop();
    }
  });

  test('is counted for a subscription as well', async () => {
    const poor = await startFixture({ limits: { cost: 1 } });
    try {
      const watch = clientOf(poor.url).watch('subscription { numbers { number book { id } } }');
      await watch.ended;
      expect(watch.results).toMatchObject([{ errors: [{ extensions: { code: 'COST_ESTIMATED_TOO_EXPENSIVE' } }] }]);
      await watch.stop();
    } finally {
      await poor.stop();
    }
  });
});

describe('one caller', () => {
  const quotas = { inFlight: 2, subscriptions: 1, rates: { '*': 1000, rename: 3 } };
  let strict: Fixture;
  beforeAll(async () => {
    strict = await startFixture({ limits: { quotas } });
  });
  afterAll(() => strict.stop());
  const asked = async (query: string, customer: string) =>
    post(query, { url: strict.url, token: await strict.tokenOf(customer) });

  test('may ask for a root field so many times a minute, however they are sent; others are not concerned', async () => {
    const rename = 'rename(id: 1, title: "x") { id }';
    expect((await asked(`mutation { a: ${rename} b: ${rename} }`, 'anna')).status).toBe(200);
    const { status, retryAfter, errors } = await asked(`mutation { a: ${rename} b: ${rename} }`, 'anna');

    expect(status).toBe(429);
    expect(errors).toMatchObject([
      { message: expect.stringContaining('"rename"'), extensions: { code: 'REQUEST_RATE_LIMITED' } },
    ]);
    expect(Number(retryAfter)).toBeGreaterThan(0);
    expect((await asked(`mutation { ${rename} }`, 'ben')).status).toBe(200);
    expect((await asked('{ me }', 'anna')).status).toBe(200);
    expect((await post(`mutation { ${rename} }`, strict)).status).toBe(200); // without an account the address counts
  });

  test('has so many requests answered at once', async () => {
    const slow = Array.from({ length: 5 }, () => asked('{ slow }', 'carl'));
    const answers = await Promise.all(slow);

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(3);
    expect(refused[0]?.errors).toMatchObject([{ extensions: { code: 'REQUEST_CONCURRENCY_LIMITED' } }]);
    expect((await asked('{ slow }', 'carl')).status).toBe(200); // the places are free again
  });

  test('has so many requests passed on at once, whoever it is', async () => {
    const scans = Array.from({ length: 5 }, () =>
      fetch(`${strict.url}/webhooks/carrier`, { method: 'POST', body: 'slow' }),
    );
    const statuses = (await Promise.all(scans)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([202, 202, 429, 429, 429]);
    expect((await fetch(`${strict.url}/webhooks/carrier`, { method: 'POST', body: '{}' })).status).toBe(202);
  });

  test('has so many subscriptions, over sockets and event streams together, and a new one when one has ended', async () => {
    const token = await strict.tokenOf('dora');
    const query = 'subscription { numbers { number } }';
    const first = clientOf(strict.url, token).watch(query);
    await eventually(
      () => strict.numbers.readers,
      (readers) => readers === 1,
    );

    const second = await openEventStream(strict.url, { token, body: JSON.stringify({ query }) });
    expect(await second.ended).toContain('REQUEST_CONCURRENCY_LIMITED');

    await first.stop();
    await eventually(
      () => strict.numbers.readers,
      (readers) => readers === 0,
    );
    const third = clientOf(strict.url, token).watch(query);
    await eventually(
      () => strict.numbers.readers,
      (readers) => readers === 1,
    );
    await third.stop();
  });
});

test('without quotas the same is answered, and the size is limited still', async () => {
  const open = await startFixture({ limits: { quotas: null } });
  try {
    const answers = await Promise.all(Array.from({ length: 300 }, () => post('{ slow }', open)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect((await post(`{ ${times(21, () => 'me')} }`, open)).status).toBe(400);
  } finally {
    await open.stop();
  }
});

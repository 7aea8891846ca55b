/**
 * What tools try on a GraphQL endpoint that they find: the thirteen checks of graphql-cop, each sent as it sends it, and the
 * documents that the stock server was seen to run. Blocked is what has an error, a code and none of what was asked for.
 */
import { getIntrospectionQuery } from 'graphql';
import { type Answer, clientOf } from '../tests/client.ts';
import { openEventStream } from '../tests/eventStream.ts';
import { type Fixture, startFixture } from './fixture.ts';

let production: Fixture;
let development: Fixture;
beforeAll(async () => {
  [production, development] = await Promise.all([startFixture({ graphiql: false }), startFixture()]);
});
afterAll(() => Promise.all([production.stop(), development.stop()]));

const JSON_TYPE = { 'content-type': 'application/json' };
const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => part(index)).join('\n');

const post = ({ url }: Fixture, body: unknown, headers: Record<string, string> = JSON_TYPE) =>
  fetch(`${url}/graphql`, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

/** Refused by its status, with a code, and nothing of the inside in it. */
async function expectBlocked(response: Response): Promise<string[]> {
  const text = await response.text();
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  expect(text).not.toMatch(/"data":\s*[{[]|node_modules|\.ts:|at \w+ \(|Did you mean/);
  const { errors = [] } = JSON.parse(text) as Answer;
  expect(errors.length).toBeGreaterThan(0);
  for (const { extensions } of errors) expect(extensions?.code).toMatch(/^[A-Z_]+$/);
  return errors.map(({ extensions }) => String(extensions?.code));
}

const CIRCULAR =
  'query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }';

describe.each([
  ['as it is in production', () => production],
  ['with GraphiQL', () => development],
])('graphql-cop against a router %s', (_, router) => {
  test('alias overloading: 101 aliases of __typename', async () => {
    expect(
      await expectBlocked(
        await post(router(), { query: `query cop { ${times(101, (i) => `alias${i}: __typename`)} }` }),
      ),
    ).toContain('MAX_ALIASES_LIMIT');
  });

  test('batch: ten operations in a list', async () => {
    await expectBlocked(await post(router(), Array(10).fill({ query: 'query cop { __typename }' })));
  });

  test('directive overloading: ten unknown directives at one field answer with ten errors', async () => {
    const response = await post(router(), { query: `query cop { __typename ${'@aa'.repeat(10)} }` });
    expect(await expectBlocked(response)).toHaveLength(6);
  });

  test('circular introspection: fields of types of fields, four times over', async () => {
    await expectBlocked(await post(router(), { query: CIRCULAR }));
  });

  test('field duplication: 500 times __typename', async () => {
    expect(
      await expectBlocked(await post(router(), { query: `query cop { ${times(500, () => '__typename')} }` })),
    ).toContain('MAX_ROOT_FIELDS_LIMIT');
  });

  test('field suggestions: a name that is almost right', async () => {
    await expectBlocked(await post(router(), { query: 'query cop { __schema { directive } }' }));
  });

  test('tracing: extensions that tell how long each field took', async () => {
    const { extensions } = (await (await post(router(), { query: '{ __typename }' })).json()) as { extensions: object };
    expect(Object.keys(extensions)).toEqual(['cost']);
  });

  test('queries by GET, as any page can send them', async () => {
    await expectBlocked(await fetch(`${router().url}/graphql?query=query+cop+%7B__typename%7D`));
  });

  test('mutations by GET', async () => {
    await expectBlocked(await fetch(`${router().url}/graphql?query=mutation+cop+%7B__typename%7D`));
    const knowing = { 'apollo-require-preflight': '1' };
    await expectBlocked(
      await fetch(`${router().url}/graphql?query=mutation+cop+%7B__typename%7D`, { headers: knowing }),
    );
    const stream = { ...knowing, accept: 'text/event-stream' };
    const text = await (
      await fetch(`${router().url}/graphql?query=mutation+cop+%7B__typename%7D`, { headers: stream })
    ).text();
    expect(text).toContain('BAD_REQUEST');
    expect(text).not.toContain('"data"');
  });

  test.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'])(
    'a form of another site: %s',
    async (type) => {
      await expectBlocked(await post(router(), 'query=query+cop+%7B__typename%7D', { 'content-type': type }));
      await expectBlocked(await post(router(), '{"query":"{ __typename }"}', { 'content-type': type }));
    },
  );

  test('unhandled errors: what no parser expects', async () => {
    for (const query of [
      'qwerty cop { abc }',
      '{',
      '"',
      '\\u0000',
      '{ a(b: {}) }',
      'query($a: [[[[Int]]]]) { __typename }',
    ])
      await expectBlocked(await post(router(), { query }));
  });
});

describe('graphql-cop against a router as it is in production', () => {
  test('introspection', async () => {
    await expectBlocked(await post(production, { query: getIntrospectionQuery() }));
    await expectBlocked(await post(production, { query: 'query cop { __schema { types { name } } }' }));
  });

  test.each(['/graphql', '/graphiql', '/playground', '/console', '/', '/v1/explorer', '/altair'])(
    'a page to try it with at %s',
    async (path) => {
      const response = await fetch(production.url + path, { headers: { accept: 'text/html' } });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect((await response.text()).toLowerCase()).not.toMatch(/graphiql|playground|altair|<html/);
    },
  );
});

/** Each was run by the stock server; depth is in limits.test.ts. Over a socket and an event stream the answer has no status, and the same code. */
const RUN_BY_THE_STOCK_SERVER: [string, string][] = [
  ['1,000 aliases', `{ ${times(1000, (i) => `a${i}: __typename`)} }`],
  ['100 mutations', `mutation { ${times(100, (i) => `m${i}: rename(id: "1", title: "Taken over") { id }`)} }`],
  [
    'a fragment bomb of 2^20',
    `{ ...F0 } ${times(20, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} me }`)} fragment F20 on Query { me }`,
  ],
  ['introspection', getIntrospectionQuery()],
];

test.each(RUN_BY_THE_STOCK_SERVER)('%s: refused over every transport', async (_, query) => {
  const codes = await expectBlocked(await post(production, { query }));

  const streamed = await (await openEventStream(production.url, { body: JSON.stringify({ query }) })).ended;
  expect(streamed).toContain(codes[0]);
  expect(streamed).not.toContain('"data":{');

  const watch = clientOf(production.url).watch(query);
  expect(JSON.stringify(await watch.ended)).toContain(codes[0]);
  expect(watch.results).toEqual([]);
  await watch.stop();
});

test('a hundred mutations in one request: none was run', async () => {
  const [, query] = RUN_BY_THE_STOCK_SERVER[1] ?? [];
  await expectBlocked(await post(production, { query }));
  expect((await clientOf(production.url).data('{ book(id: "1") { title } }')).book.title).toBe('Title 1');
});

test('a body of 2 MB: refused, and over a socket the connection is closed', async () => {
  const query = `{ me } # ${'x'.repeat(2_000_000)}`;
  expect((await post(production, { query })).status).toBe(413);

  const watch = clientOf(production.url).watch(query);
  expect(await watch.ended).toMatchObject({ code: 1009 });
  await watch.stop();
});

/** The router over HTTP, before real subgraphs. */
import { randomBytes } from 'node:crypto';
import { type Answer, clientOf } from '../tests/client.ts';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
let url: string;
beforeAll(async () => {
  fixture = await startFixture();
  url = fixture.url;
});
afterAll(() => fixture.stop());

const post = (body: unknown, headers: Record<string, string> = {}, path = '/graphql') =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

test("an answer crosses subgraphs, each of which gets the caller's token and trace", async () => {
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  const authorization = `Bearer ${await fixture.tokenOf('anna')}`;

  const answer = await post({ query: '{ me book7 { title askedBy trace } }' }, { authorization, traceparent });

  expect(await answer.json()).toMatchObject({
    data: { me: 'anna', book7: { title: 'Title 7', askedBy: 'anna', trace: traceparent } },
  });
});

test('a request without a trace gets one', async () => {
  const { book7 } = await clientOf(url).data('{ book7 { trace } }');
  expect(book7.trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('a subgraph answers nobody but the router', async () => {
  const address = `http://127.0.0.1:${fixture.subgraphs.customer.port}/graphql`;
  const answer = await fetch(address, { method: 'POST', body: '{"query":"{ me }"}' });
  expect(answer.status).toBe(403);
});

test('a subgraph that is down leaves the rest of an answer, and its address is not told', async () => {
  await fixture.stopSubgraph('book');
  try {
    const answer = await clientOf(url, await fixture.tokenOf('anna')).ask('{ me book7 { id title } }');

    expect(answer).toMatchObject({
      data: { me: 'anna', book7: { id: '7', title: null } },
      errors: [
        {
          message: 'The book service does not answer.',
          path: ['book7'],
          extensions: { code: 'SERVICE_UNAVAILABLE', service: 'book' },
        },
      ],
    });
  } finally {
    await fixture.startSubgraph('book');
  }
  expect((await clientOf(url).ask('{ book7 { title } }')).data).toEqual({ book7: { title: 'Title 7' } });
});

test.each([
  ['has expired', () => fixture.tokenOf('anna', -10)],
  ['was not signed by us', async () => `${(await fixture.tokenOf('anna')).slice(0, -6)}AAAAAA`],
  ['is none', async () => 'a password'],
])('a token that %s is answered with 401 before any subgraph is asked', async (_, token) => {
  const answer = await post({ query: '{ me }' }, { authorization: `Bearer ${await token()}` });
  expect(answer.status).toBe(401);
  const { errors } = (await answer.json()) as Answer;
  expect(errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED' });
});

test('a fault of a subgraph is masked, with an id that is in its log', async () => {
  const { data, errors } = await clientOf(url).ask('{ broken }');
  expect(data).toEqual({ broken: null });
  expect(errors).toEqual([
    {
      message: expect.stringContaining('Something is broken here'),
      path: ['broken'],
      extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) },
    },
  ]);
});

test('who is turned away for overload is told by HTTP as well when to come again', async () => {
  const answer = await post({ query: 'mutation { request { id } }' });

  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30']);
  const { errors } = (await answer.json()) as Answer;
  expect(errors).toMatchObject([
    { message: 'Too many wait.', extensions: { code: 'OVERLOADED', retryAfterSeconds: 30 } },
  ]);
});

test('a name that is almost right is not put right for those who guess', async () => {
  const { errors } = await clientOf(url).ask('{ broke }');
  expect(errors).toMatchObject([
    { message: 'Cannot query field "broke" on type "Query".', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  ]);
});

test.each([
  [
    'a mutation by GET',
    () =>
      fetch(`${url}/graphql?query=mutation{rename(id:7,title:"x"){id}}`, {
        headers: { 'apollo-require-preflight': '1' },
      }),
    405,
  ],
  [
    'a request that a form of another site could send',
    () => post({ query: '{ me }' }, { 'content-type': 'text/plain' }),
    400,
  ],
  ['many operations in one request', () => post([{ query: '{ me }' }, { query: '{ me }' }]), 400],
  ['a body that is not JSON', () => post('{ me }'), 400],
  ['a document of several operations that names none', () => post({ query: 'query A { me } query B { me }' }), 400],
  ['an operation that is not in the document', () => post({ query: 'query A { me }', operationName: 'B' }), 400],
  ['a subscription', () => post({ query: 'subscription { ticks }' }), 400],
])('%s is refused', async (_, ask, status) => {
  const answer = await ask();
  expect(answer.status).toBe(status);
  expect(await answer.text()).not.toMatch(/node_modules|\.ts:/);
});

test("the carrier's webhook reaches Delivery as it was sent, its signature untouched", async () => {
  const answer = await post('{"scan":1}', { 'carrier-signature': 't=1,v=2' }, '/webhooks/carrier');

  expect([answer.status, await answer.text()]).toEqual([202, 'noted\n']);
  expect(fixture.webhooks).toEqual([
    {
      headers: expect.objectContaining({ 'carrier-signature': 't=1,v=2', 'rentabook-signature': expect.any(String) }),
      body: '{"scan":1}',
    },
  ]);
});

test('the public keys are there for everybody, and nothing else of a subgraph is', async () => {
  expect(await (await fetch(`${url}/.well-known/jwks.json`)).json()).toEqual({ keys: [expect.any(Object)] });
  expect((await post('{}', {}, '/.well-known/jwks.json')).status).toBe(405);
  expect((await post('{}', {}, '/webhooks/other')).status).toBe(404);
});

test('the router is ready while every subgraph is down', async () => {
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('GraphiQL comes whole from the router, and asks no other host for anything', async () => {
  const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
  const html = await page.text();
  const addresses = [...html.matchAll(/(?:src|href)="(?!data:)([^"]*)"/g)].map(([, address]) => address);

  expect(addresses).toHaveLength(6);
  for (const address of [...addresses, '/graphiql/graphql-ws/client.js', '/graphiql/examples.json'])
    expect((await fetch(`${url}${address}`)).status).toBe(200);
  expect(page.headers.get('content-security-policy')).not.toContain('http');
  expect((await fetch(`${url}/graphiql/../package.json`)).status).toBe(404);
});

test('without GraphiQL there is no page, and the schema is not told', async () => {
  const closed = await startFixture({ graphiql: false });
  try {
    const page = await fetch(`${closed.url}/`, { headers: { accept: 'text/html' } });
    const { errors } = await clientOf(closed.url).ask('{ __schema { types { name } } }');

    expect(page.status).toBe(404);
    expect(errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED');
  } finally {
    await closed.stop();
  }
});

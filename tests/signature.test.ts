/** Nobody but the router is answered by a subgraph: each way of asking, with each thing that can be wrong, at each of the four. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type SignedRequest, sign } from '#platform/signature.ts';
import { keyOf, type Sent, send, subgraphs, upgrade, urlOf } from './signed.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
}, 90_000);
afterAll(() => system?.stop());

const LATE_MS = 31_000;
const signed = (request: SignedRequest): Sent => ({ ...request, signature: sign(keyOf(system), request) });
const signedAt = (request: SignedRequest, ms: number): Sent => ({
  ...request,
  signature: sign(keyOf(system), request, Date.now() + ms),
});

/** From a request to what is sent in its place. What is repeated is sent once before. */
const wrongs: Record<string, (request: SignedRequest) => Sent> = {
  unsigned: (request) => request,
  'signed with nonsense': (request) => ({ ...request, signature: 't=1,n=2,b=3,v=4' }),
  'signed with another key': (request) => ({ ...request, signature: sign('another key', request) }),
  'older than 30 s': (request) => signedAt(request, -LATE_MS),
  'more than 30 s ahead': (request) => signedAt(request, LATE_MS),
  'with another body': (request) => ({ ...signed(request), body: request.body.toString().replace(' ', '  ') }),
  'with another path': (request) => ({ ...signed(request), path: '/graphql?as=admin' }),
  'with another method': (request) => ({
    ...request,
    signature: sign(keyOf(system), { ...request, method: 'PUT' }),
  }),
  'with another client': (request) => ({ ...signed(request), client: '192.0.2.66' }),
};

const post = (query: string, variables = {}): SignedRequest => ({
  method: 'POST',
  path: '/graphql',
  client: '192.0.2.1',
  body: JSON.stringify({ query, variables }),
});
const questions = {
  'a query': post('{ __schema { queryType { name } } }'),
  'the SDL': post('{ _service { sdl } }'),
  entities: post('query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }', {
    of: [{ __typename: 'Rental', id: '9e0e5e0e-1111-4111-8111-111111111111' }],
  }),
  'a mutation': post('mutation { __typename }'),
};
const socket: SignedRequest = { method: 'GET', path: '/graphql', client: '', body: '' };

describe.each(subgraphs)('%s', (subgraph) => {
  const ask = (sent: Sent) => send(urlOf(system, subgraph), sent);
  const open = (sent: Sent) => upgrade(urlOf(system, subgraph), sent);

  test.each(Object.entries(questions))('answers %s of the router once, and with nothing wrong', async (_, question) => {
    const genuine = signed(question);
    const first = await ask(genuine);
    expect(first.status).toBe(200);
    expect(JSON.parse(first.body)).toHaveProperty('data');

    const refused = [await ask(genuine)];
    for (const wrong of Object.values(wrongs)) refused.push(await ask(wrong(question)));

    expect(refused.map(({ status }) => status)).toEqual([403, ...Object.keys(wrongs).map(() => 403)]);
    for (const { body } of refused)
      expect(JSON.parse(body)).toEqual({
        errors: [
          { message: expect.stringMatching(/^Only the router may ask: [a-z ]+\.$/), extensions: { code: 'FORBIDDEN' } },
        ],
      });
  });

  test('opens a socket for the router once, and with nothing wrong', async () => {
    const genuine = signed(socket);
    expect(await open(genuine)).toBe(101);
    expect(await open(genuine)).toBe(403);

    const { 'with another body': _, ...possible } = wrongs;
    for (const [name, wrong] of Object.entries(possible))
      expect({ name, status: await open(wrong(socket)) }).toEqual({ name, status: 403 });
  });

  test('refuses by the head: it waits for nothing of what the unsigned have to say', async () => {
    const headers = { 'content-length': 9_000_000 };
    const request = httpRequest(`${urlOf(system, subgraph)}/graphql`, { method: 'POST', headers, agent: false });
    request.on('error', () => {}); // it is cut off
    request.write('{');

    const [response] = (await once(request, 'response')) as [IncomingMessage]; // the event's only argument
    expect(response.statusCode).toBe(403);
    request.destroy();
  });

  /** As docs/architecture.md lists it. */
  const plain = ['/livez', '/readyz', '/metrics', ...(subgraph === 'customer' ? ['/.well-known/jwks.json'] : [])];
  /** Stripe's is at Rental, where it is configured: here it is not. */
  const itsOwn = subgraph === 'delivery' ? { '/webhooks/carrier': 400 } : {};

  test('has nothing else for those who do not sign, but its health, its numbers and its public keys', async () => {
    const webhooks = ['/webhooks/carrier', '/webhooks/stripe'];
    const paths = ['/', '/graphql/', '/graphiql', '/sdl', ...webhooks, '/.well-known/jwks.json', ...plain];
    const answered: Record<string, number> = {};
    for (const path of new Set(paths)) {
      const { status } = await ask({ method: 'POST', path, client: '', body: '{}' });
      if (status !== 404) answered[path] = status;
    }
    expect(answered).toEqual({ ...Object.fromEntries(plain.map((path) => [path, 200])), ...itsOwn });
    const { body } = await ask({ method: 'GET', path: '/metrics', client: '', body: '' });
    expect(body).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-|@/);
    expect(body.includes('rentabook_carrier_open 0')).toBe(subgraph === 'delivery');
  });
});

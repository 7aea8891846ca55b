/** Pages of other origins, as browsers ask for them; and what every answer of the router says to a browser. */
import { once } from 'node:events';
import WebSocket from 'ws';
import { type Fixture, startFixture } from './fixture.ts';

const LISTED = 'https://shop.example';
let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture({ corsOrigins: [LISTED] });
});
afterAll(() => fixture.stop());

const preflight = (origin: string) =>
  fetch(`${fixture.url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,authorization',
    },
  });

const ask = (headers: Record<string, string>) =>
  fetch(`${fixture.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"query":"{ me }"}',
  });

test('a page of a listed origin may ask, with its token', async () => {
  const { status, headers } = await preflight(LISTED);
  expect(status).toBe(204);
  expect(headers.get('access-control-allow-origin')).toBe(LISTED);
  expect(headers.get('access-control-allow-headers')).toContain('authorization');
  expect((await ask({ origin: LISTED })).headers.get('access-control-allow-origin')).toBe(LISTED);
});

test.each(['https://evil.example', `${LISTED}.evil.example`, 'http://shop.example', 'null'])(
  'a page of %s may not',
  async (origin) => {
    expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
    const { headers } = await ask({ origin });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('vary')).toContain('Origin');
  },
);

test('no answer allows credentials or sets a cookie: whoever is signed in says so in a header', async () => {
  for (const { headers } of [await preflight(LISTED), await ask({ origin: LISTED })]) {
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('set-cookie')).toBeNull();
  }
});

/** The status of the answer to a request for a socket. */
async function socketFrom(origin?: string): Promise<number> {
  const socket = new WebSocket(`${fixture.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { origin });
  socket.on('error', () => {});
  const [status] = await Promise.race([
    once(socket, 'open').then(() => [101]),
    once(socket, 'unexpected-response').then(([, response]) => [response.statusCode]),
  ]);
  socket.terminate();
  return status;
}

test('a socket is for listed origins, for pages of the router itself and for who is no browser', async () => {
  expect(await socketFrom()).toBe(101);
  expect(await socketFrom(LISTED)).toBe(101);
  expect(await socketFrom(fixture.url)).toBe(101);
  expect(await socketFrom('https://evil.example')).toBe(403);
  expect(await socketFrom('null')).toBe(403);
});

test.each(['/graphql', '/', '/livez', '/nothing', '/.well-known/jwks.json'])(
  '%s says what a browser must not do with it',
  async (path) => {
    const { headers } = await fetch(fixture.url + path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-powered-by')).toBeNull();
  },
);

test('an answer is kept by nobody on the way', async () => {
  expect((await ask({})).headers.get('cache-control')).toBe('no-store');
});

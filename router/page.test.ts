/** The page over HTTP: what a browser may do with it, what it may keep and for how long, what is refused. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { Client } from 'undici';
import { type Fixture, startFixture } from './fixture.ts';
import type { PageConfig } from './page.ts';

const SCRIPT = 'document.title = "Rentabook";\n'.repeat(100);
const INDEX =
  '<!doctype html><meta name="rentabook" content="{}" /><script type="module" src="/assets/index-1a2b.js"></script>';
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const folder = mkdtempSync(join(tmpdir(), 'rentabook-page-'));
const put = (name: string, content: string | Buffer) => writeFileSync(join(folder, 'dist', name), content);
mkdirSync(join(folder, 'dist', 'a0b1', 'assets'), { recursive: true });
put('current', 'a0b1');
put('a0b1/index.html', INDEX);
put('a0b1/icon.svg', '<svg/>');
put('a0b1/assets/index-1a2b.js', SCRIPT);
put('a0b1/assets/index-1a2b.js.br', brotliCompressSync(SCRIPT));
put('a0b1/assets/index-1a2b.js.gz', gzipSync(SCRIPT));
put('secret.txt', 'not of the page');

const routers: Fixture[] = [];
afterAll(async () => {
  await Promise.all(routers.map((router) => router.stop()));
  rmSync(folder, { recursive: true });
});

/** A router with the page of `dist`, and what asks it: paths go out as they stand. */
async function startPage(told: Partial<PageConfig> = {}, dist = 'dist') {
  const config = { stripe: null, oidc: false, ...told };
  const router = await startFixture({ page: { folder: join(folder, dist), config } });
  routers.push(router);
  return async (path: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' | 'POST' = 'GET') => {
    const client = new Client(router.url);
    const { statusCode, headers: answered, body } = await client.request({ path, method, headers });
    const content = Buffer.from(await body.arrayBuffer());
    await client.close();
    return { status: statusCode, headers: answered, content, text: content.toString() };
  };
}

type Ask = Awaited<ReturnType<typeof startPage>>;
let ask: Ask;
beforeAll(async () => {
  ask = await startPage();
});

/** Directive -> sources. */
const policyIn = ({ headers }: Awaited<ReturnType<Ask>>): Record<string, string> =>
  Object.fromEntries(
    String(headers['content-security-policy'])
      .split('; ')
      .map((part) => [part.slice(0, part.indexOf(' ')), part.slice(part.indexOf(' ') + 1)]),
  );

test('the page may load, ask and embed nothing but what is at this address, and nobody may embed it', async () => {
  const page = await ask('/', BROWSER);

  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(policyIn(page)).toEqual({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'font-src': "'self'",
    'connect-src': "'self'",
    'manifest-src': "'self'",
    'worker-src': "'none'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    'require-trusted-types-for': "'script'",
    'trusted-types': "'none'",
  });
  for (const feature of ['camera', 'microphone', 'geolocation', 'payment'])
    expect(page.headers['permissions-policy']).toContain(`${feature}=()`);
  expect(page.headers).toMatchObject({
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
});

test("with Stripe's key it may load Stripe.js and show its frames, and is told the key", async () => {
  const page = await (await startPage({ stripe: 'pk_test_1' }))('/', BROWSER);

  expect(policyIn(page)).toMatchObject({
    'default-src': "'none'",
    'script-src': "'self' https://js.stripe.com https://*.js.stripe.com",
    'frame-src': 'https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com',
    'connect-src': "'self' https://api.stripe.com",
  });
  expect(policyIn(page)).not.toHaveProperty('trusted-types');
  expect(page.headers['permissions-policy']).toContain('payment=(self "https://js.stripe.com")');
  expect(page.text).toContain('&quot;stripe&quot;:&quot;pk_test_1&quot;');
});

test('what the page is told stands in its head, and cannot get out of it', async () => {
  expect((await ask('/', BROWSER)).text).toBe(INDEX.replace('{}', '{&quot;stripe&quot;:null,&quot;oidc&quot;:false}'));
  const { text } = await (await startPage({ stripe: '"><script>$&' }))('/', BROWSER);
  expect(text).toContain('content="{&quot;stripe&quot;:&quot;\\&quot;&gt;&lt;script&gt;$&amp;&quot;,');
});

test.each(['/', '/books/42', '/index.html', '/no.such.page?x=1', '/%'])(
  'a browser that goes to %s gets the page, and asks each time whether it is still that one',
  async (path) => {
    const page = await ask(path, BROWSER);
    expect([page.status, page.headers['cache-control']]).toEqual([200, 'no-cache']);
    expect(page.text).toContain('/assets/index-1a2b.js');

    const again = await ask(path, { ...BROWSER, 'if-none-match': String(page.headers.etag) });
    expect([again.status, again.text]).toEqual([304, '']);
  },
);

test('who does not ask for a page is told that there is nothing', async () => {
  for (const path of ['/', '/books/42', '/assets/index-0000.js', '/assets/index-1a2b.js.map'])
    expect(await ask(path, { accept: '*/*' })).toMatchObject({
      status: 404,
      text: 'There is nothing here.\n',
      headers: { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' },
    });
  expect((await ask('/assets/index-0000.js', BROWSER)).status).toBe(404);
  expect((await ask('/', BROWSER, 'POST')).status).toBe(404);
});

test('a file with a hash in its name is kept for a year, any other is asked for each time', async () => {
  const script = await ask('/assets/index-1a2b.js');
  expect([script.text, script.headers['content-type']]).toEqual([SCRIPT, 'text/javascript']);
  expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');

  const icon = await ask('/icon.svg');
  expect([icon.headers['content-type'], icon.headers['cache-control']]).toEqual(['image/svg+xml', 'no-cache']);
  const again = await ask('/icon.svg', { 'if-none-match': String(icon.headers.etag) });
  expect([again.status, again.headers['cache-control']]).toEqual([304, 'no-cache']);
});

test('a file comes compressed to who takes that', async () => {
  const br = await ask('/assets/index-1a2b.js', { 'accept-encoding': 'gzip, deflate, br, zstd' });
  expect(br.headers).toMatchObject({
    'content-encoding': 'br',
    'content-type': 'text/javascript',
    vary: 'Accept-Encoding',
  });
  expect(brotliDecompressSync(br.content).toString()).toBe(SCRIPT);

  const gzip = await ask('/assets/index-1a2b.js', { 'accept-encoding': 'gzip' });
  expect(gzip.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(gzip.content).toString()).toBe(SCRIPT);
});

test.each(['/', '/assets/index-1a2b.js'])('HEAD %s has the headers alone', async (path) => {
  const [{ headers }, head] = await Promise.all([ask(path, BROWSER), ask(path, BROWSER, 'HEAD')]);

  expect(head).toMatchObject({ status: 200, text: '' });
  const ofTheFile = ({ date, connection, 'keep-alive': _, ...rest }: typeof headers) => rest;
  expect(ofTheFile(head.headers)).toEqual(ofTheFile(headers));
});

test.each([
  '/../secret.txt',
  '/assets/../../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/assets/%2e%2e/%2e%2e/secret.txt',
  '/..\\secret.txt',
  '//secret.txt',
  '/current',
  '/assets/',
  '/__proto__',
])('nothing but the page can be read: %s', async (path) => {
  expect(await ask(path)).toMatchObject({ status: 404, text: 'There is nothing here.\n' });
});

test('a range that is none changes nothing', async () => {
  for (const range of ['bytes=5-2', 'bytes=99999-', 'bytes=x'])
    expect(await ask('/assets/index-1a2b.js', { range })).toMatchObject({ status: 200, text: SCRIPT });
});

test('a file that is gone ends its request, and nothing else', async () => {
  put('a0b1/assets/gone-3c4d.js', SCRIPT);
  const asked = await startPage();
  rmSync(join(folder, 'dist/a0b1/assets/gone-3c4d.js'));

  await expect(asked('/assets/gone-3c4d.js')).rejects.toThrow();
  expect((await asked('/', BROWSER)).status).toBe(200);
});

test('the other addresses of the router are as they were', async () => {
  expect((await ask('/graphiql', BROWSER)).text).toContain('/graphiql/page.js');
  expect((await ask('/graphql', BROWSER)).text).toContain('/graphiql/page.js');
  expect((await ask('/graphiql/none', BROWSER)).status).toBe(404);
  expect((await ask('/readyz', BROWSER)).text).toBe('ok\n');
});

test('a page that is not built says how to build it', async () => {
  const asked = await startPage({}, 'nowhere');

  expect(await asked('/', BROWSER)).toMatchObject({ status: 503, text: expect.stringContaining('npm run build:web') });
  expect((await asked('/books/42', BROWSER)).status).toBe(404);
});

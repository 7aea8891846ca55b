/** The router as a process, with a plain server in Rental's place: what its main.ts passes on arrives there, unchanged to the last byte. */
import { randomBytes } from 'node:crypto';
import { type Http, listen, readBody, text } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { freePort } from '../local/ports.ts';
import type { Running } from '../local/running.ts';
import { launchService } from '../local/services.ts';

const heard: { path: string | undefined; signature: unknown; body: string }[] = [];
let rental: Http;
let router: Running;
let url: string;

beforeAll(async () => {
  rental = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: {
      '/*': async (request, response) => {
        const body = await readBody(request, 1_000_000);
        const { 'stripe-signature': signature } = request.headers;
        heard.push({ path: request.url, signature, body: body.toString('hex') });
        text(response, 200, 'noted');
      },
    },
    notReady: async () => null,
  });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  router = launchService('router', {
    environment: {
      PORT: String(port),
      LOG_LEVEL: 'error',
      ROUTER_KEY: randomBytes(32).toString('hex'),
      RENTAL_URL: `http://127.0.0.1:${rental.port}/graphql`,
    },
    onLine: (line) => process.stderr.write(`${line}\n`),
  });
  await router.ready;
}, 60_000);
afterAll(async () => {
  await router?.stop();
  await rental?.close();
});

test("Stripe's webhook reaches Rental as it was sent, its signature and every byte untouched", async () => {
  const body = Buffer.concat([Buffer.from('{\r\n  "id" : "evt_1", "name": "홍길동"\t}\n'), Buffer.from([0xff, 0x00])]);
  const signature = 't=1700000000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd,v0=0';

  const answer = await fetch(`${url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
    body,
  });

  expect([answer.status, await answer.text()]).toEqual([200, 'noted\n']);
  expect(heard).toEqual([{ path: '/webhooks/stripe', signature, body: body.toString('hex') }]);
  expect((await fetch(`${url}/webhooks/stripe`)).status).toBe(405);
  expect((await fetch(`${url}/webhooks/stripe`, { method: 'POST', body: Buffer.alloc(70_000) })).status).toBe(413);
  expect(heard).toHaveLength(1);
});

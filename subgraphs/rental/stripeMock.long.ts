/** Every request that the adapter makes, held against Stripe's published OpenAPI by Stripe's own stripe-mock; what it answers is made up. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Stripe from 'stripe';
import { bareEnvironment, wholeEnvironment } from '#platform/config.ts';
import { codeOf } from '#platform/errors.ts';
import { freePort } from '../../local/ports.ts';
import { type Running, watch } from '../../local/running.ts';
import { eventually } from '../../tests/client.ts';
import { type PaymentProvider, stripeProvider } from './paymentProvider.ts';

/** Of Stripe's API it has version 2026-08-26.dahlia, the newest that any stripe-mock has; our client speaks one of two months later. */
const VERSION = 'v0.203.0';
const SECRET_KEY = 'sk_test_123'; // any of this form
const run = promisify(execFile);

/** Built once for this machine, some forty seconds. Go's own checksum database is the pin. @throws a sentence when there is no Go. */
async function stripeMockProgram(): Promise<string> {
  const path = join(homedir(), '.cache', 'rentabook', 'stripe-mock', VERSION, 'stripe-mock');
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(`${dirname(path)}.`);
  try {
    await run('go', ['install', `github.com/stripe/stripe-mock@${VERSION}`], {
      env: wholeEnvironment({ GOBIN: folder }),
    });
    renameSync(join(folder, 'stripe-mock'), path);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause;
    throw new Error(
      'stripe-mock is built with Go, which is not there: install Go 1.22 or newer from https://go.dev/dl.',
      {
        cause,
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return path;
}

interface Answered {
  /** `POST /v1/refunds` */
  request: string;
  status: number;
}
const answered: Answered[] = [];

/** Its log has a line for each request, and one for its answer. */
function hear(line: string): void {
  const request = /^Request: (\S+ \S+)/.exec(line)?.[1];
  if (request) answered.push({ request, status: 0 });
  const status = /^Response: .*status=(\d+)/.exec(line)?.[1];
  const last = answered.at(-1);
  if (status && last) last.status = Number(status);
}

/** Its log may come after its answer. */
const heard = (count: number): Promise<Answered[]> =>
  eventually(
    () => answered,
    (all) => all.length >= count && all.every(({ status }) => status > 0),
  );
const refused = () => answered.filter(({ status }) => status !== 200);

let mock: Running;
let provider: PaymentProvider;
let client: Stripe;
beforeAll(async () => {
  const program = await stripeMockProgram();
  const port = await freePort();
  // Left to itself it would listen for HTTPS too, for everybody.
  const addresses = ['-http-addr', `127.0.0.1:${port}`, '-https-addr', '127.0.0.1:0'];
  mock = watch(spawn(program, addresses, { env: bareEnvironment({}), stdio: ['ignore', 'pipe', 'pipe'] }), {
    readyLine: /^Listening for HTTP at/,
    onLine: hear,
    faultIn: () => undefined,
    stopSignal: 'SIGTERM',
    graceMs: 3000,
  });
  await mock.ready;
  const url = `http://127.0.0.1:${port}`;
  provider = stripeProvider({ STRIPE_URL: url, STRIPE_SECRET_KEY: SECRET_KEY, PAYMENT_TIMEOUT_MS: 10_000 });
  client = new Stripe(SECRET_KEY, { protocol: 'http', host: '127.0.0.1', port });
}, 300_000);
afterAll(() => mock?.stop());
beforeEach(() => {
  answered.length = 0;
});

const rentalId = '9e0e5e0e-1111-4111-8111-111111111111';
const order = { key: rentalId, rentalId, amount: 4500, currency: 'KRW' };
const payment = { ...order, intentId: 'pi_1' };

test.each<[what: string, ask: () => Promise<unknown>, requests: RegExp[]]>([
  ['createIntent', () => provider.createIntent(order), [/^POST \/v1\/payment_intents$/]],
  [
    'confirmIntent',
    () => provider.confirmIntent({ ...payment, paymentMethod: 'pm_card_visa' }),
    [/^POST \/v1\/payment_intents\/pi_1\/confirm$/],
  ],
  ['capture', () => provider.capture(payment), [/^POST \/v1\/payment_intents\/pi_1\/capture$/]],
  ['void', () => provider.void(payment), [/^POST \/v1\/payment_intents\/pi_1\/cancel$/]],
  [
    'void of what has no id here',
    () => provider.void({ ...order, intentId: null }),
    [/^POST \/v1\/payment_intents$/, /^POST \/v1\/payment_intents\/pi_\w+\/cancel$/],
  ],
  ['refund', () => provider.refund(payment), [/^GET \/v1\/payment_intents\/pi_1/, /^POST \/v1\/refunds$/]],
  ['look', () => provider.look('pi_1'), [/^GET \/v1\/payment_intents\/pi_1/]],
  ['ping', () => provider.ping(), [/^GET \/v1\/balance$/]],
])('%s asks only what Stripe understands', async (_, ask, requests) => {
  await ask();

  expect((await heard(requests.length)).map(({ request }) => request)).toEqual(
    requests.map((request) => expect.stringMatching(request)),
  );
  expect(refused()).toEqual([]);
});

test('an unknown or wrong parameter would be refused, and seen', async () => {
  const unknown: object = { payment_intent: 'pi_1', gift: 'true' };
  const wrong: object = { payment_intent: 'pi_1', amount: 'everything' };

  await expect(client.refunds.create(unknown)).rejects.toThrow('additional properties are not allowed');
  await expect(client.refunds.create(wrong)).rejects.toThrow("'amount' validation failed");
  await expect(client.refunds.create(unknown)).rejects.toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);

  await heard(3);
  expect(refused()).toEqual(Array.from({ length: 3 }, () => ({ request: 'POST /v1/refunds', status: 400 })));
});

/** The process of load.ts. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import { codeOf, reasonOf } from '#platform/errors.ts';
import { percentile, rounded } from '../../bench/figures.ts';
import { type Answer, rentalInput } from '../client.ts';
import type { Failure, LoadOptions, LoadReport, Message, Tally } from './load.ts';

/** Far above what an overloaded machine takes: whoever waits longer was not answered. */
const PATIENCE_MS = 30_000;
/** What a timer is late; what a system could not take is not sent to it later on. */
const CATCH_UP_MS = 100;
/** Of failures, for the report. */
const EXAMPLES = 500;

const REQUEST = `mutation ($input: RequestRentalInput!) {
  requestRental(input: $input) { rental { id status } userErrors { code } } }`;

/** Resolves when it is on its way. */
const tell = (message: Message): Promise<void> =>
  new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
const goneWithout = () => process.exit(1);

const [options] = (await once(process, 'message')) as [LoadOptions];
let stopping = false;
process.once('message', () => {
  stopping = true;
});
process.once('disconnect', goneWithout); // whoever wanted to know is gone

const tally: Tally = { sent: 0, answers: {}, failed: 0 };
const failures: Failure[] = [];
const answered: LoadReport['answered'] = [];
const tookMs: number[] = [];
let connections = 0;

const clients = options.tokens.map((token, place) => ({ place, token, client: openClient() }));
type LoadClient = (typeof clients)[number];
/** Those that have their answer, who waited longest first. */
const free = [...clients];
let wake = () => {};

const telling = setInterval(() => void tell({ tally }), 1000);
const from = performance.now();
const asking: Promise<void>[] = [];
for (let number = 0, next = from; !stopping; number++) {
  await sleep(Math.max(0, next - performance.now()));
  next = Math.max(next, performance.now() - CATCH_UP_MS) + 1000 / options.perSecond;
  const client = free.shift() ?? (await nextFree());
  const bookId = options.bookIds[number % options.bookIds.length] ?? '';
  const times = options.repeatEvery && number % options.repeatEvery === 0 ? 2 : 1;
  asking.push(askFor(client, bookId, times));
}
await Promise.all(asking);
clearInterval(telling);
await tell({
  report: {
    ...tally,
    failures,
    answered,
    connections,
    p50Ms: rounded(percentile(tookMs, 0.5)),
    p99Ms: rounded(percentile(tookMs, 0.99)),
    longestMs: rounded(Math.max(...tookMs)),
    lastedMs: rounded(performance.now() - from),
  },
});
await Promise.all(clients.map(({ client }) => client.destroy()));
process.off('disconnect', goneWithout);
process.disconnect?.();

function openClient(): Client {
  const client = new Client(options.url, {
    headersTimeout: PATIENCE_MS,
    bodyTimeout: PATIENCE_MS,
    connect: { timeout: PATIENCE_MS },
  });
  client.on('connect', () => {
    connections += 1;
  });
  return client;
}

/** Nobody asks while still waiting for an answer: an overloaded system is asked as often as it answers. */
async function nextFree(): Promise<LoadClient> {
  for (;;) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    const client = free.shift();
    if (client) return client;
  }
}

/** The same request so many times, one after the other. */
async function askFor(client: LoadClient, bookId: string, times: number): Promise<void> {
  const key = crypto.randomUUID();
  for (let time = 0; time < times; time++) await ask(client, bookId, key);
  free.push(client);
  wake();
}

async function ask(client: LoadClient, bookId: string, key: string): Promise<void> {
  tally.sent += 1;
  const askedAt = performance.now();
  const why = await send(client, bookId, key).catch(
    (error: unknown) => `no answer: ${codeOf(error)} ${reasonOf(error)}`,
  );
  const took = performance.now() - askedAt;
  tookMs.push(took);
  if (why === null) return;
  tally.failed += 1;
  if (failures.length < EXAMPLES)
    failures.push({ at: new Date().toISOString(), client: client.place, why, tookMs: rounded(took) });
}

/** Why it failed, or null. */
async function send({ client, token }: LoadClient, bookId: string, key: string): Promise<string | null> {
  const { statusCode, body } = await client.request({
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: REQUEST, variables: { input: rentalInput(bookId, { idempotencyKey: key }) } }),
  });
  const text = await body.text();
  if (statusCode >= 500) return `status ${statusCode}: ${text.slice(0, 200)}`;
  const { data, errors } = JSON.parse(text) as Answer;
  if (errors) return `errors: ${errors.map(({ message, extensions }) => `${extensions?.code} ${message}`).join(' ')}`;
  const { rental, userErrors } = data.requestRental;
  if (rental) answered.push({ key, rentalId: rental.id });
  const answer = rental?.status ?? `userErrors:${userErrors[0]?.code}`;
  tally.answers[answer] = (tally.answers[answer] ?? 0) + 1;
  return null;
}

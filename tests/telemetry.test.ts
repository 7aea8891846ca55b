/** What an operator sees of the running system: one trace across all of it, numbers, and a log that tells of nobody. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { version } from '#platform/version.ts';
import { freePort } from '../local/ports.ts';
import { launchService } from '../local/services.ts';
import { type Answer, addBook, type Client, deliverTo, eventually, REQUEST, rentalInput, signUp } from './client.ts';
import { CARRIER_KEY, CARRIER_WEBHOOK_SECRET, STRIPE_SECRET_KEY, startSandbox } from './sandboxProcess.ts';
import { createDatabase } from './services.ts';
import { type System, startSystem } from './system.ts';

interface Span {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: Record<string, unknown> }[];
}

/** Spans as collectors get them by OTLP over HTTP. */
const spans: Span[] = [];
const collector = createServer(async (request, response) => {
  const { resourceSpans } = JSON.parse((await request.toArray()).join('')) as {
    resourceSpans: {
      resource: Pick<Span, 'attributes'>;
      scopeSpans: { spans: Omit<Span, 'service'>[] }[];
    }[];
  };
  for (const { resource, scopeSpans } of resourceSpans) {
    const service = String(resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue);
    for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => ({ service, ...span })));
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
});

const collectorUrl = () => `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

let system: System;
let staff: Client;
beforeAll(async () => {
  await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve));
  process.env.OTEL_BSP_SCHEDULE_DELAY = '100';
  system = await startSystem({
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl(),
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    SANDBOX_CARRIER_STEP_MS: '100',
  });
  staff = await system.clientWith('STAFF');
}, 90_000);
afterAll(() => {
  delete process.env.OTEL_BSP_SCHEDULE_DELAY; // of other test files in this process
});
afterAll(async () => {
  await system?.stop();
  collector.closeAllConnections();
  collector.close();
});

const newTraceId = () => randomBytes(16).toString('hex');
const post = (client: Client, traceId: string, query: string, variables: object) =>
  fetch(`${system.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${client.token}`,
      traceparent: `00-${traceId}-00000000000000f1-01`,
    },
    body: JSON.stringify({ query, variables }),
  });

/** A rental that was let in at once, and the trace of its request; on a busy machine some have to wait first, and go on without it. */
async function rentAtOnce(): Promise<{ traceId: string; rentalId: string }> {
  const reader = await signUp(system.url);
  const bookId = await addBook(staff, 20);
  const ask = async () => {
    const traceId = newTraceId();
    const answer = await post(reader, traceId, REQUEST, { input: rentalInput(bookId) });
    const { data } = (await answer.json()) as Answer;
    const { rental } = data.requestRental;
    return { traceId, rentalId: rental?.id, status: rental?.status };
  };
  return eventually(ask, ({ status }) => status === 'ACCEPTED');
}

/** Of the people of this test. */
const PERSONAL = /1 Main Street|A Reader|example\.test|04524/;
/** Ids and instants, whose digits may be any: those of the postal code were in a nanosecond. */
const ARBITRARY = /[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const saidIn = (told: unknown): string => JSON.stringify(told).replaceAll(ARBITRARY, '');

/** From the outermost on: `service name`. */
function pathTo(span: Span): string[] {
  const before = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [...(before ? pathTo(before) : []), `${span.service} ${span.name}`];
}

test('a request to rent is one trace, from the router to whoever hears of it', async () => {
  const { traceId } = await rentAtOnce();

  const way = ['router mutation', 'router POST /graphql', 'rental mutation'];
  const expected = [
    [...way, 'rental rpc.book.reserve', 'book rpc.book.reserve'],
    [...way, 'customer process rental.requested'],
    [...way, 'customer process rental.accepted'],
    [...way, 'delivery process rental.accepted'],
  ];
  const paths = await eventually(
    () => spans.filter((span) => span.traceId === traceId).map(pathTo),
    (paths) => expected.every((path) => paths.some((seen) => String(seen) === String(path))),
  );
  expect(paths).toEqual(expect.arrayContaining(expected));
  expect(saidIn(spans)).not.toMatch(PERSONAL);
});

test('what a subscription fetches for its events is one trace', async () => {
  const reader = await signUp(system.url);
  const bookId = await addBook(staff, 1);
  const watch = reader.watch('subscription Mine { orderStatus { status order { id book { title } } } }');

  await eventually(
    async () => {
      await post(reader, newTraceId(), REQUEST, { input: rentalInput(bookId) });
      return watch.results.length;
    },
    (count) => count > 0,
  );

  const fetches = ['router subscription', 'router POST /graphql', 'book query'];
  await eventually(
    () => spans.map(pathTo).map(String),
    (paths) => paths.includes(String(fetches)),
  );
  await watch.stop();
});

/** What Prometheus reads of a service on its own port. */
async function metricsOf(service: 'book' | 'rental' | 'delivery' | 'customer' | 'sandbox'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${system.environments[service].PORT}/metrics`);
  return response.text();
}

const OF_EACH = [
  'rentabook_request_duration_seconds_bucket{le="0.1",kind="mutation",outcome="ok"}',
  'rentabook_requests_in_flight',
  `rentabook_build_info{version="${version}",service=`,
  'nodejs_eventloop_lag_p99_seconds',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'rentabook_outbox_unpublished',
  'rentabook_outbox_oldest_seconds',
  'rentabook_subscriptions',
  'rentabook_relay_leader 1',
  'rentabook_database_up 1',
  'rentabook_nats_up 1',
];

test.each([
  [
    'rental',
    [
      'rentabook_held_requests ',
      'rentabook_held_oldest_seconds ',
      'rentabook_compensations_owed{step="PAYMENT_VOID"} ',
    ],
  ],
  ['customer', ['rentabook_notifications_unsent ', 'rentabook_notifications_oldest_seconds ']],
] as const)('%s tells all there is to watch, by these names', async (service, own) => {
  const ofConsumers = ['dead_letters', 'parked_events', 'oldest_gap_seconds', 'consumer_lag'];
  const names = [...OF_EACH, ...own, ...ofConsumers.map((name) => `rentabook_${name}{consumer="`)];

  const told = await metricsOf(service);

  expect(names.filter((name) => !told.includes(`\n${name}`))).toEqual([]);
});

test('metrics have a port to themselves where they are given one', async () => {
  const port = await freePort();
  const sandbox = await startSandbox(await createDatabase('sandbox'), { METRICS_PORT: String(port) });
  try {
    const told = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(told).toContain(`rentabook_build_info{version="${version}",service="sandbox"} 1`);
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(404);
    expect((await fetch(`${sandbox.url}/metrics`)).status).toBe(404);
  } finally {
    await sandbox.stop();
  }
});

/** The sandbox by itself, sending its traces there. */
async function startTraced(endpoint: string, batchMs: number) {
  const lines: string[] = [];
  const PORT = String(await freePort());
  process.env.OTEL_BSP_SCHEDULE_DELAY = String(batchMs);
  const sandbox = launchService('sandbox', {
    environment: {
      PORT,
      DATABASE_URL: await createDatabase('sandbox'),
      STRIPE_SECRET_KEY,
      CARRIER_KEY,
      CARRIER_WEBHOOK_SECRET,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    },
    onLine: (line) => lines.push(line),
  });
  await sandbox.ready;
  return { lines, sandbox, ask: () => fetch(`http://127.0.0.1:${PORT}/v1/payment_intents/pi_1`) };
}

test('what a process has seen last is at the collector when it has stopped', async () => {
  const { sandbox, ask } = await startTraced(collectorUrl(), 60_000);
  await ask();

  await sandbox.stop();

  expect(spans.filter(({ service }) => service === 'sandbox').map(({ name }) => name)).toContain('GET /v1/*');
});

test('a collector that is away is told of once, and holds nothing up', async () => {
  const { sandbox, lines, ask } = await startTraced('http://127.0.0.1:9', 50);
  const complaints = () => lines.filter((line) => line.includes('OpenTelemetry has trouble'));

  await eventually(ask, () => complaints().length > 0);
  await ask();
  await sandbox.stop();

  expect(await sandbox.ended).toBe('exit code 0');
  expect(complaints()).toHaveLength(1);
});

test('the log says which request a line is about', async () => {
  const reader = await signUp(system.url);
  const traceId = newTraceId();

  await system.pause('delivery');
  try {
    await post(reader, traceId, '{ deliveries { edges { node { id } } } }', {});
  } finally {
    await system.resume('delivery');
  }

  const line = await eventually(
    () => linesOf('router').find((line) => line.traceId === traceId),
    (line) => line !== undefined,
  );
  expect(line).toMatchObject({ service: 'router', version, subgraph: 'delivery' });
});

test('and which event, and of which rental', async () => {
  await system.query('delivery', 'ALTER TABLE delivery RENAME TO away');
  const { traceId, rentalId } = await rentAtOnce();
  const line = await eventually(
    () => linesOf('delivery').find((line) => line.traceId === traceId),
    (line) => line !== undefined,
  );
  await system.query('delivery', 'ALTER TABLE away RENAME TO delivery');

  expect(line).toMatchObject({ rentalId, eventId: `rental-${rentalId}:2`, consumer: 'delivery-rental' });
});

test('neither does it tell whom it is about, whatever breaks', async () => {
  const reader = await signUp(system.url);
  const traceId = newTraceId();
  const SAVE = 'mutation ($input: SaveAddressInput!) { saveAddress(input: $input) { userErrors { message } } }';

  await system.query('customer', 'ALTER TABLE saved_address ADD CONSTRAINT nothing CHECK (false) NOT VALID');
  await post(reader, traceId, SAVE, { input: { ...deliverTo, label: 'Home' } });
  await system.query('customer', 'ALTER TABLE saved_address DROP CONSTRAINT nothing');

  const line = await eventually(
    () => linesOf('customer').find((line) => line.traceId === traceId),
    (line) => line !== undefined,
  );
  expect(line).toMatchObject({ err: { code: '23514', constraint: 'nothing' } });
  for (const service of ['router', 'book', 'rental', 'delivery', 'customer', 'sandbox'])
    expect([service, saidIn(linesOf(service)).match(PERSONAL)]).toEqual([service, null]);
});

/** What the log of a service says, at any level. */
const linesOf = (service: string): Record<string, unknown>[] =>
  readFileSync(join(system.folder, 'logs', `${service}.log`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

/** What Prometheus reads of a subgraph, on a real database and a real NATS. */
import { askDatabase } from '../tests/askDatabase.ts';
import { type Broker, startBroker } from '../tests/broker.ts';
import { eventually } from '../tests/client.ts';
import { createDatabase } from '../tests/services.ts';
import type { AnyConsumer } from './apply.ts';
import { readConfig } from './config.ts';
import { query } from './database.ts';
import { type DatabaseProbe, probeDatabase } from './health.ts';
import { type Http, listen } from './http.ts';
import { createLog } from './log.ts';
import { metricsRoute } from './metrics.ts';
import { connectForever, ensureStream } from './nats.ts';
import { openServiceDatabase } from './serviceDatabase.ts';
import { tellService } from './serviceMetrics.ts';

const log = createLog('test', 'silent');
/** Their handlers are of no account here. */
const consumers = [
  { name: 'one', stream: 'BOOK' },
  { name: 'other', stream: 'BOOK' },
] as AnyConsumer[];
const state = { watching: 0, leads: false, open: 0 };

let url: string;
let broker: Broker;
let orm: Awaited<ReturnType<typeof openServiceDatabase>>;
let database: DatabaseProbe;
let nats: Awaited<ReturnType<typeof connectForever>>;
let http: Http;
const em = () => orm.em.fork();

beforeAll(async () => {
  url = await createDatabase('metrics');
  broker = await startBroker();
  orm = await openServiceDatabase({ url, entities: [], migrations: [], log });
  database = probeDatabase(url);
  nats = await connectForever({ natsUrl: broker.url });
  http = await listen({
    host: '127.0.0.1',
    port: 0,
    log,
    routes: metricsRoute({ METRICS_PORT: undefined }),
    notReady: async () => null,
  });
  tellService({
    database,
    nats: async () => nats,
    consumers,
    subscriptions: () => state.watching,
    isLeader: () => state.leads,
    log,
    gauges: { rentabook_door_open: { help: 'Whether the door is open', read: () => state.open } },
    measures: [
      {
        gauges: { rentabook_colours: 'How many colours' },
        label: 'hue',
        statement: `SELECT * FROM (VALUES ('red', 3), ('blue', 4)) AS c(hue, rentabook_colours)`,
      },
    ],
  });
}, 60_000);
afterAll(async () => {
  await http?.close();
  await database?.close();
  await nats?.close();
  await broker?.close();
  await orm?.close();
});

/** What this project tells, in whole numbers. */
async function scrape(): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${http.port}/metrics`)).text();
  const lines = text.split('\n').filter((line) => /^rentabook_(?!request)/.test(line));
  return Object.fromEntries(lines.map((line) => [line.split(' ')[0], Math.floor(Number(line.split(' ')[1]))]));
}

const quiet = {
  'rentabook_dead_letters{consumer="one"}': 0,
  'rentabook_dead_letters{consumer="other"}': 0,
  'rentabook_parked_events{consumer="one"}': 0,
  'rentabook_parked_events{consumer="other"}': 0,
  'rentabook_oldest_gap_seconds{consumer="one"}': 0,
  'rentabook_oldest_gap_seconds{consumer="other"}': 0,
  rentabook_outbox_unpublished: 0,
  rentabook_outbox_oldest_seconds: 0,
  'rentabook_colours{hue="red"}': 3,
  'rentabook_colours{hue="blue"}': 4,
};
const alone = { rentabook_subscriptions: 0, rentabook_relay_leader: 0, rentabook_door_open: 0 };
const here = { rentabook_database_up: 1, rentabook_nats_up: 1 };

test('what has not arrived is counted, for each consumer and for the outbox, and who is served live', async () => {
  expect(await scrape()).toEqual({ ...quiet, ...alone, ...here });

  await query(
    em(),
    `INSERT INTO dead_letter (consumer, aggregate, version, message, reason, dropped_at) VALUES
       ('one', 'book-1', 1, '{}', 'no', NULL), ('one', NULL, NULL, 'x', 'no event', NULL), ('one', NULL, NULL, 'y', 'no event', now())`,
  );
  await query(
    em(),
    `INSERT INTO parked (consumer, aggregate, version, event, since) VALUES
       ('one', 'book-1', 2, '{}', now() - interval '1 day'), ('one', 'book-2', 2, '{}', now() - interval '1 hour')`,
  );
  await query(
    em(),
    `INSERT INTO outbox (event_id, aggregate, subject, payload, created_at, published_at, reopened) VALUES
       ('a:1', 'a', 's', '{}', now() - interval '2 minutes', NULL, false), ('a:2', 'a', 's', '{}', now(), NULL, false),
       ('b:1', 'b', 's', '{}', now() - interval '1 hour', now(), false), ('c:1', 'c', 's', '{}', now() - interval '3 minutes', NULL, true)`,
  );
  Object.assign(state, { watching: 7, leads: true, open: 1 });

  expect(await scrape()).toEqual({
    ...quiet,
    ...here,
    'rentabook_dead_letters{consumer="one"}': 2,
    'rentabook_parked_events{consumer="one"}': 2,
    'rentabook_oldest_gap_seconds{consumer="one"}': 3600,
    rentabook_outbox_unpublished: 3,
    rentabook_outbox_oldest_seconds: 180,
    rentabook_subscriptions: 7,
    rentabook_relay_leader: 1,
    rentabook_door_open: 1,
  });
});

test('what a consumer has not acknowledged is its lag, once there is such a consumer', async () => {
  const manager = await nats.jetstreamManager();
  await ensureStream(manager, 'BOOK', 1);
  await manager.consumers.add('BOOK', { durable_name: 'one', ack_policy: 'explicit' as never }); // as consume.ts makes them
  for (const text of ['a', 'b', 'c']) await nats.jetstream().publish(`rentabook.book.added.${text}`, text);
  const consumer = await nats.jetstream().consumers.get('BOOK', 'one');
  const first = await consumer.next();
  const second = await consumer.next();

  expect(await scrape()).toMatchObject({ 'rentabook_consumer_lag{consumer="one"}': 3 });
  await first?.ackAck();
  expect(await scrape()).toMatchObject({ 'rentabook_consumer_lag{consumer="one"}': 2 });
  await second?.ackAck();
  const told = await scrape();
  expect(told).toMatchObject({ 'rentabook_consumer_lag{consumer="one"}': 1 });
  expect(told).not.toHaveProperty('rentabook_consumer_lag{consumer="other"}');
});

test('while NATS is away, what it knows is left out, and told again afterwards', async () => {
  await broker.stop();
  const away = await eventually(scrape, (told) => told.rentabook_nats_up === 0);
  expect(away).toMatchObject({ rentabook_database_up: 1, rentabook_outbox_unpublished: 3 });
  expect(Object.keys(away).join()).not.toContain('lag');

  await broker.start();
  await eventually(scrape, (told) => told['rentabook_consumer_lag{consumer="one"}'] === 1);
});

test('while the database is away, what it knows is left out, and the rest is told', async () => {
  const name = new URL(url).pathname.slice(1);
  await askDatabase(readConfig(['DATABASE_URL']).DATABASE_URL, `DROP DATABASE ${name} WITH (FORCE)`);

  expect(await scrape()).toEqual({
    rentabook_subscriptions: 7,
    rentabook_relay_leader: 1,
    rentabook_door_open: 1,
    rentabook_database_up: 0,
    rentabook_nats_up: 1,
    'rentabook_consumer_lag{consumer="one"}': 1,
  });
});

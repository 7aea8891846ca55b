/** How long an event takes from its commit to the stream, how many go out a second, and what a wiped broker costs. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { StringCodec } from 'nats';
import type { Pool } from 'pg';
import { createLog } from '#platform/log.ts';
import { connectForever } from '#platform/nats.ts';
import { outboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { Running } from '../local/running.ts';
import { launchProcess } from '../local/services.ts';
import { eventually } from '../tests/client.ts';
import { percentile, ratiosOf, rounded, spreadOf, spreadText, thousands } from './figures.ts';
import { atPace, storeRows } from './outboxRows.ts';
import type { Outcome } from './outcome.ts';
import { openPool, type Servers, withServers } from './servers.ts';
import { printTable, say } from './table.ts';

const STREAM = 'CUSTOMER';
const STEADY = { perSecond: 500, forMs: 30_000 };
const ROUNDS = 3;
const BACKLOG = { ours: 5000, naive: 1000 };
const WIPED = 20_000;
/** Events a second while the stream is filled again. */
const MEANWHILE = 50;
const PATIENCE_MS = 120_000;

export const relay = (): Promise<Outcome> =>
  withServers(async (servers) => {
    const shop = await openShop(servers, 'relay');
    try {
      const lag = await measureLag(shop);
      const { ratio, ...throughput } = await measureThroughput(shop);
      const wiped = await measureWipe(servers);
      return {
        ratio,
        against: 'a relay that selects, publishes and marks one event at a time',
        figures: { lag, throughput, wiped },
        servers: { postgres: servers.postgresVersion, nats: servers.natsVersion },
      };
    } finally {
      await shop.pool.end();
    }
  });

/** A service's database and its broker. */
interface Shop {
  servers: Servers;
  url: string;
  pool: Pool;
}

async function openShop(servers: Servers, name: string): Promise<Shop> {
  const url = await servers.createDatabase(name);
  const orm = await openServiceDatabase({ url, entities: [], migrations: [], log: createLog('bench', 'silent') });
  await orm.close();
  return { servers, url, pool: openPool(url, 16) };
}

/** The same as in production, in a process of its own; it has published an event when this resolves. */
async function startRelay(shop: Shop): Promise<Running> {
  const file = join(import.meta.dirname, '..', 'platform', 'relay.fixture.ts');
  const environment = { DATABASE_URL: shop.url, NATS_URL: shop.servers.natsUrl };
  const running = launchProcess(file, { environment, onLine: () => {} });
  await running.ready;
  await storeRows(shop.pool, events(1));
  await allMarked(shop);
  return running;
}

const events = (count: number) =>
  Array.from({ length: count }, () => {
    const id = randomUUID();
    return outboxRow({ id, version: 1 }, 'customer.erased', { customerId: id }, new Date());
  });

/** One transaction each, until `ended`; answers when each was committed, in milliseconds of the wall clock. */
async function writeSteadily(pool: Pool, perSecond: number, ended: () => boolean): Promise<Map<string, number>> {
  const committedAt = new Map<string, number>();
  await atPace(perSecond, ended, async () => {
    for (const row of events(1)) {
      await storeRows(pool, [row]);
      committedAt.set(row.eventId, Date.now());
    }
  });
  return committedAt;
}

const allMarked = ({ pool }: Shop) =>
  eventually(
    async () =>
      (await pool.query<{ open: number }>('SELECT count(*)::int AS open FROM outbox WHERE published_at IS NULL'))
        .rows[0]?.open,
    (open) => open === 0,
    PATIENCE_MS,
  );

/** When the broker stored each event, in milliseconds of the same clock. */
async function storedAt({ servers }: Shop): Promise<Map<string, number>> {
  const nats = await connectForever(servers);
  try {
    const { state } = await (await nats.jetstreamManager({ timeout: PATIENCE_MS })).streams.info(STREAM);
    const consumer = await nats.jetstream().consumers.get(STREAM);
    const stored = new Map<string, number>();
    for await (const message of await consumer.fetch({ max_messages: state.messages, expires: PATIENCE_MS })) {
      const { id } = message.json<{ id: string }>();
      if (stored.has(id)) throw new Error(`${id} is in the stream twice.`);
      stored.set(id, message.info.timestampNanos / 1e6);
      if (message.info.pending === 0) break;
    }
    return stored;
  } finally {
    await nats.close();
  }
}

const isIn = (stored: Map<string, number>, id: string): number => {
  const at = stored.get(id);
  if (at === undefined) throw new Error(`${id} never came to the stream.`);
  return at;
};

const spread = (valuesMs: number[]) => ({
  p50Ms: rounded(percentile(valuesMs, 0.5)),
  p99Ms: rounded(percentile(valuesMs, 0.99)),
  maxMs: rounded(Math.max(...valuesMs)),
});

async function measureLag(shop: Shop) {
  const running = await startRelay(shop);
  say(`${STEADY.perSecond} events a second for ${STEADY.forMs / 1000} s`);
  const until = performance.now() + STEADY.forMs;
  const committedAt = await writeSteadily(shop.pool, STEADY.perSecond, () => performance.now() > until);
  await allMarked(shop);
  const stored = await storedAt(shop);
  await running.stop();

  // A message may be stored before the writer hears of its own commit.
  const lagsMs = [...committedAt].map(([id, at]) => Math.max(0, isIn(stored, id) - at));
  const lag = { events: lagsMs.length, perSecond: rounded((lagsMs.length / STEADY.forMs) * 1000), ...spread(lagsMs) };
  const table = printTable(
    ['from the commit to the stream', 'events/s', 'p50 ms', 'p99 ms', 'max ms'],
    [32, 10, 8, 8, 8],
  );
  table.row('', ...[lag.perSecond, lag.p50Ms, lag.p99Ms, lag.maxMs].map(thousands));
  return lag;
}

async function measureThroughput(shop: Shop) {
  const rates: { ours: number[]; naive: number[] } = { ours: [], naive: [] };
  const table = printTable(['round', 'events/s'], [24, 12]);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, drain] of [['ours', drainOurs] as const, ['naive', drainNaively] as const]) {
      const seconds = await drain(shop, BACKLOG[name]);
      const perSecond = BACKLOG[name] / seconds;
      rates[name].push(perSecond);
      table.row(`${round} ${name}`, thousands(rounded(perSecond)));
    }
  }
  const [ours, naive] = [spreadOf(rates.ours), spreadOf(rates.naive)];
  const oursTimes = ratiosOf(rates.ours, rates.naive);
  say(
    `a backlog, events/s: ours ${spreadText(ours)}, naive ${spreadText(naive)}; ours is ${spreadText(oursTimes)} times the naive one`,
  );
  return { ratio: oursTimes.median, ours, naive, oursTimes };
}

async function drainOurs(shop: Shop, count: number): Promise<number> {
  const running = await startRelay(shop);
  await storeRows(shop.pool, events(count));
  const from = performance.now();
  await allMarked(shop);
  const seconds = (performance.now() - from) / 1000;
  await running.stop();
  return seconds;
}

/** The obvious relay: no batch, no fence, nothing side by side. */
async function drainNaively({ pool, servers }: Shop, count: number): Promise<number> {
  const nats = await connectForever(servers);
  const database = await pool.connect();
  try {
    const js = nats.jetstream();
    await storeRows(pool, events(count));
    const from = performance.now();
    for (;;) {
      const { rows } = await database.query(
        'SELECT * FROM outbox WHERE published_at IS NULL AND NOT reopened ORDER BY id LIMIT 1',
      );
      const [row] = rows;
      if (!row) return (performance.now() - from) / 1000;
      const ack = await js
        .publish(row.subject, codec.encode(JSON.stringify(row.payload)), { msgID: row.event_id })
        .catch(() => null); // a broker that does not answer in time is asked again
      if (ack)
        await database.query('UPDATE outbox SET published_at = now(), stream_seq = $2 WHERE id = $1', [
          row.id,
          ack.seq,
        ]);
    }
  } finally {
    database.release();
    await nats.close();
  }
}

async function measureWipe(servers: Servers) {
  await servers.wipeBroker(); // the stream of another database is no more
  const shop = await openShop(servers, 'wiped');
  try {
    return await wipe(shop);
  } finally {
    await shop.pool.end();
  }
}

async function wipe(shop: Shop) {
  const running = await startRelay(shop);
  await storeRows(shop.pool, events(WIPED - 1)); // one was published as it started
  await allMarked(shop);
  const old = await storedAt(shop);
  say(`the broker loses ${thousands(old.size)} events; ${MEANWHILE} a second go on`);

  let ended = false;
  const writing = writeSteadily(shop.pool, MEANWHILE, () => ended);
  await shop.servers.wipeBroker();
  const readyAt = Date.now();
  await eventually(
    () => countOf(shop),
    (count) => count > old.size,
    PATIENCE_MS,
  );
  ended = true;
  const committedAt = await writing;
  await allMarked(shop);
  const stored = await storedAt(shop);
  await running.stop();

  const completeMs = Math.max(...[...old.keys()].map((id) => isIn(stored, id))) - readyAt;
  const waitsMs = [...committedAt]
    .filter(([, at]) => at > readyAt)
    .map(([id, at]) => Math.max(0, isIn(stored, id) - at));
  const wiped = {
    events: old.size,
    completeSeconds: rounded(completeMs / 1000),
    fresh: { events: waitsMs.length, ...spread(waitsMs) },
  };
  const table = printTable(['after the broker is back', 'p50 ms', 'p99 ms', 'max ms'], [32, 8, 8, 8]);
  table.row('a fresh event waits', ...[wiped.fresh.p50Ms, wiped.fresh.p99Ms, wiped.fresh.maxMs].map(thousands));
  say(`the stream is complete after ${wiped.completeSeconds} s`);
  return wiped;
}

/** Messages in the stream; none while there is no stream. */
async function countOf({ servers }: Shop): Promise<number> {
  const nats = await connectForever(servers);
  try {
    return (await (await nats.jetstreamManager({ timeout: PATIENCE_MS })).streams.info(STREAM)).state.messages;
  } catch {
    return 0;
  } finally {
    await nats.close();
  }
}

const codec = StringCodec();

/** What a subgraph tells Prometheus of its database, its events and NATS. What is away is told as such, and what it knows left out. */
import type { JetStreamManager, NatsConnection } from 'nats';
import type { AnyConsumer } from './apply.ts';
import { codeOf } from './errors.ts';
import type { DatabaseProbe } from './health.ts';
import type { Log } from './log.ts';
import { forget, gauge, readAtScrapes } from './metrics.ts';

/** What a service tells of itself beside, by the name of the gauge. */
export type Gauges = Record<string, { help: string; read: () => number }>;

/**
 * Gauges that one statement on the service's database answers: a column for each, under its name. With a label there is a row for
 * each of its values, in the column of that name. Such a statement must be cheap however much there is: by an index, or to a limit.
 */
export interface Measure {
  /** Name -> what it is. */
  gauges: Record<string, string>;
  label?: string;
  statement: string;
  values?: unknown[];
}

/** More than so many are told as so many: a scrape must not read a whole backlog. */
export const COUNTED = 50_000;

/** A gap is what waits for an event that nobody has given up on; what waits behind a dead letter is parked, and no gap. */
const consumersMeasure = (names: string[]): Measure => ({
  gauges: {
    rentabook_dead_letters: 'Events that a consumer has given up on',
    rentabook_parked_events: 'Events that wait beside a consumer',
    rentabook_oldest_gap_seconds: 'How long an event has waited for its predecessor',
  },
  label: 'consumer',
  statement: `
    SELECT consumer,
      (SELECT count(*)::int FROM dead_letter d WHERE d.consumer = c.consumer AND dropped_at IS NULL) AS rentabook_dead_letters,
      (SELECT count(*)::int FROM (SELECT FROM parked p WHERE p.consumer = c.consumer LIMIT ${COUNTED}) AS few) AS rentabook_parked_events,
      (SELECT coalesce(extract(epoch FROM now() - min(since)), 0)::float8 FROM (
         SELECT since FROM parked p WHERE p.consumer = c.consumer
           AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.consumer = p.consumer AND d.aggregate = p.aggregate)
         LIMIT ${COUNTED}) AS few) AS rentabook_oldest_gap_seconds
    FROM unnest($1::text[]) AS c(consumer)`,
  values: [names],
});

interface Backlog {
  /** Names of the gauges. */
  count: string;
  oldest: string;
  /** What waits, for the first of them. */
  what: string;
  /** A query for them, to a limit, with a column `since`. */
  rows: string;
}

/** How many wait, and how long the oldest of them has. */
export const backlog = ({ count, oldest, what, rows }: Backlog): Measure => ({
  gauges: { [count]: what, [oldest]: 'How long the oldest of them has waited' },
  statement: `
    SELECT count(*)::int AS ${count}, coalesce(extract(epoch FROM now() - min(since)), 0)::float8 AS ${oldest}
    FROM (${rows}) AS few`,
});

/** Each half by an index of its own. */
const outboxMeasure = backlog({
  count: 'rentabook_outbox_unpublished',
  oldest: 'rentabook_outbox_oldest_seconds',
  what: 'Events that wait for their publication',
  rows: `
    (SELECT created_at AS since FROM outbox WHERE published_at IS NULL AND NOT reopened ORDER BY id LIMIT ${COUNTED})
    UNION ALL
    (SELECT created_at FROM outbox WHERE reopened ORDER BY id LIMIT ${COUNTED})`,
});

export interface ServiceMetricsOptions {
  database: DatabaseProbe;
  nats: () => Promise<NatsConnection | null>;
  consumers: AnyConsumer[];
  subscriptions: () => number;
  isLeader: () => boolean;
  measures?: Measure[] | undefined;
  gauges?: Gauges | undefined;
  log: Log;
}

const databaseUp = gauge('rentabook_database_up', 'Whether the database answers');
const relayLeader = gauge('rentabook_relay_leader', 'Whether this process publishes the events of its service');

/** A service that still waits for its database or its schema does neither, and whoever watches has to see that. */
export function tellThatItStarts(): void {
  databaseUp.set(0);
  relayLeader.set(0);
}

/** From now on, at each scrape. */
export function tellService({
  database,
  nats,
  consumers,
  measures = [],
  gauges = {},
  ...own
}: ServiceMetricsOptions): void {
  const known = [outboxMeasure, consumersMeasure(consumers.map(({ name }) => name)), ...measures];
  tellMeasures(database, known, own.log);
  tellNats(nats, consumers);
  const simple: Gauges = {
    rentabook_subscriptions: { help: 'Subscriptions that are being served', read: own.subscriptions },
    ...gauges,
  };
  readAtScrapes(async () => {
    relayLeader.set(Number(own.isLeader()));
    for (const [name, { help, read }] of Object.entries(simple)) gauge(name, help).set(read());
  });
}

/** One statement after another, on the connection of the probes: under load the pool has none to spare, and then it counts. */
function tellMeasures(database: DatabaseProbe, measures: Measure[], log: Log): void {
  const told = measures.map((measure) => ({
    ...measure,
    gauges: Object.entries(measure.gauges).map(([name, help]) => ({
      name,
      gauge: gauge(name, help, measure.label ? [measure.label] : []),
    })),
  }));
  readAtScrapes(async () => {
    databaseUp.set(0); // until it answers
    for (const { gauges } of told) for (const { gauge } of gauges) forget(gauge);
    if (await database.whyAway()) return;
    databaseUp.set(1);
    for (const { gauges, label, statement, values = [] } of told) {
      const rows = await database.rows<Record<string, number>>(statement, values).catch((error: unknown) => {
        log.warn({ err: error, metrics: gauges.map(({ name }) => name) }, 'what metrics tell could not be read');
        return [];
      });
      for (const row of rows)
        for (const { name, gauge } of gauges) gauge.set(label ? { [label]: String(row[label]) } : {}, row[name] ?? 0);
    }
  });
}

const NATS_TIMEOUT_MS = 800;

function tellNats(nats: ServiceMetricsOptions['nats'], consumers: AnyConsumer[]): void {
  const up = gauge('rentabook_nats_up', 'Whether NATS answers');
  const lag = gauge('rentabook_consumer_lag', 'Events in the stream that a consumer has not acknowledged', [
    'consumer',
  ]);
  readAtScrapes(async () => {
    up.set(0);
    forget(lag);
    const connection = await nats();
    if (!connection) return;
    await connection.flush(); // while it is away this waits
    up.set(1);
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: NATS_TIMEOUT_MS });
    await Promise.all(
      consumers.map(async ({ name, stream }) => {
        const behind = await lagOf(manager, stream, name);
        if (behind !== null) lag.set({ consumer: name }, behind);
      }),
    );
  });
}

/** Null while there is no such consumer yet. */
async function lagOf(manager: JetStreamManager, stream: string, consumer: string): Promise<number | null> {
  try {
    const { num_pending, num_ack_pending } = await manager.consumers.info(stream, consumer);
    return num_pending + num_ack_pending;
  } catch (error) {
    if (codeOf(error) === '404') return null;
    throw error;
  }
}

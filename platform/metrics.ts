/**
 * `/metrics` of every subgraph, for Prometheus: what of its events has not arrived, read from its
 * database at each scrape, and whom it serves live.
 */
import { Gauge, Registry } from 'prom-client';
import { type EntityManager, query } from './database.ts';
import type { Handler } from './http.ts';

interface ConsumerState {
  consumer: string;
  dead: number;
  parked: number;
  gapS: number;
}

/** A gap is what waits for an event that nobody has given up on; what waits behind a dead letter is parked, and no gap. */
const CONSUMERS = `
  SELECT consumer,
    (SELECT count(*)::int FROM dead_letter d WHERE d.consumer = c.consumer AND dropped_at IS NULL) AS dead,
    (SELECT count(*)::int FROM parked p WHERE p.consumer = c.consumer) AS parked,
    (SELECT coalesce(extract(epoch FROM now() - min(since)), 0)::float8 FROM parked p WHERE p.consumer = c.consumer
       AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.consumer = p.consumer AND d.aggregate = p.aggregate)) AS "gapS"
  FROM unnest($1::text[]) AS c(consumer)`;

interface OutboxState {
  unpublished: number;
  oldestS: number;
}

const OUTBOX = `
  SELECT count(*)::int AS unpublished, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS "oldestS"
  FROM outbox WHERE published_at IS NULL`;

/** What a service tells of itself beside, by the name of the gauge; read at each scrape. */
export type Gauges = Record<string, { help: string; read: () => number }>;

/** Answers in Prometheus' text format; a scrape fails while the database is away. */
export function metricsHandler(
  em: () => EntityManager,
  consumers: string[],
  subscriptions: () => number,
  gauges: Gauges = {},
): Handler {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const dead = gauge('rentabook_dead_letters', 'Events that a consumer has given up on', ['consumer']);
  const parked = gauge('rentabook_parked_events', 'Events that wait beside a consumer', ['consumer']);
  const gap = gauge('rentabook_oldest_gap_seconds', 'How long an event has waited for its predecessor', ['consumer']);
  const unpublished = gauge('rentabook_outbox_unpublished', 'Events that wait for their publication');
  const oldest = gauge('rentabook_outbox_oldest_seconds', 'How long the oldest of them has waited');
  const served = gauge('rentabook_subscriptions', 'Subscriptions that are being served');
  const own = Object.entries(gauges).map(([name, { help, read }]) => ({ gauge: gauge(name, help), read }));

  return async (_, response) => {
    served.set(subscriptions());
    for (const { gauge, read } of own) gauge.set(read());
    const [states, [outbox]] = await Promise.all([
      query<ConsumerState>(em(), CONSUMERS, [consumers]),
      query<OutboxState>(em(), OUTBOX),
    ]);
    for (const state of states) {
      dead.set({ consumer: state.consumer }, state.dead);
      parked.set({ consumer: state.consumer }, state.parked);
      gap.set({ consumer: state.consumer }, state.gapS);
    }
    unpublished.set(outbox?.unpublished ?? 0);
    oldest.set(outbox?.oldestS ?? 0);
    response.writeHead(200, { 'content-type': registry.contentType });
    response.end(await registry.metrics());
  };
}

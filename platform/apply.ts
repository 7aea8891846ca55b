/**
 * Exactly-once effect out of at-least-once delivery: one row per (consumer, aggregate) holds the last version applied, and
 * moves in the transaction of the effect. Duplicates, gaps and order all show as "the row was not where it should be".
 */
import type { Event, EventTypeOf, Stream } from '#schema/events.ts';
import { databaseIsAway, type EntityManager, query, transaction } from './database.ts';
import type { Log } from './log.ts';
import { type Cause, cause, inStep, newTrace } from './trace.ts';

/**
 * What a service does when another's event comes: a function, inside the transaction that moves the version, or `ignore`:
 * the version counts and nothing happens. Throwing means "again later".
 */
type Handlers<S extends Stream> = {
  [T in EventTypeOf<S>]: ((event: Event<T>, em: EntityManager) => Promise<void>) | 'ignore';
};

/** A durable reader of one stream. The name is kept by the broker and in the database; it never changes. */
export interface Consumer<S extends Stream = Stream> {
  name: string;
  stream: S;
  /** Whose rows its effects lock first: events are handled in the order of these, so that replicas lock alike. */
  locks: 'customerId' | 'bookId' | 'rentalId';
  handlers: Handlers<S>;
}

export type AnyConsumer = { [S in Stream]: Consumer<S> }[Stream];

/** `gap`: its predecessor has not come yet. `stuck`: it stands behind a dead letter of its aggregate. */
export type Outcome = 'applied' | 'duplicate' | 'gap' | 'stuck';

/**
 * Thrown by a handler whose event is about something that is not known here yet: it waits like a gap, and is no failure.
 */
export class NotYet extends Error {
  override name = 'NotYet';
}

/** An event with the name of its type, as the schemas know it. */
export interface Arrived {
  type: string;
  event: Event;
}

export const aggregateIn = (event: Event): string => event.id.slice(0, event.id.lastIndexOf(':'));

/**
 * Applies events in one transaction (3.6 to 4.3 times the rate of one by one); after a failure each gets its own, so that
 * one bad event does not hold up the rest. An event that failed maps to its error.
 * @throws only when the database is away, which says nothing about the events.
 */
export async function applyBatch(
  em: EntityManager,
  consumer: Consumer,
  batch: Arrived[],
  log: Log,
): Promise<Map<Arrived, Outcome | Error>> {
  const ordered = [...batch].sort(lockOrder(consumer));
  try {
    return await transaction(em, (em) => applyTogether(em, consumer, ordered));
  } catch (error) {
    if (databaseIsAway(error)) throw error;
    const [only, ...others] = ordered;
    if (only && !others.length) return new Map([[only, asError(error)]]);
    log.warn({ consumer: consumer.name, err: error, events: ordered.length }, 'a batch failed; one by one');
    return applyOneByOne(em, consumer, ordered);
  }
}

async function applyOneByOne(
  em: EntityManager,
  consumer: Consumer,
  events: Arrived[],
): Promise<Map<Arrived, Outcome | Error>> {
  const outcomes = new Map<Arrived, Outcome | Error>();
  for (const arrived of events) {
    try {
      for (const [one, outcome] of await transaction(em, (em) => applyTogether(em, consumer, [arrived])))
        outcomes.set(one, outcome);
    } catch (error) {
      if (databaseIsAway(error)) throw error;
      outcomes.set(arrived, asError(error));
    }
  }
  return outcomes;
}

const asError = (thrown: unknown): Error => (Error.isError(thrown) ? thrown : new Error(String(thrown)));

/**
 * Replicas must lock alike: first all version rows in one order, then all effects in one order. (By turns they deadlock,
 * since an effect holds its customer's row.)
 */
export async function applyTogether(
  em: EntityManager,
  consumer: Consumer,
  events: Arrived[],
): Promise<Map<Arrived, Outcome>> {
  const outcomes = await moveVersions(em, consumer.name, events);
  // crash point: consumer, versions moved but no effect yet
  for (const arrived of events) {
    if (outcomes.get(arrived) !== 'applied') continue;
    const handler = (consumer.handlers as Record<string, AnyHandler | 'ignore'>)[arrived.type]; // the type was looked up before
    if (!handler || handler === 'ignore') continue;
    await handle(consumer, arrived, async () => {
      await handler(arrived.event, em);
      await em.flush();
    });
    // crash point: consumer, an effect not committed
  }
  return outcomes;
}
type AnyHandler = (event: Event, em: EntityManager) => Promise<void>;

/** What the handling of an event is led by. */
export const causeIn = ({ traceparent, id, type, correlationid }: Event): Cause & { eventId: string } => ({
  traceparent: traceparent ?? newTrace(type),
  eventId: id,
  rentalId: correlationid,
});

function handle({ name, stream }: Consumer, { type, event }: Arrived, work: () => Promise<void>): Promise<void> {
  const led = causeIn(event);
  const attributes = {
    'messaging.system': 'nats',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': stream,
    'messaging.consumer.group.name': name,
    'messaging.message.id': event.id,
  };
  return inStep(`process ${type}`, { kind: 'CONSUMER', after: led.traceparent, attributes }, ({ traceparent }) =>
    cause.run({ ...led, traceparent }, work),
  );
}

/** Locked where there is one; `version` is null before the first event. */
const KNOWN = `
  WITH locked AS (SELECT aggregate, version FROM applied WHERE consumer = $1 AND aggregate = ANY($2) ORDER BY aggregate FOR UPDATE)
  SELECT aggregate, version, EXISTS (SELECT 1 FROM dead_letter d WHERE d.consumer = $1 AND d.aggregate = asked.aggregate) AS stuck
  FROM unnest($2::text[]) AS asked(aggregate) LEFT JOIN locked USING (aggregate)`;

/** One row that is new is written once, at the version that it has in the end: 0.1 ms less for each rental than to begin it at 0. */
const MOVE = `
  WITH moved AS (SELECT aggregate, version, fresh FROM unnest($2::text[], $3::int[], $4::boolean[]) AS m(aggregate, version, fresh)),
  changed AS (
    UPDATE applied SET version = moved.version FROM moved
    WHERE NOT fresh AND applied.consumer = $1 AND applied.aggregate = moved.aggregate
  )
  INSERT INTO applied SELECT $1, aggregate, version FROM moved WHERE fresh ORDER BY aggregate
  ON CONFLICT DO NOTHING RETURNING aggregate`;

interface Known {
  aggregate: string;
  version: number | null;
  stuck: boolean;
}

/** Moves each row as far as the events reach without a gap, and says of each event what it was. Events come in order of version. */
async function moveVersions(em: EntityManager, consumer: string, events: Arrived[]): Promise<Map<Arrived, Outcome>> {
  const aggregates = [...new Set(events.map(({ event }) => aggregateIn(event)))].sort();
  const rows = await query<Known>(em, KNOWN, [consumer, aggregates]);
  const known = new Map(rows.map(({ aggregate, version, stuck }) => [aggregate, { version: version ?? 0, stuck }]));
  const outcomes = new Map<Arrived, Outcome>();
  for (const arrived of events) outcomes.set(arrived, moveOne(known, arrived.event));

  const versionOf = ({ aggregate }: Known) => known.get(aggregate)?.version ?? 0;
  const moved = rows.filter((row) => versionOf(row) !== (row.version ?? 0));
  if (!moved.length) return outcomes;
  const fresh = moved.filter(({ version }) => version === null);
  const begun = await query(em, MOVE, [
    consumer,
    moved.map(({ aggregate }) => aggregate),
    moved.map(versionOf),
    moved.map(({ version }) => version === null),
  ]);
  if (begun.length < fresh.length) throw new Begun();
  return outcomes;
}

/** Another replica began an aggregate at the same moment: to be done again, as after a serialization failure (database.ts). */
class Begun extends Error {
  override name = 'Begun';
  readonly code = '40001';
}

function moveOne(known: Map<string, { version: number; stuck: boolean }>, event: Event): Outcome {
  const row = known.get(aggregateIn(event));
  if (!row) throw new Error(`No version row for ${event.id}`);
  if (event.aggregateversion <= row.version) return 'duplicate';
  if (row.stuck) return 'stuck';
  if (event.aggregateversion > row.version + 1) return 'gap';
  row.version = event.aggregateversion;
  return 'applied';
}

const fieldOf = ({ data }: Event, field: Consumer['locks']): string => (data as Record<string, string>)[field] ?? ''; // not in each

/** All events of an aggregate have these fields alike, so its versions stay in order. */
const lockOrder =
  ({ locks }: Consumer) =>
  ({ event: a }: Arrived, { event: b }: Arrived): number =>
    compare(fieldOf(a, locks), fieldOf(b, locks)) ||
    compare(fieldOf(a, 'rentalId'), fieldOf(b, 'rentalId')) ||
    compare(aggregateIn(a), aggregateIn(b)) ||
    a.aggregateversion - b.aggregateversion;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

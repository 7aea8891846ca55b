/** Events that wait in the consumer's own database instead of the broker: for their predecessor, or for a build that knows them. */
import type { JetStreamManager, SeqMsgRequest } from 'nats';
import { type Event, eventTypes, parseEvent, wireType } from '#schema/events.ts';
import { aggregateIn, applyTogether, type Consumer } from './apply.ts';
import { databaseIsAway, type EntityManager, query, transaction } from './database.ts';
import { codeOf } from './errors.ts';
import type { Log } from './log.ts';

export async function park(em: EntityManager, consumer: string, events: Event[]): Promise<void> {
  await query(
    em.fork(),
    `INSERT INTO parked (consumer, aggregate, version, event)
     SELECT $1, e.aggregate, e.version, e.event FROM unnest($2::text[], $3::int[], $4::jsonb[]) AS e(aggregate, version, event)
     ON CONFLICT DO NOTHING`,
    [
      consumer,
      events.map(aggregateIn),
      events.map((event) => event.aggregateversion),
      events.map((event) => storable(JSON.stringify(event))),
    ],
  );
}

/** An event given up on. Later ones of its aggregate wait behind it, parked. The same one again is kept once. */
export async function bury(
  em: EntityManager,
  consumer: string,
  message: string,
  reason: string,
  event?: Event,
): Promise<void> {
  await query(
    em.fork(),
    `INSERT INTO dead_letter (consumer, aggregate, version, message, reason) SELECT $1, $2, $3::int, $4, $5
     WHERE $2::text IS NOT NULL OR NOT EXISTS (SELECT FROM dead_letter WHERE consumer = $1 AND aggregate IS NULL AND message = $4)
     ON CONFLICT (consumer, aggregate, version) DO NOTHING`,
    [consumer, event ? aggregateIn(event) : null, event?.aggregateversion ?? null, storable(message), storable(reason)],
  );
}

/** PostgreSQL stores no NUL, and as JSON no half of a surrogate pair, not even escaped: U+FFFD stands for them. */
const storable = (text: string): string =>
  text
    .replaceAll('\0', '\uFFFD')
    .replace(ESCAPES, (escaped: string, unstorable?: string) => (unstorable ? '\uFFFD' : escaped));
/** All of them, so that each begins where the one before ends; a whole pair is one. */
const ESCAPES = /\\(?:ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(u0000|ud[89a-f][0-9a-f]{2})|.)/gis;

/** Parked events of types known here whose turn has come, or that were applied some other way meanwhile. */
const READY = `
  SELECT p.aggregate, p.version, p.event FROM parked p
  LEFT JOIN applied a USING (consumer, aggregate)
  WHERE p.consumer = $1 AND p.event->>'type' = ANY($2) AND p.event->>'id' <> ALL($3) AND p.version <= coalesce(a.version, 0) + 1
    AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.consumer = p.consumer AND d.aggregate = p.aggregate)
  ORDER BY p.aggregate, p.version LIMIT 100`;

export interface Sweeping {
  /** Ids of events whose next try is not due yet. */
  resting: string[];
  applied: (event: Event) => void;
  failed: (event: Event, error: Error) => Promise<void>;
}

/** A sweep, not a hook on each move: a hook could miss an event that is parked at the same moment. */
export async function sweepParked(
  em: EntityManager,
  consumer: Consumer,
  { resting, applied, failed }: Sweeping,
): Promise<void> {
  const ready = await query<{ aggregate: string; version: number; event: Event }>(em.fork(), READY, [
    consumer.name,
    eventTypes.map(wireType),
    resting,
  ]);
  for (const { aggregate, version, event } of ready) {
    const parsed = parseEvent(JSON.stringify(event));
    if (parsed.kind === 'unparsable') await bury(em, consumer.name, JSON.stringify(event), parsed.reason, event);
    if (parsed.kind !== 'event') continue;
    await transaction(em, async (em) => {
      await applyTogether(em, consumer, [{ type: parsed.type, event }]);
      // crash point: sweep, applied but still parked
      await query(em, 'DELETE FROM parked WHERE consumer = $1 AND aggregate = $2 AND version = $3', [
        consumer.name,
        aggregate,
        version,
      ]);
    }).then(
      () => applied(event),
      (error: Error) => {
        if (databaseIsAway(error)) throw error; // which says nothing about the event
        return failed(event, error);
      },
    );
    // crash point: sweep, applied
  }
}

/** An outage is over by then, and a broker's loss sent again: what has not come has to be looked for. */
const GAP_ALERT_AFTER = '10 minutes';

export interface Gap {
  aggregate: string;
  /** The lowest that waits. */
  version: number;
  ageS: number;
}

/** Aggregates with events that have waited too long, though nothing of them was given up on: 100 at most, the oldest first. */
export const oldGaps = (em: EntityManager, consumer: string): Promise<Gap[]> =>
  query<Gap>(
    em.fork(),
    `SELECT aggregate, min(version) AS version, extract(epoch FROM now() - min(since))::int AS "ageS" FROM parked p
     WHERE consumer = $1
       AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.consumer = p.consumer AND d.aggregate = p.aggregate)
     GROUP BY aggregate HAVING min(since) < now() - $2::interval ORDER BY min(since) LIMIT 100`,
    [consumer, GAP_ALERT_AFTER],
  );

/** Leaves the relay time to send again what a broker lost. */
const ADOPT_AFTER = '10 seconds';

/** Aggregates that this consumer has never seen, waiting for a predecessor longer than the grace time: the lowest version of each. */
const ORPHANS = `
  SELECT aggregate, (array_agg(event ORDER BY p.version))[1] AS event FROM parked p
  LEFT JOIN applied a USING (consumer, aggregate)
  WHERE consumer = $1 AND coalesce(a.version, 0) = 0
    AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.consumer = p.consumer AND d.aggregate = p.aggregate)
  GROUP BY aggregate HAVING min(p.version) > 1 AND min(since) < now() - $2::interval
  LIMIT 100`;

/**
 * An unknown aggregate begins at the lowest version that the stream still holds, but only when the stream has really
 * dropped its beginning: otherwise the missing version was lost, and adopting would hide that.
 */
export async function adoptOrphans(
  em: EntityManager,
  consumer: Consumer,
  manager: JetStreamManager,
  log: Log,
): Promise<void> {
  const orphans = await query<{ aggregate: string; event: Event }>(em.fork(), ORPHANS, [consumer.name, ADOPT_AFTER]);
  if (!orphans.length) return;
  const { state } = await manager.streams.info(consumer.stream);
  if (state.first_seq <= 1) return;
  for (const { aggregate, event } of orphans) {
    if (await holdsEarlier(manager, consumer.stream, event)) continue;
    await query(
      em.fork(),
      `INSERT INTO applied VALUES ($1, $2, $3)
       ON CONFLICT (consumer, aggregate) DO UPDATE SET version = excluded.version WHERE applied.version = 0`,
      [consumer.name, aggregate, event.aggregateversion - 1],
    );
    // crash point: consumer, an aggregate taken from where the stream has it
    log.warn(
      { consumer: consumer.name, eventId: event.id },
      'the stream no longer holds what came before: taken from here',
    );
  }
}

/** True when the stream still has an event of this aggregate before the given one. */
async function holdsEarlier(manager: JetStreamManager, stream: string, event: Event): Promise<boolean> {
  const [, context] = event.type.split('.');
  const query = { seq: 1, next_by_subj: `rentabook.${context}.*.${event.subject}` } as SeqMsgRequest; // the server knows it, the typing does not
  try {
    const oldest = parseEvent((await manager.streams.getMessage(stream, query)).string());
    return oldest.kind !== 'unparsable' && oldest.event.aggregateversion < event.aggregateversion;
  } catch (error) {
    if (codeOf(error) === NO_MESSAGE) return false;
    throw error;
  }
}

const NO_MESSAGE = '404';

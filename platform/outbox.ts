/**
 * The outbox: an event is a row, written in the transaction of the change it tells of. The relay publishes it after the
 * commit. Ids are `<aggregate>-<id>:<version>`, one event per version, so neither side can double or reorder unnoticed.
 */
import { defineEntity, p } from '@mikro-orm/core';
import {
  aggregateOf,
  type DataOf,
  type Event,
  type EventType,
  eventSchemas,
  subjectOf,
  wireType,
} from '#schema/events.ts';
import { type EntityManager, query } from './database.ts';
import { cause, newTrace } from './trace.ts';

const OutboxSchema = defineEntity({
  name: 'OutboxRow',
  tableName: 'outbox',
  properties: {
    id: p.bigint().primary().autoincrement(),
    eventId: p.string().unique(),
    aggregate: p.string(),
    subject: p.string(),
    payload: p.json<Event>(),
  },
});
export class OutboxRow extends OutboxSchema.class {}
OutboxSchema.setClass(OutboxRow);

/** What versions and events are about. Load it under a row lock before changing it: its version must not move twice at once. */
export interface Aggregate {
  id: string;
  version: number;
}

/** Moves the aggregate's version and stores the event beside the change that it tells of. @throws when the data breaks the contract. */
export function publish<T extends EventType>(
  em: EntityManager,
  aggregate: Aggregate,
  type: T,
  data: DataOf<T>,
  now = new Date(),
): void {
  aggregate.version += 1;
  em.create(OutboxRow, outboxRow(aggregate, type, data, now));
}

/** The row itself, for statements that write many at once; its version is the aggregate's own. */
export function outboxRow<T extends EventType>({ id, version }: Aggregate, type: T, data: DataOf<T>, now: Date) {
  const aggregate = `${aggregateOf(type)}-${id}`;
  const { traceparent, eventId: causationid } = cause.getStore() ?? { traceparent: newTrace(type) };
  const payload: Event<T> = {
    specversion: '1.0',
    id: `${aggregate}:${version}`,
    source: `/rentabook/${type.split('.')[0]}`,
    type: wireType(type),
    subject: id,
    time: now.toISOString(),
    datacontenttype: 'application/json',
    aggregateversion: version,
    correlationid: 'rentalId' in data ? data.rentalId : undefined,
    causationid,
    traceparent,
    data: eventSchemas[type].parse(data) as DataOf<T>, // the schema of that very type
  };
  return { eventId: payload.id, aggregate, subject: subjectOf(type, id), payload };
}

/** Stores rows that were made for a statement that changes many aggregates at once, in their order. */
export async function storeRows(em: EntityManager, rows: ReturnType<typeof outboxRow>[]): Promise<void> {
  await query(
    em,
    `INSERT INTO outbox (event_id, aggregate, subject, payload)
     SELECT event_id, aggregate, subject, payload FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
       WITH ORDINALITY AS row(event_id, aggregate, subject, payload, place) ORDER BY place`,
    [
      rows.map(({ eventId }) => eventId),
      rows.map(({ aggregate }) => aggregate),
      rows.map(({ subject }) => subject),
      rows.map(({ payload }) => JSON.stringify(payload)),
    ],
  );
}

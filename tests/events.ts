/** Events as they arrive, for tests that play the other services. */
import { type AnyConsumer, type Arrived, applyTogether, type Consumer, type Outcome } from '#platform/apply.ts';
import { type EntityManager, transaction } from '#platform/database.ts';
import { type Aggregate, outboxRow } from '#platform/outbox.ts';
import type { DataOf, Event, EventType } from '#schema/events.ts';

/** An event as its publisher would have written it. */
export function arrived<T extends EventType>(
  type: T,
  aggregate: Aggregate,
  data: DataOf<T>,
  now = new Date(),
): Arrived {
  return { type, event: outboxRow(aggregate, type, data, now).payload as Event }; // a particular event is an event
}

/** Hands an event to a consumer as the platform would, in one transaction with its version row. */
export async function deliver(em: EntityManager, consumer: AnyConsumer, event: Arrived): Promise<Outcome | undefined> {
  const outcomes = await transaction(em, (em) => applyTogether(em, consumer as unknown as Consumer, [event])); // handlers are looked up by type
  return outcomes.get(event);
}

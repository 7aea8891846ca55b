/**
 * The two writes of every settlement that goes well, each one statement for all who come meanwhile: in transactions of their
 * own they took most of what a rental costs. Measured: docs/decisions/0005-admission.md.
 */
import { type EntityManager, query, retryConflicts } from '#platform/database.ts';
import { microBatched } from '#platform/microBatches.ts';
import { outboxRow } from '#platform/outbox.ts';
import { factsOf } from './changes.ts';
import type { Rental } from './entities.ts';
import { after, paymentAfter } from './rental.ts';

const BATCHES = { size: 128, inFlight: 2, gatherMs: 5 };

/** A rental as it was when this process took its lease. One that has moved since has another version, and nothing is written. */
export type Leased = Pick<
  Rental,
  'id' | 'customerId' | 'bookId' | 'quantity' | 'totalAmount' | 'currency' | 'paymentMethod' | 'version'
>;

export interface SettleWrites {
  /** Before anything is authorised, and only while the rental is wanted: whatever happens next, a void finds the intent. */
  storeIntent(rental: Leased, intentId: string): Promise<boolean>;
  /** The last step. A cancel may have won meanwhile: then nothing moves, and what it owes finds the payment by its key. */
  accept(rental: Leased, total: number): Promise<boolean>;
}

export function createSettleWrites(em: () => EntityManager): SettleWrites {
  const store = microBatched<{ rental: Leased; intentId: string }, boolean>(BATCHES, (batch) =>
    retryConflicts(() => storeIntents(em(), batch)),
  );
  const accept = microBatched<Acceptance, boolean>(BATCHES, (batch) => retryConflicts(() => acceptAll(em(), batch)));
  return {
    storeIntent: (rental, intentId) => store({ rental, intentId }),
    accept: (rental, total) => accept(acceptance(rental, total)),
  };
}

/** Rentals are locked in the order of their ids, as by everybody who locks several. */
const STILL_WANTED = `
  wanted AS (
    SELECT rental.id FROM rental JOIN asked USING (id)
    WHERE rental.status = 'REQUESTED' AND rental.version = asked.version ORDER BY rental.id FOR UPDATE OF rental
  )`;

async function storeIntents(em: EntityManager, batch: { rental: Leased; intentId: string }[]): Promise<boolean[]> {
  const rows = await query<{ id: string }>(
    em,
    `WITH asked AS (SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[]) AS a(id, version, intent_id)), ${STILL_WANTED}
     UPDATE payment SET intent_id = asked.intent_id FROM asked JOIN wanted USING (id) WHERE payment.id = asked.id RETURNING payment.id`,
    [
      batch.map(({ rental }) => rental.id),
      batch.map(({ rental }) => rental.version),
      batch.map(({ intentId }) => intentId),
    ],
  );
  return allOf(
    batch.map(({ rental }) => rental),
    rows,
  );
}

interface Acceptance {
  rental: Leased;
  total: number;
  at: Date;
  /** Made while the request's own trace is known. */
  events: { authorized: OutboxRow; accepted: OutboxRow };
}
type OutboxRow = ReturnType<typeof outboxRow>;

function acceptance(rental: Leased, total: number): Acceptance {
  const at = new Date();
  const money = { amount: total, currency: rental.currency };
  const { id, version } = rental;
  return {
    rental,
    total,
    at,
    events: {
      // The first event of a payment: until now it was PENDING or UNKNOWN, of which nobody is told.
      authorized: outboxRow({ id, version: 1 }, 'payment.authorized', { ...factsOf(rental), amount: money }, at),
      accepted: outboxRow({ id, version: version + 1 }, 'rental.accepted', { ...factsOf(rental), total: money }, at),
    },
  };
}

const ACCEPT = `
  WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::timestamptz[], $5::jsonb[], $6::jsonb[])
      WITH ORDINALITY AS a(id, version, total, accepted_at, authorized_event, accepted_event, place)
  ), ${STILL_WANTED},
  paid AS (
    UPDATE payment SET status = $7, authorized = asked.total, version = payment.version + 1
    FROM asked JOIN wanted USING (id) WHERE payment.id = asked.id AND payment.version = 0 RETURNING payment.id
  ),
  moved AS (
    UPDATE rental SET status = $8, lease_until = NULL, total_amount = asked.total, accepted_at = asked.accepted_at,
      changed_at = asked.accepted_at, version = rental.version + 1
    FROM asked JOIN paid USING (id) WHERE rental.id = asked.id RETURNING rental.id
  ),
  told AS (
    INSERT INTO outbox (event_id, aggregate, subject, payload)
    SELECT event->>'eventId', event->>'aggregate', event->>'subject', event->'payload'
    FROM moved JOIN asked USING (id), unnest(ARRAY[authorized_event, accepted_event]) WITH ORDINALITY AS e(event, nth)
    ORDER BY place, nth
  )
  SELECT id FROM moved`;

async function acceptAll(em: EntityManager, batch: Acceptance[]): Promise<boolean[]> {
  const rows = await query<{ id: string }>(em, ACCEPT, [
    batch.map(({ rental }) => rental.id),
    batch.map(({ rental }) => rental.version),
    batch.map(({ total }) => total),
    batch.map(({ at }) => at),
    batch.map(({ events }) => JSON.stringify(events.authorized)),
    batch.map(({ events }) => JSON.stringify(events.accepted)),
    paymentAfter('PENDING', 'authorize'),
    after('REQUESTED', 'accept'),
  ]);
  return allOf(
    batch.map(({ rental }) => rental),
    rows,
  );
}

function allOf(rentals: Leased[], written: { id: string }[]): boolean[] {
  const ids = new Set(written.map(({ id }) => id));
  return rentals.map(({ id }) => ids.has(id));
}

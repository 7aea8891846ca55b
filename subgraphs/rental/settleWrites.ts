/**
 * The two writes of every settlement that goes well, each one statement for all who come meanwhile: in transactions of their
 * own they took most of what a rental costs. Measured: docs/decisions/0005-admission.md.
 */
import { columnsOf, type EntityManager, query, retryConflicts } from '#platform/database.ts';
import { microBatched } from '#platform/microBatches.ts';
import { outboxRow } from '#platform/outbox.ts';
import { factsOf } from './changes.ts';
import { Rental } from './entities.ts';
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
  /** The last step: the rental as it is then. A cancel may have won meanwhile: then nothing moves, and what it owes finds the payment by its key. */
  accept(rental: Leased, total: number): Promise<Rental | null>;
}

export function createSettleWrites(em: () => EntityManager): SettleWrites {
  const store = microBatched<{ rental: Leased; intentId: string }, boolean>(BATCHES, (batch) =>
    retryConflicts(() => storeIntents(em(), batch)),
  );
  const statement = acceptStatement(columnsOf(em(), Rental, 'rental'));
  const accept = microBatched<Acceptance, Rental | null>(BATCHES, (batch) =>
    retryConflicts(() => acceptAll(em(), statement, batch)),
  );
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
    `WITH asked AS (SELECT id, version, intent_id FROM unnest($1::uuid[], $2::int[], $3::text[]) AS a(id, version, intent_id)), ${STILL_WANTED}
     UPDATE payment SET intent_id = asked.intent_id FROM asked JOIN wanted USING (id) WHERE payment.id = asked.id RETURNING payment.id`,
    [
      batch.map(({ rental }) => rental.id),
      batch.map(({ rental }) => rental.version),
      batch.map(({ intentId }) => intentId),
    ],
  );
  const stored = new Set(rows.map(({ id }) => id));
  return batch.map(({ rental }) => stored.has(rental.id));
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

/** It names every column, and so is planned once for a connection (platform/database.ts). */
const acceptStatement = (columns: string) => `
  WITH asked AS (
    SELECT id, version, total, accepted_at, authorized_event, accepted_event, place
    FROM unnest($1::uuid[], $2::int[], $3::int[], $4::timestamptz[], $5::jsonb[], $6::jsonb[])
      WITH ORDINALITY AS a(id, version, total, accepted_at, authorized_event, accepted_event, place)
  ), ${STILL_WANTED},
  paid AS (
    UPDATE payment SET status = $7, authorized = asked.total, version = payment.version + 1
    FROM asked JOIN wanted USING (id) WHERE payment.id = asked.id AND payment.version = 0 RETURNING payment.id
  ),
  moved AS (
    UPDATE rental SET status = $8, lease_until = NULL, total_amount = asked.total, accepted_at = asked.accepted_at,
      changed_at = asked.accepted_at, version = rental.version + 1
    FROM asked JOIN paid USING (id) WHERE rental.id = asked.id RETURNING ${columns}
  ),
  told AS (
    INSERT INTO outbox (event_id, aggregate, subject, payload)
    SELECT event->>'eventId', event->>'aggregate', event->>'subject', event->'payload'
    FROM moved JOIN asked USING (id), unnest(ARRAY[authorized_event, accepted_event]) WITH ORDINALITY AS e(event, nth)
    ORDER BY place, nth
  )
  SELECT ${columns} FROM moved AS rental`;

async function acceptAll(em: EntityManager, statement: string, batch: Acceptance[]): Promise<(Rental | null)[]> {
  const rows = await query<{ id: string }>(em, statement, [
    batch.map(({ rental }) => rental.id),
    batch.map(({ rental }) => rental.version),
    batch.map(({ total }) => total),
    batch.map(({ at }) => at),
    batch.map(({ events }) => JSON.stringify(events.authorized)),
    batch.map(({ events }) => JSON.stringify(events.accepted)),
    paymentAfter('PENDING', 'authorize'),
    after('REQUESTED', 'accept'),
  ]);
  const accepted = new Map(rows.map((row) => [row.id, em.map(Rental, row)]));
  return batch.map(({ rental }) => accepted.get(rental.id) ?? null);
}

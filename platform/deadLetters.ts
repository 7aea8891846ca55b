/**
 * Events that a consumer has given up on, for the one who mends what was wrong. All of it is safe beside the running
 * service: a dead letter goes back to the parked events in one transaction, and the service's own sweep applies it, and what
 * waits behind it, in order.
 */
import type { Client } from 'pg';

export interface DeadLetter {
  id: string;
  consumer: string;
  /** Null for a message that is no event. */
  aggregate: string | null;
  version: number | null;
  /** As it came. */
  message: string;
  reason: string;
  since: Date;
  /** Later events of its aggregate that wait behind it. */
  behind: number;
}

const LETTERS = `
  SELECT id, consumer, aggregate, version, message, reason, since,
    (SELECT count(*)::int FROM parked p WHERE p.consumer = d.consumer AND p.aggregate = d.aggregate AND p.version > d.version) AS behind
  FROM dead_letter d WHERE dropped_at IS NULL`;

/** All that were not dropped, the oldest first. */
export async function deadLetters(client: Client): Promise<DeadLetter[]> {
  return (await client.query<DeadLetter>(`${LETTERS} ORDER BY since, aggregate, version`)).rows;
}

/** Gives an event back to its consumer. Does nothing when somebody else has done so meanwhile. */
export async function putBack(client: Client, { id }: DeadLetter): Promise<void> {
  await client.query(
    `WITH letter AS (DELETE FROM dead_letter WHERE id = $1 AND aggregate IS NOT NULL RETURNING *)
     INSERT INTO parked (consumer, aggregate, version, event) SELECT consumer, aggregate, version, message::jsonb FROM letter
     ON CONFLICT (consumer, aggregate, version) DO UPDATE SET event = excluded.event, since = now()`,
    [id],
  );
}

/** Applied, dead again for some reason, or neither yet. */
export type Fate = { kind: 'applied' } | { kind: 'dead'; reason: string } | { kind: 'waiting' };

/** What has become of an event that was put back. */
export async function fateOf(client: Client, { consumer, aggregate, version }: DeadLetter): Promise<Fate> {
  const { rows } = await client.query<{ applied: boolean; reason: string | null }>(
    `SELECT EXISTS (SELECT FROM applied WHERE consumer = $1 AND aggregate = $2 AND version >= $3) AS applied,
       (SELECT reason FROM dead_letter WHERE consumer = $1 AND aggregate = $2 AND version = $3) AS reason`,
    [consumer, aggregate, version],
  );
  const [row] = rows;
  if (row?.applied) return { kind: 'applied' };
  return row?.reason ? { kind: 'dead', reason: row.reason } : { kind: 'waiting' };
}

/** Puts a message that is no event out of sight. It stays in the table, with the reason, and is not kept again when it comes again. */
export async function drop(client: Client, { id }: DeadLetter, because: string): Promise<void> {
  await client.query(
    'UPDATE dead_letter SET dropped_at = now(), dropped_because = $2 WHERE id = $1 AND aggregate IS NULL',
    [id, because],
  );
}

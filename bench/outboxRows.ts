/** Events for a relay, written into an outbox past the service that it belongs to. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { outboxRow } from '#platform/outbox.ts';

type Row = ReturnType<typeof outboxRow>;

/** One transaction. */
export const storeRows = (pool: Pool, rows: readonly Row[]) =>
  pool.query(
    `INSERT INTO outbox (event_id, aggregate, subject, payload)
     SELECT "eventId", aggregate, subject, payload
     FROM jsonb_to_recordset($1) AS row("eventId" text, aggregate text, subject text, payload jsonb)`,
    [JSON.stringify(rows)],
  );

/** Begins work at an even pace, in an open loop, until `ended`. Resolves when all of it is done, with how much it was. */
export async function atPace(perSecond: number, ended: () => boolean, begin: () => Promise<void>): Promise<number> {
  const begun: Promise<void>[] = [];
  const from = performance.now();
  while (!ended()) {
    const due = Math.floor(((performance.now() - from) / 1000) * perSecond);
    while (begun.length < due) begun.push(begin());
    await sleep(2);
  }
  await Promise.all(begun);
  return begun.length;
}

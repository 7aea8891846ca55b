/** Places in the queue of held requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityManager, query } from '#platform/database.ts';
import { microBatched } from '#platform/microBatches.ts';

/** 1 is next; null for a rental that does not wait. */
export type Positions = (rentalId: string) => Promise<number | null>;

/** The queue is counted for a fifth of the time at most, however long it is. */
const REST = 4;
const LONGEST_REST_MS = 100;

/** Rounds before one's own are only counted; a window over the whole queue takes ten times as long. */
const POSITIONS = `
  WITH asked AS MATERIALIZED (SELECT id, round FROM rental WHERE id = ANY($1) AND status = 'ON_HOLD'),
  rounds AS MATERIALIZED (
    SELECT round, (SELECT count(*) FROM rental WHERE status = 'ON_HOLD' AND rental.round < own.round) AS before
    FROM (SELECT DISTINCT round FROM asked) AS own
  ),
  places AS (
    SELECT id, row_number() OVER (PARTITION BY round ORDER BY number) AS place FROM rental
    WHERE status = 'ON_HOLD' AND round IN (SELECT round FROM rounds)
  )
  SELECT asked.id, (before + place)::int AS position FROM asked JOIN rounds USING (round) JOIN places USING (id)`;

/** One statement at a time for all who ask meanwhile: under overload everybody asks, and the queue is long. */
export function createPositions(em: () => EntityManager): Positions {
  let restUntil = 0;

  return microBatched<string, number | null>({ size: 1000, inFlight: 1 }, async (ids) => {
    await sleep(Math.max(0, restUntil - performance.now()));
    const startedAt = performance.now();
    const rows = await query<{ id: string; position: number }>(em(), POSITIONS, [ids]);
    const endedAt = performance.now();
    restUntil = endedAt + Math.min(LONGEST_REST_MS, REST * (endedAt - startedAt));
    const found = new Map(rows.map(({ id, position }) => [id, position]));
    return ids.map((id) => found.get(id) ?? null);
  });
}

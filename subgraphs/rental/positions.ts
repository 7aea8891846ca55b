/** Places in the queue of held requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityManager, query } from '#platform/database.ts';
import { microBatched } from '#platform/microBatches.ts';

/** 1 is next; null for a rental that does not wait. */
export type Positions = (rentalId: string) => Promise<number | null>;

/** The queue is counted for a tenth of the time at most, however long it is. */
const REST = 9;
const LONGEST_REST_MS = 200;

/** One statement at a time for all who ask meanwhile: under overload everybody asks, and the queue is long. */
export function createPositions(em: () => EntityManager): Positions {
  let restUntil = 0;

  return microBatched<string, number | null>({ size: 1000, inFlight: 1 }, async (ids) => {
    await sleep(Math.max(0, restUntil - performance.now()));
    const startedAt = performance.now();
    const rows = await query<{ id: string; position: number }>(
      em(),
      `SELECT id, position FROM (
         SELECT id, row_number() OVER (ORDER BY round, number)::int AS position FROM rental WHERE status = 'ON_HOLD') AS queue
       WHERE id = ANY($1)`,
      [ids],
    );
    const endedAt = performance.now();
    restUntil = endedAt + Math.min(LONGEST_REST_MS, REST * (endedAt - startedAt));
    const found = new Map(rows.map(({ id, position }) => [id, position]));
    return ids.map((id) => found.get(id) ?? null);
  });
}

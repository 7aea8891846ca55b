/** Places in the queue of held requests. */
import { type EntityManager, query } from '#platform/database.ts';
import { microBatched } from '#platform/microBatches.ts';

/** 1 is next; null for a rental that does not wait. */
export type Positions = (rentalId: string) => Promise<number | null>;

/** One statement at a time for all who ask meanwhile: under overload everybody asks, and the queue is long. */
export function createPositions(em: () => EntityManager): Positions {
  return microBatched<string, number | null>({ size: 1000, inFlight: 1 }, async (ids) => {
    const rows = await query<{ id: string; position: number }>(
      em(),
      `SELECT id, position FROM (
         SELECT id, row_number() OVER (ORDER BY round, number)::int AS position FROM rental WHERE status = 'ON_HOLD') AS queue
       WHERE id = ANY($1)`,
      [ids],
    );
    const found = new Map(rows.map(({ id, position }) => [id, position]));
    return ids.map((id) => found.get(id) ?? null);
  });
}

/** Takes up again what is held, and what a process left behind when it died: oldest first within a customer, round-robin between customers. */
import { query, transaction } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { startRounds } from '#platform/rounds.ts';
import type { Worker } from '#platform/service.ts';
import { lockRental, move } from './changes.ts';
import type { HoldReason } from './rental.ts';
import { LEASE_MS, type Settling, settle } from './settle.ts';

/** Settled at once by one process. */
const AT_ONCE = 16;

export function startDrainer(settling: Settling, log: Log): Worker {
  const running = new Set<Promise<void>>();
  const rounds = startRounds('the drain of held requests', takeUp, log);

  /** Leases what there is room for, and goes on without waiting for it. */
  async function takeUp(): Promise<number> {
    const ids = await claim(settling, await settling.outages.answering(), AT_ONCE - running.size);
    for (const id of ids) take(id);
    return 0;
  }

  function take(rentalId: string): void {
    const work = resume(settling, rentalId)
      .catch((error: unknown) =>
        log.error({ err: error, rentalId }, 'a rental could not be settled; its turn comes again'),
      )
      .finally(() => running.delete(work));
    running.add(work);
  }

  return {
    async stop() {
      await rounds.stop();
      await Promise.all(running);
    },
  };
}

/** Leases the next rentals in the order of draining, leaving those that wait for a dependency that is down. */
async function claim({ em }: Settling, answering: HoldReason[], room: number): Promise<string[]> {
  if (room < 1) return [];
  const rows = await query<{ id: string }>(
    em(),
    `UPDATE rental SET lease_until = now() + $3 * interval '1 ms' WHERE id IN (
       SELECT id FROM rental
       WHERE status IN ('REQUESTED', 'ON_HOLD') AND (lease_until IS NULL OR lease_until < now())
         AND (status = 'REQUESTED' OR hold_reason = ANY($1))
       ORDER BY round NULLS FIRST, number LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [answering, room, LEASE_MS],
  );
  return rows.map(({ id }) => id);
}

async function resume(settling: Settling, rentalId: string): Promise<void> {
  await transaction(settling.em(), async (em) => {
    const rental = await lockRental(em, rentalId);
    if (rental?.status !== 'ON_HOLD') return; // left behind in REQUESTED, or cancelled meanwhile
    rental.holdReason = null;
    rental.round = null;
    move(em, rental, 'resume', 'rental.resumed', {});
  });
  await settle(settling, rentalId);
}

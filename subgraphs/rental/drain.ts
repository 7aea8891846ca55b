/** Takes up again what waits, and what a process left behind when it died: oldest first within a customer, round-robin between customers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { outboxRow, storeRows } from '#platform/outbox.ts';
import { startRounds, UNHURRIED_MS } from '#platform/rounds.ts';
import type { Worker } from '#platform/service.ts';
import { lockGate, ROOM, WAITING } from './admission.ts';
import { factsOf, lockRental, move, owe } from './changes.ts';
import { after } from './rental.ts';
import { type Settling, settle } from './settle.ts';
import type { Leased } from './settleWrites.ts';

const LOOK_EVERY_MS = 200;
/** Rentals that end at the same time make room together: one transaction for all of them. */
const GATHER_MS = 10;
/** Resumed by one process in one transaction, at most: a batch of everything would hold the gate's lock for too long. */
const AT_ONCE = 64;

export interface Drainer extends Worker {
  /** There is room for another: what waits for it need not wait for the next look. */
  wake(): void;
}

export function startDrainer(settling: Settling, log: Log): Drainer {
  const abort = new AbortController();
  const running = new Set<Promise<unknown>>();
  let moreWait = false;
  let wake = () => {};

  async function loop(): Promise<void> {
    while (!abort.signal.aborted) {
      moreWait = await takeUp().catch((error: unknown) => {
        log.warn({ err: error }, 'the drain of held requests failed; it is tried again');
        return false;
      });
      const woken = new Promise<void>((resolve) => (wake = resolve));
      await Promise.race([woken, sleep(LOOK_EVERY_MS, undefined, { ref: false })]);
      if (moreWait) await sleep(GATHER_MS);
    }
  }

  /** Leases what there is room for, and goes on without waiting for it. Answers whether more wait. */
  async function takeUp(): Promise<boolean> {
    if (settling.outages.down() && !(await settling.outages.allAnswer())) return false;
    const { leftBehind, held } = await look(settling.em());
    if (!leftBehind && !held) return false;
    const resumable = held && (await settling.outages.allAnswer());
    const claimed = await transaction(settling.em(), async (em) => {
      await lockGate(em);
      const left = leftBehind ? await takeOver(em, settling.leaseMs) : [];
      return resumable ? [...left, ...(await resume(em, settling.leaseMs))] : left;
    });
    // crash point: rental, resumed and not settled
    for (const rental of claimed) take(rental);
    return true;
  }

  function take(rental: Leased): void {
    const work = settle(settling, rental)
      .catch((error: unknown) =>
        log.error({ err: error, rentalId: rental.id }, 'a rental could not be settled; its turn comes again'),
      )
      .finally(() => running.delete(work));
    running.add(work);
  }

  const looping = loop();
  return {
    wake: () => void (moreWait && wake()),
    async stop() {
      abort.abort();
      wake();
      await looping;
      await Promise.all(running);
    },
  };
}

const LEFT_BEHIND = `status = 'REQUESTED' AND (lease_until IS NULL OR lease_until < clock_timestamp())`;

async function look(em: EntityManager): Promise<{ leftBehind: boolean; held: boolean }> {
  const [found] = await query<{ leftBehind: boolean; held: boolean }>(
    em,
    `SELECT EXISTS (SELECT 1 FROM rental WHERE ${LEFT_BEHIND}) AS "leftBehind", EXISTS (SELECT 1 FROM rental WHERE ${WAITING}) AS held`,
  );
  return found ?? { leftBehind: false, held: false };
}

const LEASED = `rental.id, customer_id AS "customerId", book_id AS "bookId", quantity, total_amount AS "totalAmount", currency,
  payment_method AS "paymentMethod", version`;

/** As many as there is room for; the gate's lock is held. */
async function takeOver(em: EntityManager, leaseMs: number): Promise<Leased[]> {
  return query<Leased>(
    em,
    `UPDATE rental SET lease_until = clock_timestamp() + $1 * interval '1 ms'
     WHERE id IN (SELECT id FROM rental WHERE ${LEFT_BEHIND} ORDER BY number LIMIT least(${AT_ONCE}, ${ROOM}) FOR UPDATE SKIP LOCKED)
     RETURNING ${LEASED}`,
    [leaseMs],
  );
}

/** The same for those who wait, in the order of draining; they are REQUESTED from then on. */
async function resume(em: EntityManager, leaseMs: number): Promise<Leased[]> {
  const now = new Date();
  const rows = await query<Leased & { round: number; number: string }>(
    em,
    `UPDATE rental SET status = $1, hold_reason = NULL, round = NULL, retry_at = NULL, changed_at = $2,
       lease_until = clock_timestamp() + $3 * interval '1 ms', version = version + 1
     FROM (SELECT id, round, number FROM rental WHERE ${WAITING} ORDER BY round, number LIMIT least(${AT_ONCE}, ${ROOM}) FOR UPDATE SKIP LOCKED) AS next
     WHERE rental.id = next.id RETURNING ${LEASED}, next.round, next.number`,
    [after('ON_HOLD', 'resume'), now, leaseMs],
  );
  if (!rows.length) return rows;
  const inOrder = rows.sort((a, b) => a.round - b.round || Number(a.number) - Number(b.number));
  await storeRows(
    em,
    inOrder.map((rental) => outboxRow(rental, 'rental.resumed', factsOf(rental), now)),
  );
  return inOrder;
}

const EXPIRE_AT_ONCE = 50;

/** Rejects what has waited longer than `ttlMs`; nobody wants it any more. */
export function startExpiry(em: () => EntityManager, ttlMs: number, log: Log): Worker {
  return startRounds('the end of what waited too long', () => expire(em(), ttlMs), log, UNHURRIED_MS);
}

async function expire(em: EntityManager, ttlMs: number): Promise<number> {
  const rows = await query<{ id: string }>(
    em,
    `SELECT id FROM rental WHERE status = 'ON_HOLD' AND held_since < clock_timestamp() - $1 * interval '1 ms' ORDER BY held_since LIMIT $2`,
    [ttlMs, EXPIRE_AT_ONCE],
  );
  for (const { id } of rows)
    await transaction(em, async (em) => {
      const rental = await lockRental(em, id);
      if (rental?.status !== 'ON_HOLD') return; // cancelled, or resumed meanwhile
      rental.rejection = 'HOLD_EXPIRED';
      move(em, rental, 'expire', 'rental.rejected', { code: 'HOLD_EXPIRED' });
      await owe(em, rental, 'expire', 'ON_HOLD');
    });
  return rows.length;
}

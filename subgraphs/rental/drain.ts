/** Takes up again what waits, and what a process left behind when it died: oldest first within a customer, round-robin between customers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { outboxRow, storeRows } from '#platform/outbox.ts';
import { startRounds } from '#platform/rounds.ts';
import type { Worker } from '#platform/service.ts';
import { lockGate, readGate } from './admission.ts';
import { lockRental, move, owe } from './changes.ts';
import { after } from './rental.ts';
import { type Settling, settle } from './settle.ts';

const LOOK_EVERY_MS = 200;
/** Resumed by one process in one transaction, at most: a batch of everything would hold the gate's lock for too long. */
const AT_ONCE = 64;

export interface Drainer extends Worker {
  /** There is room for another: what waits for it need not wait for the next look. */
  wake(): void;
}

export function startDrainer(settling: Settling, log: Log): Drainer {
  const abort = new AbortController();
  const running = new Set<Promise<void>>();
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
    }
  }

  /** Leases what there is room for, and goes on without waiting for it. Answers whether more wait. */
  async function takeUp(): Promise<boolean> {
    if (settling.outages.down() && !(await settling.outages.allAnswer())) return false;
    const { leftBehind, held } = await look(settling.em());
    if (!leftBehind && !held) return false;
    const resumable = held && (await settling.outages.allAnswer());
    const ids = await transaction(settling.em(), (em) => claim(em, resumable, settling.leaseMs));
    // crash point: rental, resumed and not settled
    for (const id of ids) take(id);
    return true;
  }

  function take(rentalId: string): void {
    const work = settle(settling, rentalId)
      .catch((error: unknown) =>
        log.error({ err: error, rentalId }, 'a rental could not be settled; its turn comes again'),
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
const WAITING = `status = 'ON_HOLD' AND (retry_at IS NULL OR retry_at <= clock_timestamp())`;

async function look(em: EntityManager): Promise<{ leftBehind: boolean; held: boolean }> {
  const [found] = await query<{ leftBehind: boolean; held: boolean }>(
    em,
    `SELECT EXISTS (SELECT 1 FROM rental WHERE ${LEFT_BEHIND}) AS "leftBehind", EXISTS (SELECT 1 FROM rental WHERE ${WAITING}) AS held`,
  );
  return found ?? { leftBehind: false, held: false };
}

/** Leases as many as there is room for, those left behind first; what waited is REQUESTED from then on. */
async function claim(em: EntityManager, resumable: boolean, leaseMs: number): Promise<string[]> {
  await lockGate(em);
  const { room } = await readGate(em);
  const left = await query<{ id: string }>(
    em,
    `UPDATE rental SET lease_until = clock_timestamp() + $2 * interval '1 ms'
     WHERE id IN (SELECT id FROM rental WHERE ${LEFT_BEHIND} ORDER BY number LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id`,
    [Math.min(room, AT_ONCE), leaseMs],
  );
  const resumed = resumable ? await resume(em, Math.min(room, AT_ONCE) - left.length, leaseMs) : [];
  return [...left, ...resumed].map(({ id }) => id);
}

interface Resumed {
  id: string;
  customerId: string;
  bookId: string;
  quantity: number;
  version: number;
  round: number;
  number: string;
}

async function resume(em: EntityManager, room: number, leaseMs: number): Promise<Resumed[]> {
  if (room < 1) return [];
  const now = new Date();
  const rows = await query<Resumed>(
    em,
    `UPDATE rental SET status = $2, hold_reason = NULL, round = NULL, retry_at = NULL, changed_at = $3,
       lease_until = clock_timestamp() + $4 * interval '1 ms', version = version + 1
     FROM (SELECT id, round, number FROM rental WHERE ${WAITING} ORDER BY round, number LIMIT $1 FOR UPDATE SKIP LOCKED) AS next
     WHERE rental.id = next.id
     RETURNING rental.id, customer_id AS "customerId", book_id AS "bookId", quantity, version, next.round, next.number`,
    [room, after('ON_HOLD', 'resume'), now, leaseMs],
  );
  const inOrder = rows.sort((a, b) => a.round - b.round || Number(a.number) - Number(b.number));
  await storeRows(
    em,
    inOrder.map(({ id, customerId, bookId, quantity, version }) =>
      outboxRow({ id, version }, 'rental.resumed', { rentalId: id, customerId, bookId, quantity }, now),
    ),
  );
  return inOrder;
}

const EXPIRE_AT_ONCE = 50;

/** Rejects what has waited longer than `ttlMs`; nobody wants it any more. */
export function startExpiry(em: () => EntityManager, ttlMs: number, log: Log): Worker {
  return startRounds('the end of what waited too long', () => expire(em(), ttlMs), log);
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

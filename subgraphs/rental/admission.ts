/**
 * The gate in front of settling: how many requests may be settled at once in the whole service, who is let in, who waits and
 * in which turn. In flight are the leases that have not run out, waiting the held rows; both are read and claimed under one
 * lock, so all replicas count alike. The limit starts at its configured cap and follows what settling takes (AIMD: additive
 * increase, multiplicative decrease). Why, with numbers: docs/decisions/0005-admission.md.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { GraphQLError } from 'graphql';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { overloaded } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { Outages } from './outages.ts';
import type { HoldReason } from './rental.ts';

/** Below it one slow answer would weigh too much; above it the limit would follow too late. */
const WINDOW = 50;
const DECREASE = 0.9;
/** A limit that is not used says nothing about a higher one. */
const BUSY = 0.8;
const BACKLOG_MOST_MS = 30 * 60_000;
const BACKLOG_LOOK_MS = 500;
const RETRY_AFTER_S = 30;
/** The process itself is the bottleneck: what it takes on in addition would make all it has slower. */
const LOOP_DELAY_MOST_MS = 200;
/** Long enough that one pause of it, for a collection of garbage or a cold start, is not yet overload. */
const LOOP_LOOK_MS = 5000;

/** As it stands, read under the lock. */
export interface Gate {
  /** How many more may be settled now. */
  room: number;
  /** Somebody waits whose turn it could be. */
  waiting: boolean;
  lowestRound: number | null;
}

/**
 * Who waits: for each customer's request, in order of arrival, null for one that is let in, or its round in the queue. Nobody
 * goes past those who wait already. A round takes one request of each customer, so who asks for much waits in as many rounds.
 */
export function admit(
  { room, waiting, lowestRound }: Gate,
  customers: string[],
  highestRounds: Map<string, number>,
): (number | null)[] {
  const open = waiting ? 0 : room;
  const highest = new Map(highestRounds);
  return customers.map((customer, place) => {
    if (place < open) return null;
    const round = roundAfter(lowestRound, highest.get(customer) ?? null);
    highest.set(customer, round);
    return round;
  });
}

/** The first free turn of a customer: oldest first within a customer, round-robin between customers. */
export const roundAfter = (lowestWaiting: number | null, ownHighest: number | null): number =>
  Math.max(lowestWaiting ?? 0, ownHighest === null ? 0 : ownHighest + 1);

interface Window {
  cap: number;
  /** In flight at the end of it. */
  inFlight: number;
  /** Nine of ten took no longer. */
  p90Ms: number;
  targetMs: number;
}

/** Down by a tenth when settling has become slow, up by one when it is quick and the limit is what holds it. */
export function nextLimit(limit: number, { cap, inFlight, p90Ms, targetMs }: Window): number {
  if (p90Ms > targetMs) return Math.max(1, limit * DECREASE);
  return inFlight >= BUSY * limit ? Math.min(cap, limit + 1) : limit;
}

/** Until the caller's transaction ends nobody else lets in or resumes. */
export async function lockGate(em: EntityManager): Promise<void> {
  await query(em, "SELECT pg_advisory_xact_lock(hashtext('rental admission'))");
}

const IN_FLIGHT = `(SELECT count(*)::int FROM rental WHERE status = 'REQUESTED' AND lease_until > clock_timestamp())`;

/** How many more may be settled now: an expression of SQL, true while the lock is held. */
export const ROOM = `(SELECT greatest(0, floor("limit")::int - ${IN_FLIGHT}) FROM admission)`;

/** A rental that waits and whose turn it could be. */
export const WAITING = `status = 'ON_HOLD' AND (retry_at IS NULL OR retry_at <= clock_timestamp())`;

/** @throws when the service has never been started on this database. */
export async function readGate(em: EntityManager): Promise<Gate> {
  const [gate] = await query<Gate>(
    em,
    `SELECT ${ROOM} AS room,
       EXISTS (SELECT 1 FROM rental WHERE ${WAITING}) AS waiting,
       (SELECT min(round) FROM rental WHERE status = 'ON_HOLD') AS "lowestRound"`,
  );
  if (!gate || gate.room === null) throw new Error('The admission gate has no row');
  return gate;
}

/** The last turn that each of these customers waits for. */
export async function highestRounds(em: EntityManager, customers: string[]): Promise<Map<string, number>> {
  const rows = await query<{ customer: string; round: number }>(
    em,
    `SELECT customer_id AS customer, max(round) AS round FROM rental
     WHERE status = 'ON_HOLD' AND customer_id = ANY($1) GROUP BY customer_id`,
    [customers],
  );
  return new Map(rows.map(({ customer, round }) => [customer, round]));
}

interface AdmissionState {
  state: 'OPEN' | 'HOLDING';
  limit: number;
  inFlight: number;
  onHold: number;
  oldestHeldSince: Date | null;
}

export interface Admission {
  /** Why everything new waits, whatever room there is; null when it need not. */
  closedBy(): HoldReason | null;
  /** What settling one took; without outages, which say nothing about the limit. */
  observe(tookMs: number): void;
  /** OVERLOADED, with the time to come again after, when so many wait already that another one would wait in vain. */
  fullness(): Promise<GraphQLError | null>;
  read(em: EntityManager): Promise<AdmissionState>;
  stop(): Promise<void>;
}

export interface AdmissionOptions {
  em: () => EntityManager;
  outages: Outages;
  cap: number;
  targetMs: number;
  holdLimit: number;
  log: Log;
}

export async function openAdmission({
  em,
  outages,
  cap,
  targetMs,
  holdLimit,
  log,
}: AdmissionOptions): Promise<Admission> {
  await query(
    em(),
    `INSERT INTO admission (cap, "limit") VALUES ($1::int, $1::int)
     ON CONFLICT (id) DO UPDATE SET cap = excluded.cap, "limit" = excluded."limit" WHERE admission.cap <> excluded.cap`,
    [cap],
  );
  const loop = watchEventLoop();
  const learning = new Set<Promise<void>>();
  let window: number[] = [];

  async function learn(samples: number[]): Promise<void> {
    const sorted = samples.toSorted((a, b) => a - b);
    const p90Ms = sorted[Math.floor(0.9 * sorted.length)] ?? 0;
    const meanMs = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
    await transaction(em(), async (em) => {
      await lockGate(em);
      const [now] = await query<{ limit: number; inFlight: number }>(
        em,
        `SELECT "limit", ${IN_FLIGHT} AS "inFlight" FROM admission`,
      );
      if (!now) return;
      const limit = nextLimit(now.limit, { cap, inFlight: now.inFlight, p90Ms, targetMs });
      await query(em, 'UPDATE admission SET "limit" = $1, settle_ms = $2', [limit, meanMs]);
    });
  }

  /** Looked at twice a second at most: whether it is a few more or less does not matter. */
  let backlog: Promise<{ waiting: number; worthMs: number }> | undefined;
  function lookAtBacklog() {
    if (backlog) return backlog;
    backlog = readBacklog(em());
    setTimeout(() => (backlog = undefined), BACKLOG_LOOK_MS).unref();
    return backlog;
  }

  const closedBy = () => outages.down() ?? (loop.delayMs() > LOOP_DELAY_MOST_MS ? 'OVERLOAD' : null);

  return {
    closedBy,

    observe(tookMs) {
      window.push(tookMs);
      if (window.length < WINDOW) return;
      const learnt = learn(window)
        .catch((error: unknown) => log.warn({ err: error }, 'the admission limit stays as it was'))
        .finally(() => learning.delete(learnt));
      learning.add(learnt);
      window = [];
    },

    async fullness() {
      const { waiting, worthMs } = await lookAtBacklog();
      if (waiting < holdLimit && worthMs < BACKLOG_MOST_MS) return null;
      return overloaded(`Too many requests wait already (${waiting}); nothing was stored.`, RETRY_AFTER_S);
    },

    async read(em) {
      const { room, waiting } = await readGate(em);
      const [now] = await query<Omit<AdmissionState, 'state' | 'oldestHeldSince'> & { oldestHeldSince: string | null }>(
        em,
        `SELECT floor("limit")::int AS "limit", ${IN_FLIGHT} AS "inFlight", held.*
         FROM admission, (SELECT count(*)::int AS "onHold", min(held_since) AS "oldestHeldSince" FROM rental WHERE status = 'ON_HOLD') AS held`,
      );
      if (!now) throw new Error('The admission gate has no row');
      const open = room > 0 && !waiting && !closedBy();
      const oldestHeldSince = now.oldestHeldSince === null ? null : new Date(now.oldestHeldSince);
      return { ...now, oldestHeldSince, state: open ? 'OPEN' : 'HOLDING' };
    },

    async stop() {
      loop.stop();
      await Promise.all(learning);
    },
  };
}

/** How many wait, and how long they would keep the service busy. */
async function readBacklog(em: EntityManager): Promise<{ waiting: number; worthMs: number }> {
  const [backlog] = await query<{ waiting: number; worthMs: number }>(
    em,
    `SELECT waiting, coalesce(waiting * settle_ms / "limit", 0) AS "worthMs"
     FROM admission, (SELECT count(*)::int AS waiting FROM rental WHERE status = 'ON_HOLD') AS held`,
  );
  return backlog ?? { waiting: 0, worthMs: 0 };
}

/** By how much the event loop of this process was late, one time in a hundred, in the last few seconds. */
function watchEventLoop(): { delayMs(): number; stop(): void } {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  let delayMs = 0;
  histogram.enable();
  const look = setInterval(() => {
    delayMs = histogram.percentile(99) / 1e6;
    histogram.reset();
  }, LOOP_LOOK_MS).unref();
  return {
    delayMs: () => delayMs,
    stop() {
      clearInterval(look);
      histogram.disable();
    },
  };
}

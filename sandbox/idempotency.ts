/**
 * Stripe's rule for the Idempotency-Key: the first request that is carried out is stored with its answer, and the same key
 * gives that answer ever after; with other parameters it is refused; while the first is under way it is refused too.
 * The answer is written in the transaction of the effect, so there is never the one without the other. What is under
 * way is known to this process alone: when it dies, nothing is.
 */
import type { EntityManager } from '#platform/database.ts';
import { microBatched, sharedTransactions } from '#platform/microBatches.ts';
import { IdempotencyKey } from './entities.ts';
import { type Answer, NotCarriedOut } from './stripeObjects.ts';

export interface Keyed {
  key: string;
  /** Of path and parameters. */
  fingerprint: string;
  /** Waits for its turn, outside the transaction. */
  turn(): Promise<void>;
  carryOut(em: EntityManager, now: Date): Promise<Answer>;
}

/** A bank's own database is fast; this one shares a machine with the shop, so requests share transactions. */
const BATCHES = { size: 32, inFlight: 1 };

export function createIdempotency(em: EntityManager) {
  const underWay = new Set<string>();
  const share = sharedTransactions(() => em, BATCHES);
  const findStored = microBatched<string, IdempotencyKey | null>(BATCHES, async (keys) => {
    const stored = await em.fork().find(IdempotencyKey, { key: { $in: keys } });
    return keys.map((key) => stored.find((one) => one.key === key) ?? null);
  });

  /** @throws NotCarriedOut, also when the key is under way or belongs to another request. */
  return async function once(request: Keyed): Promise<Answer> {
    const { key } = request;
    if (underWay.has(key)) throw inUse(key);
    underWay.add(key);
    try {
      const stored = await findStored(key);
      if (stored) return storedAnswer(stored, request);
      await request.turn();
      const answer = await share(key, (em) => carryOut(em, request).catch(refusal));
      if (answer instanceof NotCarriedOut) throw answer;
      return answer;
    } finally {
      underWay.delete(key);
    }
  };
}

function storedAnswer(stored: IdempotencyKey, { key, fingerprint }: Keyed): Answer {
  if (stored.fingerprint !== fingerprint) throw usedForAnother(key);
  return { status: stored.status, body: stored.body };
}

async function carryOut(em: EntityManager, { key, fingerprint, carryOut }: Keyed): Promise<Answer> {
  const now = new Date();
  const answer = await carryOut(em, now);
  const { status, body } = answer;
  em.create(IdempotencyKey, { key, fingerprint, status, body, createdAt: now });
  return answer;
}

/** It has changed nothing, so the others of its transaction need not suffer. */
function refusal(error: unknown): NotCarriedOut {
  if (error instanceof NotCarriedOut) return error;
  throw error;
}

const inUse = (key: string): NotCarriedOut =>
  new NotCarriedOut(409, {
    type: 'idempotency_error',
    code: 'idempotency_key_in_use',
    message: `There is another request in progress with the idempotency key '${key}'.`,
  });

const usedForAnother = (key: string): NotCarriedOut =>
  new NotCarriedOut(400, {
    type: 'idempotency_error',
    message: `The idempotency key '${key}' was first used with other parameters.`,
  });

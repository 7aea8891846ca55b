/**
 * Stripe's rule for the Idempotency-Key: the first request that is carried out is stored with its answer, and the same key
 * gives that answer ever after; with other parameters it is refused; while the first is under way it is refused too.
 * The answer is written in the transaction of the effect, so there is never the one without the other. What is under
 * way is known to this process alone: when it dies, nothing is.
 */
import { type EntityManager, transaction } from '#platform/database.ts';
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

export function createIdempotency(em: EntityManager) {
  const underWay = new Set<string>();

  /** @throws NotCarriedOut, also when the key is under way or belongs to another request. */
  return async function once(request: Keyed): Promise<Answer> {
    const { key } = request;
    if (underWay.has(key)) throw inUse(key);
    underWay.add(key);
    try {
      return (await storedAnswer(em, request)) ?? (await carryOut(em, request));
    } finally {
      underWay.delete(key);
    }
  };
}

async function storedAnswer(em: EntityManager, { key, fingerprint }: Keyed): Promise<Answer | null> {
  const stored = await em.fork().findOne(IdempotencyKey, { key });
  if (!stored) return null;
  if (stored.fingerprint !== fingerprint) throw usedForAnother(key);
  return { status: stored.status, body: stored.body };
}

async function carryOut(em: EntityManager, { key, fingerprint, turn, carryOut }: Keyed): Promise<Answer> {
  await turn();
  return transaction(em, async (em) => {
    const now = new Date();
    const answer = await carryOut(em, now);
    const { status, body } = answer;
    em.create(IdempotencyKey, { key, fingerprint, status, body, createdAt: now });
    return answer;
  });
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

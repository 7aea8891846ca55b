/** Work that many ask for at once, done for all of them together: what arrives while batches are in flight forms the next one. */
import { FlushMode } from '@mikro-orm/core';
import { type EntityManager, transaction } from './database.ts';

export interface MicroBatchOptions {
  /** Items in one batch, at most. */
  size: number;
  /** Batches at once: with two, one is written while the other waits for its locks. */
  inFlight: number;
  /** While several come at a time, so long a wait makes batches of many, each of which costs as much as one item does. */
  gatherMs?: number;
}

/**
 * One item at a time for callers, batches for `carry`, which answers each by its place; what it answers with `undefined` joins
 * the next batch, in front. An error is the error of all in the batch.
 */
export function microBatched<T, R>(
  { size, inFlight, gatherMs = 0 }: MicroBatchOptions,
  carry: (items: T[]) => Promise<(R | undefined)[]>,
): (item: T) => Promise<R> {
  const queue: { item: T; answer: PromiseWithResolvers<R> }[] = [];
  let carried = 0;
  let latestSize = 0;
  let pumping = false;

  function pumpSoon(): void {
    if (pumping) return;
    pumping = true;
    if (gatherMs && latestSize > 1 && queue.length < size) setTimeout(pump, gatherMs);
    else queueMicrotask(pump); // whatever arrives together goes together
  }

  function pump(): void {
    pumping = false;
    while (queue.length && carried < inFlight) void carryOut(queue.splice(0, size));
  }

  async function carryOut(batch: typeof queue): Promise<void> {
    carried += 1;
    latestSize = batch.length;
    try {
      const answers = await carry(batch.map(({ item }) => item));
      const undecided = batch.filter((waiting, place) => {
        const answer = answers[place];
        if (answer !== undefined) waiting.answer.resolve(answer);
        return answer === undefined;
      });
      queue.unshift(...undecided);
    } catch (error) {
      for (const { answer } of batch) answer.reject(error);
    }
    carried -= 1;
    if (queue.length) pumpSoon();
  }

  return (item) => {
    const answer = Promise.withResolvers<R>();
    queue.push({ item, answer });
    pumpSoon();
    return answer.promise;
  };
}

interface Work {
  key: string;
  run: (em: EntityManager) => Promise<unknown>;
}
/** What all works of a transaction need, by their keys: the rows that they lock, in one statement. */
type Prepare = (em: EntityManager, keys: string[]) => Promise<unknown>;
/** Runs a work in a transaction, which may be that of others as well. `key` is what it locks. */
export type Share = <R>(key: string, run: (em: EntityManager) => Promise<R>) => Promise<R>;

/**
 * Transactions that share one: works that come while another is under way run one after another in the next, in the order
 * of their keys, and what they have changed is written together at its end, in a few statements. Where one fails, each gets a transaction of its own.
 * A work sees what was written before, not what an earlier one of its batch is about to write, but for entities of the same
 * id, of which there is one.
 */
export function sharedTransactions(em: () => EntityManager, options: MicroBatchOptions, prepare?: Prepare): Share {
  const share = microBatched<Work, { result: unknown } | { error: unknown }>(options, async (works) => {
    try {
      return await transaction(em(), (em) => inTurn(em, works, prepare), FlushMode.COMMIT);
    } catch {
      return Promise.all(works.map((work) => alone(em(), work, prepare)));
    }
  });
  return async <R>(key: string, run: (em: EntityManager) => Promise<R>) => {
    const outcome = await share({ key, run });
    if ('error' in outcome) throw outcome.error;
    return outcome.result as R; // of that very work
  };
}

const byKey = (a: Work, b: Work): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** The results are in the order of the works, whatever the order in which they run. */
async function inTurn(em: EntityManager, works: Work[], prepare: Prepare | undefined): Promise<{ result: unknown }[]> {
  await prepare?.(em, [...new Set(works.map(({ key }) => key))].sort());
  const results = new Map<Work, { result: unknown }>();
  for (const work of works.toSorted(byKey)) results.set(work, { result: await work.run(em) });
  return works.map((work) => results.get(work) ?? { result: undefined });
}

const alone = (
  em: EntityManager,
  work: Work,
  prepare: Prepare | undefined,
): Promise<{ result: unknown } | { error: unknown }> =>
  transaction(em, async (em) => {
    await prepare?.(em, [work.key]);
    return work.run(em);
  }).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );

/** Work that many ask for at once, done for all of them together: what arrives while batches are in flight forms the next one. */

export interface MicroBatchOptions {
  /** Items in one batch, at most. */
  size: number;
  /** Batches at once: with two, one is written while the other waits for its locks. */
  inFlight: number;
}

/**
 * One item at a time for callers, batches for `carry`, which answers each by its place; what it answers with `undefined` joins
 * the next batch, in front. An error is the error of all in the batch.
 */
export function microBatched<T, R>(
  { size, inFlight }: MicroBatchOptions,
  carry: (items: T[]) => Promise<(R | undefined)[]>,
): (item: T) => Promise<R> {
  const queue: { item: T; answer: PromiseWithResolvers<R> }[] = [];
  let carried = 0;

  function pump(): void {
    while (queue.length && carried < inFlight) void carryOut(queue.splice(0, size));
  }

  async function carryOut(batch: typeof queue): Promise<void> {
    carried += 1;
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
    pump();
  }

  return (item) => {
    const answer = Promise.withResolvers<R>();
    queue.push({ item, answer });
    queueMicrotask(pump); // whatever arrives together goes together
    return answer.promise;
  };
}

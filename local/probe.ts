/** Waits until the running system does what it is for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '#platform/errors.ts';
import { answersMutation, answersQuery, answersReady, answersSocket } from '#platform/publicDoor.ts';

/** Between the first service's start and the last one's first answer lie migrations and the demo data. */
const PATIENCE_MS = 60_000;

/** Resolves when queries, mutations and subscriptions are answered. @throws with the last reason why not. */
export async function probe(url: string, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await answersReady(url);
      await answersQuery(url);
      await answersMutation(url);
      return await answersSocket(url);
    } catch (cause) {
      if (Date.now() > deadline)
        throw new Error(`The router at ${url} does not do its work: ${reasonOf(cause)}`, {
          cause,
        });
    }
    await sleep(100, undefined, signal && { signal });
  }
}

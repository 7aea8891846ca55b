/** Work that comes in rounds beside the requests: a sweeper looks for what is due, does it, and looks again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.ts';
import type { Worker } from './service.ts';

const IDLE_MS = 200;
/** For what the clock brings about in hours and days, and for what only makes something quicker: nobody waits for it. */
export const UNHURRIED_MS = 1000;

/** Does rounds until it is stopped; `round` answers how much there was to do, and after none there is a pause. */
export function startRounds(name: string, round: () => Promise<number>, log: Log, idleMs = IDLE_MS): Worker {
  const abort = new AbortController();
  const { signal } = abort;

  async function loop(): Promise<void> {
    while (!signal.aborted) {
      const done = await round().catch((error: unknown) => {
        log.warn({ err: error }, `${name} failed; it is tried again`);
        return 0;
      });
      if (!done) await sleep(idleMs, undefined, { signal }).catch(() => {});
    }
  }

  const looping = loop();
  return {
    async stop() {
      abort.abort();
      await looping;
    },
  };
}

/** 0.5 s, 1 s, 2 s … up to 30 s: the pause after so many attempts that came to nothing. */
export const retryDelayMs = (attempts: number): number => Math.min(30_000, 250 * 2 ** Math.min(attempts, 10));

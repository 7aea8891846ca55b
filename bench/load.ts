/** Clients that each ask again as soon as they are answered, or in a rhythm. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile, rounded } from './figures.ts';

export interface Load {
  clients: number;
  forMs: number;
  /** Requests, whatever the time. */
  atMost: number;
  /** Each asks this often, answered or not (an open loop), and waits from when its time has come. */
  everyMs?: number;
}

export interface Round {
  perSecond: number;
  /** Where single requests were timed. */
  p50Ms?: number;
  p99Ms?: number;
}

/** @throws when one request does: a round with failures is none. */
export async function measure({ clients, forMs, atMost, everyMs }: Load, ask: () => Promise<unknown>): Promise<Round> {
  const tookMs: number[] = [];
  let asked = 0;
  const from = performance.now();
  const timed = async (askedAt: number) => {
    asked += 1;
    await ask();
    tookMs.push(performance.now() - askedAt);
  };
  const eager = async () => {
    while (performance.now() - from < forMs && asked < atMost) await timed(performance.now());
  };
  const rhythmic = async (everyMs: number) => {
    const firstAt = from + Math.random() * everyMs; // people do not begin together
    const all = Array.from({ length: Math.floor(forMs / everyMs) }, async (_, number) => {
      const dueAt = firstAt + number * everyMs;
      await sleep(Math.max(0, Math.ceil(dueAt - performance.now())));
      if (asked < atMost) await timed(Math.min(dueAt, performance.now()));
    });
    await Promise.all(all);
  };
  await Promise.all(Array.from({ length: clients }, () => (everyMs ? rhythmic(everyMs) : eager())));
  const seconds = (performance.now() - from) / 1000;
  return {
    perSecond: rounded(tookMs.length / seconds),
    p50Ms: rounded(percentile(tookMs, 0.5)),
    p99Ms: rounded(percentile(tookMs, 0.99)),
  };
}

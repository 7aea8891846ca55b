/** Clients that each ask again as soon as they are answered. */
import { percentile, rounded } from './figures.ts';

export interface Load {
  clients: number;
  forMs: number;
  /** Requests, whatever the time. */
  atMost: number;
}

export interface Round {
  perSecond: number;
  /** Where single requests were timed. */
  p50Ms?: number;
  p99Ms?: number;
}

/** @throws when one request does: a round with failures is none. */
export async function measure({ clients, forMs, atMost }: Load, ask: () => Promise<unknown>): Promise<Round> {
  const tookMs: number[] = [];
  let asked = 0;
  const from = performance.now();
  const client = async () => {
    while (performance.now() - from < forMs && asked < atMost) {
      asked += 1;
      const askedAt = performance.now();
      await ask();
      tookMs.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - from) / 1000;
  return {
    perSecond: rounded(tookMs.length / seconds),
    p50Ms: rounded(percentile(tookMs, 0.5)),
    p99Ms: rounded(percentile(tookMs, 0.99)),
  };
}

/** One run: a cluster, customers, faults; then it is healed, comes to rest, and is judged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '#platform/errors.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { diceOf, seedFor } from './dice.ts';
import { figuresOf, underWay } from './drained.ts';
import { keepEvidence } from './evidence.ts';
import { judge, type Violation } from './judge.ts';
import { type FaultKind, unleash } from './nemesis.ts';
import type { PlantName } from './plants.ts';
import { progressLine, type Report } from './report.ts';
import { openShop, type Shop } from './shoppers.ts';
import { withSources } from './sources.ts';

export interface RunOptions {
  seed: number;
  lastMs: number;
  faults: readonly FaultKind[];
  plant: PlantName | null;
  customers: number;
  /** Whether to leave logs and databases' unfinished rows behind also when nothing was violated. */
  keep?: boolean;
  /** Is told once a second how it goes. */
  progress?: (line: string) => void;
  /** Ends the faults early; all that follows happens as ever. */
  signal?: AbortSignal;
}

/** A run that has not come to rest by then never will; one with a bug need not be waited for so long. */
const DRAIN_LIMIT_MS = 120_000;
const DRAIN_LIMIT_WITH_BUG_MS = 20_000;
/** Of each process: two cores can start one again every few seconds. A bug that is to be caught in a short run gets more. */
const CRASHES_PER_MINUTE = 1;
const CRASHES_PER_MINUTE_WITH_BUG = 3;
const LOOK_MS = 500;

/** Resolves with what was found. @throws when the system could not be started; nothing is left running in any case. */
export async function runChaos(options: RunOptions): Promise<Report> {
  const { seed, plant, progress = () => {} } = options;
  const cluster = await startCluster({ seed, plant });
  try {
    const dice = diceOf(seedFor(seed, 'shoppers'));
    const shop = await openShop({ routerUrls: cluster.routerUrls, dice, customers: options.customers });
    const report = await struggle(cluster, shop, options, progress);
    if (report.violations.length || options.keep) report.kept = await keepEvidence(cluster, report, shop.shoppers);
    await shop.close();
    return report;
  } finally {
    await cluster.stop();
  }
}

async function struggle(
  cluster: Cluster,
  shop: Shop,
  { seed, lastMs, faults: kinds, plant, signal = new AbortController().signal }: RunOptions,
  progress: (line: string) => void,
): Promise<Report> {
  const startedAt = Date.now();
  const faults: Report['faults'] = [];
  const note = (kind: FaultKind, what: string) => void faults.push({ kind, what, at: new Date() });
  const telling = tellProgress(cluster, shop, () => faults.length, startedAt, progress);

  const closing = new AbortController();
  const shopping = shop.open(closing.signal);
  if (kinds.includes('crash')) cluster.crash(plant ? CRASHES_PER_MINUTE_WITH_BUG : CRASHES_PER_MINUTE);
  await unleash({ cluster, dice: diceOf(seedFor(seed, 'nemesis')), lastMs, kinds, note, signal });
  heal(cluster);
  closing.abort(); // not before: what is under way at the last fault has to come to rest, too
  const healedAt = Date.now();
  await shopping;
  const rest = await comeToRest(cluster, shop, healedAt, plant ? DRAIN_LIMIT_WITH_BUG_MS : DRAIN_LIMIT_MS);
  await telling.stop();
  const { violations, compared } = await reach(() => withSources(cluster, (sources) => judge(sources, shop.shoppers)));

  return {
    seed,
    plant,
    lastedMs: healedAt - startedAt,
    tally: shop.tally,
    reconnects: shop.shoppers.reduce((sum, { watcher }) => sum + watcher.reconnects, 0),
    faults,
    crashes: cluster.crashes(),
    without:
      kinds.includes('disk') && !cluster.disks.size ? ['full disks: this account may not mount a small one'] : [],
    drainMs: rest.drainMs,
    last: rest.last,
    violations: [...rest.violations, ...violations],
    compared,
    kept: null,
  };
}

/** A server may still be on its way back. */
async function reach<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 5) throw error;
      await sleep(2000);
    }
  }
}

/** Nothing fails from here on; what has failed is left as it is. */
function heal(cluster: Cluster): void {
  for (const wire of cluster.wires) wire.mend();
  for (const disk of cluster.disks.values()) disk.free();
  for (const part of cluster.parts) part.order({ clockBackMs: 0 });
  cluster.crash(0);
}

async function comeToRest(
  cluster: Cluster,
  shop: Shop,
  healedAt: number,
  limitMs: number,
): Promise<{ drainMs: number | null; last: string[]; violations: Violation[] }> {
  let left: string[] = [];
  let last: string[] = [];
  while (Date.now() - healedAt < limitMs) {
    try {
      left = await withSources(cluster, (sources) => underWay(sources, shop.shoppers));
    } catch (error) {
      left = [`a server does not answer: ${reasonOf(error)}`];
    }
    if (!left.length) return { drainMs: Date.now() - healedAt, last, violations: [] };
    last = left;
    await sleep(LOOK_MS);
  }
  return { drainMs: null, last, violations: left.map((sentence) => ({ invariant: 'nothing is stuck', sentence })) };
}

function tellProgress(
  cluster: Cluster,
  shop: Shop,
  faults: () => number,
  startedAt: number,
  progress: (line: string) => void,
): { stop(): Promise<void> } {
  const abort = new AbortController();
  const { signal } = abort;
  async function loop(): Promise<void> {
    while (!signal.aborted) {
      const unknown = { held: '?', lag: '?' }; // a server is down
      const figures = await withSources(cluster, figuresOf).catch(() => unknown);
      const elapsed = (Date.now() - startedAt) / 1000;
      progress(progressLine(elapsed, shop.tally, faults(), cluster.crashes().length, figures));
      await sleep(1000, undefined, { signal }).catch(() => {});
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

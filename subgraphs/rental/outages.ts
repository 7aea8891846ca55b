/** Which of Book and the provider did not answer last time. What waits for one is resumed when it answers again, not before. */
import type { HoldReason } from './rental.ts';

export interface Outages {
  /** It did not answer. */
  report(dependency: HoldReason): void;
  /** Those that answer, as far as is known; the others are asked now, if it is time. */
  answering(): Promise<HoldReason[]>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

export function watchOutages(pings: Record<HoldReason, () => Promise<boolean>>): Outages {
  const all = Object.keys(pings) as HoldReason[]; // the keys are what the table was written with
  const down = new Map<HoldReason, { pauseMs: number; askAt: number }>();

  const later = (dependency: HoldReason, pauseMs: number) =>
    down.set(dependency, { pauseMs, askAt: Date.now() + pauseMs });

  async function askAgain(dependency: HoldReason): Promise<void> {
    const outage = down.get(dependency);
    if (!outage || Date.now() < outage.askAt) return;
    if (await pings[dependency]()) down.delete(dependency);
    else later(dependency, Math.min(LONGEST_PAUSE_MS, 2 * outage.pauseMs));
  }

  return {
    report(dependency) {
      if (!down.has(dependency)) later(dependency, FIRST_PAUSE_MS);
    },
    async answering() {
      await Promise.all(all.map(askAgain));
      return all.filter((dependency) => !down.has(dependency));
    },
  };
}

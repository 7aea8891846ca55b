/** Which of Book and the provider does not answer. While one does not, new requests wait and none is resumed. */
import type { Dependency } from './rental.ts';

export interface Outages {
  /** It answered. */
  heard(dependency: Dependency): void;
  /** It did not answer. Once may be the fault of what was asked; twice in a row is an outage. */
  report(dependency: Dependency): void;
  /** One that is known not to answer, or null. */
  down(): Dependency | null;
  /** Whether all of them answer: whoever was not heard of just now is asked, if it is time. */
  allAnswer(): Promise<boolean>;
}

const FIRST_PAUSE_MS = 250;
/** A ping is cheap, and until it is answered every request waits. */
const LONGEST_PAUSE_MS = 5000;
/** Another replica may know of an outage that this one has not met: what was heard longer ago does not count. */
const FRESH_MS = 1000;

const MISSES = 2;

interface Known {
  down: boolean;
  heardAt: number;
  /** In a row. */
  misses: number;
  pauseMs: number;
  askAt: number;
}
const NOTHING: Known = { down: false, heardAt: Number.NEGATIVE_INFINITY, misses: 0, pauseMs: FIRST_PAUSE_MS, askAt: 0 };

export function watchOutages(pings: Record<Dependency, () => Promise<boolean>>): Outages {
  const dependencies = Object.keys(pings) as Dependency[]; // the keys are what the table was written with
  const known = new Map(dependencies.map((dependency) => [dependency, NOTHING]));
  const now = () => performance.now(); // never jumps, whatever the clock does
  const of = (dependency: Dependency) => known.get(dependency) ?? NOTHING;

  const heard = (dependency: Dependency) => void known.set(dependency, { ...NOTHING, heardAt: now() });

  function notAnswered(dependency: Dependency): void {
    const { down, pauseMs } = of(dependency);
    const pause = down ? Math.min(LONGEST_PAUSE_MS, 2 * pauseMs) : FIRST_PAUSE_MS;
    known.set(dependency, { ...NOTHING, down: true, pauseMs: pause, askAt: now() + pause });
  }

  async function answers(dependency: Dependency): Promise<boolean> {
    const { heardAt, askAt } = of(dependency);
    if (now() - heardAt < FRESH_MS) return true;
    if (now() < askAt) return false;
    const answered = await pings[dependency]();
    if (answered) heard(dependency);
    else notAnswered(dependency);
    return answered;
  }

  return {
    heard,
    report(dependency) {
      const last = of(dependency);
      if (last.down) return;
      const misses = last.misses + 1;
      if (misses < MISSES) known.set(dependency, { ...NOTHING, misses });
      else notAnswered(dependency);
    },
    down: () => dependencies.find((dependency) => of(dependency).down) ?? null,
    async allAnswer() {
      return (await Promise.all(dependencies.map(answers))).every(Boolean);
    },
  };
}

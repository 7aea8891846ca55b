/** What a run has to tell: while it runs, in a line, and at its end. */
import type { Violation } from './judge.ts';
import type { FaultKind } from './nemesis.ts';
import type { PlantName } from './plants.ts';
import type { Tally } from './shoppers.ts';

/** After the last fault all must come to rest within so long. */
const DRAIN_GOAL_MS = 30_000;
const EXAMPLES = 5;

export interface Report {
  seed: number;
  plant: PlantName | null;
  lastedMs: number;
  tally: Tally;
  reconnects: number;
  faults: { kind: FaultKind; what: string; at: Date }[];
  /** Names of the crash points, once for each time that a process died there. */
  crashes: string[];
  /** What this machine did not allow. */
  without: string[];
  /** From the last fault until nothing was on its way any more; null when that took too long. */
  drainMs: number | null;
  /** What came to rest last. */
  last: string[];
  violations: Violation[];
  /** How much the reconciliation of the books has looked at. */
  compared: number;
  /** Where the logs are; null when they were not kept. */
  kept: string | null;
}

export function progressLine(
  seconds: number,
  { requests, acknowledged, retries }: Tally,
  faults: number,
  crashes: number,
  { held, lag }: { held: number | string; lag: number | string },
): string {
  return `${clock(seconds)}  ${requests} requests, ${acknowledged} acknowledged, ${retries} retries  ${faults} faults, ${crashes} crashes  ${held} held, lag ${lag}`;
}

/** With so many examples of each violation. */
export function textOf(report: Report, examples = EXAMPLES): string {
  const { seed, plant, lastedMs, tally, reconnects, faults, crashes, without, violations, compared, kept } = report;
  const byKind = countsOf(faults.map(({ kind }) => kind));
  const byPoint = countsOf(crashes);
  return [
    '',
    `seed            ${seed}${plant ? `, with the bug ${plant}` : ''} (the same seed brings the same faults and dice, not the same interleaving)`,
    `faults          ${faults.length} in ${clock(lastedMs / 1000)}: ${listed(byKind)}`,
    `crash points    ${crashes.length} at ${byPoint.length}${crashes.length ? ':' : ''}`,
    ...byPoint.map(([name, times]) => `                ${String(times).padStart(4)}  ${name}`),
    ...without.map((sentence) => `left out        ${sentence}`),
    `requests        ${tally.requests}, acknowledged ${tally.acknowledged}, cancelled ${tally.cancels}, returned ${tally.returns}, lost ${tally.losses}; asked again ${tally.retries} times`,
    `beside them     ${tally.fees} fees paid, ${tally.joins} places in waitlists, ${tally.offers} looks at an offer`,
    `subscribers     came back ${reconnects} times`,
    `drained         ${drained(report)}`,
    `compared        ${compared} rows of the services' books`,
    `violations      ${violations.length}`,
    ...[...Map.groupBy(violations, ({ invariant }) => invariant)].flatMap(([invariant, found]) => [
      `  ${invariant}: ${found.length}`,
      ...found.slice(0, examples).map(({ sentence }) => `    ${sentence}`),
    ]),
    ...(kept ? [`logs            ${kept}`] : []),
    '',
  ].join('\n');
}

function drained({ drainMs, last }: Report): string {
  if (drainMs === null) return 'not at all: see the violations';
  const taken = `${(drainMs / 1000).toFixed(1)} s after the last fault`;
  const late = drainMs > DRAIN_GOAL_MS ? `, which is more than ${DRAIN_GOAL_MS / 1000} s` : '';
  return `${taken}${late}${last.length ? `; at the last look before: ${last.join(', ')}` : ''}`;
}

const listed = (counts: [string, number][]): string => counts.map(([what, times]) => `${times} ${what}`).join(', ');

const countsOf = (names: string[]): [string, number][] =>
  [...Map.groupBy(names, (name) => name)]
    .map(([name, all]): [string, number] => [name, all.length])
    .sort((a, b) => b[1] - a[1]);

const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

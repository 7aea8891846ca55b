/** What measurements come to. */

/** @throws for no values: a figure out of nothing must not look like one. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new Error('Nothing was measured.');
  return value;
}

const median = (values: readonly number[]): number => percentile(values, 0.5);

/** To three digits: more would claim what a shared machine cannot give. */
export const rounded = (value: number): number => Number(value.toPrecision(3));

export interface Spread {
  median: number;
  lowest: number;
  highest: number;
}

/** Of one figure over the rounds. */
export const spreadOf = (values: readonly number[]): Spread => ({
  median: rounded(median(values)),
  lowest: rounded(Math.min(...values)),
  highest: rounded(Math.max(...values)),
});

/** How many times as much, round by round: the two of a round met the same machine. */
export const ratiosOf = (ours: readonly number[], theirs: readonly number[]): Spread =>
  spreadOf(ours.flatMap((value, round) => (theirs[round] === undefined ? [] : [value / theirs[round]])));

export const spreadText = ({ median, lowest, highest }: Spread): string =>
  `${thousands(median)} (${thousands(lowest)} to ${thousands(highest)})`;

export const thousands = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 2 });

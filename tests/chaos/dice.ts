/** Chance that can be thrown again: the same seed gives the same throws. */

export interface Dice {
  /** From 0 up to, but not including, 1. */
  next(): number;
  between(least: number, most: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** @throws when there is nothing to choose from. */
  pick<T>(from: readonly T[]): T;
  shuffle<T>(cards: readonly T[]): T[];
}

export function diceOf(seed: number): Dice {
  let state = seed >>> 0;

  /** mulberry32: 32 bits of state are plenty for some thousand throws. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const dice: Dice = {
    next,
    between: (least, most) => least + next() * (most - least),
    chance: (probability) => next() < probability,
    pick<T>(from: readonly T[]): T {
      const picked = from[Math.floor(next() * from.length)];
      if (picked === undefined) throw new Error('There is nothing to choose from');
      return picked;
    },
    shuffle: (cards) =>
      cards
        .map((card) => ({ card, place: next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ card }) => card),
  };
  return dice;
}

/** A seed for one of several throwers, so that none disturbs another's throws. */
export function seedFor(seed: number, thrower: string): number {
  let hash = seed >>> 0;
  for (const letter of thrower) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0; // FNV-1a
  return hash;
}

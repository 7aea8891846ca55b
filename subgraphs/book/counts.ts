/** How many books match: where they are many, it takes as long as to read them all, so the number is kept for a while. */
import { Kept } from '#platform/kept.ts';

export type Counting = (question: string, count: () => Promise<number>) => Promise<number>;

/** As schema.graphql has it. */
const MANY = 1000;
const KEPT_MS = 10_000;
const QUESTIONS = 1000;

/** One for each process. */
export function countsOf(keptMs = KEPT_MS): Counting {
  const kept = new Kept<string, { number: number; until: number }>(QUESTIONS);
  return async (question, count) => {
    const known = kept.get(question);
    if (known && Date.now() < known.until) return known.number;
    const number = await count();
    if (number > MANY) kept.set(question, { number, until: Date.now() + keptMs });
    return number;
  };
}

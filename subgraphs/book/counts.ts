/** How many books match: where they are many, it takes as long as to read them all, so the number is kept for a while. */

export type Counting = (question: string, count: () => Promise<number>) => Promise<number>;

/** As schema.graphql has it. */
const MANY = 1000;
const KEPT_MS = 10_000;
const QUESTIONS = 1000;

/** One for each process. */
export function countsOf(keptMs = KEPT_MS): Counting {
  const kept = new Map<string, { number: number; until: number }>();
  return async (question, count) => {
    const known = kept.get(question);
    if (known && Date.now() < known.until) return known.number;
    kept.delete(question);
    const number = await count();
    if (number > MANY) kept.set(question, { number, until: Date.now() + keptMs });
    const [oldest] = kept.keys();
    if (kept.size > QUESTIONS && oldest !== undefined) kept.delete(oldest);
    return number;
  };
}

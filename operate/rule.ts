/** What a rule of `npm run reconcile` is. */
import type { Sources } from './services.ts';

/** Something that does not agree, as it was seen once. */
export interface Seen {
  /** What it is about: the id that the rule can look at again. */
  about: string;
  sentence: string;
  /** All that was compared. When it is the same at two looks, both sides stood so at one time between them. */
  state?: unknown;
}

export interface Rule {
  name: string;
  /** For --help. */
  says: string;
  /** It was read in one snapshot of one database, so nothing can have been under way: one look is enough. */
  atOnce?: true;
  /** Compares with the sandbox bank's books. */
  needsSandbox?: true;
  /**
   * Looks at everything, or only at what was seen before, tells what does not agree, and answers how many it looked at.
   * `only` bounds the work and no more: a rule that is cheap may look at everything again.
   */
  look(sources: Sources, tell: (seen: Seen) => void, only: string[] | null): Promise<number>;
}

interface Facts {
  quantity: number;
  book_id: string;
  customer_id: string;
}

/** What two services say differently of one rental. */
export const differingFacts = (ours: Facts, theirs: Facts): (keyof Facts)[] =>
  (['quantity', 'book_id', 'customer_id'] as const).filter((column) => ours[column] !== theirs[column]);

/** The same in a sentence; null when they agree. `whose` names the second. */
export function factsMistake(id: string, ours: Facts, whose: string, theirs: Facts): string | null {
  const told = differingFacts(ours, theirs).map((column) => `${column} ${ours[column]} and ${theirs[column]}`);
  return told.length ? `Rental ${id} and its ${whose} differ: ${told.join(', ')}.` : null;
}

/** All rules of `npm run reconcile` at once: what does not agree between the services, told apart from what is under way. */
import { eventRules } from './events.ts';
import { moneyRules } from './money.ts';
import { orderRules } from './orders.ts';
import { parcelRules } from './parcels.ts';
import type { Rule, Seen } from './rule.ts';
import type { Sources } from './services.ts';
import { settled } from './settled.ts';
import { stockRules } from './stock.ts';

export const rules: Rule[] = [...stockRules, ...moneyRules, ...parcelRules, ...orderRules, ...eventRules];

interface Difference {
  rule: string;
  /** What it is about: the id of a rental, a book, an event … */
  about: string;
  sentence: string;
}

interface Checked {
  rule: string;
  looked: number;
  differences: number;
  /** Differed at each look, each time in another way. */
  underWay: number;
  /** Seen at the first look and not looked at again, because there were so many. */
  unchecked: number;
}

export interface Report {
  differences: Difference[];
  rules: Checked[];
  /** Rules that could not be applied, because there is no sandbox. */
  leftOut: string[];
}

export interface ReconcileOptions {
  /** The pause before what differs is looked at again; for what does not move, up to six times as long. */
  settleMs?: number;
  /** Is told which rule is being applied, and which look it is. */
  onRule?: (rule: string, look: number) => void;
}

/** A system that is broken all over need not be told of in full. */
const MAX_OPEN = 10_000;
const LOOKS = 4;

/**
 * Looks at everything, and again at what differs and may have been under way, once that must have arrived: what then
 * differs in the same way, with nothing of it moved, is a difference. Reads only.
 */
export async function findDifferences(
  sources: Sources,
  { settleMs = 5000, onRule = () => {} }: ReconcileOptions = {},
): Promise<Report> {
  const applicable = rules.filter(({ needsSandbox }) => !needsSandbox || sources.sandbox);
  const differences: Difference[] = [];
  const found = (rule: Rule, seen: Iterable<Seen>) => {
    for (const { about, sentence } of seen) differences.push({ rule: rule.name, about, sentence });
  };

  let open = new Map<Rule, Seen[]>();
  const checked = new Map<Rule, { looked: number; unchecked: number }>();
  for (const rule of applicable) {
    onRule(rule.name, 1);
    const { looked, seen, left } = await lookOnce(rule, sources, null);
    checked.set(rule, { looked, unchecked: left });
    if (rule.atOnce) found(rule, seen);
    else if (seen.length) open.set(rule, seen);
  }

  for (let look = 2; look <= LOOKS && open.size; look++) {
    await settled(sources, settleMs);
    const moved = new Map<Rule, Seen[]>();
    for (const [rule, before] of open) {
      onRule(rule.name, look);
      const { seen } = await lookOnce(rule, sources, abouts(before));
      const known = new Set(before.map(keyOf));
      const suspects = new Set(abouts(before));
      const again = seen.filter(({ about }) => suspects.has(about));
      found(
        rule,
        again.filter((one) => known.has(keyOf(one))),
      );
      const rest = again.filter((one) => !known.has(keyOf(one)));
      if (rest.length) moved.set(rule, rest);
    }
    open = moved;
  }

  return {
    differences,
    rules: applicable.map((rule) => ({
      rule: rule.name,
      looked: checked.get(rule)?.looked ?? 0,
      differences: differences.filter((one) => one.rule === rule.name).length,
      underWay: open.get(rule)?.length ?? 0,
      unchecked: checked.get(rule)?.unchecked ?? 0,
    })),
    leftOut: rules.filter((rule) => !applicable.includes(rule)).map(({ name }) => name),
  };
}

const abouts = (seen: Seen[]): string[] => seen.map(({ about }) => about);
const keyOf = ({ about, sentence, state }: Seen): string => JSON.stringify([about, sentence, state]);

async function lookOnce(rule: Rule, sources: Sources, only: string[] | null) {
  const seen: Seen[] = [];
  let left = 0;
  const tell = (one: Seen) => {
    if (seen.length < MAX_OPEN) seen.push(one);
    else left += 1;
  };
  const looked = await rule.look(sources, tell, only);
  return { looked, seen, left };
}

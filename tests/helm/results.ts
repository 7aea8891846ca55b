/** What was measured, step by step: told while it happens, as a table at the end, and in a file for those who ask for one. */
import { writeFileSync } from 'node:fs';

interface Result {
  step: string;
  what: string;
  value: string | number;
}

const results: Result[] = [];
const startedAt = Date.now();

/** On the terminal at once: jest keeps back what goes through the console. */
export function say(sentence: string): void {
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  process.stdout.write(`  ${String(seconds).padStart(4)} s  ${sentence}\n`);
}

export function measured(step: string, what: string, value: string | number): void {
  results.push({ step, what, value });
  say(`${step}: ${what}: ${value}`);
}

export function tellResults(): void {
  const [steps, whats] = (['step', 'what'] as const).map((name) => Math.max(...results.map((row) => row[name].length)));
  const lines = results.map(
    ({ step, what, value }) => `${step.padEnd(steps ?? 0)}  ${what.padEnd(whats ?? 0)}  ${value}`,
  );
  process.stdout.write(`\n${lines.join('\n')}\n`);
  const file = process.env.RESULTS;
  if (file) writeFileSync(file, `${JSON.stringify({ at: new Date(), results }, null, 2)}\n`);
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

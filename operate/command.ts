/** What the commands of this folder have in common: one sentence for each mistake, and what the exit code means. */
import { ConfigError } from '#platform/config.ts';
import { codeOf, Refusal, reasonOf } from '#platform/errors.ts';

/** Why nothing could be done, in a sentence for the one who typed the command. */
export class Complaint extends Error {}

/** Runs a command. It answers its exit code; what it throws is told in one sentence, with exit code 2. */
export async function runCommand(work: () => Promise<number>): Promise<void> {
  process.once('SIGTERM', () => process.exit(143)); // the first process of a container has to say so itself
  process.stdout.on('error', () => process.exit(2)); // whoever reads this has gone away
  try {
    process.exitCode = await work();
  } catch (error) {
    const mistake = codeOf(error).startsWith('ERR_PARSE_ARGS');
    const expected = error instanceof Complaint || error instanceof ConfigError || error instanceof Refusal || mistake;
    const sentence = expected ? reasonOf(error) : `It broke off: ${reasonOf(error)}.`;
    process.stderr.write(`${sentence}${mistake ? ' See --help.' : ''}\n`);
    process.exitCode = 2;
  }
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

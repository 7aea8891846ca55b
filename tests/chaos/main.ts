/** `npm run chaos`: the suite for as long as one likes, with any seed, and with any bug that it has to catch. */
import { parseArgs } from 'node:util';
import { reasonOf } from '#platform/errors.ts';
import { sweepFolders } from '../folders.ts';
import { allFaults, type FaultKind, faultKinds } from './nemesis.ts';
import { type PlantName, plantNames, plants } from './plants.ts';
import { textOf } from './report.ts';
import { runChaos } from './run.ts';

const HELP = `Usage: npm run chaos -- [options]

Runs all of Rentabook, two replicas of each service, kills and disturbs it while customers rent, and judges what is left.

  --minutes N     how long faults happen, 0.25 to 600 (10)
  --seed N        of the faults and of the dice; the interleaving is the machine's own (random, and told)
  --customers N   who rent at once, 1 to 64 (12)
  --faults A,B    only these:
${Object.entries(faultKinds)
  .map(([kind, what]) => `                    ${kind.padEnd(10)} ${what}`)
  .join('\n')}
  --bug NAME      with a bug that must be caught:
${plantNames.map((name) => `                    ${name.padEnd(20)} ${plants[name].what}`).join('\n')}
  --keep          leaves the logs behind also when nothing was violated
  --help          this text

Exit code 0: nothing was violated. 1: something was. 2: it could not run.
`;

class Mistake extends Error {}

function optionsIn(args: string[]) {
  const { values } = parse(args);
  return {
    help: values.help ?? false,
    keep: values.keep ?? false,
    lastMs: 60_000 * numberIn('--minutes', values.minutes ?? '10', 0.25, 600),
    seed: numberIn('--seed', values.seed ?? String(Math.floor(Math.random() * 1e9)), 0, 2 ** 32 - 1, true),
    customers: numberIn('--customers', values.customers ?? '12', 1, 64, true),
    faults: values.faults
      ? values.faults.split(',').map((name) => oneOf<FaultKind>('--faults', name, allFaults))
      : allFaults,
    plant: values.bug === undefined ? null : oneOf<PlantName>('--bug', values.bug, plantNames),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        customers: { type: 'string' },
        faults: { type: 'string' },
        bug: { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Mistake(`${reasonOf(error).split('. ')[0]}; --help shows what there is.`);
  }
}

function numberIn(name: string, given: string, least: number, most: number, whole = false): number {
  const number = Number(given);
  if (given.trim() !== '' && number >= least && number <= most && (!whole || Number.isInteger(number))) return number;
  throw new Mistake(`${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, and not "${given}".`);
}

function oneOf<T extends string>(name: string, given: string, known: readonly T[]): T {
  const found = known.find((one) => one === given);
  if (found) return found;
  throw new Mistake(`${name} knows no "${given}", but ${known.join(', ')}.`);
}

const print = (text: string) => void process.stdout.write(text);

/** Over itself on a terminal; elsewhere a line now and then. */
function showProgress(): (line: string) => void {
  let shown = 0;
  return (line) => {
    if (process.stdout.isTTY) print(`\r\x1b[K${line}`);
    else if (Date.now() - shown > 10_000) {
      shown = Date.now();
      print(`${line}\n`);
    }
  };
}

function stopOnSignal(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abort.abort());
  return abort.signal;
}

async function main(): Promise<number> {
  const { help, ...options } = optionsIn(process.argv.slice(2));
  if (help) {
    print(HELP);
    return 0;
  }
  await sweepFolders();
  print(`seed ${options.seed}; starting\n`);
  const report = await runChaos({
    ...options,
    progress: showProgress(),
    signal: stopOnSignal(),
  });
  print(textOf(report));
  return report.violations.length ? 1 : 0;
}

process.exit(
  await main().catch((error: unknown) => {
    print(`${error instanceof Mistake ? error.message : `It could not run: ${reasonOf(error)}`}\n`);
    return 2;
  }),
);

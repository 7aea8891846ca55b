/** `npm run dead-letters`: events that a service has given up on, to be looked at and put back. */
import { parseArgs } from 'node:util';
import {
  type DeadLetter,
  deadLetters,
  drop,
  eventIn,
  type Fate,
  fatesOf,
  putBack,
  type Run,
} from '#platform/deadLetters.ts';
import { Complaint, print, runCommand } from './command.ts';
import { type Service, services } from './services.ts';
import { databaseUrlOf, openDatabase, WHICH_SYSTEM } from './system.ts';

/** Eight tries with growing pauses take 13 s. */
const WAIT_S = 30;

const HELP = `npm run dead-letters -- SERVICE list
npm run dead-letters -- SERVICE show ID
npm run dead-letters -- SERVICE replay ID|--all [--wait SECONDS]
npm run dead-letters -- SERVICE drop ID --reason TEXT

An event that a consumer of the service could not apply in eight tries is a dead letter; later events of what it is about wait
behind it. SERVICE is the one that could not: ${services.join(', ')}. ID is the dead letter's, or the beginning of it.

  list    the dead letters, the oldest first
  show    the whole of one
  replay  gives it, or all of them, back to the running service, which applies it and then what waits behind it, in order and once.
          Mend what was wrong first. Waits ${WAIT_S} seconds for the outcome, or as long as --wait says
  drop    puts a message that is no event out of sight; the reason is kept. An event cannot be dropped: what follows it would wait for ever

${WHICH_SYSTEM}

Exit code: 0 when it is done, 1 when what was put back is dead again or not applied yet, 2 when it could not be done.`;

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      all: { type: 'boolean' },
      reason: { type: 'string' },
      wait: { type: 'string', default: String(WAIT_S) },
    },
    allowPositionals: true,
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const [service, verb, id, ...more] = positionals;
  if (!isService(service))
    throw new Complaint(
      service
        ? `There is no service "${service}": it is one of ${services.join(', ')}.`
        : `Name a service. See --help.`,
    );
  if (!isVerb(verb) || more.length)
    throw new Complaint(
      'Say what to do: list, show ID, replay ID, replay --all, or drop ID --reason TEXT. See --help.',
    );
  const waitMs = Number(values.wait) * 1000;
  if (!(waitMs >= 0 && waitMs <= 3_600_000))
    throw new Complaint(`--wait takes seconds from 0 to 3600, not "${values.wait}".`);

  const client = await openDatabase(`The database of ${service}`, databaseUrlOf(service));
  try {
    const run: Run = async <Row>(text: string, values: readonly unknown[]) =>
      (await client.query<Row & object>(text, [...values])).rows;
    const letters = await deadLetters(run);
    if (verb === 'list') return list(letters, service);
    if (verb === 'replay' && values.all && !id) return await replay(run, letters, service, waitMs);
    const letter = theOne(letters, id, service);
    if (verb === 'show') return show(letter);
    if (verb === 'drop') return await dropOne(run, letter, values.reason);
    return await replay(run, [letter], service, waitMs);
  } finally {
    await client.end();
  }
});

function isService(text: string | undefined): text is Service {
  return services.some((service) => service === text);
}

function isVerb(text: string | undefined): text is 'list' | 'show' | 'replay' | 'drop' {
  return text !== undefined && ['list', 'show', 'replay', 'drop'].includes(text);
}

function theOne(letters: DeadLetter[], id: string | undefined, service: Service): DeadLetter {
  if (!id) throw new Complaint('Name a dead letter by its id, as list tells it.');
  const [letter, another] = letters.filter((letter) => letter.id.startsWith(id.toLowerCase()));
  if (!letter) throw new Complaint(`${service} has no dead letter ${id}.`);
  if (another) throw new Complaint(`${id} is the beginning of more than one dead letter: give more of it.`);
  return letter;
}

function list(letters: DeadLetter[], service: Service): number {
  for (const letter of letters)
    print(
      `${letter.id}  ${letter.since.toISOString()}  ${letter.consumer}  ${nameOf(letter)}${letter.behind ? `, ${letter.behind} wait behind it` : ''}: ${firstLine(letter.reason)}`,
    );
  print(letters.length ? `${letters.length} in all.` : `${service} has no dead letters.`);
  return 0;
}

function nameOf(letter: DeadLetter): string {
  return eventIn(letter) ?? 'no event';
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function show(letter: DeadLetter): number {
  print(`id        ${letter.id}
consumer  ${letter.consumer}
event     ${nameOf(letter)}
since     ${letter.since.toISOString()}
behind it ${letter.behind}
reason    ${letter.reason}

${pretty(letter.message)}`);
  return 0;
}

function pretty(message: string): string {
  try {
    return JSON.stringify(JSON.parse(message), null, 2);
  } catch {
    return message; // it is no JSON, which is why it is here
  }
}

async function dropOne(run: Run, letter: DeadLetter, reason: string | undefined): Promise<number> {
  if (!letter.aggregate && !reason?.trim()) throw new Complaint('Say why it may be dropped: --reason TEXT.');
  await drop(run, letter, reason?.trim() ?? '');
  print(`${letter.id} is dropped.`);
  return 0;
}

async function replay(run: Run, letters: DeadLetter[], service: Service, waitMs: number): Promise<number> {
  const events = letters.length === 1 ? letters : letters.filter(({ aggregate }) => aggregate);
  for (const letter of events) await putBack(run, letter);

  const fates = await fatesOf(run, events, waitMs);
  for (const [letter, fate] of fates) print(`${nameOf(letter)} ${inWords(fate, service)}`);
  const done = [...fates.values()].filter(({ kind }) => kind === 'applied').length;
  const left = letters.length - events.length;
  print(`${done} of ${events.length} applied.${left ? ` ${left} are no events: show and drop them.` : ''}`);
  return done === events.length ? 0 : 1;
}

function inWords(fate: Fate, service: Service): string {
  if (fate.kind === 'applied') return 'is applied.';
  if (fate.kind === 'dead') return `is dead again: ${fate.letter.reason}`;
  return `is put back, and not applied yet: ${service} will do so when it runs and can, or give up on it again.`;
}

/** `npm start`: all of Rentabook on this machine, until Ctrl-C. */
import { resolve } from 'node:path';
import { Listr } from 'listr2';
import { givenSettings, readConfig, type Setting } from '#platform/config.ts';
import { reasonOf } from '#platform/errors.ts';
import { notifyingIn, tuningIn } from './services.ts';
import { openSystem, type System } from './system.ts';

/** What every account of the demo signs in with; the services make them (subgraphs/customer/demo.ts). */
const DEMO_PASSWORD = 'rentabook';
const demoAccounts = ['reader@demo.test', 'staff@demo.test', 'courier@demo.test', 'admin@demo.test'];

/** The same sentence again within so long is not told again. */
const QUIET_MS = 30_000;

process.stdout.on('error', () => {}); // whoever reads this may go away; the system stays

async function main(): Promise<void> {
  const startedAt = Date.now();
  const given = givenSettings();
  // All that is given, also what is only passed on: a mistake in it is told now, and not by a service that cannot start.
  const names = ['RENTABOOK_DATA', 'PORT', 'HOST', 'NATS_SERVER', ...(Object.keys(given) as Setting[])] as const;
  const { RENTABOOK_DATA, PORT, HOST, NATS_SERVER, DATABASE_URL, NATS_URL } = readConfig(names);
  const system = await openSystem({
    folder: resolve(RENTABOOK_DATA),
    port: PORT,
    host: HOST,
    databaseUrl: given.DATABASE_URL && DATABASE_URL,
    natsUrl: given.NATS_URL && NATS_URL,
    natsServer: NATS_SERVER,
    tuning: tuningIn(given),
    notifying: notifyingIn(given),
    page: true,
    say: withoutRepetition(print),
  });

  const stopping = stopOnSignal(system);
  try {
    await progressOf(system).run();
  } catch (error) {
    if (stopping.aborted) return; // the signal's own way ends the process
    await system.stop();
    throw error;
  }
  print(welcome(system, Date.now() - startedAt));
}

function progressOf({ stages }: System) {
  return new Listr(
    stages.map(({ title, steps }) => ({
      title,
      task: (_, stage) =>
        stage.newListr(
          steps.map((step) => ({
            title: step.title,
            task: async (_, task) => {
              task.title = await step.run((text) => {
                task.output = text;
              });
            },
          })),
          { concurrent: true },
        ),
    })),
    { registerSignalListeners: false, fallbackRenderer: 'simple', rendererOptions: { collapseSubtasks: false } },
  );
}

/** npm passes a signal on that the terminal has sent already: the second one changes nothing. */
function stopOnSignal(system: System): AbortSignal {
  const stopping = new AbortController();
  const stop = async () => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    const from = Date.now();
    await system.stop();
    print(`Rentabook has stopped (${seconds(Date.now() - from)}).`);
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());
  return stopping.signal;
}

function welcome({ url, logs }: System, tookMs: number): string {
  return [
    '',
    `  page         ${url}/`,
    `  GraphQL      ${url}/graphql  (queries and mutations; subscriptions by graphql-ws)`,
    `  GraphiQL     ${url}/graphiql`,
    `  logs         ${logs}`,
    `  accounts     ${demoAccounts.join('  ')}`,
    `  password     ${DEMO_PASSWORD}`,
    '',
    `Rentabook is ready (${seconds(tookMs)}): ${url}  Ctrl-C stops it.`,
  ].join('\n');
}

function withoutRepetition(say: (sentence: string) => void): (sentence: string) => void {
  const lastSaid = new Map<string, number>();
  return (sentence) => {
    const now = Date.now();
    if (now - (lastSaid.get(sentence) ?? 0) < QUIET_MS) return;
    lastSaid.set(sentence, now);
    say(sentence);
  };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

await main().catch((error: unknown) => {
  print(reasonOf(error));
  process.exit(1);
});

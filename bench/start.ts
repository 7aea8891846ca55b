/** `npm start` as a user meets it: the very first time, later, and how much memory all of it takes, at rest and at work. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { bareEnvironment } from '#platform/config.ts';
import type { Role } from '#platform/tokens.ts';
import { claimFolder, type Folder } from '../local/folder.ts';
import { freePort } from '../local/ports.ts';
import type { Secrets } from '../local/secrets.ts';
import { createTokenIssuer } from '../subgraphs/customer/sessions.ts';
import { addBook, type Client, clientOf, requestRental } from '../tests/client.ts';
import { makeFolder, removeFolder } from '../tests/folders.ts';
import { rounded, spreadOf, spreadText, thousands } from './figures.ts';
import { familyOf, type Process } from './memory.ts';
import type { Outcome } from './outcome.ts';
import { withServers } from './servers.ts';
import { printTable, say } from './table.ts';

const ROOT = join(import.meta.dirname, '..');
const LATER_STARTS = 3;
/** What a start leaves behind is collected, and nobody asks. */
const REST_MS = 15_000;
const SETTLED_MS = 3000;
const [TITLES, COPIES] = [21, 1000];
const LOAD = { clients: 8, forMs: 45_000 };
const LOOK_EVERY_MS = 5000;
const LIMITS = { firstSeconds: 15, laterSeconds: 8, restMb: 900 };

export async function start(): Promise<Outcome> {
  const clone = makeClone();
  try {
    const firstSeconds = rounded(await startAndStop(clone));
    say(`the very first start, nats-server fetched, page and data made: ready after ${firstSeconds} s`);
    const later: number[] = [];
    for (let n = 0; n < LATER_STARTS; n++) later.push(await startAndStop(clone));
    const laterSeconds = spreadOf(later);
    say(`later starts: ready after ${spreadText(laterSeconds)} s`);

    const { processes, askedPerSecond, ...ours } = await measureMemory(clone);
    const { versions, idlePrograms } = await measureIdlePrograms(processes);
    const partsMb = { ...ours, idlePrograms };
    tell(partsMb);
    const totalMb = Object.fromEntries(Object.entries(partsMb).map(([when, parts]) => [when, rounded(totalOf(parts))]));
    say(`limits: ${LIMITS.firstSeconds} s, ${LIMITS.laterSeconds} s, ${LIMITS.restMb} MB at rest`);
    return {
      ratio: totalOf(ours.atRest) / totalOf(idlePrograms),
      against:
        'memory at rest beside programs that do nothing: as many Node processes with an empty script, PostgreSQL and nats-server without clients',
      figures: { limits: LIMITS, firstSeconds, laterSeconds, askedPerSecond, totalMb, partsMb },
      servers: versions,
    };
  } finally {
    await removeFolder(clone);
  }
}

/** What a clone has after `npm ci`; the libraries are this one's. */
function makeClone(): Folder {
  const folder = claimFolder(makeFolder());
  if (!folder) throw new Error('Somebody else claimed a new folder.');
  const left = ['.git', '.cache', '.rentabook', 'node_modules', 'web/dist', 'bench/rivals/node_modules'];
  cpSync(ROOT, folder.path, { recursive: true, filter: (from) => !left.includes(relative(ROOT, from)) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
  return folder;
}

interface Started {
  url: string;
  pid: number;
  /** From the command to the line that says that it is ready. */
  seconds: number;
  stop(): Promise<void>;
}

async function startSystem({ path }: Folder): Promise<Started> {
  const port = await freePort();
  const from = performance.now();
  const npm = spawn('npm', ['start'], {
    cwd: path,
    env: bareEnvironment({ PORT: String(port), RENTABOOK_LIMITS: 'off', PIP_NO_CACHE_DIR: '1' }),
    detached: true, // a group of its own, as a terminal gives it
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(npm, 'close');
  const ready = Promise.withResolvers<number>();
  const said: string[] = [];
  createInterface({ input: npm.stdout }).on('line', (line) => {
    said.push(line);
    if (/^Rentabook is ready/.test(line)) ready.resolve((performance.now() - from) / 1000);
  });
  void ended.then(() => ready.reject(new Error(`npm start ended:\n${said.join('\n')}`)));
  const seconds = await ready.promise;
  const { pid } = npm;
  if (!pid) throw new Error('A program that said something has no process id.');
  return {
    url: `http://127.0.0.1:${port}`,
    pid,
    seconds,
    async stop() {
      process.kill(-pid, 'SIGINT'); // Ctrl-C
      await ended;
    },
  };
}

async function startAndStop(clone: Folder): Promise<number> {
  const { seconds, stop } = await startSystem(clone);
  await stop();
  return seconds;
}

type Parts = Record<string, number>;

async function measureMemory(clone: Folder) {
  const system = await startSystem(clone);
  try {
    await sleep(REST_MS);
    const atRest = familyOf(system.pid);
    const { askedPerSecond, atWork } = await work(clone, system);
    await sleep(REST_MS);
    const processes = atRest.filter(({ command }) => /^(\S*node|npm|sh) /.test(command)).length;
    return { processes, askedPerSecond, atRest: partsOf(atRest), atWork, atRestAgain: partsOf(familyOf(system.pid)) };
  } finally {
    await system.stop();
  }
}

/** Megabytes of each part. */
function partsOf(family: Process[]): Parts {
  const parts = Map.groupBy(family, ({ command }) => partOf(command));
  return Object.fromEntries(
    [...parts].map(([part, processes]) => [part, rounded(processes.reduce((sum, { pssMb }) => sum + pssMb, 0))]),
  );
}

function partOf(command: string): string {
  if (/^npm |^sh /.test(command)) return 'npm';
  if (/postgres/.test(command)) return 'PostgreSQL';
  if (/nats-server/.test(command)) return 'nats-server';
  if (/start\.ts/.test(command)) return 'supervisor';
  return /(\w+)\/main\.ts/.exec(command)?.[1] ?? 'Node';
}

const totalOf = (parts: Parts): number => Object.values(parts).reduce((sum, mb) => sum + mb, 0);

/** Clients who look for books and rent them, each time as somebody else. Answers the memory when it was highest in all. */
async function work({ path }: Folder, { url, pid }: Started): Promise<{ askedPerSecond: number; atWork: Parts }> {
  const { tokenKeys } = JSON.parse(readFileSync(join(path, '.rentabook', 'secrets.json'), 'utf8')) as Secrets;
  const issuer = await createTokenIssuer(tokenKeys);
  const clientWith = async (...roles: Role[]): Promise<Client> =>
    clientOf(url, await issuer.sign({ id: randomUUID(), roles }, new Date(Date.now() + 3600_000)));
  const staff = await clientWith('STAFF');
  const books = await Promise.all(Array.from({ length: TITLES }, () => addBook(staff, COPIES)));

  let asked = 0;
  const from = performance.now();
  const isOver = () => performance.now() - from > LOAD.forMs;
  const clients = Array.from({ length: LOAD.clients }, async () => {
    while (!isOver()) {
      const client = await clientWith('CUSTOMER');
      const bookId = books[asked % TITLES] ?? '';
      await client.data(SEARCH);
      await client.data(LOOK, { id: bookId });
      const { rental } = await requestRental(client, bookId);
      if (rental.status !== 'ACCEPTED') throw new Error(`A rental is ${rental.status}.`);
      await client.data(FOLLOW, { id: rental.id });
      asked += 4;
    }
  });
  let atWork: Parts = {};
  while (!isOver()) {
    await sleep(LOOK_EVERY_MS);
    const now = partsOf(familyOf(pid));
    if (totalOf(now) > totalOf(atWork)) atWork = now;
  }
  await Promise.all(clients);
  return { askedPerSecond: rounded((1000 * asked) / (performance.now() - from)), atWork };
}

const SEARCH = '{ books(search: "the", first: 20) { edges { node { id title authors stock { available } } } } }';
const LOOK =
  'query ($id: ID!) { book(id: $id) { title rentalFee { amount } stock { available } waitlist { length } } }';
const FOLLOW =
  'query ($id: ID!) { rental(id: $id) { status book { title } payment { status } deliveries { status } } }';

/** What cannot be avoided: the programs themselves, so many of Node. */
const measureIdlePrograms = (processes: number) =>
  withServers(async ({ postgresVersion, natsVersion }) => {
    const idle = Array.from({ length: processes }, () =>
      spawn(process.execPath, ['--eval', 'setInterval(() => {}, 60_000)'], { stdio: 'ignore' }),
    );
    try {
      await sleep(SETTLED_MS);
      const family = familyOf(process.pid).filter(({ pid }) => pid !== process.pid);
      return { idlePrograms: partsOf(family), versions: { postgres: postgresVersion, nats: natsVersion } };
    } finally {
      for (const one of idle) one.kill();
    }
  });

function tell(partsMb: Record<string, Parts>): void {
  const table = printTable(['MB (PSS)', ...Object.keys(partsMb)], [16, ...Object.keys(partsMb).map(() => 14)]);
  const names = new Set(Object.values(partsMb).flatMap((parts) => Object.keys(parts)));
  for (const name of names) table.row(name, ...Object.values(partsMb).map((parts) => parts[name] ?? ''));
  table.row('all', ...Object.values(partsMb).map((parts) => thousands(rounded(totalOf(parts)))));
}

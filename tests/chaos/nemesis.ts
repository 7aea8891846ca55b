/** What goes wrong: faults drawn from a shuffled deck, so that a run of any seed has its share of each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import type { Dice } from './dice.ts';
import type { Part } from './parts.ts';
import type { Trouble, Wire } from './wires.ts';

/** Each with what it does. `crash` is done by the hook in the processes, at the crash points. */
export const faultKinds = {
  kill: 'kill -9 of any process',
  freeze: 'a process stands still for 0.5 to 5 s',
  cut: 'a connection is reset, and refused for 0.5 to 4 s',
  silent: 'a connection is accepted and says nothing for 0.5 to 4 s',
  slow: 'everything on a connection takes 50 to 300 ms longer',
  rollback: "the broker's store is set back: all of it, or the messages alone",
  wipe: "the broker's store is lost, once in a run of three minutes or more",
  disk: 'the disk of PostgreSQL or of the broker is full for 1 to 4 s',
  clock: "a service's clock is set back by 1 to 20 s for some seconds",
  crash: 'a process dies at a crash point between two effects',
} as const;

export type FaultKind = keyof typeof faultKinds;
export const allFaults = Object.keys(faultKinds) as FaultKind[]; // the keys are what the table was written with

/** How often each stands in the deck. */
const deck: FaultKind[] = [
  ...Array<FaultKind>(4).fill('kill'),
  ...Array<FaultKind>(2).fill('freeze'),
  ...Array<FaultKind>(2).fill('rollback'),
  'cut',
  'silent',
  'slow',
  'disk',
  'clock',
];

/** On average 3.2 s from one to the next: two cores start a killed process again in that time. */
const LEAST_PAUSE_MS = 1400;
const MOST_PAUSE_MS = 5000;
/** A shorter run has no time to fill the broker again. */
const WIPE_FROM_MS = 180_000;

export interface Unleashing {
  cluster: Cluster;
  dice: Dice;
  lastMs: number;
  kinds: readonly FaultKind[];
  /** Told of each fault: its kind, and to whom it happened. */
  note: (kind: FaultKind, what: string) => void;
  signal: AbortSignal;
}

/** Lets faults happen for so long, or until it is told to stop. Resolves when the last one has been mended. */
export async function unleash(unleashing: Unleashing): Promise<void> {
  const { dice, lastMs, kinds, signal } = unleashing;
  const startedAt = Date.now();
  const underWay = new Set<Promise<void>>();
  let cards: FaultKind[] = [];
  let wiped = lastMs < WIPE_FROM_MS || !kinds.includes('wipe');

  while (!signal.aborted) {
    await sleep(dice.between(LEAST_PAUSE_MS, MOST_PAUSE_MS), undefined, { signal }).catch(() => {});
    const elapsedMs = Date.now() - startedAt;
    if (signal.aborted || elapsedMs > lastMs) break;
    if (!wiped && elapsedMs > lastMs / 2) {
      wiped = true;
      await wipe(unleashing);
      continue;
    }
    if (!cards.length) cards = dice.shuffle(deck.filter((kind) => kinds.includes(kind)));
    const kind = cards.pop();
    if (!kind) continue;
    const mended = faults[kind](unleashing).finally(() => underWay.delete(mended));
    underWay.add(mended);
    if (kind === 'rollback' || kind === 'disk') await mended; // both hold a server: one after another
  }
  await Promise.all(underWay);
}

const faults: Record<FaultKind, (unleashing: Unleashing) => Promise<void>> = {
  async kill({ cluster, dice, note }) {
    const part = dice.pick(cluster.parts);
    part.kill();
    note('kill', part.name);
  },

  async freeze({ cluster, dice, note }) {
    const part = dice.pick(cluster.parts);
    const forMs = dice.between(500, 5000);
    note('freeze', `${part.name} for ${seconds(forMs)}`);
    await freeze(part, forMs);
  },

  cut: (unleashing) => troubleSome(unleashing, { kind: 'cut' }),
  silent: (unleashing) => troubleSome(unleashing, { kind: 'silent' }),
  slow: (unleashing) =>
    troubleSome(unleashing, { kind: 'slow', latencyMs: Math.round(unleashing.dice.between(50, 300)) }),

  rollback: setBack,
  wipe,
  disk: fillDisk,

  async clock({ cluster, dice, note }) {
    const part = dice.pick(cluster.parts.filter(({ of }) => of !== 'postgres' && of !== 'nats'));
    const clockBackMs = Math.round(dice.between(1000, 20_000));
    note('clock', `${part.name} by ${seconds(clockBackMs)}`);
    part.order({ clockBackMs });
    await sleep(dice.between(2000, 8000));
    part.order({ clockBackMs: 0 });
  },

  async crash() {}, // not in the deck
};

async function troubleSome({ cluster, dice, note }: Unleashing, trouble: Trouble): Promise<void> {
  const wires = dice.pick(targetsIn(cluster.wires));
  const forMs = dice.between(500, 4000);
  note(trouble.kind, `${wires.map(({ name }) => name).join(', ')} for ${seconds(forMs)}`);
  for (const wire of wires) wire.trouble(trouble);
  await sleep(forMs);
  for (const wire of wires) wire.mend();
}

/** Each wire, and all that lead to one server. */
function targetsIn(wires: Wire[]): Wire[][] {
  const to = (server: string) => wires.filter(({ name }) => name.endsWith(` to ${server}`));
  return [...wires.map((wire) => [wire]), to('nats'), to('postgres')];
}

/**
 * By a shell of its own, which also lets it go on when this process is killed meanwhile: nobody could end a process that
 * stands still and was forgotten.
 */
async function freeze(part: Part, forMs: number): Promise<void> {
  const pids = part.pids().map(String);
  if (!pids.length) return;
  const script = 'ms=$1; shift; kill -STOP "$@"; sleep "$ms"; kill -CONT "$@"';
  const shell = spawn('sh', ['-c', script, 'sh', String(forMs / 1000), ...pids], { detached: true, stdio: 'ignore' });
  await once(shell, 'close');
}

/** What the broker had a moment ago is all it has: as after a power cut, or a replica that was behind. */
async function setBack({ cluster, dice, note }: Unleashing): Promise<void> {
  const nats = partNamed(cluster, 'nats');
  const older = `${cluster.natsStore}.older`;
  const messagesAlone = dice.chance(0.5);
  const forMs = dice.between(700, 2500);
  const [pid] = nats.pids();
  if (!pid) return;
  process.kill(pid, 'SIGSTOP'); // so that the copy is of one moment
  rmSync(older, { recursive: true, force: true });
  cpSync(cluster.natsStore, older, { recursive: true });
  process.kill(pid, 'SIGCONT');

  await sleep(forMs);
  await nats.whileDown(() => {
    if (messagesAlone) restoreMessages(cluster.natsStore, older);
    else restore(cluster.natsStore, older);
  });
  note('rollback', `${messagesAlone ? 'messages alone' : 'the whole store'}, by ${seconds(forMs)}`);
}

function restore(store: string, older: string): void {
  rmSync(store, { recursive: true, force: true });
  cpSync(older, store, { recursive: true });
}

/** Worse: the consumers' positions survive, and are ahead of the stream. */
function restoreMessages(store: string, older: string): void {
  const streamsIn = (folder: string) => join(folder, 'jetstream', '$G', 'streams');
  for (const stream of readdirSync(streamsIn(older))) {
    const messages = join(streamsIn(store), stream, 'msgs');
    rmSync(messages, { recursive: true, force: true });
    cpSync(join(streamsIn(older), stream, 'msgs'), messages, { recursive: true });
  }
}

async function wipe({ cluster, note }: Unleashing): Promise<void> {
  await partNamed(cluster, 'nats').whileDown(() => rmSync(cluster.natsStore, { recursive: true, force: true }));
  note('wipe', 'everything the broker had');
}

/** A broker whose disk was full does without its streams until it is started again, which is what its orchestrator does. */
async function fillDisk({ cluster, dice, note }: Unleashing): Promise<void> {
  if (!cluster.disks.size) return; // the report says so
  const [server, disk] = dice.pick([...cluster.disks]);
  const forMs = dice.between(1000, 4000);
  note('disk', `${server} for ${seconds(forMs)}`);
  await disk.fill();
  await sleep(forMs);
  disk.free();
  if (server === 'nats') partNamed(cluster, server).kill();
}

function partNamed({ parts }: Cluster, name: string): Part {
  const part = parts.find((part) => part.name === name);
  if (!part) throw new Error(`There is no ${name}`);
  return part;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

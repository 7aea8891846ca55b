/** A nats-server of our own with JetStream, for this machine only. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bareEnvironment } from '#platform/config.ts';
import { reasonOf } from '#platform/errors.ts';
import { connectOnce } from '#platform/nats.ts';
import { stopOrphan } from './orphan.ts';
import { type Running, watch } from './running.ts';

const USER = 'rentabook';

export interface NatsOptions {
  /** Of the server's files: its configuration, its streams. */
  folder: string;
  port: number;
  password: string;
}

/** Writes the configuration for `launchNats`. */
export function prepareNats({ folder, port, password }: NatsOptions): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const settings = {
    listen: `127.0.0.1:${port}`,
    pid_file: pidFile(folder),
    authorization: { user: USER, password },
    // Its default, two minutes, is what a power cut would lose.
    jetstream: { store_dir: join(folder, 'streams'), sync_interval: '1s' },
  };
  writeFileSync(settingsFile(folder), JSON.stringify(settings, null, 2), { mode: 0o600 });
}

/** Ends the server that a killed `npm start` left running on this folder. */
export const stopOrphanedNats = (folder: string): Promise<void> => stopOrphan(pidFile(folder), folder, 'SIGTERM');

export const natsUrl = ({ port, password }: NatsOptions): string => `nats://${USER}:${password}@127.0.0.1:${port}`;

export function launchNats(program: string, folder: string, onLine: (line: string) => void): Running {
  const child = spawn(program, ['--config', settingsFile(folder)], {
    env: bareEnvironment({}),
    detached: true, // out of reach of the terminal's Ctrl-C, like PostgreSQL
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return watch(child, {
    readyLine: /Server is ready/,
    onLine,
    faultIn: (line) => /\[FTL\] (.*)/.exec(line)?.[1],
    stopSignal: 'SIGTERM',
    graceMs: 3000,
  });
}

/** @throws when there is no server at the URL that lets us in and has JetStream. */
export async function checkNats(url: string): Promise<void> {
  try {
    const nats = await connectOnce({ natsUrl: url });
    await nats.jetstreamManager().finally(() => nats.close());
  } catch (cause) {
    throw new Error(`The server of NATS_URL cannot be used: ${reasonOf(cause)}.`, { cause });
  }
}

const settingsFile = (folder: string) => join(folder, 'nats.conf');
const pidFile = (folder: string) => join(folder, 'nats.pid');

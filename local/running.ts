/** A program that runs beside this one: when it is ready, what it says, how it ends. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Running {
  /** Nothing when it could not even be started. */
  pid: number | undefined;
  /** Rejects when it ends before that, or takes longer than a minute. */
  ready: Promise<void>;
  /** Resolves, once it has ended, with how: 'killed by SIGKILL', 'exit code 1: The disk is full.' */
  ended: Promise<string>;
  /** Asks it to end, and ends it by force when it takes longer than its grace. */
  stop(): Promise<void>;
  kill(): void;
}

export interface WatchOptions {
  /** The line by which it says that it is ready; without one, its first message to this process does. */
  readyLine?: RegExp;
  onLine: (line: string) => void;
  /** What a line says about a fault, in a sentence; nothing for any other line. */
  faultIn: (line: string) => string | undefined;
  stopSignal: NodeJS.Signals;
  graceMs: number;
}

const READY_MS = 60_000;

export function watch(child: ChildProcess, { readyLine, onLine, faultIn, stopSignal, graceMs }: WatchOptions): Running {
  const said = Promise.withResolvers<void>();
  if (!readyLine) child.once('message', () => said.resolve());

  let lastFault = '';
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      onLine(line);
      lastFault = faultIn(line) ?? lastFault;
      if (readyLine?.test(line)) said.resolve();
    });
  }

  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message)); // it could not even be started
    child.once('close', (code, signal) => resolve(manner(code, signal, lastFault)));
  });

  const ready = within(READY_MS, said.promise, ended).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  ready.catch(() => {}); // a restart waits for the end only

  return {
    pid: child.pid,
    ready,
    ended,
    async stop() {
      child.kill(stopSignal);
      const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(force);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function manner(code: number | null, signal: NodeJS.Signals | null, lastFault: string): string {
  if (signal) return `killed by ${signal}`;
  return lastFault && code ? `exit code ${code}: ${lastFault}` : `exit code ${code}`;
}

async function within(ms: number, ready: Promise<void>, ended: Promise<string>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`it was not ready after ${ms / 1000} s`)), ms);
  try {
    await Promise.race([
      ready,
      late.promise,
      ended.then((how) => {
        throw new Error(how);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

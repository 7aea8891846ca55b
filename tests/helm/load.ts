/**
 * Load on the router from a process of its own: requests go out when their time has come, whether earlier ones are answered or
 * not, as long as there is a client that does not wait for an answer.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bareEnvironment } from '#platform/config.ts';

export interface LoadOptions {
  url: string;
  /** A client with a connection of its own for each, that take turns. */
  tokens: string[];
  bookIds: string[];
  /** At most. */
  perSecond: number;
  /** Every so many requests one is sent a second time, with the same idempotency key. */
  repeatEvery?: number;
}

export interface Failure {
  at: string;
  client: number;
  why: string;
  tookMs: number;
}

/** So far. */
export interface Tally {
  sent: number;
  /** Status, or `userErrors:` and the code, and how often that was the answer. */
  answers: Record<string, number>;
  failed: number;
}

export interface LoadReport extends Tally {
  failures: Failure[];
  /** The rental that a key was answered with, in the order of the answers. */
  answered: { key: string; rentalId: string }[];
  /** Connections that were opened. */
  connections: number;
  p50Ms: number;
  p99Ms: number;
  longestMs: number;
  lastedMs: number;
}

export interface Load {
  tally(): Tally;
  /** Sends nothing more, and waits for the answers. */
  stop(): Promise<LoadReport>;
}

/** From the process, once a second and at its end. */
export type Message = { tally: Tally } | { report: LoadReport };

export function startLoad(options: LoadOptions): Load {
  const child = fork(join(import.meta.dirname, 'loadProcess.ts'), { env: bareEnvironment({}), execArgv: [] });
  let tally: Tally = { sent: 0, answers: {}, failed: 0 };
  const reported = Promise.withResolvers<LoadReport>();
  child.on('message', (message: Message) => {
    if ('report' in message) reported.resolve(message.report);
    else tally = message.tally;
  });
  child.once('exit', (code) => reported.reject(new Error(`The load ended by itself, with exit code ${code}.`)));
  reported.promise.catch(() => {}); // whoever stops it is told
  child.send(options);

  return {
    tally: () => tally,
    async stop() {
      if (child.connected) child.send('stop');
      const report = await reported.promise;
      if (child.exitCode === null) await once(child, 'exit');
      return report;
    },
  };
}

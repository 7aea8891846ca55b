/** The processes of a run: each is started again whenever it ends, as an orchestrator does. */
import { fork } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bareEnvironment } from '#platform/config.ts';
import { type Running, watch } from '../../local/running.ts';
import { type Environment, faultIn, mainOf, type Service } from '../../local/services.ts';
import type { HookSettings, Order } from './hook.ts';

export type PartOf = Service | 'postgres' | 'nats';

/** One process, started again whenever it ends. */
export interface Part {
  /** `book 1`, `nats`. */
  name: string;
  of: PartOf;
  /** Its own, and of those that work for it; none while it is down. */
  pids(): number[];
  kill(): void;
  /** Kills it, and keeps it down while the work is done. */
  whileDown(work: () => void): Promise<void>;
  /** Told to the hook in the process. */
  order(order: Order): void;
}

/** What only its keeper may do. */
export interface KeptPart extends Part {
  /** Rejects when it could not be started the first time. */
  ready: Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

export type Launched = Running & { order?: (order: Order) => void };

const RESTART_MS = 300;

export function keep(name: string, of: PartOf, launch: () => Launched): KeptPart {
  let stopping = false;
  let down = Promise.resolve();
  let running: Launched | null = launch();
  const { ready } = running;

  async function loop(): Promise<void> {
    while (!stopping) {
      await running?.ended;
      running = null;
      await sleep(RESTART_MS);
      await down;
      if (!stopping) running = launch();
    }
  }
  const looping = loop();

  return {
    name,
    of,
    ready,
    pids: () => (running?.pid ? [running.pid, ...childrenOf(running.pid)] : []),
    kill: () => running?.kill(),
    async whileDown(work) {
      const up = Promise.withResolvers<void>();
      down = up.promise;
      running?.kill();
      await running?.ended;
      try {
        work();
      } finally {
        up.resolve();
      }
    },
    order: (order) => running?.order?.(order),
    async stop() {
      stopping = true;
      await running?.stop();
      await looping;
    },
  };
}

/** PostgreSQL has one for each connection. On other systems than Linux they are left alone. */
function childrenOf(pid: number): number[] {
  return globSync(`/proc/${pid}/task/*/children`).flatMap((file) => {
    try {
      return readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      return []; // it has just ended
    }
  });
}

/** As `launchService`, with this suite's hook in the process. */
export function launchHooked(
  service: Service,
  environment: Environment,
  hook: HookSettings,
  onLine: (line: string) => void,
): Launched {
  const child = fork(mainOf(service), {
    env: bareEnvironment({
      ...environment,
      NODE_ENV: 'production',
      APOLLO_TELEMETRY_DISABLED: 'true',
      CHAOS: JSON.stringify(hook),
    }),
    execArgv: ['--import', join(import.meta.dirname, 'hook.ts')],
    detached: true, // out of reach of the terminal's Ctrl-C: it is stopped in its turn
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return {
    ...watch(child, { onLine, faultIn, stopSignal: 'SIGTERM', graceMs: 3000 }),
    order(order) {
      if (child.connected) child.send(order, () => {}); // it may just have died
    },
  };
}

/** All of Rentabook for one test file: real processes on free ports, servers of its own, data that is gone afterwards. */
import { Client } from 'pg';
import { claimFolder } from '../local/folder.ts';
import type { Environment, Service } from '../local/services.ts';
import { openSystem, type Part } from '../local/system.ts';
import { makeFolder, removeFolder } from './folders.ts';

export interface System {
  /** Of the router. */
  url: string;
  /** The settings by which the services find and trust one another: where their databases are, for instance. */
  environments: Record<Service, Environment>;
  /** What the sandbox bank has in its books. */
  bank: { intentsOf(rentalId: string): Promise<{ status: string; amount: number }[]> };
  /** Stops the part until `resume`. */
  pause(part: Part): Promise<void>;
  resume(part: Part): Promise<void>;
  /** Kills it at once; it is started again by itself. */
  kill(part: Part): void;
  stop(): Promise<void>;
}

/** Resolves when queries, mutations and subscriptions are answered. `settings` tune the services. */
export async function startSystem(settings: Environment = {}): Promise<System> {
  const folder = makeFolder();
  const system = await openSystem({
    folder,
    host: '127.0.0.1',
    port: 0,
    tuning: settings,
    careless: true,
    say: () => {}, // it is in the log files
  });

  async function stop(): Promise<void> {
    await system.stop();
    const claim = claimFolder(folder);
    if (claim) await removeFolder(claim);
  }

  try {
    for (const { steps } of system.stages) await Promise.all(steps.map(({ run }) => run(() => {})));
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: system.url,
    environments: system.environments,
    bank: { intentsOf: (rentalId) => intentsOf(databaseUrlOf('sandbox'), rentalId) },
    pause: (part) => system.keeperOf(part).stop(),
    resume: (part) => system.keeperOf(part).start(),
    kill: (part) => system.keeperOf(part).kill(),
    stop,
  };

  function databaseUrlOf(service: Service): string {
    const { DATABASE_URL } = system.environments[service];
    if (!DATABASE_URL) throw new Error(`${service} has no database`);
    return DATABASE_URL;
  }
}

async function intentsOf(databaseUrl: string, rentalId: string): Promise<{ status: string; amount: number }[]> {
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const { rows } = await database.query(
      "SELECT status, amount FROM payment_intent WHERE metadata->>'rentalId' = $1",
      [rentalId],
    );
    return rows;
  } finally {
    await database.end();
  }
}

/** All of Rentabook for one test file: real processes on free ports, servers of its own, data that is gone afterwards. */
import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Role } from '#platform/tokens.ts';
import { claimFolder } from '../local/folder.ts';
import type { Environment, Owner, Service } from '../local/services.ts';
import { openSystem, type Part } from '../local/system.ts';
import { createTokenIssuer } from '../subgraphs/customer/sessions.ts';
import { askDatabase } from './askDatabase.ts';
import { type Client, clientOf } from './client.ts';
import { makeFolder, removeFolder } from './folders.ts';

export interface System {
  /** Of the router. */
  url: string;
  /** Where all of it is kept: databases, streams, logs. */
  folder: string;
  /** The settings by which the services find and trust one another: where their databases are, for instance. */
  environments: Record<Service, Environment>;
  /** Customers with a token, who never signed up: hashing the passwords of hundreds takes longer than most tests. */
  newCustomers(count: number): Promise<Client[]>;
  /** The same with these roles, for an account that does not exist. */
  clientWith(...roles: Role[]): Promise<Client>;
  /** A token for an account, whether there is one or not. */
  tokenOf(customerId: string, options?: { roles?: Role[]; secondsToLive?: number }): Promise<string>;
  /** Asks the database of a service, past the service. */
  query<Row>(owner: Owner, sql: string, values?: unknown[]): Promise<Row[]>;
  /** What the sandbox bank has in its books. */
  bank: { intentsOf(rentalId: string): Promise<{ status: string; amount: number }[]> };
  /** Stops the part until `resume`. */
  pause(part: Part): Promise<void>;
  resume(part: Part): Promise<void>;
  /** Moves the clock of every service ahead, where the system was started with one that moves. */
  passDays(days: number): void;
  /** What time it is there. */
  now(): Date;
  /** Kills it at once; it is started again by itself. */
  kill(part: Part): void;
  stop(): Promise<void>;
}

/** Several tests at once make a machine slow, and no test is about how quick Book is; all of a test's crowd has one address. */
const patience: Environment = { BOOK_TIMEOUT_MS: '3000', RENTABOOK_LIMITS: 'off' };

/** A clock for all services that only goes on when it is told to, in addition to the real one. */
function movingClock(folder: string) {
  const file = join(folder, 'clock');
  let aheadMs = 0;
  const passDays = (days: number) => {
    aheadMs += days * 86_400_000;
    writeFileSync(`${file}.new`, String(aheadMs));
    renameSync(`${file}.new`, file); // at once: a service may read it at any time
  };
  passDays(0);
  const settings = {
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'clock.ts'))}`,
    TEST_CLOCK: file,
  };
  return { passDays, now: () => new Date(Date.now() + aheadMs), settings: settings as Environment }; // Node's and the test's own
}

/**
 * Resolves when queries, mutations and subscriptions are answered. `settings` tune the services; with `moving` their clock can
 * be moved.
 */
export async function startSystem(settings: Environment = {}, { moving = false } = {}): Promise<System> {
  const folder = makeFolder();
  const clock = moving ? movingClock(folder) : null;
  const system = await openSystem({
    folder,
    host: '127.0.0.1',
    port: 0,
    tuning: { ...patience, ...settings, ...clock?.settings },
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

  const issuer = await createTokenIssuer(system.environments.customer.TOKEN_KEYS ?? '');
  const tokenOf: System['tokenOf'] = (customerId, { roles = ['CUSTOMER'] as Role[], secondsToLive = 3600 } = {}) =>
    issuer.sign({ id: customerId, roles }, new Date((clock?.now().getTime() ?? Date.now()) + secondsToLive * 1000));

  return {
    url: system.url,
    folder,
    environments: system.environments,
    tokenOf,
    async newCustomers(count) {
      const tokens = await Promise.all(Array.from({ length: count }, () => tokenOf(randomUUID())));
      return tokens.map((token) => clientOf(system.url, token));
    },
    clientWith: async (...roles) => clientOf(system.url, await tokenOf(randomUUID(), { roles })),
    query: (owner, sql, values = []) => askDatabase(system.environments[owner].DATABASE_URL ?? '', sql, values),
    bank: {
      intentsOf: (rentalId) =>
        askDatabase(
          system.environments.sandbox.DATABASE_URL ?? '',
          "SELECT status, amount FROM payment_intent WHERE metadata->>'rentalId' = $1",
          [rentalId],
        ),
    },
    pause: (part) => system.keeperOf(part).stop(),
    resume: (part) => system.keeperOf(part).start(),
    passDays(days) {
      if (!clock) throw new Error('This system was started with a clock that does not move');
      clock.passDays(days);
    },
    now: () => clock?.now() ?? new Date(),
    kill: (part) => system.keeperOf(part).kill(),
    stop,
  };
}

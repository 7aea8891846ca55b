/** The system as `npm start` runs it, but for a bank that is quick and limits that are off; each process may stand still for a while. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { bareEnvironment } from '#platform/config.ts';
import type { Role } from '#platform/tokens.ts';
import { freePort } from '../local/ports.ts';
import type { Running } from '../local/running.ts';
import {
  type Environment,
  launchProcess,
  launchService,
  type Owner,
  owners,
  type Service,
  services,
  wiringOf,
} from '../local/services.ts';
import { createTokenIssuer } from '../subgraphs/customer/sessions.ts';
import { addBook, type Client, clientOf, eventually } from '../tests/client.ts';
import { cpuMsByDatabase, cpuMsOf } from './cpu.ts';
import type { Round } from './load.ts';
import { PLENTY } from './oneTransaction.ts';
import type { Rented, Renting } from './rentClients.ts';
import { openPool, type Servers } from './servers.ts';
import { forEach, makeSecrets } from './wiring.ts';

export type Part = Service | 'bank';

/** What the rivals do as well. */
export const coreParts: readonly Part[] = ['router', 'rental', 'book', 'bank'];
export const allParts: readonly Part[] = [...coreParts, 'delivery', 'customer', 'sandbox'];

const PATIENCE_MS = 120_000;

export interface RentShop {
  tokensOf(ids: readonly string[], roles?: Role[]): Promise<string[]>;
  /** Lets these parts run, and no others. Resolves when requests are let in: who stood still takes that for overload at first. */
  run(parts: readonly Part[]): Promise<void>;
  /** Lets all of them run, until each rental is in its customer's order history and its parcel at the carrier. */
  catchUp(): Promise<void>;
  /**
   * What clients in a process of their own come to, and the milliseconds of CPU of each process for one rental, PostgreSQL's by database.
   * @throws when one is not accepted, or the database has not as many accepted ones as were told of
   */
  rent(renting: Pick<Renting, 'tokens' | 'load'>): Promise<Round & { cpuMs: Record<string, number> }>;
  stop(): Promise<void>;
}

/** @param settings of every service, beside those that belong to the measurement */
export async function openRentShop(servers: Servers, titles: number, settings: Environment): Promise<RentShop> {
  const secrets = await makeSecrets();
  const ports = await forEach(services, freePort);
  const url = `http://127.0.0.1:${ports.router}`;
  const databaseUrls = await forEach(owners, (owner) => servers.createDatabase(owner));
  const wiring = { ports, host: '127.0.0.1', routerUrl: url, databaseUrls, natsUrl: servers.natsUrl, secrets };
  const environments = wiringOf(wiring);
  const bankPort = String(await freePort());
  const tuning: Environment = {
    RENTABOOK_DEMO: 'off',
    RENTABOOK_LIMITS: 'off',
    GRAPHIQL: 'off',
    SANDBOX_CARRIER_STEP_MS: '3600000', // parcels are made, and stay where they are
    ...settings,
  };
  environments.rental.STRIPE_URL = `http://127.0.0.1:${bankPort}`;

  const running = new Map<Part, Running>();
  running.set(
    'bank',
    launchProcess(join(import.meta.dirname, 'quickBank.ts'), { environment: { PORT: bankPort }, onLine: () => {} }),
  );
  const launch = async (service: Service) => {
    const environment = { ...environments[service], ...tuning };
    running.set(service, launchService(service, { environment, onLine: () => {} }));
    await running.get(service)?.ready;
  };
  await launch('customer'); // the others read its keys when they start
  await Promise.all(services.filter((service) => service !== 'customer').map(launch));
  const clients = fork(join(import.meta.dirname, 'rentClients.ts'), { env: bareEnvironment({}) });
  await running.get('bank')?.ready;
  const issuer = await createTokenIssuer(secrets.tokenKeys);
  const expiresAt = new Date(Date.now() + 3 * 3600_000);
  const signal = (part: Part, name: 'SIGSTOP' | 'SIGCONT') => {
    const pid = running.get(part)?.pid;
    if (pid) process.kill(pid, name);
  };

  const tokensOf = (ids: readonly string[], roles: Role[] = ['CUSTOMER']) =>
    Promise.all(ids.map((id) => issuer.sign({ id, roles }, expiresAt)));
  const wake = () => {
    for (const part of allParts) signal(part, 'SIGCONT');
  };
  process.once('exit', wake); // broken off: who stands still would never see that nobody is left
  const [token = null] = await tokensOf([randomUUID()], ['STAFF']);
  const staff = clientOf(url, token);
  const run = async (parts: readonly Part[]) => {
    for (const part of allParts) signal(part, parts.includes(part) ? 'SIGCONT' : 'SIGSTOP');
    if (!parts.includes('router')) return;
    await eventually(
      () => staff.data('{ admission { state } }'),
      ({ admission }) => admission.state === 'OPEN',
    );
  };
  const stock = await openStock(databaseUrls, staff, titles);

  function cpuMs(): Record<string, number> {
    const used: Record<string, number> = { clients: cpuMsOf(clients.pid), nats: cpuMsOf(servers.pidOf('nats')) };
    for (const [part, { pid }] of running) used[part] = cpuMsOf(pid);
    for (const [name, ms] of Object.entries(cpuMsByDatabase(servers.pidOf('postgres')))) used[`postgres ${name}`] = ms;
    return used;
  }

  return {
    tokensOf: (ids) => tokensOf(ids),
    run,
    async catchUp() {
      await run(allParts);
      await stock.caughtUp();
    },
    async rent(renting) {
      const [storedBefore, cpuBefore] = [await stock.accepted(), cpuMs()];
      const { accepted, ...round } = await answerOf(clients, { url, books: stock.books, ...renting });
      const cpuAfter = cpuMs();
      const stored = (await stock.accepted()) - storedBefore;
      if (stored !== accepted) throw new Error(`${accepted} rentals were told to be accepted, ${stored} are.`);
      const each = Object.entries(cpuAfter).map(([name, ms]) => {
        const usedMs = ms - (cpuBefore[name] ?? 0);
        return [name, Math.max(0, usedMs) / accepted]; // less than before where an idle connection was closed meanwhile
      });
      return { ...round, cpuMs: Object.fromEntries(each) };
    },
    async stop() {
      clients.disconnect();
      wake();
      process.off('exit', wake);
      await stock.close();
      await Promise.all([...running.values()].map((part) => part.stop()));
    },
  };
}

/** What the services have stored. */
interface Stock {
  books: string[];
  accepted(): Promise<number>;
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/** With so many titles, of more copies than can be rented. */
async function openStock(urls: Record<Owner, string>, staff: Client, titles: number): Promise<Stock> {
  const pools = await forEach(['book', 'rental', 'delivery', 'customer'], (owner) => openPool(urls[owner], 1));
  const count = async (owner: keyof typeof pools, rows: string): Promise<number> => {
    const { rows: found } = await pools[owner].query<{ count: number }>(`SELECT count(*)::int FROM ${rows}`);
    return found[0]?.count ?? 0;
  };
  const isAll = (all: number) => (found: number) => found === all;

  const books: string[] = [];
  for (let n = 0; n < titles; n++) books.push(await addBook(staff, 1));
  await pools.book.query('UPDATE book SET available = $1', [PLENTY]);
  await eventually(() => count('rental', 'book'), isAll(titles)); // so that prices are known

  const accepted = () => count('rental', "rental WHERE status = 'ACCEPTED'");
  return {
    books,
    accepted,
    async caughtUp() {
      const all = await accepted();
      await eventually(() => count('customer', "customer_order WHERE status = 'ACCEPTED'"), isAll(all), PATIENCE_MS);
      await eventually(() => count('delivery', "delivery WHERE status = 'CREATED'"), isAll(all), PATIENCE_MS);
    },
    close: async () => void (await Promise.all(Object.values(pools).map((pool) => pool.end()))),
  };
}

async function answerOf(clients: ChildProcess, renting: Renting): Promise<Exclude<Rented, { error: string }>> {
  clients.send(renting);
  const [rented] = (await once(clients, 'message')) as [Rented];
  if ('error' in rented) throw new Error(rented.error);
  return rented;
}

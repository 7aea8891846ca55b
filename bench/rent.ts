/** A rental from the client's request to ACCEPTED, through the router, beside the same writes as one transaction of one database. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ratiosOf, rounded, type Spread, spreadOf, spreadText, thousands } from './figures.ts';
import { type Load, measure, type Round } from './load.ts';
import { bothIn, makeOneDatabase, openUnitOfWork, rentByUnitOfWork, writeScript } from './oneTransaction.ts';
import type { Outcome } from './outcome.ts';
import { findPgbench } from './pgbench.ts';
import { allParts, coreParts, openRentShop, type Part } from './rentShop.ts';
import { withServers } from './servers.ts';
import { printTable, say } from './table.ts';

const ROUNDS = 3;
const LOAD: Load = { clients: 64, forMs: 5000, atMost: 100_000 };
const WARM_UP: Load = { ...LOAD, forMs: 3000 };
/** After a while in which it stood still. */
const WAKING: Load = { ...LOAD, forMs: 500 };
const TITLES = 50;
const CUSTOMERS = 2000;
/** Twice the clients: the gate is not what is measured. */
const ADMISSION_LIMIT = 128;

const CORE = 'what the rivals do';
const WHOLE = 'all services';
const PLAIN = 'one transaction';
const UNIT_OF_WORK = 'MikroORM';

/** With the CPU of each process for one rental, where they were told apart. */
type Measured = Round & { cpuMs?: Record<string, number> };

interface Rival {
  name: string;
  run(load: Load): Promise<Measured>;
}

export async function rent(): Promise<Outcome> {
  const pgbench = await findPgbench();
  return withServers(async (servers) => {
    const shop = await openRentShop(servers, TITLES, { ADMISSION_LIMIT: String(ADMISSION_LIMIT) });
    const folder = mkdtempSync(join(tmpdir(), 'rentabook-rent-'));
    const oneUrl = await servers.createDatabase('one');
    await makeOneDatabase(oneUrl, TITLES, CUSTOMERS);
    const orm = await openUnitOfWork(oneUrl, LOAD.clients);
    try {
      const script = writeScript(join(folder, 'rent.sql'), TITLES, CUSTOMERS);
      const tokens = await shop.tokensOf(Array.from({ length: CUSTOMERS }, () => randomUUID()));
      const throughRouter = (parts: readonly Part[]) => async (load: Load) => {
        await shop.catchUp();
        await shop.run(parts);
        await shop.rent({ tokens, load: WAKING });
        return shop.rent({ tokens, load });
      };
      const alone = (run: Rival['run']) => async (load: Load) => {
        await shop.catchUp();
        await shop.run([]);
        return run(load);
      };
      const { figures, ratio } = await compete([
        { name: CORE, run: throughRouter(coreParts) },
        { name: WHOLE, run: throughRouter(allParts) },
        { name: PLAIN, run: alone((load) => pgbench.measure(bothIn(oneUrl), load, script)) },
        {
          name: UNIT_OF_WORK,
          run: alone((load) => measure(load, () => rentByUnitOfWork(orm, TITLES, CUSTOMERS))),
        },
      ]);
      return {
        ratio,
        against:
          'the same writes as one transaction of one-row statements on one database (pgbench), without HTTP, GraphQL, broker and bank',
        figures: {
          clients: LOAD.clients,
          titles: TITLES,
          customers: CUSTOMERS,
          rounds: ROUNDS,
          admissionLimit: ADMISSION_LIMIT,
          ...figures,
        },
        servers: { postgres: servers.postgresVersion, nats: servers.natsVersion, pgbench: pgbench.version },
      };
    } finally {
      await orm.close();
      await shop.stop();
      rmSync(folder, { recursive: true });
    }
  });
}

type Figures = Record<
  string,
  { perSecond: Spread; oursTimes: Spread; p50Ms?: Spread; p99Ms?: Spread; cpuMs?: Record<string, number> }
>;

/** By turns, so that what else the machine does meets all of them. Ours is the first. */
async function compete(rivals: Rival[]): Promise<{ figures: Figures; ratio: number }> {
  say(`${LOAD.clients} clients, ${TITLES} titles, ${ROUNDS} rounds of ${LOAD.forMs / 1000} s each, by turns`);
  for (const { run } of rivals) await run(WARM_UP);

  const all = rivals.map(({ name, run }) => ({ name, run, rounds: [] as Measured[] }));
  const table = printTable(['round', 'rentals/s', 'p50 ms', 'p99 ms', 'CPU ms each'], [24, 12, 10, 10, 12]);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const { name, run, rounds } of all) {
      const one = await run(LOAD);
      rounds.push(one);
      const cpuMs = one.cpuMs && sum(Object.values(one.cpuMs));
      table.row(`${round} ${name}`, ...[one.perSecond, one.p50Ms, one.p99Ms, cpuMs].map(cell));
    }
  }

  const summary = printTable(
    ['median (lowest to highest)', 'rentals/s', 'ours is times', 'p50 ms', 'p99 ms'],
    [28, 26, 22, 22, 26],
  );
  const ours = all[0]?.rounds.map(({ perSecond }) => perSecond) ?? [];
  const figures: Figures = {};
  for (const { name, rounds } of all) {
    const rates = rounds.map(({ perSecond }) => perSecond);
    const times = (of: 'p50Ms' | 'p99Ms') => {
      const valuesMs = rounds.flatMap((one) => one[of] ?? []);
      return valuesMs.length ? { [of]: spreadOf(valuesMs) } : {};
    };
    const cpuMs = mediansOf(rounds.flatMap(({ cpuMs }) => (cpuMs ? [cpuMs] : [])));
    const figure = {
      perSecond: spreadOf(rates),
      oursTimes: ratiosOf(ours, rates),
      ...times('p50Ms'),
      ...times('p99Ms'),
      ...cpuMs,
    };
    figures[name] = figure;
    const { perSecond, oursTimes, p50Ms, p99Ms }: Figures[string] = figure;
    summary.row(name, ...[perSecond, oursTimes, p50Ms, p99Ms].map((one) => (one ? spreadText(one) : '')));
  }
  tellCpu(figures);
  return { figures, ratio: figures[PLAIN]?.oursTimes.median ?? Number.NaN };
}

/** Of each process, over the rounds. */
function mediansOf(rounds: Record<string, number>[]): { cpuMs?: Record<string, number> } {
  if (!rounds.length) return {};
  const processes = Object.keys(rounds[0] ?? {});
  return {
    cpuMs: Object.fromEntries(
      processes.map((process) => [process, spreadOf(rounds.map((round) => round[process] ?? 0)).median]),
    ),
  };
}

function tellCpu(figures: Figures): void {
  const told = Object.entries(figures).filter(([, { cpuMs }]) => cpuMs);
  const table = printTable(['CPU ms for one rental', ...told.map(([name]) => name)], [28, 22, 22]);
  for (const process of Object.keys(told[0]?.[1].cpuMs ?? {}))
    table.row(process, ...told.map(([, { cpuMs }]) => cell(cpuMs?.[process])));
  table.row('together', ...told.map(([, { cpuMs }]) => cell(sum(Object.values(cpuMs ?? {})))));
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
const cell = (value: number | undefined): string => (value === undefined ? '' : thousands(rounded(value)));

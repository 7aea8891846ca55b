/** The catalogue search, as many people use it at once: through the book subgraph, through the router, and its statements alone. */
import { cpus } from 'node:os';
import type { Pool } from 'pg';
import { Pool as Http } from 'undici';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { SIGNATURE_HEADER, sign } from '#platform/signature.ts';
import { freePort } from '../local/ports.ts';
import { launchService, services, wiringOf } from '../local/services.ts';
import { bookDatabase } from '../subgraphs/book/database.ts';
import { type SearchArgs, searchBooks, searchMemory } from '../subgraphs/book/search.ts';
import { ratiosOf, rounded, type Spread, spreadOf, spreadText, thousands } from './figures.ts';
import { type Load, measure, type Round } from './load.ts';
import type { Outcome } from './outcome.ts';
import { FULL_TEXT, fullTextSearch, plainSearch } from './plainSearch.ts';
import { searchesFor } from './searches.ts';
import { openPool, type Servers, withServers } from './servers.ts';
import { printTable, say } from './table.ts';
import { fillCatalogue, type Model, modelsFor } from './titles.ts';
import { forEach, makeSecrets } from './wiring.ts';

const TITLES = 82_000;
const MILLION = 1_000_000;
const SEARCHES = 2000;
/** Of these the answers are compared, of a million titles with fewer: the rival takes its time. */
const COMPARED = { some: 100, million: 20 };
const FIRST = 20;
const ROUNDS = 3;
const LOAD: Load = { clients: 16, forMs: 5000, atMost: 1_000_000 };
/** A person who types asks for each letter: some ten a second. */
const TYPING = { everyMs: 100 };
/** Each connection plans a statement five times before it keeps the plan. */
const WARM_UP: Load = { ...LOAD, forMs: 6000 };
/** As a service has it, where nobody sets DATABASE_POOL. */
const POOL = 10;

/** @param file of books in the format of goodbooks-10k; without one they are made up */
export const search = (file?: string): Promise<Outcome> =>
  withServers(async (servers) => {
    const models = await modelsFor(file);
    const some = await measureTitles(servers, 'book', TITLES, models, true);
    const million = await measureTitles(servers, 'million', MILLION, models, false);
    const { ratio } = some;
    return {
      ratio: ratio.median,
      against: `one statement that finds all matches by trigrams, ranks and sorts them, as this search was before: its p99 among ${thousands(TITLES)} titles`,
      figures: {
        books: file ? 'goodbooks-10k and variations' : 'made up',
        clients: LOAD.clients,
        asTyped: TYPING,
        rounds: ROUNDS,
        secondsPerRound: LOAD.forMs / 1000,
        [TITLES]: some,
        [MILLION]: million,
      },
      servers: { postgres: servers.postgresVersion },
    };
  });

interface Rival {
  name: string;
  ask(args: SearchArgs): Promise<unknown>;
  /** Where it is not LOAD. */
  load?: Partial<Load>;
}

/** The same as people ask it, instead of as fast as it answers. */
const asTyped = ({ name, ask }: Rival): Rival => ({ name: `${name}, as typed`, ask, load: TYPING });

async function measureTitles(servers: Servers, name: string, titles: number, models: Model[], overHttp: boolean) {
  const url = await servers.createDatabase(name);
  const orm = await openServiceDatabase({ ...bookDatabase, url, pool: POOL, log: createLog('bench', 'silent') });
  const pool = openPool(url, POOL);
  try {
    const from = performance.now();
    await fillCatalogue(pool, models, titles);
    const megabytes = await sizesOf(pool);
    await pool.query(FULL_TEXT);
    await servers.checkpoint();
    say(
      `${thousands(titles)} titles, filled in ${Math.round((performance.now() - from) / 1000)} s; MB: ${JSON.stringify(megabytes)}`,
    );

    const memory = searchMemory(() => orm.em.fork());
    const find = (args: SearchArgs) => searchBooks(orm.em.fork(), args, { withdrawn: false, ...memory });
    const searches: SearchArgs[] = [];
    for (const { variables, further } of searchesFor(models, SEARCHES)) {
      const args: SearchArgs = { ...variables, first: FIRST };
      const after = further ? (await find(args)).pageInfo.endCursor : null;
      searches.push({ ...args, after });
    }
    await compare(searches.slice(0, overHttp ? COMPARED.some : COMPARED.million), find, pool);

    const ours: Rival = { name: 'ours, statements', ask: find };
    const ranked: Rival = { name: 'all matches ranked', ask: (args) => plainSearch(pool, args) };
    const rivals: Rival[] = [ours, ranked, { name: 'tsvector and ts_rank', ask: (args) => fullTextSearch(pool, args) }];
    const shop = overHttp ? await openShop(servers, url) : null;
    try {
      if (shop) {
        const { book, alone, router } = shop;
        rivals.push(book, alone, router, ...[ours, ranked, book, router].map(asTyped));
      }
      const { measured, spreads } = await compete(rivals, searches);
      const p99Of = ({ name }: Rival) => (measured.get(name) ?? []).map(({ p99Ms }) => p99Ms ?? Number.NaN);
      const ratio = ratiosOf(p99Of(ranked), p99Of(ours));
      return { ratio, ...spreads, megabytes };
    } finally {
      await shop?.stop();
    }
  } finally {
    await pool.end();
    await orm.close();
  }
}

/** @throws when one of the answers differs from the rival's */
async function compare(searches: SearchArgs[], ours: (args: SearchArgs) => ReturnType<typeof searchBooks>, pool: Pool) {
  for (const args of searches) {
    const [{ edges }, theirs] = await Promise.all([ours(args), plainSearch(pool, args)]);
    if (edges.map(({ node }) => node.id).join() !== theirs.slice(0, FIRST).join())
      throw new Error(`${JSON.stringify(args)} finds other books than a statement that ranks all.`);
  }
  say(`${searches.length} searches find the same in the same order`);
}

const QUERY = `query Search($search: String, $filter: BookFilter, $orderBy: BookOrder, $first: Int, $after: String) {
  books(search: $search, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    edges { node { id title authors stock { available } } } pageInfo { hasNextPage endCursor }
  }
}`;

/** The book subgraph and the router as `npm start` has them, on this catalogue. */
async function openShop(servers: Servers, bookUrl: string) {
  const secrets = await makeSecrets();
  const ports = await forEach(services, freePort);
  const databaseUrls = { book: bookUrl, rental: '', delivery: '', customer: '', sandbox: '' };
  const wiring = wiringOf({ ports, host: '127.0.0.1', routerUrl: '', databaseUrls, natsUrl: servers.natsUrl, secrets });
  const environments = {
    book: { ...wiring.book, RENTABOOK_DEMO: 'off' },
    router: { ...wiring.router, RENTABOOK_LIMITS: 'off' },
  };
  const running = (['book', 'router'] as const).map((service) =>
    launchService(service, { environment: environments[service], onLine: () => {} }),
  );
  const clientOf = (port = 0) => new Http(`http://127.0.0.1:${port}`, { connections: LOAD.clients });
  const [book, router] = [clientOf(ports.book), clientOf(ports.router)];
  await Promise.all(running.map(({ ready }) => ready));
  const askBook = (args: SearchArgs) => post(book, args, secrets.routerKey);
  return {
    book: { name: 'ours, book subgraph', ask: askBook },
    alone: { name: 'ours, book, one client', ask: askBook, load: { clients: 1 } },
    router: { name: 'ours, router', ask: (args: SearchArgs) => post(router, args) },
    async stop() {
      await Promise.all([book.close(), router.close()]);
      await Promise.all(running.map((service) => service.stop()));
    },
  };
}

async function post(http: Http, args: SearchArgs, routerKey?: string): Promise<void> {
  const request = {
    method: 'POST',
    path: '/graphql',
    body: JSON.stringify({ query: QUERY, variables: args }),
  } as const;
  const signature = routerKey ? { [SIGNATURE_HEADER]: sign(routerKey, { ...request, client: '' }) } : {};
  const answer = await http.request({ ...request, headers: { 'content-type': 'application/json', ...signature } });
  const { data, errors } = (await answer.body.json()) as {
    data?: { books: { edges: unknown[] } | null };
    errors?: unknown;
  };
  if (!data?.books) throw new Error(`${JSON.stringify(args)} is answered with ${JSON.stringify(errors)}`);
}

interface Spreads {
  perSecond: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  /** Of all that runs on the machine, clients and database too. */
  cpuMs: Spread;
}

/** By turns, so that what else the machine does meets all of them. */
async function compete(rivals: Rival[], searches: SearchArgs[]) {
  let place = 0;
  const run = async (ask: Rival['ask'], load: Load) => {
    const before = machineMs();
    let asked = 0;
    const round = await measure(load, () => {
      asked += 1;
      place = (place + 7919) % searches.length; // a prime: all of them come, in no order
      return ask(searches[place] as SearchArgs);
    });
    return { ...round, cpuMs: rounded((machineMs() - before) / asked) };
  };
  for (const ask of new Set(rivals.map(({ ask }) => ask))) await run(ask, WARM_UP);

  const measured = new Map<string, (Round & { cpuMs: number })[]>();
  const table = printTable(['round', 'searches/s', 'p50 ms', 'p99 ms', 'CPU ms each'], [33, 12, 10, 10, 12]);
  for (let round = 1; round <= ROUNDS; round++)
    for (const { name, ask, load } of rivals) {
      const one = await run(ask, { ...LOAD, ...load });
      measured.set(name, [...(measured.get(name) ?? []), one]);
      table.row(`${round} ${name}`, one.perSecond, one.p50Ms ?? '', one.p99Ms ?? '', one.cpuMs);
    }

  const all = printTable(
    ['median (lowest to highest)', 'searches/s', 'p50 ms', 'p99 ms', 'CPU ms each'],
    [33, 24, 24, 26, 24],
  );
  const spreads: Record<string, Spreads> = {};
  for (const [name, rounds] of measured) {
    const spread: Spreads = {
      perSecond: spreadOf(rounds.map(({ perSecond }) => perSecond)),
      p50Ms: spreadOf(rounds.map(({ p50Ms }) => p50Ms ?? Number.NaN)),
      p99Ms: spreadOf(rounds.map(({ p99Ms }) => p99Ms ?? Number.NaN)),
      cpuMs: spreadOf(rounds.map(({ cpuMs }) => cpuMs)),
    };
    spreads[name] = spread;
    all.row(name, ...[spread.perSecond, spread.p50Ms, spread.p99Ms, spread.cpuMs].map(spreadText));
  }
  return { measured, spreads };
}

const machineMs = (): number =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);

async function sizesOf(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string; bytes: string }>(
    `SELECT indexrelid::regclass::text AS name, pg_relation_size(indexrelid) AS bytes FROM pg_index WHERE indrelid = 'book'::regclass
     UNION ALL SELECT 'the table', pg_relation_size('book')`,
  );
  return Object.fromEntries(rows.map(({ name, bytes }) => [name, rounded(Number(bytes) / 1e6)]));
}

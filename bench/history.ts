/** The order history among ten million orders: its first page and its ten thousandth, and with filters, beside plain SQL with OFFSET. */
import type { Pool } from 'pg';
import { SIGNATURE_HEADER, sign } from '#platform/signature.ts';
import { percentile, ratiosOf, rounded, type Spread, spreadOf, spreadText, thousands } from './figures.ts';
import { type LiveShop, openLiveShop } from './liveShop.ts';
import { fillHistory, ORDERS, type Reader } from './manyOrders.ts';
import { newOrder, prepare } from './orders.ts';
import type { Outcome } from './outcome.ts';
import { withServers } from './servers.ts';
import { printTable, say } from './table.ts';

const PAGE = 20;
/** From the first one; the pages after it are measured. */
const DEEP = 10_000;
const ROUNDS = 3;
/** Pages asked for in a round, one after the other; of OFFSET fewer, since a deep one takes a second. */
const ASKED = { ours: 100, offset: 20, deepOffset: 3, filtered: 20, plain: 3 };
/** Events that the history is told at once: so many of each of so many orders. */
const TOLD = { orders: 2000, events: 3 };

export const history = (): Promise<Outcome> =>
  withServers(async (servers) => {
    const shop = await openLiveShop(servers);
    try {
      const told = { few: await measureTelling(shop) };
      say(`filling in ${thousands(ORDERS)} orders`);
      const ids = await fillHistory(shop.history);
      await servers.checkpoint();
      const toldMany = await measureTelling(shop);
      say(`events told, a second: ${spreadText(told.few)} to an empty history, ${spreadText(toldMany)} to that one`);

      const library = await openReader(shop, ids['of 400,000 orders']);
      const { ratio, ...paging } = await measurePaging(library);
      const filtered = await measureFilters(library);
      const others = await measureOthers(shop, ids);
      return {
        ratio,
        against: `the same page by plain SQL with OFFSET, without GraphQL and HTTP: page ${thousands(DEEP)} of one customer's`,
        figures: { orders: ORDERS, rounds: ROUNDS, ...paging, filtered, others, told: { ...told, many: toldMany } },
        servers: { postgres: servers.postgresVersion, nats: servers.natsVersion },
      };
    } finally {
      await shop.stop();
    }
  });

/** Events a second, from Rental's outbox into the order history of new customers. */
async function measureTelling(shop: LiveShop): Promise<Spread> {
  const perSecond: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const orders = Array.from({ length: TOLD.orders }, newOrder);
    const from = performance.now();
    await prepare(shop.pool, orders, TOLD.events);
    await shop.told(orders, TOLD.orders * TOLD.events);
    perSecond.push((1000 * TOLD.orders * TOLD.events) / (performance.now() - from));
  }
  return spreadOf(perSecond);
}

interface Filter {
  status?: string[];
  from?: string;
  to?: string;
  search?: string;
}

interface Page {
  ids: string[];
  endCursor: string | null;
}

/** One customer, who asks the customer subgraph as the router would. */
interface HistoryReader {
  page(options?: { first?: number; after?: string | null; filter?: Filter }): Promise<Page>;
  /** By plain SQL, past the service. */
  offsetPage(offset: number, filter?: Filter): Promise<string[]>;
}

const QUERY = `query ($first: Int!, $after: String, $filter: OrderFilter) { me { orders(first: $first, after: $after, filter: $filter) {
  edges { node { id status bookTitle requestedAt dueAt quantity } } pageInfo { endCursor hasNextPage } } } }`;

interface Answer {
  data?: { me: { orders: { edges: { node: { id: string } }[]; pageInfo: { endCursor: string | null } } } };
  errors?: object[];
}

async function openReader(
  { environment, history: pool, tokensOf }: LiveShop,
  customerId: string,
): Promise<HistoryReader> {
  const { CUSTOMER_URL = '', ROUTER_KEY = '' } = environment;
  const [token] = await tokensOf([{ customerId }]);
  return {
    async page({ first = PAGE, after = null, filter = {} } = {}) {
      const body = JSON.stringify({ query: QUERY, variables: { first, after, filter } });
      const response = await fetch(CUSTOMER_URL, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          [SIGNATURE_HEADER]: sign(ROUTER_KEY, { method: 'POST', path: '/graphql', client: '', body }),
        },
        body,
      });
      const { data, errors } = (await response.json()) as Answer;
      if (!data || errors) throw new Error(`No page: ${JSON.stringify(errors)}`);
      const { edges, pageInfo } = data.me.orders;
      return { ids: edges.map(({ node }) => node.id), endCursor: pageInfo.endCursor };
    },
    offsetPage: (offset, filter = {}) => offsetPage(pool, customerId, offset, filter),
  };
}

async function offsetPage(pool: Pool, customerId: string, offset: number, { status, from, to, search }: Filter) {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT o.* FROM customer_order o WHERE customer_id = $1
       ${status ? 'AND status = ANY($2)' : 'AND $2::text[] IS NULL'}
       ${from ? 'AND requested_at >= $3' : 'AND $3::timestamptz IS NULL'}
       ${to ? 'AND requested_at < $4' : 'AND $4::timestamptz IS NULL'}
       ${search ? 'AND EXISTS (SELECT FROM book b WHERE b.id = o.book_id AND b.title ILIKE $5)' : 'AND $5::text IS NULL'}
     ORDER BY requested_at DESC, id DESC LIMIT ${PAGE} OFFSET ${offset}`,
    [customerId, status, from, to, search && `%${search}%`],
  );
  return rows.map(({ id }) => id);
}

/** Milliseconds that half of them take at most. */
async function medianMs(times: number, ask: () => Promise<unknown>): Promise<number> {
  const tookMs: number[] = [];
  for (let n = 0; n < times; n++) {
    const from = performance.now();
    await ask();
    tookMs.push(performance.now() - from);
  }
  return percentile(tookMs, 0.5);
}

async function measurePaging(reader: HistoryReader) {
  const from = performance.now();
  let cursor: string | null = null;
  const step = 100;
  for (let read = 0; read < DEEP * PAGE; read += step)
    cursor = (await reader.page({ first: step, after: cursor })).endCursor;
  say(
    `the first ${thousands(DEEP * PAGE)} orders of one customer, read in pages of ${step}: ${((performance.now() - from) / 1000).toFixed(1)} s`,
  );
  const [ours, theirs] = [(await reader.page({ after: cursor })).ids, await reader.offsetPage(DEEP * PAGE)];
  if (!same(ours, theirs)) throw new Error('The pages of cursors and of OFFSET are not the same.');

  const rounds = {
    first: [] as number[],
    deep: [] as number[],
    offsetFirst: [] as number[],
    offsetDeep: [] as number[],
  };
  const table = printTable(
    ['a page, median ms', 'page 1', `page ${thousands(DEEP)}`, 'OFFSET 0', `OFFSET ${thousands(DEEP * PAGE)}`],
    [20, 12, 14, 12, 16],
  );
  for (let round = 1; round <= ROUNDS; round++) {
    let after = cursor;
    const next = async () => {
      after = (await reader.page({ after })).endCursor;
    };
    rounds.first.push(await medianMs(ASKED.ours, () => reader.page()));
    rounds.deep.push(await medianMs(ASKED.ours, next));
    rounds.offsetFirst.push(await medianMs(ASKED.offset, () => reader.offsetPage(0)));
    rounds.offsetDeep.push(await medianMs(ASKED.deepOffset, () => reader.offsetPage(DEEP * PAGE)));
    table.row(`round ${round}`, ...Object.values(rounds).map((one) => thousands(rounded(one.at(-1) ?? 0))));
  }
  const deepToFirst = ratiosOf(rounds.deep, rounds.first);
  const timesAsQuick = ratiosOf(rounds.offsetDeep, rounds.deep);
  say(
    `page ${thousands(DEEP)} takes ${spreadText(deepToFirst)} times as long as page 1; OFFSET takes ${spreadText(timesAsQuick)} times as long as ours`,
  );
  return {
    ratio: timesAsQuick.median,
    pageMs: { first: spreadOf(rounds.first), deep: spreadOf(rounds.deep) },
    offsetMs: { first: spreadOf(rounds.offsetFirst), deep: spreadOf(rounds.offsetDeep) },
    deepToFirst,
    timesAsQuick,
  };
}

const same = (some: readonly string[], others: readonly string[]) => some.join() === others.join();

const filters: Record<string, Filter> = {
  'a status of most': { status: ['CLOSED'] },
  'a status of few': { status: ['RETURNED'] },
  'a status of none': { status: ['LOST'] },
  'three statuses': { status: ['LOST', 'RETURNED', 'CANCELLED'] },
  'one day': { from: '2024-05-01T00:00:00Z', to: '2024-05-02T00:00:00Z' },
  'one day, a status of few': { from: '2024-05-01T00:00:00Z', to: '2024-05-02T00:00:00Z', status: ['RETURNED'] },
  'a word of every title': { search: 'sea' },
  'a word of each hundredth': { search: '7 Islands' },
  'the title of one book': { search: 'v1234' },
  'the title of none': { search: 'v9995' },
  'the title of none, a status of few': { search: 'v9995', status: ['RETURNED'] },
};

/** The first page of each, beside the obvious statement. */
async function measureFilters(reader: HistoryReader) {
  const figures: Record<string, { oursMs: number; plainMs: number }> = {};
  const table = printTable(['the first page with', 'rows', 'ours, ms', 'plain SQL, ms'], [36, 6, 12, 14]);
  for (const [name, filter] of Object.entries(filters)) {
    const { ids } = await reader.page({ filter });
    if (!same(ids, await reader.offsetPage(0, filter))) throw new Error(`With ${name} the orders are not the same.`);
    const oursMs = rounded(await medianMs(ASKED.filtered, () => reader.page({ filter })));
    const plainMs = rounded(await medianMs(ASKED.plain, () => reader.offsetPage(0, filter)));
    figures[name] = { oursMs, plainMs };
    table.row(name, ids.length, thousands(oursMs), thousands(plainMs));
  }
  return figures;
}

/** Those of customers with fewer orders. */
async function measureOthers(shop: LiveShop, ids: Record<Reader, string>) {
  const figures: Record<string, { pageMs: number; searchMs: number }> = {};
  const table = printTable(['a customer', 'a page, ms', 'the title of none, ms'], [24, 12, 24]);
  for (const [name, id] of Object.entries(ids)) {
    const reader = await openReader(shop, id);
    const pageMs = rounded(await medianMs(ASKED.ours, () => reader.page()));
    const searchMs = rounded(await medianMs(ASKED.filtered, () => reader.page({ filter: { search: 'v9995' } })));
    figures[name] = { pageMs, searchMs };
    table.row(name, thousands(pageMs), thousands(searchMs));
  }
  return figures;
}

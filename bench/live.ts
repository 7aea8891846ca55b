/** Live order status for thousands of customers: latency, memory and CPU of our router, beside Hive Gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Crowd, gather } from './crowd.ts';
import { percentile, ratiosOf, rounded, spreadOf, spreadText, thousands } from './figures.ts';
import { type Gateway, type GatewayName, gatewayNames, startGateway } from './gateways.ts';
import { type LiveShop, openLiveShop } from './liveShop.ts';
import { changeSteadily, type Order, settled, told } from './orders.ts';
import type { Outcome } from './outcome.ts';
import { withServers } from './servers.ts';
import { printTable, say } from './table.ts';

const SIZES = [1000, 5000, 10_000];
const STEADY = { perSecond: 200, forMs: 15_000 };
/** What a process does in its first seconds is measured for neither. */
const WARM_UP = { perSecond: 200, forMs: 5000 };
const IDLE_MS = 10_000;
/** So that neither always meets the machine first. */
const TURNS: readonly GatewayName[] = ['ours', 'hive', 'hive', 'ours'];
/** Up to the highest rate that is told in time. */
const STEPS = { clients: 1000, factor: 1.4, forMs: 10_000, p99AtMostMs: 1000 };
/** One client of a busy customer does not read: its share of the changes brings some 50 kB each. */
const STALL = { clients: 1000, rounds: 5, perSecond: 200, forMs: 10_000, share: 0.1, timeline: 300 };
const PATIENCE_MS = 60_000;

const STATUS =
  'subscription { orderStatus { cursor rentalId status previousStatus message occurredAt order { status } } }';
const TIMELINE = 'subscription { orderStatus { cursor order { timeline { cursor type status message occurredAt } } } }';

export const live = (): Promise<Outcome> =>
  withServers(async (servers) => {
    const shop = await openLiveShop(servers);
    try {
      const crowds = await measureCrowds(shop);
      const highest = await measureHighest(shop);
      const stalled = await measureStalled(shop);
      const [ours, hive] = [crowds.ours[1], crowds.hive[1]];
      if (!ours || !hive) throw new Error('One of the two was not measured.');
      return {
        ratio: hive.p99Ms / ours.p99Ms,
        against: `Hive Gateway before the same subgraph: p99 from the commit to one of ${thousands(ours.clients)} clients`,
        figures: { steady: STEADY, crowds, steps: STEPS, highest, stall: STALL, stalled },
        servers: { postgres: servers.postgresVersion, nats: servers.natsVersion },
      };
    } finally {
      await shop.stop();
    }
  });

/** Clients of a gateway that has just been started, one of each order. */
interface Followed {
  gateway: Gateway;
  orders: Order[];
  crowd: Crowd;
  /** From the commit to the client, since this was last emptied. */
  latenciesMs: number[];
}

async function follow(gateway: Gateway, shop: LiveShop, orders: Order[], query = STATUS): Promise<Followed> {
  const latenciesMs: number[] = [];
  const crowd = await gather({
    url: gateway.url,
    tokens: await shop.tokensOf(orders),
    query,
    onTold(place) {
      const order = orders[place];
      if (order) latenciesMs.push(told(order));
    },
  });
  return { gateway, orders, crowd, latenciesMs };
}

/** Does the work with a gateway of its own. */
async function withGateway<T>(name: GatewayName, shop: LiveShop, work: (gateway: Gateway) => Promise<T>): Promise<T> {
  const gateway = await startGateway(name, shop.environment);
  try {
    return await work(gateway);
  } finally {
    await gateway.stop();
  }
}

const inTurn = <T>(items: readonly T[]): (() => T) => {
  let turn = 0;
  return () => {
    const item = items[turn++ % items.length];
    if (item === undefined) throw new Error('There is nobody whose turn it is.');
    return item;
  };
};

interface Pace {
  perSecond: number;
  forMs: number;
}

interface Told {
  /** As they were committed; fewer than wished, where the machine has no more to give. */
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Changes that were never told, and clients that were sent away: not one is expected. */
  missing: number;
}

/** Changes at an even pace, until the last of them was told; with the CPU that the gateway has used for them, of one core. */
async function change(
  shop: LiveShop,
  { gateway, orders, crowd, latenciesMs }: Followed,
  pace: Pace,
  next = inTurn(orders),
): Promise<Told & { cpuPercent: number }> {
  latenciesMs.length = 0;
  const cpuBefore = gateway.cpuMs();
  const perSecond = await changeSteadily(shop.pool, next, pace);
  const untold = await settled(orders, PATIENCE_MS);
  return {
    perSecond: rounded(perSecond),
    p50Ms: rounded(percentile(latenciesMs, 0.5)),
    p99Ms: rounded(percentile(latenciesMs, 0.99)),
    missing: untold + crowd.lost(),
    cpuPercent: rounded((100 * (gateway.cpuMs() - cpuBefore)) / pace.forMs),
  };
}

interface CrowdFigures extends Told {
  connectSeconds: number;
  /** Of the process before there was anybody. */
  emptyRssMb: number;
  rssKbPerClient: number;
  heapKbPerClient: number;
  /** Of one core, for all clients together, while nothing changes. */
  idleCpuPercent: number;
  busyCpuPercent: number;
}

/** Of several turns: the latencies of all of them in one, of the rest the mean. */
type CrowdSummary = CrowdFigures & { clients: number; turns: number };

async function measureCrowds(shop: LiveShop): Promise<Record<GatewayName, CrowdSummary[]>> {
  say(`${STEADY.perSecond} changes a second for ${STEADY.forMs / 1000} s, each told to the one client of its customer`);
  const columns = [
    'p50 ms',
    'p99 ms',
    'missing',
    'rss kB/cl.',
    'heap kB/cl.',
    'idle CPU %',
    'busy CPU %',
    'connected s',
  ];
  const table = printTable(['gateway', 'clients', ...columns], [8, 8, 8, 8, 8, 11, 11, 11, 11, 12]);
  const summaries: Record<GatewayName, CrowdSummary[]> = { ours: [], hive: [] };
  for (const clients of SIZES) {
    const orders = await shop.newOrders(clients);
    const turns: Record<GatewayName, { figures: CrowdFigures; latenciesMs: number[] }[]> = { ours: [], hive: [] };
    for (const name of TURNS) {
      const turn = await withGateway(name, shop, (gateway) => measureCrowd(shop, gateway, orders));
      turns[name].push(turn);
      table.row(name, thousands(clients), ...cellsOf(turn.figures));
    }
    for (const name of gatewayNames) summaries[name].push(summaryOf(clients, turns[name]));
  }
  return summaries;
}

const cellsOf = (figures: CrowdFigures): string[] =>
  (
    [
      'p50Ms',
      'p99Ms',
      'missing',
      'rssKbPerClient',
      'heapKbPerClient',
      'idleCpuPercent',
      'busyCpuPercent',
      'connectSeconds',
    ] as const
  ).map((name) => thousands(figures[name]));

function summaryOf(clients: number, turns: { figures: CrowdFigures; latenciesMs: number[] }[]): CrowdSummary {
  const latenciesMs = turns.flatMap((turn) => turn.latenciesMs);
  const mean = (name: keyof CrowdFigures) =>
    rounded(turns.reduce((sum, { figures }) => sum + figures[name], 0) / turns.length);
  return {
    clients,
    turns: turns.length,
    perSecond: mean('perSecond'),
    p50Ms: rounded(percentile(latenciesMs, 0.5)),
    p99Ms: rounded(percentile(latenciesMs, 0.99)),
    missing: turns.reduce((sum, { figures }) => sum + figures.missing, 0),
    connectSeconds: mean('connectSeconds'),
    emptyRssMb: mean('emptyRssMb'),
    rssKbPerClient: mean('rssKbPerClient'),
    heapKbPerClient: mean('heapKbPerClient'),
    idleCpuPercent: mean('idleCpuPercent'),
    busyCpuPercent: mean('busyCpuPercent'),
  };
}

async function measureCrowd(shop: LiveShop, gateway: Gateway, orders: Order[]) {
  const empty = await gateway.memory();
  const from = performance.now();
  const followed = await follow(gateway, shop, orders);
  const connectSeconds = (performance.now() - from) / 1000;
  const full = await gateway.memory();
  const cpuBefore = gateway.cpuMs();
  await sleep(IDLE_MS);
  const idleMs = gateway.cpuMs() - cpuBefore;
  await change(shop, followed, WARM_UP);
  const { cpuPercent, ...told } = await change(shop, followed, STEADY);
  const kbPerClient = (name: 'rssBytes' | 'heapUsedBytes') =>
    rounded((full[name] - empty[name]) / orders.length / 1000);
  const figures: CrowdFigures = {
    ...told,
    connectSeconds: rounded(connectSeconds),
    emptyRssMb: rounded(empty.rssBytes / 1e6),
    rssKbPerClient: kbPerClient('rssBytes'),
    heapKbPerClient: kbPerClient('heapUsedBytes'),
    idleCpuPercent: rounded((100 * idleMs) / IDLE_MS),
    busyCpuPercent: cpuPercent,
  };
  await followed.crowd.leave();
  return { figures, latenciesMs: followed.latenciesMs };
}

/** The pace is raised until the slowest hundredth is told too late, or less is committed than wished. */
async function measureHighest(shop: LiveShop): Promise<Record<GatewayName, Told>> {
  say('');
  say(`the highest rate with a p99 of at most ${STEPS.p99AtMostMs} ms, ${STEPS.clients} clients`);
  const table = printTable(
    ['gateway', 'wished/s', 'changes/s', 'p50 ms', 'p99 ms', 'missing', 'CPU'],
    [8, 10, 10, 8, 8, 8, 8],
  );
  const highest: Partial<Record<GatewayName, Told>> = {};
  const orders = await shop.newOrders(STEPS.clients);
  for (const name of gatewayNames)
    await withGateway(name, shop, async (gateway) => {
      const followed = await follow(gateway, shop, orders);
      for (let wished = STEADY.perSecond; ; wished = rounded(wished * STEPS.factor)) {
        const found = await change(shop, followed, { perSecond: wished, forMs: STEPS.forMs });
        const cells = [wished, found.perSecond, found.p50Ms, found.p99Ms, found.missing].map(thousands);
        table.row(name, ...cells, `${found.cpuPercent} %`);
        if (found.p99Ms > STEPS.p99AtMostMs || found.missing || found.perSecond < 0.9 * wished) break;
        highest[name] = found;
      }
      await followed.crowd.leave();
    });
  const { ours, hive } = highest;
  if (!ours || !hive) throw new Error(`Not even ${STEADY.perSecond} changes a second were told in time.`);
  return { ours, hive };
}

/** The p99 of everybody else, while one client of a busy customer reads and while it does not, by turns. */
async function measureStalled(shop: LiveShop) {
  say('');
  say(`the others' p99 beside a client that does not read, ${STALL.clients} clients`);
  const table = printTable(
    ['gateway', 'round', 'reading, p99 ms', 'stalled, p99 ms', 'rss grew by'],
    [8, 6, 16, 16, 12],
  );
  const p99s: Record<GatewayName, { reading: number[]; stalled: number[] }> = {
    ours: { reading: [], stalled: [] },
    hive: { reading: [], stalled: [] },
  };
  for (let round = 1; round <= STALL.rounds; round++)
    for (const name of inOrder(round, gatewayNames)) {
      const grewMb = { reading: 0, stalled: 0 };
      for (const how of inOrder(round, ['reading', 'stalled'] as const)) {
        const found = await besideBusy(shop, name, how === 'stalled');
        p99s[name][how].push(found.p99Ms);
        grewMb[how] = found.grewMb;
      }
      const { reading, stalled } = p99s[name];
      table.row(name, round, reading.at(-1) ?? 0, stalled.at(-1) ?? 0, `${grewMb.stalled} MB`);
    }
  return Object.fromEntries(
    gatewayNames.map((name) => {
      const { reading, stalled } = p99s[name];
      const times = ratiosOf(stalled, reading);
      say(`${name}: with a stalled client the others' p99 is ${spreadText(times)} times as long`);
      return [name, { reading: spreadOf(reading), stalled: spreadOf(stalled), times }];
    }),
  );
}

/** The other way round in every second one. */
const inOrder = <T>(round: number, rivals: readonly T[]): T[] => (round % 2 ? [...rivals] : rivals.toReversed());

async function besideBusy(
  shop: LiveShop,
  name: GatewayName,
  stalled: boolean,
): Promise<{ p99Ms: number; grewMb: number }> {
  const others = await shop.newOrders(STALL.clients);
  const [busy] = await shop.newOrders(1, STALL.timeline);
  if (!busy) throw new Error('There is one.');
  return withGateway(name, shop, async (gateway) => {
    const [followed, busyOne] = [await follow(gateway, shop, others), await follow(gateway, shop, [busy], TIMELINE)];
    const before = await gateway.memory();
    await change(shop, followed, WARM_UP);
    if (stalled) busyOne.crowd.pause(0);
    const nextOfOthers = inTurn(others);
    let turn = 0;
    const next = () => (turn++ % (1 / STALL.share) === 0 ? busy : nextOfOthers());
    const { p99Ms } = await change(shop, followed, STALL, next);
    const after = await gateway.memory();
    await Promise.all([followed, busyOne].map(({ crowd }) => crowd.leave()));
    return { p99Ms, grewMb: rounded((after.rssBytes - before.rssBytes) / 1e6) };
  });
}

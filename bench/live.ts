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
const IDLE_MS = 15_000;
/** Up to the highest rate that is told in time. */
const STEPS = { clients: 1000, factor: 1.4, forMs: 10_000, p99AtMostMs: 1000 };
/** One client of a busy customer does not read: its share of the changes brings some 30 kB each. */
const STALL = { clients: 1000, rounds: 5, perSecond: 200, forMs: 10_000, share: 0.2, timeline: 200 };
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

/** Changes at an even pace, until the last of them was told. */
async function change(shop: LiveShop, { orders, crowd, latenciesMs }: Followed, pace: Pace, next = inTurn(orders)) {
  latenciesMs.length = 0;
  const perSecond = await changeSteadily(shop.pool, next, pace);
  const untold = await settled(orders, PATIENCE_MS);
  return {
    perSecond: rounded(perSecond),
    p50Ms: rounded(percentile(latenciesMs, 0.5)),
    p99Ms: rounded(percentile(latenciesMs, 0.99)),
    missing: untold + crowd.lost(),
  } satisfies Told;
}

interface CrowdFigures extends Told {
  clients: number;
  connectSeconds: number;
  /** Of the process before there was anybody. */
  emptyRssMb: number;
  rssKbPerClient: number;
  heapKbPerClient: number;
  /** Of one core, while nothing changes, for all clients together. */
  idleCpuPercent: number;
  busyCpuPercent: number;
  idleCpuMicrosPerClientSecond: number;
}

async function measureCrowds(shop: LiveShop): Promise<Record<GatewayName, CrowdFigures[]>> {
  say(`${STEADY.perSecond} changes a second for ${STEADY.forMs / 1000} s, each told to the one client of its customer`);
  const table = printTable(
    [
      'gateway',
      'clients',
      'p50 ms',
      'p99 ms',
      'missing',
      'rss kB/cl.',
      'heap kB/cl.',
      'idle CPU',
      'busy CPU',
      'connected in',
    ],
    [8, 8, 8, 8, 8, 11, 11, 9, 9, 13],
  );
  const figures: Record<GatewayName, CrowdFigures[]> = { ours: [], hive: [] };
  for (const clients of SIZES) {
    const orders = await shop.newOrders(clients);
    for (const name of gatewayNames) {
      const found = await withGateway(name, shop, (gateway) => measureCrowd(shop, gateway, orders));
      figures[name].push(found);
      const { p50Ms, p99Ms, missing, rssKbPerClient, heapKbPerClient, idleCpuPercent, busyCpuPercent } = found;
      const cells = [clients, p50Ms, p99Ms, missing, rssKbPerClient, heapKbPerClient].map(thousands);
      table.row(name, ...cells, `${idleCpuPercent} %`, `${busyCpuPercent} %`, `${found.connectSeconds} s`);
    }
  }
  return figures;
}

async function measureCrowd(shop: LiveShop, gateway: Gateway, orders: Order[]): Promise<CrowdFigures> {
  const clients = orders.length;
  const empty = await gateway.memory();
  const from = performance.now();
  const followed = await follow(gateway, shop, orders);
  const connectSeconds = (performance.now() - from) / 1000;
  const full = await gateway.memory();
  const idleMs = await cpuWhile(gateway, () => sleep(IDLE_MS));
  let found: Told | undefined;
  const busyMs = await cpuWhile(gateway, async () => {
    found = await change(shop, followed, STEADY);
  });
  await followed.crowd.leave();
  if (!found) throw new Error('Nothing was measured.');
  return {
    clients,
    ...found,
    connectSeconds: rounded(connectSeconds),
    emptyRssMb: rounded(empty.rssBytes / 1e6),
    rssKbPerClient: rounded((full.rssBytes - empty.rssBytes) / clients / 1000),
    heapKbPerClient: rounded((full.heapUsedBytes - empty.heapUsedBytes) / clients / 1000),
    idleCpuPercent: rounded((100 * idleMs) / IDLE_MS),
    busyCpuPercent: rounded((100 * busyMs) / STEADY.forMs),
    idleCpuMicrosPerClientSecond: rounded((1e6 * idleMs) / IDLE_MS / clients),
  };
}

async function cpuWhile(gateway: Gateway, work: () => Promise<unknown>): Promise<number> {
  const before = gateway.cpuMs();
  await work();
  return gateway.cpuMs() - before;
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
        let found: Told | undefined;
        const busyMs = await cpuWhile(gateway, async () => {
          found = await change(shop, followed, { perSecond: wished, forMs: STEPS.forMs });
        });
        if (!found) throw new Error('Nothing was measured.');
        const cells = [wished, found.perSecond, found.p50Ms, found.p99Ms, found.missing].map(thousands);
        table.row(name, ...cells, `${rounded((100 * busyMs) / STEPS.forMs)} %`);
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
    for (const name of gatewayNames) {
      const [reading, stalled] = [await besideBusy(shop, name, false), await besideBusy(shop, name, true)];
      p99s[name].reading.push(reading.p99Ms);
      p99s[name].stalled.push(stalled.p99Ms);
      table.row(name, round, reading.p99Ms, stalled.p99Ms, `${stalled.grewMb} MB`);
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

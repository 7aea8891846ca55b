/** A page of rentals with what three subgraphs know of each: our router, Hive Gateway and Apollo's gateway before the same subgraphs. */
import { ratiosOf, rounded, type Spread, spreadOf, spreadText, thousands } from './figures.ts';
import type { Load } from './load.ts';
import type { Outcome } from './outcome.ts';
import { checkSame, openReaders, type Readers } from './readers.ts';
import { type ReadGateway, type ReadGatewayName, readGatewayNames, startReadGateway } from './readGateways.ts';
import { openRealShop, openStaticShop, type ReadShop } from './readShops.ts';
import { rivalVersion } from './rivals.ts';
import { printTable, say } from './table.ts';

const ROUNDS = 3;
const LOAD: Load = { clients: 64, forMs: 8000, atMost: Number.POSITIVE_INFINITY };
const WARM_UP: Load = { ...LOAD, forMs: 3000 };
const REAL_RENTALS = 1000;

export async function reads(): Promise<Outcome> {
  const overStatic = await competeOver('static subgraphs', () => openStaticShop(LOAD.clients));
  const overReal = await competeOver('the real subgraphs', () => openRealShop(LOAD.clients, REAL_RENTALS));
  return {
    ratio: overStatic.hive.oursTimes.median,
    against: 'Hive Gateway (Rust planner)',
    figures: { clients: LOAD.clients, rounds: ROUNDS, secondsPerRound: LOAD.forMs / 1000, overStatic, overReal },
    servers: {
      hiveGateway: rivalVersion('@graphql-hive/gateway-runtime'),
      hiveRouter: rivalVersion('@graphql-hive/router-runtime'),
    },
  };
}

/** All gateways stand by; one at a time has work. */
async function competeOver(title: string, open: () => Promise<ReadShop>): Promise<Record<ReadGatewayName, Summary>> {
  say('');
  say(`${title}: ${LOAD.clients} clients, ${ROUNDS} rounds of ${LOAD.forMs / 1000} s each, by turns`);
  const shop = await open();
  const competitors: Competitor[] = [];
  try {
    for (const name of readGatewayNames) {
      const gateway = await startReadGateway(name, name === 'ours' ? shop.environment : shop.rivalEnvironment);
      competitors.push({ gateway, readers: openReaders(gateway.url, shop.tokens), measured: [] });
    }
    await readTheSame(competitors);
    await measureInTurns(shop, competitors);
    return summaryOf(competitors);
  } finally {
    await Promise.all(competitors.map(({ readers }) => readers.close()));
    await Promise.all(competitors.map(({ gateway }) => gateway.stop()));
    await shop.stop();
  }
}

interface Competitor {
  gateway: ReadGateway;
  readers: Readers;
  /** In each round. */
  measured: Measured[];
}

async function readTheSame(competitors: Competitor[]): Promise<void> {
  const answers: Parameters<typeof checkSame>[0] = {};
  for (const { gateway, readers } of competitors) answers[gateway.name] = await readers.readAll();
  checkSame(answers);
  say(`all of them answer the same on ${answers.ours?.length} pages`);
}

const figureNames = [
  'perSecond',
  'p50Ms',
  'p99Ms',
  'cpuMsPerRead', // of the gateway, as are the next two
  'cpuPercent', // of one core
  'rssMb',
  'clientCpuMsPerRead',
  'subgraphCpuPercent', // where the subgraphs tell of themselves
  'askedPerRead', // requests to subgraphs, likewise
] as const;
type FigureName = (typeof figureNames)[number];
type Measured = Partial<Record<FigureName, number>>;

async function measureInTurns(shop: ReadShop, competitors: Competitor[]): Promise<void> {
  for (const { readers } of competitors) await readers.measure(WARM_UP);
  const heading = [
    'reads/s',
    'p50 ms',
    'p99 ms',
    'CPU ms/read',
    'CPU %',
    'rss MB',
    'client ms',
    'subgr. %',
    'asked/read',
  ];
  const table = printTable(['round', ...heading], [10, 9, 8, 8, 12, 7, 7, 10, 9, 11]);
  for (let round = 1; round <= ROUNDS; round++)
    for (const competitor of competitors) {
      const one = await measureRound(shop, competitor);
      competitor.measured.push(one);
      const cells = figureNames.map((name) => (one[name] === undefined ? '' : thousands(one[name])));
      table.row(`${round} ${competitor.gateway.name}`, ...cells);
    }
}

async function measureRound(shop: ReadShop, { gateway, readers }: Competitor): Promise<Measured> {
  const health = askHealth(gateway);
  const before = await useOf(shop, gateway);
  const { reads, ...round } = await readers.measure(LOAD);
  const after = await useOf(shop, gateway);
  clearInterval(health);

  const used = (name: keyof Use) => after[name] - before[name];
  const percent = (name: keyof Use) => rounded((100 * used(name)) / used('atMs'));
  const perRead = (name: keyof Use) => rounded(used(name) / reads);
  return {
    ...round,
    cpuMsPerRead: perRead('gatewayCpuMs'),
    cpuPercent: percent('gatewayCpuMs'),
    rssMb: rounded(gateway.rssMb()),
    clientCpuMsPerRead: perRead('clientCpuMs'),
    ...(shop.use && { subgraphCpuPercent: percent('subgraphCpuMs'), askedPerRead: perRead('asked') }),
  };
}

/** So far. */
interface Use {
  atMs: number;
  gatewayCpuMs: number;
  /** Of this process, which is all of the clients. */
  clientCpuMs: number;
  subgraphCpuMs: number;
  asked: number;
}

async function useOf(shop: ReadShop, gateway: ReadGateway): Promise<Use> {
  const { cpuMs: subgraphCpuMs, asked } = (await shop.use?.()) ?? { cpuMs: 0, asked: 0 };
  const { user, system } = process.cpuUsage();
  const clientCpuMs = (user + system) / 1000;
  return { atMs: performance.now(), gatewayCpuMs: gateway.cpuMs(), clientCpuMs, subgraphCpuMs, asked };
}

/** As an orchestrator does; the rivals are spared it. */
function askHealth({ name, url }: ReadGateway): NodeJS.Timeout | undefined {
  if (name !== 'ours') return undefined;
  const ask = async (path: string) => void (await (await fetch(url + path)).text());
  return setInterval(() => void Promise.all([ask('/livez'), ask('/readyz')]), 1000);
}

type Summary = Partial<Record<FigureName, Spread>> & {
  /** The rate of ours, as so many times this one. */
  oursTimes: Spread;
};

function summaryOf(competitors: Competitor[]): Record<ReadGatewayName, Summary> {
  const table = printTable(['median (lowest to highest)', 'reads/s', 'ours is times', 'CPU ms/read'], [28, 26, 22, 26]);
  const valuesOf = (measured: Measured[], name: FigureName) => measured.flatMap((one) => one[name] ?? []);
  const [ours] = competitors.map(({ measured }) => valuesOf(measured, 'perSecond'));
  const summaries = competitors.map(({ gateway, measured }): [string, Summary] => {
    const spreads = figureNames.flatMap((name) => {
      const values = valuesOf(measured, name);
      return values.length ? [[name, spreadOf(values)] as const] : [];
    });
    const oursTimes = ratiosOf(ours ?? [], valuesOf(measured, 'perSecond'));
    const summary: Summary = { ...Object.fromEntries(spreads), oursTimes };
    const told = [summary.perSecond, oursTimes, summary.cpuMsPerRead];
    table.row(gateway.name, ...told.map((spread) => (spread ? spreadText(spread) : '')));
    return [gateway.name, summary];
  });
  return Object.fromEntries(summaries) as Record<ReadGatewayName, Summary>; // one of each
}

/** The processes of Rentabook, and what each gets to know: its own secrets, nobody else's. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { bareEnvironment, type Setting } from '#platform/config.ts';
import { type Running, watch } from './running.ts';
import type { Secrets } from './secrets.ts';

const mains = {
  book: 'subgraphs/book/main.ts',
  rental: 'subgraphs/rental/main.ts',
  delivery: 'subgraphs/delivery/main.ts',
  customer: 'subgraphs/customer/main.ts',
  sandbox: 'sandbox/main.ts',
  router: 'router/main.ts',
} as const;

export type Service = keyof typeof mains;
export const services = Object.keys(mains) as Service[];

/** The file that a service's process runs. */
export const mainOf = (service: Service): string => join(import.meta.dirname, '..', mains[service]);

/** Every service but the router has a database of its own. */
export type Owner = Exclude<Service, 'router'>;
export const owners = services.filter((service) => service !== 'router');

export type Environment = Partial<Record<Setting, string>>;

export interface Wiring {
  ports: Record<Service, number>;
  /** Where the router listens; everything else is for this machine alone. */
  host: string;
  /** Where the router is reached. */
  routerUrl: string;
  databaseUrls: Record<Owner, string>;
  natsUrl: string;
  secrets: Secrets;
  /** By which customers are told, where they are. */
  notifying?: Environment | undefined;
}

/** The settings by which the services find and trust one another. */
export function wiringOf({
  ports,
  host,
  routerUrl,
  databaseUrls,
  natsUrl,
  secrets,
  notifying = {},
}: Wiring): Record<Service, Environment> {
  const url = (service: Service) => `http://127.0.0.1:${ports[service]}`;
  const place = (service: Service) => ({ HOST: '127.0.0.1', PORT: String(ports[service]) });
  const trust = { ROUTER_KEY: secrets.routerKey, JWKS_URL: `${url('customer')}/.well-known/jwks.json` };
  const subgraph = (service: Owner) => ({
    ...place(service),
    ...trust,
    DATABASE_URL: databaseUrls[service],
    NATS_URL: natsUrl,
  });
  const bank = { STRIPE_SECRET_KEY: secrets.stripeSecretKey };
  const carrier = { CARRIER_KEY: secrets.carrierKey, CARRIER_WEBHOOK_SECRET: secrets.carrierWebhookSecret };

  return {
    book: { ...subgraph('book'), RENTABOOK_DEMO: 'on' },
    rental: { ...subgraph('rental'), ...bank, STRIPE_URL: url('sandbox') },
    delivery: { ...subgraph('delivery'), ...carrier, CARRIER_URL: url('sandbox') },
    customer: { ...subgraph('customer'), TOKEN_KEYS: secrets.tokenKeys, RENTABOOK_DEMO: 'on', ...notifying },
    sandbox: {
      ...place('sandbox'),
      ...bank,
      ...carrier,
      DATABASE_URL: databaseUrls.sandbox,
      SANDBOX_CARRIER_WEBHOOK_URL: `${routerUrl}/webhooks/carrier`,
    },
    router: {
      ...place('router'),
      ...trust,
      HOST: host,
      BOOK_URL: `${url('book')}/graphql`,
      RENTAL_URL: `${url('rental')}/graphql`,
      DELIVERY_URL: `${url('delivery')}/graphql`,
      CUSTOMER_URL: `${url('customer')}/graphql`,
    },
  };
}

/** Those that may be given to every process: what tunes, as against an address or a secret, which only the wiring hands out. */
export const tuningIn = (given: Environment): Environment =>
  Object.fromEntries(
    Object.entries(given).filter(
      ([name]) => !/^(PORT|HOST|METRICS_PORT|NATS_.*|SMTP_.*|NOTIFY_.*)$|_(URL|KEY|KEYS|SECRET|DATA)$/.test(name),
    ),
  );

/** Those by which customers are told. */
export const notifyingIn = (given: Environment): Environment =>
  Object.fromEntries(Object.entries(given).filter(([name]) => /^(SMTP|NOTIFY)_/.test(name)));

/**
 * Node strips types and compiles each file once, and finds it here the next time: later starts take 3.7 s instead of 6.6
 * (bench/start.ts, 2 cores). It is written as a process ends.
 */
const COMPILED = join(import.meta.dirname, '..', '.cache', 'node');

/** To finish what it has begun. The router, then the others, then the servers take so long each at most: 9 s of the 10 s promised. */
const GRACE_MS = 3000;

export interface ServiceOptions {
  environment: Environment;
  onLine: (line: string) => void;
  /** Of Node itself; never what this process was started with. */
  execArgv?: string[];
}

/**
 * The demo's bank and courier are not what anybody waits for: with 4 MB for fresh objects instead of 16 their process takes 23 MB
 * less at rest, and up to 60 less at work. (A process that answers GraphQL would pay for it with a tenth of its CPU or more.)
 */
const nodeOptions: Partial<Record<Service, string[]>> = { sandbox: ['--max-semi-space-size=4'] };

export function launchService(service: Service, { environment, onLine }: ServiceOptions): Running {
  return launchProcess(mainOf(service), { environment, onLine, execArgv: nodeOptions[service] ?? [] });
}

/** Runs a file whose process is made by `run` of platform/process.ts. */
export function launchProcess(file: string, { environment, onLine, execArgv = [] }: ServiceOptions): Running {
  const child = fork(file, {
    env: bareEnvironment({
      ...environment,
      NODE_ENV: 'production',
      NODE_COMPILE_CACHE: COMPILED,
      MALLOC_ARENA_MAX: '2', // the C library's pools: with as many as it likes each process takes some 5 MB more
      APOLLO_TELEMETRY_DISABLED: 'true',
    }),
    execArgv,
    detached: true, // out of reach of the terminal's Ctrl-C: it is stopped in its turn
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return watch(child, { onLine, faultIn, stopSignal: 'SIGTERM', graceMs: GRACE_MS });
}

/** The fault that a log line of platform/log.ts tells of, in a sentence, or what Node writes of an error that nobody caught. */
export function faultIn(line: string): string | undefined {
  if (!line.startsWith('{')) return /^\w*Error\b.*/.exec(line)?.[0];
  const { level, msg, err } = JSON.parse(line);
  if (level !== 'error' && level !== 'fatal') return undefined; // warnings are of what mends itself
  return err?.message ? `${msg}: ${err.message}` : msg;
}

/** All of Rentabook on one machine: the stages of its start, the processes it is made of, its end. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bareEnvironment } from '#platform/config.ts';
import { reachedAt } from '#platform/network.ts';
import { provision, serviceUrl } from '#platform/provision.ts';
import { ENVIRONMENT_FILE, type RunningSystem } from '#platform/runningSystem.ts';
import { claimFolder } from './folder.ts';
import { Keeper } from './keeper.ts';
import { openLogFile } from './logFile.ts';
import { checkNats, launchNats, natsUrl, prepareNats, stopOrphanedNats } from './nats.ts';
import { natsProgram } from './natsProgram.ts';
import { choosePorts, freePort, portIsFree } from './ports.ts';
import { launchPostgres, postgresUrl, preparePostgres, stopOrphanedPostgres } from './postgres.ts';
import { probe } from './probe.ts';
import type { Running } from './running.ts';
import { keepSecrets } from './secrets.ts';
import {
  type Environment,
  faultIn,
  launchService,
  type Owner,
  owners,
  type Service,
  services,
  wiringOf,
} from './services.ts';

export interface SystemOptions {
  /** Everything that outlives the run. */
  folder: string;
  /** Of the router; with 0 it takes a free one, as do all the others: systems that start at once must not wish for the same. */
  port: number;
  host: string;
  /** An existing PostgreSQL, entered as an account that may create roles and databases. */
  databaseUrl?: string | undefined;
  /** An existing NATS with JetStream. */
  natsUrl?: string | undefined;
  /** Path of a nats-server. */
  natsServer?: string | undefined;
  /** Settings that are given to every service. */
  tuning: Environment;
  /** Those by which customers are told; for Customer alone. */
  notifying?: Environment;
  /** Whether the router's page is built first. */
  page?: boolean;
  /** For tests alone: quicker, and not safe from a power cut. */
  careless?: boolean;
  /** Is told what a person should know, a sentence at a time. */
  say: (sentence: string) => void;
}

export type Part = Service | 'postgres' | 'nats';

/** The steps of a stage run side by side, the stages one after another. */
interface Stage {
  title: string;
  steps: Step[];
}

interface Step {
  title: string;
  /** Answers what there is now. `note` is told what takes its time. */
  run(note: (text: string) => void): Promise<string>;
}

export interface System {
  /** Of the router. */
  url: string;
  /** A file of log lines for each part. */
  logs: string;
  stages: Stage[];
  /** The settings by which the services find and trust one another. */
  environments: Record<Service, Environment>;
  /** The process of a part, once its stage has run. */
  keeperOf(part: Part): Keeper;
  /** Ends all of it, in the order in which nothing is lost. To be called once, at any time. */
  stop(): Promise<void>;
}

/** The ports of the first start, when they are free. */
const familiarPorts = {
  book: 4001,
  rental: 4002,
  delivery: 4003,
  customer: 4004,
  sandbox: 4005,
  postgres: 4010,
  nats: 4011,
};

const anyPorts = { book: 0, rental: 0, delivery: 0, customer: 0, sandbox: 0, postgres: 0, nats: 0 };

/** Of the accounts to try it with (subgraphs/customer/demo.ts), where the settings name nobody else. */
const DEMO_ADMIN = 'admin@demo.test';

const PAGE_BUILD = join(import.meta.dirname, '..', 'web', 'build.ts');
/** It takes a few seconds. */
const PAGE_MS = 60_000;

/** Claims folder and port; nothing runs yet. @throws when another one uses them. */
export async function openSystem(options: SystemOptions): Promise<System> {
  const { host, say } = options;
  const port = options.port || (await freePort());
  const url = urlOf(host, port);
  const claim = claimFolder(options.folder);
  if (!claim)
    throw new Error(
      `Rentabook already runs on the data in ${options.folder}: stop it first, or set RENTABOOK_DATA to another folder.`,
    );
  const folder = claim.path;
  const folders = { postgres: join(folder, 'postgres'), nats: join(folder, 'nats'), logs: join(folder, 'logs') };
  const environmentFile = join(folder, ENVIRONMENT_FILE);
  await Promise.all([stopOrphanedPostgres(folders.postgres), stopOrphanedNats(folders.nats)]);
  if (!(await portIsFree(port, host))) {
    claim.release();
    throw new Error(`Port ${port} is in use: stop what listens on it, or set PORT to another one.`);
  }

  mkdirSync(folders.logs, { recursive: true, mode: 0o700 });
  const secrets = await keepSecrets(join(folder, 'secrets.json'));
  const ports = {
    ...(await choosePorts(join(folder, 'ports.json'), options.port ? familiarPorts : anyPorts)),
    router: port,
  };
  const nats = { folder: folders.nats, port: ports.nats, password: secrets.natsPassword };
  const adminUrl = options.databaseUrl ?? postgresUrl(ports.postgres, secrets.postgresPassword);

  const environments = wiringOf({
    ports,
    host,
    routerUrl: url,
    natsUrl: options.natsUrl ?? natsUrl(nats),
    databaseUrls: ofOwners((owner) => serviceUrl(adminUrl, databaseOf(owner), secrets.databasePasswords[owner])),
    secrets,
    notifying: options.notifying,
  });

  const tuning = hasAdministrators(options.tuning) ? options.tuning : { SUPERUSER: DEMO_ADMIN, ...options.tuning };
  const closing = new AbortController();
  const keepers = new Map<Part, Keeper>();

  async function begin(
    part: Part,
    launch: (onLine: (line: string) => void) => Running,
    hear?: (line: string) => void,
  ): Promise<void> {
    closing.signal.throwIfAborted();
    const log = openLogFile(join(folders.logs, `${part}.log`));
    const onLine = (line: string) => {
      log.write(line);
      hear?.(line);
    };
    const keeper = new Keeper(part, () => launch(onLine), say);
    keepers.set(part, keeper);
    await keeper.start();
  }

  async function startPostgres(): Promise<string> {
    if (options.databaseUrl) return `PostgreSQL: the server of DATABASE_URL, ${withoutPassword(adminUrl)}`;
    const cluster = await preparePostgres(folders.postgres, secrets.postgresPassword, closing.signal);
    const { careless = false } = options;
    await begin('postgres', (onLine) => launchPostgres(cluster, { port: ports.postgres, careless, onLine }));
    const elsewhere =
      cluster.data === folders.postgres ? '' : `, data in ${cluster.data}, where root's helper account can reach it`;
    return `PostgreSQL on 127.0.0.1:${ports.postgres}${elsewhere}`;
  }

  async function startNats(note: (text: string) => void): Promise<string> {
    if (options.natsUrl) {
      await checkNats(options.natsUrl);
      return `NATS: the server of NATS_URL, ${withoutPassword(options.natsUrl)}`;
    }
    const program = await natsProgram({ named: options.natsServer, say: note, signal: closing.signal });
    prepareNats(nats);
    await begin('nats', (onLine) => launchNats(program.path, nats.folder, onLine));
    return `NATS ${program.version} on 127.0.0.1:${ports.nats}`;
  }

  /** Without it there is the one that was built before, or none: everything else does its work. */
  async function buildPage(): Promise<string> {
    const options = { env: bareEnvironment({}), signal: closing.signal, timeout: PAGE_MS };
    const { stdout } = await promisify(execFile)(process.execPath, [PAGE_BUILD], options).catch(
      (error: { stdout?: string; message: string }) => ({ stdout: error.stdout || error.message }),
    );
    closing.signal.throwIfAborted();
    return stdout.trim();
  }

  async function makeDatabases(): Promise<string> {
    const passwords = owners.map((owner) => [databaseOf(owner), secrets.databasePasswords[owner]]);
    await provision(adminUrl, Object.fromEntries(passwords));
    // For command-line tools: they work on the running system.
    writeFileSync(environmentFile, JSON.stringify(placesIn(environments)), { mode: 0o600 });
    return 'a database for each service';
  }

  async function startService(service: Service): Promise<string> {
    const environment = { ...environments[service], ...tuning };
    const hear = (line: string) => {
      const fault = faultIn(line);
      if (fault && !closing.signal.aborted) say(`${service}: ${fault}`);
    };
    await begin(service, (onLine) => launchService(service, { environment, onLine }), hear);
    return `${service} on 127.0.0.1:${ports[service]}`;
  }

  async function stopAll(parts: readonly Part[]): Promise<void> {
    await Promise.all(parts.map((part) => keepers.get(part)?.stop()));
  }

  return {
    url,
    logs: folders.logs,
    environments,
    stages: [
      {
        title: 'infrastructure',
        steps: [
          { title: 'PostgreSQL', run: startPostgres },
          { title: 'NATS', run: startNats },
          ...(options.page ? [{ title: 'the page', run: buildPage }] : []),
        ],
      },
      { title: 'databases', steps: [{ title: 'one for each service', run: makeDatabases }] },
      { title: 'services', steps: services.map((service) => ({ title: service, run: () => startService(service) })) },
      {
        title: 'a try',
        steps: [
          {
            title: 'a query, a mutation and a subscription',
            run: () => probe(url, closing.signal).then(() => 'query, mutation and subscription are answered'),
          },
        ],
      },
    ],
    keeperOf(part) {
      const keeper = keepers.get(part);
      if (!keeper) throw new Error(`${part} was not started here`);
      return keeper;
    },
    async stop() {
      closing.abort();
      rmSync(environmentFile, { force: true });
      await stopAll(['router']); // nobody asks any more
      await stopAll(owners); // nobody needs the servers any more
      await stopAll(['nats', 'postgres']);
      claim.release();
    },
  };
}

function urlOf(host: string, port: number): string {
  const reached = reachedAt(host);
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

function placesIn(environments: Record<Service, Environment>): RunningSystem {
  const places: RunningSystem = {};
  for (const owner of owners) {
    const { DATABASE_URL, NATS_URL } = environments[owner];
    if (DATABASE_URL) places[owner] = { DATABASE_URL, NATS_URL };
  }
  return places;
}

/** The demo's cannot sign in at an outside provider. */
const hasAdministrators = (given: Environment) => Boolean(given.SUPERUSER || given.SUPERUSER_FILE || given.OIDC_ISSUER);

const databaseOf = (owner: Owner) => `rentabook_${owner}`;

const ofOwners = (make: (owner: Owner) => string) =>
  Object.fromEntries(owners.map((owner) => [owner, make(owner)])) as Record<Owner, string>;

function withoutPassword(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

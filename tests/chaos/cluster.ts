/** All of Rentabook in real processes, two replicas of each service and of the router, with a wire between any two that speak. */
import { fork } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { bareEnvironment } from '#platform/config.ts';
import { claimFolder } from '../../local/folder.ts';
import { openLogFile } from '../../local/logFile.ts';
import { launchNats, natsUrl, prepareNats } from '../../local/nats.ts';
import { natsProgram } from '../../local/natsProgram.ts';
import { freePort } from '../../local/ports.ts';
import { launchPostgres, postgresUrl, preparePostgres } from '../../local/postgres.ts';
import { probe } from '../../local/probe.ts';
import { provision, serviceUrl } from '../../local/provision.ts';
import { type Running, watch } from '../../local/running.ts';
import { keepSecrets } from '../../local/secrets.ts';
import { type Environment, faultIn, mainOf, type Owner, owners, type Service, wiringOf } from '../../local/services.ts';
import { makeFolder, removeFolder } from '../folders.ts';
import { seedFor } from './dice.ts';
import { type Disk, mountDisk } from './disks.ts';
import type { HookSettings, Order } from './hook.ts';
import type { PlantName } from './plants.ts';
import { layWire, type Wire } from './wires.ts';

/** Those that are replicated; the sandbox is one, as bank and courier are. */
const subgraphs = ['book', 'rental', 'delivery', 'customer'] as const;
const doubled = [...subgraphs, 'router'] as const;

/** Quick enough that a rental's whole life fits into a short run. */
const tuning: Environment = {
  SANDBOX_CARRIER_STEP_MS: '400',
  CARRIER_POLL_MS: '2000',
  CARRIER_TIMEOUT_MS: '1500',
  PAYMENT_TIMEOUT_MS: '1500',
  SETTLE_WAIT_MS: '2000',
};

/** As an orchestrator that starts a dead process again. */
const RESTART_MS = 300;

export interface ClusterOptions {
  seed: number;
  plant: PlantName | null;
}

/** One process, started again whenever it ends. */
export interface Part {
  /** `book 1`, `nats`. */
  name: string;
  service: Service | 'postgres' | 'nats';
  /** Nothing while it is down. */
  pid(): number | undefined;
  kill(): void;
  /** Kills it, and keeps it down while the work is done. */
  whileDown(work: () => void): Promise<void>;
  /** Told to the hook in the process. */
  order(order: Order): void;
}

export interface Cluster {
  routerUrls: string[];
  parts: Part[];
  wires: Wire[];
  /** By the server that writes on it; none where mounting is refused. */
  disks: Map<'postgres' | 'nats', Disk>;
  /** Where the broker keeps its streams. */
  natsStore: string;
  /** Around all wires, for whoever judges. */
  databaseUrls: Record<Owner, string>;
  natsUrl: string;
  logs: string;
  /** Names of the crash points at which a process has died. */
  crashes(): string[];
  /** How often a process dies by itself, from now on; at first none does. */
  crash(perMinute: number): void;
  stop(): Promise<void>;
}

/** @throws when a part cannot be started; then nothing is left running. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const claim = claimFolder(makeFolder());
  if (!claim) throw new Error('Somebody else claimed a new folder');
  const folder = claim.path;
  const logs = join(folder, 'logs');
  const natsFolder = join(folder, 'nats');
  const crashFile = join(folder, 'crashes');
  mkdirSync(logs);
  writeFileSync(crashFile, '');

  const parts: KeptPart[] = [];
  const wires: Wire[] = [];
  const disks: Cluster['disks'] = new Map();
  let crashesPerMinute = 0;

  async function stop(): Promise<void> {
    const stopAll = (services: Part['service'][]) =>
      Promise.all(parts.filter(({ service }) => services.includes(service)).map((part) => part.stop()));
    await stopAll(['router']);
    await stopAll(owners);
    await stopAll(['nats', 'postgres']);
    await Promise.all(wires.map((wire) => wire.close()));
    await removeFolder({ path: folder, release: () => claim?.release() });
  }

  async function begin(name: string, service: Part['service'], launch: Launch): Promise<void> {
    const log = openLogFile(join(logs, `${name.replace(' ', '-')}.log`));
    const part = keep(name, service, () => launch(log.write));
    parts.push(part);
    await part.ready;
  }

  async function lay(name: string, targets: number[]): Promise<number> {
    const wire = await layWire(name, targets);
    wires.push(wire);
    return wire.port;
  }

  function mount(server: 'postgres' | 'nats', path: string, megabytes: number): void {
    const disk = mountDisk(path, megabytes);
    if (disk) disks.set(server, disk);
  }

  try {
    mount('postgres', join(folder, 'disk'), 512);
    mount('nats', natsFolder, 256);
    const secrets = await keepSecrets(join(folder, 'secrets.json'));
    const postgresPort = await freePort();
    const nats = { folder: natsFolder, port: await freePort(), password: secrets.natsPassword };
    const adminUrl = postgresUrl(postgresPort, secrets.postgresPassword);

    const postgresData = join(folder, 'disk', 'postgres');
    const postgres = await preparePostgres(postgresData, secrets.postgresPassword);
    symlinkSync(postgresData, join(folder, 'postgres')); // where it is looked for when a run was killed
    prepareNats(nats);
    const { path: natsServer } = await natsProgram();
    await Promise.all([
      begin('postgres', 'postgres', (onLine) =>
        launchPostgres(postgres, { port: postgresPort, careless: true, onLine }),
      ),
      begin('nats', 'nats', (onLine) => launchNats(natsServer, natsFolder, onLine)),
    ]);
    await provision(
      adminUrl,
      ofOwners((owner) => [databaseOf(owner), secrets.databasePasswords[owner]]),
    );
    await keepLogOfPostgresSmall(adminUrl);

    const portOf = new Map<string, number>();
    for (const name of [...doubled.flatMap(replicasOf), 'sandbox']) portOf.set(name, await freePort());
    const port = (name: string): number => portOf.get(name) ?? 0;
    const portsOf = (service: (typeof doubled)[number]) => replicasOf(service).map(port);
    const url = (port: number) => `http://127.0.0.1:${port}`;

    const wiredPorts = {
      book: await lay('router to book', portsOf('book')),
      rental: await lay('router to rental', portsOf('rental')),
      delivery: await lay('router to delivery', portsOf('delivery')),
      customer: await lay('router to customer', portsOf('customer')),
    };
    const bank = url(await lay('rental to bank', [port('sandbox')]));
    const carrier = url(await lay('delivery to carrier', [port('sandbox')]));
    const webhooks = url(await lay('courier to router', portsOf('router')));
    const databasePorts = new Map<Owner, number>();
    for (const owner of owners) databasePorts.set(owner, await lay(`${owner} to postgres`, [postgresPort]));
    const particular = new Map<Service, Environment>();
    for (const service of subgraphs) {
      const NATS_URL = natsUrl({ ...nats, port: await lay(`${service} to nats`, [nats.port]) });
      const provider = { rental: { STRIPE_URL: bank }, delivery: { CARRIER_URL: carrier }, book: {}, customer: {} };
      particular.set(service, { NATS_URL, ...provider[service] });
    }

    const databaseUrlOf = (owner: Owner, port: number) => {
      const entered = new URL(serviceUrl(adminUrl, databaseOf(owner), secrets.databasePasswords[owner]));
      entered.port = String(port);
      return entered.href;
    };
    const wiring = wiringOf({
      ports: { ...wiredPorts, sandbox: port('sandbox'), router: 0 },
      host: '127.0.0.1',
      routerUrl: webhooks,
      natsUrl: natsUrl(nats),
      databaseUrls: ofOwners((owner) => [owner, databaseUrlOf(owner, databasePorts.get(owner) ?? 0)]),
      secrets,
    });

    const environmentOf = (service: Service, name: string): Environment => ({
      ...wiring[service],
      ...particular.get(service),
      ...tuning,
      PORT: String(port(name)),
    });
    const beginService = (service: Service, name: string) => {
      let launches = 0;
      return begin(name, service, (onLine) => {
        const seed = seedFor(options.seed, `${name} ${launches++}`);
        const hook: HookSettings = { seed, name, crashesPerMinute, crashFile, plant: options.plant };
        return launchHooked(service, environmentOf(service, name), hook, onLine);
      });
    };
    await Promise.all([
      beginService('sandbox', 'sandbox'),
      ...doubled.flatMap((service) => replicasOf(service).map((name) => beginService(service, name))),
    ]);
    const routerUrls = portsOf('router').map(url);
    await Promise.all(routerUrls.map((router) => probe(router)));

    return {
      routerUrls,
      parts,
      wires,
      disks,
      natsStore: join(natsFolder, 'streams'),
      databaseUrls: ofOwners((owner) => [owner, databaseUrlOf(owner, postgresPort)]),
      natsUrl: natsUrl(nats),
      logs,
      crashes: () =>
        readFileSync(crashFile, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split('\t')[1] ?? ''),
      crash(perMinute) {
        crashesPerMinute = perMinute;
        for (const part of parts) part.order({ crashesPerMinute });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Launch = (onLine: (line: string) => void) => Launched;
type Launched = Running & { order?: (order: Order) => void };
type KeptPart = Part & { ready: Promise<void>; stop(): Promise<void> };

function keep(name: string, service: Part['service'], launch: () => Launched): KeptPart {
  let stopping = false;
  let down = Promise.resolve();
  let running: Launched | null = launch();
  const { ready } = running;
  ready.catch(() => {}); // for whoever waits for it

  async function loop(): Promise<void> {
    while (!stopping) {
      await running?.ended;
      running = null;
      await sleep(RESTART_MS);
      await down;
      if (!stopping) running = launch();
    }
  }
  const looping = loop();

  return {
    name,
    service,
    ready,
    pid: () => running?.pid,
    kill: () => running?.kill(),
    async whileDown(work) {
      const up = Promise.withResolvers<void>();
      down = up.promise;
      running?.kill();
      await running?.ended;
      try {
        work();
      } finally {
        up.resolve();
      }
    },
    order: (order) => running?.order?.(order),
    async stop() {
      stopping = true;
      await running?.stop();
      await looping;
    },
  };
}

/** As `launchService`, with this suite's hook in it. */
function launchHooked(
  service: Service,
  environment: Environment,
  hook: HookSettings,
  onLine: (line: string) => void,
): Launched {
  const child = fork(mainOf(service), {
    env: bareEnvironment({
      ...environment,
      NODE_ENV: 'production',
      APOLLO_TELEMETRY_DISABLED: 'true',
      CHAOS: JSON.stringify(hook),
    }),
    execArgv: ['--import', join(import.meta.dirname, 'hook.ts')],
    detached: true, // out of reach of the terminal's Ctrl-C: it is stopped in its turn
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const running = watch(child, { onLine, faultIn, stopSignal: 'SIGTERM', graceMs: 3000 });
  return {
    ...running,
    order(order) {
      if (child.connected) child.send(order, () => {}); // it may just have died
    },
  };
}

/** Its log of changes would grow to a gigabyte before it is used anew; the small disk has half of that. */
async function keepLogOfPostgresSmall(adminUrl: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query("ALTER SYSTEM SET max_wal_size = '96MB'");
    await admin.query('SELECT pg_reload_conf()');
  } finally {
    await admin.end();
  }
}

/** The process and, for PostgreSQL, those that work for it. */
export function pidsOf(part: Part): number[] {
  const pid = part.pid();
  if (!pid) return [];
  return [pid, ...(existsSync('/proc/self') ? childrenOf(pid) : [])];
}

function childrenOf(pid: number): number[] {
  return globSync(`/proc/${pid}/task/*/children`).flatMap((file) => {
    try {
      return readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      return []; // it has just ended
    }
  });
}

const replicasOf = (service: (typeof doubled)[number]): string[] => [`${service} 1`, `${service} 2`];
const databaseOf = (owner: Owner) => `rentabook_${owner}`;

/** The keys are the owners', or names made of theirs. */
const ofOwners = <K extends string, V>(make: (owner: Owner) => [K, V]) =>
  Object.fromEntries(owners.map(make)) as Record<K, V>;

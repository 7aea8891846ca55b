/** All of Rentabook in real processes, two replicas of each service and of the router, with a wire between any two that speak. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { provision } from '#platform/provision.ts';
import { claimFolder, type Folder } from '../../local/folder.ts';
import { openLogFile } from '../../local/logFile.ts';
import { launchNats, natsUrl, prepareNats } from '../../local/nats.ts';
import { natsProgram } from '../../local/natsProgram.ts';
import { freePort } from '../../local/ports.ts';
import { launchPostgres, postgresUrl, preparePostgres } from '../../local/postgres.ts';
import { probe } from '../../local/probe.ts';
import { keepSecrets } from '../../local/secrets.ts';
import { type Environment, type Owner, owners } from '../../local/services.ts';
import { makeFolder, removeFolder } from '../folders.ts';
import { seedFor } from './dice.ts';
import { type Disk, mountDisk } from './disks.ts';
import { databaseOf, databaseUrlOf, layNetwork, type Servers, urlOf } from './network.ts';
import { type KeptPart, keep, type Launched, launchHooked, type Part, type PartOf } from './parts.ts';
import type { PlantName } from './plants.ts';
import type { Wire } from './wires.ts';

/** Quick enough that a rental's whole life fits into a short run; the shoppers come from one address, as fast as they can. */
const tuning: Environment = {
  RENTABOOK_LIMITS: 'off',
  SANDBOX_CARRIER_STEP_MS: '400',
  CARRIER_POLL_MS: '2000',
  CARRIER_TIMEOUT_MS: '1500',
  PAYMENT_TIMEOUT_MS: '1500',
  SETTLE_WAIT_MS: '2000',
};

const POSTGRES_DISK_MB = 512;
const NATS_DISK_MB = 256;

export interface ClusterOptions {
  seed: number;
  plant: PlantName | null;
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

/** What the start of a cluster has come to; stopped in any case. */
interface Building {
  folder: Folder;
  logs: string;
  parts: KeptPart[];
  wires: Wire[];
  disks: Cluster['disks'];
}

/** @throws when a part cannot be started; then nothing is left running. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = claimFolder(makeFolder());
  if (!folder) throw new Error('Somebody else claimed a new folder');
  const building: Building = { folder, logs: join(folder.path, 'logs'), parts: [], wires: [], disks: new Map() };
  try {
    mkdirSync(building.logs);
    const servers = await startServers(building);
    return await startServices(building, servers, options);
  } catch (error) {
    await stop(building);
    throw error;
  }
}

async function startServers(building: Building): Promise<Servers> {
  const { path } = building.folder;
  const natsFolder = join(path, 'nats');
  mount(building, 'postgres', join(path, 'disk'), POSTGRES_DISK_MB);
  mount(building, 'nats', natsFolder, NATS_DISK_MB);

  const secrets = await keepSecrets(join(path, 'secrets.json'));
  const postgresPort = await freePort();
  const adminUrl = postgresUrl(postgresPort, secrets.postgresPassword);
  const data = join(path, 'disk', 'postgres');
  const postgres = await preparePostgres(data, secrets.postgresPassword);
  symlinkSync(data, join(path, 'postgres')); // where it is looked for when a run was killed

  const nats = { folder: natsFolder, port: await freePort(), password: secrets.natsPassword };
  prepareNats(nats);
  const { path: natsServer } = await natsProgram();

  await Promise.all([
    begin(building, 'postgres', 'postgres', (onLine) =>
      launchPostgres(postgres, { port: postgresPort, careless: true, onLine }),
    ),
    begin(building, 'nats', 'nats', (onLine) => launchNats(natsServer, natsFolder, onLine)),
  ]);
  await provision(
    adminUrl,
    Object.fromEntries(owners.map((owner) => [databaseOf(owner), secrets.databasePasswords[owner]])),
  );
  await keepLogOfPostgresSmall(adminUrl);
  return { secrets, postgresPort, adminUrl, nats };
}

async function startServices(building: Building, servers: Servers, { seed, plant }: ClusterOptions): Promise<Cluster> {
  const network = await layNetwork(servers);
  building.wires.push(...network.wires);
  const crashFile = join(building.folder.path, 'crashes');
  writeFileSync(crashFile, '');
  let crashesPerMinute = 0;

  await Promise.all(
    network.replicas.map((replica) => {
      const { name, service } = replica;
      let launches = 0;
      return begin(building, name, service, (onLine) => {
        const dice = seedFor(seed, `${name} ${launches++}`);
        const hook = { seed: dice, name, crashesPerMinute, crashFile, plant };
        return launchHooked(service, { ...network.environmentOf(replica), ...tuning }, hook, onLine);
      });
    }),
  );
  const routers = network.replicas.filter(({ service }) => service === 'router');
  const routerUrls = routers.map(({ port }) => urlOf(port));
  await Promise.all(routerUrls.map((url) => probe(url)));

  return {
    ...building,
    routerUrls,
    natsStore: join(servers.nats.folder, 'streams'),
    databaseUrls: Object.fromEntries(
      owners.map((owner) => [owner, databaseUrlOf(servers, owner, servers.postgresPort)]),
    ) as Record<Owner, string>, // of all owners
    natsUrl: natsUrl(servers.nats),
    crashes: () => readFileSync(crashFile, 'utf8').split('\n').filter(Boolean).map(pointIn),
    crash(perMinute) {
      crashesPerMinute = perMinute;
      for (const part of building.parts) part.order({ crashesPerMinute });
    },
    stop: () => stop(building),
  };
}

/** Nobody asks any more; then nobody needs the servers any more. */
async function stop({ folder, parts, wires }: Building): Promise<void> {
  const stopAll = (all: PartOf[]) => Promise.all(parts.filter(({ of }) => all.includes(of)).map((part) => part.stop()));
  await stopAll(['router']);
  await stopAll(owners);
  await stopAll(['nats', 'postgres']);
  await Promise.all(wires.map((wire) => wire.close()));
  await removeFolder(folder);
}

async function begin(
  { logs, parts }: Building,
  name: string,
  of: PartOf,
  launch: (onLine: (line: string) => void) => Launched,
): Promise<void> {
  const log = openLogFile(join(logs, `${name.replace(' ', '-')}.log`));
  const part = keep(name, of, () => launch(log.write));
  parts.push(part);
  await part.ready;
}

function mount({ disks }: Building, server: 'postgres' | 'nats', path: string, megabytes: number): void {
  const disk = mountDisk(path, megabytes);
  if (disk) disks.set(server, disk);
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

/** A line is `<process>\t<crash point>`. */
const pointIn = (line: string): string => line.split('\t')[1] ?? '';

/** The two kinds of clusters that the chart is tried on: where pods are processes of a folder, and where they are containers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../local/ports.ts';
import type { Owner } from '../../local/services.ts';
import { kubectl, type Pod } from './cluster.ts';
import { preparePodFolder, VERSION_VARIABLE } from './podFolder.ts';
import { type Servers, startServers } from './servers.ts';
import { ownChart, type Version } from './versions.ts';

export interface Outage {
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface Place {
  /** What is tried here, for the report. */
  kind: string;
  /** Of the router, as clients reach it. */
  url: string;
  chart(version: Version): string;
  /** By which the chart takes this version, here; the courier takes so long for a step. */
  values(version: Version, courierStepMs: number): object;
  has(version: Version): boolean;
  /** Servers for one more release: two must not share their databases. */
  another(): Promise<Pick<Place, 'values' | 'close'>>;
  database: Outage;
  nats: Outage;
  /** Runs while both are reachable from here by these URLs, entered as an account that may read all. */
  reached<T>(work: (urls: { databaseUrl: (owner: Owner) => string; natsUrl: string }) => Promise<T>): Promise<T>;
  /** All that its process has written, over its restarts. */
  logOf(pod: Pick<Pod, 'name'>): Promise<string>;
  freeze(pod: Pod): Promise<void>;
  close(): Promise<void>;
}

export interface Names {
  namespace: string;
  release: string;
}

/** What both give to the chart: how long a parcel stays where it is. */
const courierStep = (ms: number) => ({ name: 'SANDBOX_CARRIER_STEP_MS', value: String(ms) });

/** @throws one sentence when the environment names neither. */
export async function openPlace(names: Names): Promise<Place> {
  const { POD_FOLDER, IMAGE, NEXT_IMAGE, ROUTER_URL } = process.env;
  if (POD_FOLDER) return processPlace(POD_FOLDER, names);
  if (IMAGE && NEXT_IMAGE && ROUTER_URL) return imagePlace({ IMAGE, NEXT_IMAGE, ROUTER_URL }, names);
  throw new Error(
    'Set POD_FOLDER to the folder in which the cluster runs pods as processes, or IMAGE, NEXT_IMAGE and ROUTER_URL for one that runs images (tests/helm/README.md).',
  );
}

async function processPlace(folder: string, { namespace, release }: Names): Promise<Place> {
  const pods = preparePodFolder(folder);
  const servers = await startServers();
  return {
    kind: 'pods as processes, PostgreSQL and NATS beside the cluster',
    url: `http://${release}-router.${namespace}`,
    chart: (version) => `${pods.tree(version)}/helm`,
    values: (...wish) => valuesFor(servers, ...wish),
    has: () => true,
    async another() {
      const others = await startServers();
      return { values: (...wish) => valuesFor(others, ...wish), close: () => others.stop() };
    },
    database: servers.database,
    nats: servers.nats,
    reached: (work) =>
      work({ databaseUrl: (owner) => withPath(servers.database.url, owner), natsUrl: servers.nats.url }),
    logOf: async ({ name }) => pods.logOf(name),
    freeze: async ({ name }) => void process.kill(pods.pidOf(name), 'SIGSTOP'),
    close: () => servers.stop(),
  };
}

/** The node of such a cluster has none to give. */
const WITHOUT_DISK = { requests: { 'ephemeral-storage': null }, limits: { 'ephemeral-storage': null } };

function valuesFor({ database, nats }: Servers, version: Version, courierStepMs: number): object {
  const { hostname, port } = new URL(database.url);
  const extraEnv = [{ name: VERSION_VARIABLE, value: version }];
  return {
    evaluation: { sandbox: { enabled: true } },
    database: { host: hostname, port: Number(port), adminUrl: database.url },
    nats: { url: nats.url },
    defaults: { extraEnv, resources: WITHOUT_DISK },
    commands: { resources: WITHOUT_DISK },
    services: { sandbox: { extraEnv: [...extraEnv, courierStep(courierStepMs)] } },
  };
}

interface Images {
  IMAGE: string;
  NEXT_IMAGE: string;
  ROUTER_URL: string;
}

function imagePlace({ IMAGE, NEXT_IMAGE, ROUTER_URL }: Images, { namespace, release }: Names): Place {
  const images = { this: IMAGE, next: NEXT_IMAGE, broken: `${NEXT_IMAGE}-that-nobody-built`, badMigration: null };
  const scale = async (name: string, replicas: number) => {
    await kubectl('scale', '-n', namespace, `statefulset/${release}-${name}`, `--replicas=${replicas}`);
    await kubectl('rollout', 'status', '-n', namespace, `statefulset/${release}-${name}`, '--timeout=120s');
  };
  const outage = (name: string): Outage => ({ stop: () => scale(name, 0), start: () => scale(name, 1) });
  const secret = async (key: string) => {
    const path = `jsonpath={.data.${key}}`;
    const encoded = await kubectl('get', 'secret', '-n', namespace, `${release}-made`, '-o', path);
    return Buffer.from(encoded, 'base64').toString();
  };
  const values = (version: Version, courierStepMs: number) => {
    const [, repository, tag] = /^(.*):([^:/]+)$/.exec(images[version] ?? '') ?? [];
    return {
      evaluation: { enabled: true },
      image: { repository, tag },
      services: { sandbox: { extraEnv: [courierStep(courierStepMs)] } },
    };
  };
  return {
    kind: `images ${IMAGE} and ${NEXT_IMAGE}`,
    url: ROUTER_URL,
    chart: () => ownChart,
    values,
    has: (version) => images[version] !== null,
    another: async () => ({ values, close: async () => {} }),
    database: outage('postgresql'),
    nats: outage('nats'),
    async reached(work) {
      const [database, nats] = await Promise.all([
        forward(namespace, `${release}-postgresql`, 5432),
        forward(namespace, `${release}-nats`, 4222),
      ]);
      try {
        const server = `postgresql://postgres:${await secret('POSTGRES_PASSWORD')}@127.0.0.1:${database.port}`;
        const natsUrl = `nats://rentabook:${await secret('NATS_PASSWORD')}@127.0.0.1:${nats.port}`;
        return await work({ databaseUrl: (owner) => withPath(server, owner), natsUrl });
      } finally {
        database.stop();
        nats.stop();
      }
    },
    logOf: ({ name }) => kubectl('logs', '-n', namespace, name),
    freeze: ({ name }) => kubectl('exec', '-n', namespace, name, '--', 'node', '-e', FREEZE).then(() => {}),
    close: async () => {},
  };
}

/** The kernel lets nobody in a container stop its first process: so its event loop is held up, by way of its inspector. */
const FREEZE = `
process.kill(1, 'SIGUSR1');
setTimeout(async () => {
  const [{ webSocketDebuggerUrl }] = await (await fetch('http://127.0.0.1:9229/json/list')).json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  socket.onopen = () => {
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'for (;;);' } }));
    setTimeout(() => process.exit(0), 1000);
  };
}, 1000);`;

function withPath(url: string, owner: Owner): string {
  const at = new URL(url);
  at.pathname = owner;
  return at.href;
}

async function forward(namespace: string, service: string, port: number): Promise<{ port: number; stop(): void }> {
  const here = await freePort();
  const child = spawn('kubectl', ['port-forward', '-n', namespace, `service/${service}`, `${here}:${port}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await Promise.race([once(createInterface({ input: child.stdout }), 'line'), sleep(10_000)]);
  return { port: here, stop: () => void child.kill() };
}

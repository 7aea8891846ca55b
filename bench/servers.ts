/** PostgreSQL and nats-server for one benchmark, as `npm start` runs them: nothing about them is made quicker than it is in earnest. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { provision, serviceUrl } from '#platform/provision.ts';
import { claimFolder } from '../local/folder.ts';
import { launchNats, natsUrl, prepareNats } from '../local/nats.ts';
import { natsProgram } from '../local/natsProgram.ts';
import { freePort } from '../local/ports.ts';
import { launchPostgres, postgresUrl, preparePostgres } from '../local/postgres.ts';
import type { Running } from '../local/running.ts';
import { makeFolder, removeFolder } from '../tests/folders.ts';
import { say } from './table.ts';

const PASSWORD = 'benchmark';

export interface Servers {
  postgresVersion: string;
  natsVersion: string;
  natsUrl: string;
  /** Their processes. */
  pidOf(server: 'postgres' | 'nats'): number | undefined;
  /** URL of a new database, entered as its owner. */
  createDatabase(name: string): Promise<string>;
  /** Writes to disk what has been filled in, so that no rival pays for another one's preparation. */
  checkpoint(): Promise<void>;
  /** Takes the broker away, removes all that it has stored, and brings it back. */
  wipeBroker(): Promise<void>;
}

/** Does the work between their start and their end; a signal ends them too. */
export async function withServers<T>(work: (servers: Servers) => Promise<T>): Promise<T> {
  const folder = claimFolder(makeFolder());
  if (!folder) throw new Error('Somebody else claimed a new folder.');
  const running = new Map<'postgres' | 'nats', Running>();
  const stop = async () => {
    await Promise.all([...running.values()].map((server) => server.stop()));
    await removeFolder(folder);
  };
  const stopOnSignal = () => void stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopOnSignal);

  const start = async (name: 'postgres' | 'nats', launch: () => Running) => {
    const server = launch();
    running.set(name, server);
    await server.ready;
  };

  try {
    const port = await freePort();
    const cluster = await preparePostgres(join(folder.path, 'postgres'), PASSWORD);
    await start('postgres', () => launchPostgres(cluster, { port, onLine: () => {} }));
    const adminUrl = postgresUrl(port, PASSWORD);
    const postgresVersion = await checkDurable(adminUrl);

    const nats = { folder: join(folder.path, 'nats'), port: await freePort(), password: PASSWORD };
    const program = await natsProgram({ say });
    const startNats = async () => {
      prepareNats(nats);
      await start('nats', () => launchNats(program.path, nats.folder, () => {}));
    };
    await startNats();

    return await work({
      postgresVersion,
      natsVersion: program.version,
      natsUrl: natsUrl(nats),
      pidOf: (server) => running.get(server)?.pid,
      async createDatabase(name) {
        await provision(adminUrl, { [name]: PASSWORD });
        return serviceUrl(adminUrl, name, PASSWORD);
      },
      checkpoint: () => asAdmin(adminUrl, async (admin) => void (await admin.query('CHECKPOINT'))),
      async wipeBroker() {
        await running.get('nats')?.stop();
        rmSync(nats.folder, { recursive: true });
        await startNats();
      },
    });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stopOnSignal);
    await stop();
  }
}

/** Tells the settings that decide what a commit costs. @throws when one of them would make it cheaper than in earnest. */
async function checkDurable(adminUrl: string): Promise<string> {
  const { rows } = await asAdmin(adminUrl, (admin) =>
    admin.query<{ name: string; setting: string }>(
      `SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name IN
         ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'commit_delay', 'shared_buffers', 'max_wal_size')
       ORDER BY name`,
    ),
  );
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  say(`PostgreSQL: ${rows.map(({ name, setting }) => `${name} ${setting}`).join(', ')}`);
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes'])
    if (settings[name] !== 'on') throw new Error(`${name} is ${settings[name]}: a commit would not be one.`);
  return settings.server_version ?? '';
}

async function asAdmin<T>(url: string, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

/** Connections of a benchmark's own. */
export function openPool(url: string, max: number): Pool {
  const pool = new Pool({ connectionString: url, max });
  pool.on('error', () => {}); // the server may go before the last connection is closed
  return pool;
}

/** A PostgreSQL server of our own, from the programs that npm installed: password on every connection, this machine only. */
import { execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bareEnvironment } from '#platform/config.ts';
import { stopOrphan } from './orphan.ts';
import { type Account, accountOf, postgresData, postgresPrograms } from './postgresFiles.ts';
import { type Running, watch } from './running.ts';

const SUPERUSER = 'postgres';
/** Five services with a pool, a relay and a lock connection each, and room for a person to look. */
const MAX_CONNECTIONS = 200;
/** "Fast" in PostgreSQL's words: clients are cut off, then it writes a checkpoint. */
const FAST_SHUTDOWN = 'SIGINT';

/** For tests: safe from kill -9, not from a power cut. (With synchronous_commit off, too, a killed server forgets what it had acknowledged.) */
const careless = { fsync: 'off', full_page_writes: 'off' };

export interface Cluster {
  programs: string;
  data: string;
  account: Account | undefined;
}

/**
 * Programs and data ready for `launchPostgres`: the cluster is made where there is none yet. `folder` is where the data is,
 * or a link to it (see postgresFiles.ts).
 */
export async function preparePostgres(folder: string, password: string, signal?: AbortSignal): Promise<Cluster> {
  const account = accountOf(folder);
  const cluster = { programs: postgresPrograms(account), data: postgresData(folder, account), account };
  if (!existsSync(join(cluster.data, 'PG_VERSION'))) await makeCluster(cluster, password, signal);
  return cluster;
}

/** Ends the server that a killed `npm start` left running on this folder. */
export async function stopOrphanedPostgres(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const data = realpathSync(folder);
  await stopOrphan(join(data, 'postmaster.pid'), data, FAST_SHUTDOWN);
}

export const postgresUrl = (port: number, password: string): string =>
  `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;

export interface LaunchOptions {
  port: number;
  /** For tests alone: survives kill -9, but not a power cut. */
  careless?: boolean;
  /** At most. */
  connections?: number;
  onLine: (line: string) => void;
}

export function launchPostgres(cluster: Cluster, options: LaunchOptions): Running {
  const settings = {
    port: String(options.port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: String(options.connections ?? MAX_CONNECTIONS),
    // A statement or a detail of an error would bring e-mail addresses and password hashes into the log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...(options.careless ? careless : {}),
  };
  const child = spawn(
    program(cluster, 'postgres'),
    ['-D', cluster.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // A process group of its own: the terminal's Ctrl-C must not reach it before the services are done.
    { ...surroundings(cluster), detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  return watch(child, {
    readyLine: /database system is ready to accept connections/,
    onLine: options.onLine,
    faultIn: (line) => /(?:FATAL|PANIC): +(.*)/.exec(line)?.[1],
    stopSignal: FAST_SHUTDOWN,
    graceMs: 3000,
  });
}

/** Beside its place, then renamed: a run that is broken off midway must never look like a finished cluster. */
async function makeCluster(cluster: Cluster, password: string, signal: AbortSignal | undefined): Promise<void> {
  const half = `${cluster.data}.half`;
  const passwordFile = `${cluster.data}.password`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  try {
    if (cluster.account)
      for (const path of [half, passwordFile]) chownSync(path, cluster.account.uid, cluster.account.gid);
    await promisify(execFile)(
      program(cluster, 'initdb'),
      [
        ...['-D', half, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
        ...['--encoding', 'UTF8', '--locale', 'C', '--no-instructions'], // a service's database has one of its own: provision.ts
      ],
      { ...surroundings(cluster), ...(signal && { signal }) },
    );
    renameSync(half, cluster.data);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(half, { recursive: true, force: true });
  }
}

const program = ({ programs }: Cluster, name: string): string =>
  join(programs, 'bin', process.platform === 'win32' ? `${name}.exe` : name);

const surroundings = ({ programs, data, account }: Cluster) => ({
  cwd: dirname(data),
  env: bareEnvironment({ LC_ALL: 'C', LD_LIBRARY_PATH: join(programs, 'lib') }),
  ...(account && { uid: account.uid, gid: account.gid }),
});

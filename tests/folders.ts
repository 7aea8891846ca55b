/** Folders for what a test run starts: as those of `npm start`, and gone with the run. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimFolder, type Folder } from '../local/folder.ts';
import { stopOrphanedNats } from '../local/nats.ts';
import { stopOrphanedPostgres } from '../local/postgres.ts';

const PREFIX = join(tmpdir(), 'rentabook-test-');
/** A younger folder may belong to a run that has yet to claim it. */
const SETTLED_MS = 60_000;

export const makeFolder = (): string => mkdtempSync(PREFIX);

/** Ends and removes what a test run that was killed has left behind. */
export async function sweepFolders(): Promise<void> {
  for (const path of globSync(`${PREFIX}*`)) {
    if (Date.now() - statSync(path).mtimeMs < SETTLED_MS) continue;
    const folder = claimFolder(path);
    if (folder) await removeFolder(folder);
  }
}

/** Ends the servers in it, however they are, and removes it. */
export async function removeFolder({ path, release }: Folder): Promise<void> {
  await Promise.all([stopOrphanedPostgres(join(path, 'postgres')), stopOrphanedNats(join(path, 'nats'))]);
  release();
  for (const disk of disksIn(path)) execFileSync('umount', [disk]);
  rmSync(path, { recursive: true, force: true });
}

/** What is mounted there: the small disks of tests/chaos. */
function disksIn(path: string): string[] {
  if (!existsSync('/proc/mounts')) return [];
  const places = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return places.filter((place) => place.startsWith(`${path}/`));
}

/** The folder of one `npm start`: everything that outlives the run is in it. */
import { accessSync, chmodSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { codeOf, reasonOf } from '#platform/errors.ts';

export interface Folder {
  path: string;
  release(): void;
}

/**
 * The folder, made if need be, held until `release` or until this process ends in whatever way: what holds it is SQLite's
 * lock on a file, which the kernel takes back, so nothing is left behind that a reused process id could make look alive.
 * Null when another process holds it.
 */
export function claimFolder(name: string): Folder | null {
  const path = makeFolder(name);
  // PostgreSQL does not run as root, and its account has to pass through; what is in the folder has modes of its own.
  if (process.getuid?.() === 0) chmodSync(path, statSync(path).mode | 0o001);

  const file = new DatabaseSync(join(path, 'lock'));
  try {
    file.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return { path, release: () => file.close() };
  } catch (error) {
    file.close();
    if (Error.isError(error) && /locked/.test(error.message)) return null;
    throw error;
  }
}

/** Step by step: below /proc Node's own recursion never ends. @throws with one sentence when it cannot be made or written to. */
function makeFolder(name: string): string {
  try {
    const missing: string[] = [];
    for (let folder = name; !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
    for (const folder of missing) mkdirSync(folder, { mode: 0o700 });
    if (!statSync(name).isDirectory()) throw new Error('it is a file');
    accessSync(name, constants.W_OK);
    return realpathSync(name);
  } catch (cause) {
    throw new Error(
      `The folder ${name} cannot be used (${codeOf(cause) || reasonOf(cause)}): set RENTABOOK_DATA to another one.`,
      { cause },
    );
  }
}

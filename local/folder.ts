/** The folder of one `npm start`: everything that outlives the run is in it. */
import { chmodSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

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
  mkdirSync(name, { recursive: true, mode: 0o700 });
  const path = realpathSync(name);
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

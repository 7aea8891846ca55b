/** One `npm start` for each data folder. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Holds the folder until `release`, or until this process ends in whatever way: it is SQLite's lock on a file, which the
 * kernel takes back, so nothing is left behind that a reused process id could make look alive. Null when it is held already.
 */
export function lockFolder(folder: string): { release(): void } | null {
  const file = new DatabaseSync(join(folder, 'lock'));
  try {
    file.exec('BEGIN EXCLUSIVE');
    return { release: () => file.close() };
  } catch (error) {
    file.close();
    if (error instanceof Error && /locked/.test(error.message)) return null;
    throw error;
  }
}

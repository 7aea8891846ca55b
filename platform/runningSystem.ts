/** Where the system that `npm start` runs on this machine has its databases and NATS: from the file it keeps while it runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Its name in the data folder. It holds passwords, so its mode is 0600. */
export const ENVIRONMENT_FILE = 'environment.json';

const places = z.partialRecord(
  z.enum(['book', 'rental', 'delivery', 'customer', 'sandbox']),
  z.object({ DATABASE_URL: z.string(), NATS_URL: z.string().optional() }),
);

/** What command-line tools need of each service. */
export type RunningSystem = z.infer<typeof places>;

/** Null when nothing runs on the data in this folder. */
export function runningSystem(folder: string): RunningSystem | null {
  try {
    return places.parse(JSON.parse(readFileSync(join(folder, ENVIRONMENT_FILE), 'utf8')));
  } catch {
    return null; // no such file, or one that is being written
  }
}

/** Small disks of their own for the servers, so that one can be full without the machine's being so. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#platform/errors.ts';

export interface Disk {
  /** Takes all that is left of it. */
  fill(): Promise<void>;
  free(): void;
}

const CHUNK = Buffer.alloc(4_000_000);

/** A disk in memory at the path; null where this account, or this machine, may not mount one. Removing the folder of a test unmounts it. */
export function mountDisk(path: string, megabytes: number): Disk | null {
  mkdirSync(path, { recursive: true, mode: 0o711 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'rentabook-chaos', path], {
      stdio: 'ignore',
    });
  } catch {
    return null;
  }
  const filler = join(path, 'filler');
  return {
    async fill() {
      const file = await open(filler, 'w');
      try {
        for (let size = CHUNK.length; size >= 1; ) {
          const written = await file.write(CHUNK.subarray(0, size)).catch((error: unknown) => {
            if (codeOf(error) === 'ENOSPC') return null;
            throw error;
          });
          if (!written) size = Math.floor(size / 8); // to the last page
        }
      } finally {
        await file.close();
      }
    },
    free: () => rmSync(filler, { force: true }),
  };
}

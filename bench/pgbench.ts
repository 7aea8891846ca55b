/** PostgreSQL's own benchmark: TPC-B, five statements in a transaction, as a yardstick for what this server can do. */
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { promisify } from 'node:util';
import { codeOf } from '#platform/errors.ts';
import { rounded } from './figures.ts';
import type { Load, Round } from './load.ts';

const run = promisify(execFile);

export interface Pgbench {
  version: string;
  fill(url: string, scale: number): Promise<void>;
  /** Its own five statements, or those of a script, which are prepared. */
  measure(url: string, load: Load, script?: string): Promise<Round>;
}

/** The one on the PATH, or Debian's. @throws when there is none. */
export async function findPgbench(): Promise<Pgbench> {
  for (const program of ['pgbench', ...globSync('/usr/lib/postgresql/*/bin/pgbench').sort().reverse()]) {
    const version = await run(program, ['--version']).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      return null;
    });
    if (version) return pgbench(program, version.stdout.trim());
  }
  throw new Error(
    'pgbench was not found on the PATH: it comes with the PostgreSQL of your system (on Debian, apt install postgresql-contrib).',
  );
}

const pgbench = (program: string, version: string): Pgbench => ({
  version,
  async fill(url, scale) {
    await run(program, ['--initialize', '--quiet', '--scale', String(scale), url]);
  },
  async measure(url, { clients, forMs }, script) {
    const { stdout } = await run(program, [
      '--client',
      String(clients),
      '--jobs',
      '2',
      '--time',
      String(forMs / 1000),
      '--no-vacuum',
      ...(script ? ['--protocol', 'prepared', '--file', script] : []),
      url,
    ]);
    const [, perSecond] = /tps = ([\d.]+)/.exec(stdout) ?? [];
    if (!perSecond)
      throw new Error(`pgbench finished nothing in ${forMs / 1000} s: the machine is too busy to measure on.`);
    return { perSecond: rounded(Number(perSecond)) };
  },
});

/** What processes have used of the CPU. */
import { processIds, statOf, textOf } from './processes.ts';

/** Milliseconds since the process began. */
export const cpuMsOf = (pid: number | undefined): number => statOf(pid)?.cpuMs ?? 0;

/** The same of a PostgreSQL server's processes, by database; what belongs to none is `others`. */
export function cpuMsByDatabase(postmaster: number | undefined): Record<string, number> {
  const used: Record<string, number> = {};
  const count = (name: string, cpuMs: number) => (used[name] = (used[name] ?? 0) + cpuMs);
  for (const pid of processIds()) if (statOf(pid)?.parent === postmaster) count(databaseOf(pid), cpuMsOf(pid));
  count('others', cpuMsOf(postmaster));
  return used;
}

/** A process that serves a connection is called `postgres: <user> <database> <host>(<port>) <what it does>`. */
function databaseOf(pid: number): string {
  const [, database] = /^postgres: \S+ (\S+) [\d.]+\(\d+\)/.exec(textOf(pid, 'cmdline')) ?? [];
  return database ?? 'others';
}

/** What processes have used of the CPU, as Linux tells it to anybody. */
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds since the process began. */
export const cpuMsOf = (pid: number | undefined): number => read(pid)?.cpuMs ?? 0;

/** The same of a PostgreSQL server's processes, by database; what belongs to none is `others`. */
export function cpuMsByDatabase(postmaster: number | undefined): Record<string, number> {
  const used: Record<string, number> = {};
  const count = (name: string, cpuMs: number) => (used[name] = (used[name] ?? 0) + cpuMs);
  for (const entry of readdirSync('/proc')) {
    const process = /^\d+$/.test(entry) ? read(Number(entry)) : undefined;
    if (process?.parent === postmaster) count(databaseOf(Number(entry)), process?.cpuMs ?? 0);
  }
  count('others', cpuMsOf(postmaster));
  return used;
}

/** A process that serves a connection is called `postgres: <user> <database> <host>(<port>) <what it does>`. */
function databaseOf(pid: number): string {
  const [, database] = /^postgres: \S+ (\S+) [\d.]+\(\d+\)/.exec(textOf(pid, 'cmdline')) ?? [];
  return database ?? 'others';
}

/** Of the fields after the program's name, in brackets, the 2nd is the parent, the 12th and the 13th are hundredths of a second. */
function read(pid: number | undefined): { parent: number; cpuMs: number } | undefined {
  const fields = textOf(pid, 'stat').split(') ')[1]?.split(' ');
  return fields && { parent: Number(fields[1]), cpuMs: 10 * (Number(fields[11]) + Number(fields[12])) };
}

function textOf(pid: number | undefined, file: 'stat' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

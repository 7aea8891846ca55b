/** The machine's processes, as Linux tells of them to anybody. */
import { readdirSync, readFileSync } from 'node:fs';

export const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);

/** Of the fields after the program's name, in brackets, the 2nd is the parent, the 12th and the 13th are hundredths of a second. */
export function statOf(pid: number | undefined): { parent: number; cpuMs: number } | undefined {
  const fields = textOf(pid, 'stat').split(') ')[1]?.split(' ');
  return fields && { parent: Number(fields[1]), cpuMs: 10 * (Number(fields[11]) + Number(fields[12])) };
}

export function textOf(pid: number | undefined, file: 'stat' | 'cmdline' | 'smaps_rollup' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

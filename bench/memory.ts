/** How much memory processes take, as Linux tells it: PSS counts a page that several share in equal parts. */
import { processIds, statOf, textOf } from './processes.ts';

export interface Process {
  pid: number;
  command: string;
  pssMb: number;
}

/** A process and all that it has started, and what those have. */
export function familyOf(pid: number): Process[] {
  const children = Map.groupBy(processIds(), (one) => statOf(one)?.parent);
  const family = (member: number): number[] => [member, ...(children.get(member) ?? []).flatMap(family)];
  return family(pid).map((member) => ({
    pid: member,
    command: textOf(member, 'cmdline').replaceAll('\0', ' ').trim(),
    pssMb: kilobytesOf(member, 'smaps_rollup', 'Pss') / 1000,
  }));
}

/** What the process holds in memory, shared pages and all. */
export const rssMbOf = (pid: number | undefined): number => kilobytesOf(pid, 'status', 'VmRSS') / 1000;

function kilobytesOf(pid: number | undefined, file: 'smaps_rollup' | 'status', field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(textOf(pid, file))?.[1] ?? 0);
}

/** How much memory processes take, as Linux tells it: PSS counts a page that several share in equal parts. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  pid: number;
  command: string;
  pssMb: number;
}

/** A process and all that it has started, and what those have. */
export function familyOf(pid: number): Process[] {
  const children = Map.groupBy(
    readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)),
    parentOf,
  );
  const family = (member: string): string[] => [member, ...(children.get(member) ?? []).flatMap(family)];
  return family(String(pid)).map((member) => ({
    pid: Number(member),
    command: textOf(member, 'cmdline').replaceAll('\0', ' ').trim(),
    pssMb: Number(/^Pss: +(\d+) kB/m.exec(textOf(member, 'smaps_rollup'))?.[1] ?? 0) / 1000,
  }));
}

const parentOf = (pid: string): string => textOf(pid, 'stat').split(') ')[1]?.split(' ')[1] ?? '';

function textOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

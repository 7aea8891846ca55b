/** What a killed `npm start` leaves running. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '#platform/errors.ts';

const GRACE_MS = 10_000;

/**
 * Ends the process that the pid file names, and removes the file. A process id is reused sooner or later: only a process
 * whose command line names `folder` is ours to end.
 */
export async function stopOrphan(pidFile: string, folder: string, signal: NodeJS.Signals): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  const runs = () => pid > 0 && commandLine(pid).includes(folder);

  if (runs()) send(pid, signal);
  for (let waitedMs = 0; runs(); waitedMs += 20) {
    if (waitedMs === GRACE_MS) send(pid, 'SIGKILL');
    await sleep(20);
  }
  rmSync(pidFile, { force: true });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error; // it may just have ended
  }
}

/** Empty when there is no such process, or it is dead and only not yet buried. */
function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return '';
  }
}

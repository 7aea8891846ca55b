import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopOrphan } from './orphan.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-orphan-'));
const pidFile = join(folder, 'pid');
afterAll(() => rmSync(folder, { recursive: true }));

/** Sleeps, with `words` in its command line. */
function bystander(...words: string[]) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)', ...words], { stdio: 'ignore' });
  writeFileSync(pidFile, `${child.pid}\n`);
  return child;
}

test('a process left on the folder is ended', async () => {
  const child = bystander(join(folder, 'settings'));
  const ended = once(child, 'exit'); // which this process, its parent, learns a moment after the others

  await stopOrphan(pidFile, folder, 'SIGTERM');

  expect(existsSync(pidFile)).toBe(false);
  await ended;
  expect(child.signalCode).toBe('SIGTERM');
});

test('a process that only has the same number is left alone', async () => {
  const child = bystander('something else');

  await stopOrphan(pidFile, folder, 'SIGTERM');

  expect(existsSync(pidFile)).toBe(false);
  expect(process.kill(child.pid ?? 0, 0)).toBe(true);
  child.kill();
});

/** What the hook does to a process: without it no crash would happen, no bug be planted and no clock be wrong, unnoticed. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HookSettings, Order } from './hook.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-hook-'));
afterAll(() => rmSync(folder, { recursive: true }));
const crashFile = join(folder, 'crashes');

let child: ChildProcess;
let died: Promise<unknown[]>;
afterEach(() => void child.kill('SIGKILL'));

async function launch(settings: Partial<HookSettings> = {}): Promise<void> {
  const hook: HookSettings = { seed: 1, name: 'fixture 1', crashesPerMinute: 0, crashFile, plant: null, ...settings };
  child = fork(join(import.meta.dirname, 'hook.fixture.ts'), {
    execArgv: ['--import', join(import.meta.dirname, 'hook.ts')],
    env: { CHAOS: JSON.stringify(hook) },
  });
  died = once(child, 'exit');
  await once(child, 'message');
}

const order = (order: Order) => void child.send(order);

/** What it tells after the crash point; null when it died there. */
async function pass(): Promise<{ now: number; date: string; isDate: boolean } | null> {
  const ended = new AbortController();
  const told = once(child, 'message', { signal: ended.signal }).catch(() => [null]);
  void died.then(() => ended.abort());
  child.send({ pass: true });
  const [answer] = await told;
  return answer;
}

test('at a crash point the process kills itself, and the name of the point is known', async () => {
  await launch({ crashesPerMinute: 1e9 });

  while (await pass()); // each time with a chance of one in four

  expect(await died).toEqual([null, 'SIGKILL']);
  expect(readFileSync(crashFile, 'utf8')).toBe('fixture 1\tfixture, told to pass\n');
});

test('a process that is told to be calm passes its crash points', async () => {
  await launch({ crashesPerMinute: 1e9 });
  order({ crashesPerMinute: 0 });

  for (let times = 0; times < 20; times++) expect(await pass()).not.toBeNull();
});

test('the clock is set back, and right again, and dates stay dates', async () => {
  await launch();
  order({ clockBackMs: 60_000 });
  const back = await pass();
  order({ clockBackMs: 0 });
  const right = await pass();

  expect(Date.now() - (back?.now ?? 0)).toBeGreaterThanOrEqual(60_000);
  expect(Date.now() - Date.parse(back?.date ?? '')).toBeGreaterThanOrEqual(60_000);
  expect(Date.now() - (right?.now ?? 0)).toBeLessThan(60_000);
  expect(back?.isDate).toBe(true);
});

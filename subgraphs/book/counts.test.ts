import { setTimeout as sleep } from 'node:timers/promises';
import { countsOf } from './counts.ts';

test('a number above a thousand is kept for a while, one up to that is counted each time', async () => {
  const counting = countsOf(60_000);
  const [many, few] = [
    [1001, 1002],
    [1000, 999],
  ];
  const ask = (question: string, numbers: number[]) => counting(question, async () => numbers.shift() ?? 0);

  expect([await ask('many', many), await ask('many', many)]).toEqual([1001, 1001]);
  expect([await ask('few', few), await ask('few', few)]).toEqual([1000, 999]);
});

test('what was kept long enough is counted anew', async () => {
  const counting = countsOf(1);
  await counting('many', async () => 2000);
  await sleep(2);

  expect(await counting('many', async () => 3000)).toBe(3000);
});

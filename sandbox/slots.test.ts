import { createSlots } from './slots.ts';

test('two slots of 20 ms serve five callers in three turns, in the order they came', async () => {
  const takeSlot = createSlots(2, 20);
  const served: number[] = [];
  const start = performance.now();

  await Promise.all(
    [1, 2, 3, 4, 5].map(async (caller) => {
      await takeSlot();
      served.push(caller);
    }),
  );

  expect(served).toEqual([1, 2, 3, 4, 5]);
  expect(performance.now() - start).toBeGreaterThanOrEqual(59);
});

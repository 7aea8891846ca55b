/** Pages of what a service holds about a customer: each thing once, and an end. */
import { randomUUID } from 'node:crypto';
import { exportOf } from './personalData.ts';

const ids = (count: number) => Array.from({ length: count }, () => randomUUID() as string).sort();

async function pagesOf(held: string[]): Promise<string[][]> {
  const answer = exportOf(async (_customer, after, limit) =>
    held
      .filter((id) => id > after)
      .slice(0, limit)
      .map((id) => ({ id })),
  );
  const pages: string[][] = [];
  for (let after: string | null = null; ; ) {
    const { items, next } = await answer({ customerId: randomUUID(), after });
    pages.push(items.map(({ id }) => id));
    if (!next) return pages;
    after = next;
  }
}

test.each([0, 1, 99, 100, 101, 250])('%d things are told of once each', async (count) => {
  const held = ids(count);
  expect((await pagesOf(held)).flat()).toEqual(held);
});

test('a page holds a hundred at most', async () =>
  expect((await pagesOf(ids(250))).map(({ length }) => length)).toEqual([100, 100, 50]));

import { measure } from './load.ts';

test('a client with a rhythm asks on, though it is not answered', async () => {
  const all = Promise.withResolvers<void>();
  let asked = 0;

  await measure({ clients: 2, forMs: 50, atMost: 1000, everyMs: 10 }, () => {
    asked += 1;
    if (asked === 10) all.resolve();
    return all.promise;
  });

  expect(asked).toBe(10);
});

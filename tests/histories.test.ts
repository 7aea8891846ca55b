/** Whatever happens, in whatever order: the money balances, the copies are all there, and everything comes to an end. */
import fc from 'fast-check';
import { histories, play } from './histories.ts';
import { openWholeShop, type WholeShop } from './shop.ts';

let shop: WholeShop;
beforeAll(async () => {
  shop = await openWholeShop();
}, 60_000);
afterAll(() => shop?.close());

test('after any history money balances, counts conserve, and no rental is left in the middle', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      expect(await play(shop, history)).toEqual([]);
    }),
    { numRuns: 5, endOnFailure: true },
  );
}, 120_000);

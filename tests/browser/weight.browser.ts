/** What a first visit has to load: a budget for phones. How long it takes is measured by `npm run bench -- page`. */
import { openShop } from './shop.ts';

const SCRIPT_BYTES = 150_000;

const shop = openShop();

test('the first view needs at most 150 kB of script, compressed', async () => {
  const { page } = await shop.visit('phone');
  await page.locator('.books li').first().waitFor();

  const scripts = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .filter(({ name }) => name.endsWith('.js'))
      .map((entry) => (entry as PerformanceResourceTiming).encodedBodySize),
  );

  expect(scripts.length).toBeGreaterThan(0);
  expect(Math.min(...scripts)).toBeGreaterThan(0);
  expect(scripts.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(SCRIPT_BYTES);
});

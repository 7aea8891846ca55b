/** What a first visit has to load: a budget for phones. How long it takes is measured by `npm run bench -- page`. */
import { type System, startSystem } from '../system.ts';
import { openBrowser, type Visitors } from './browser.ts';

const SCRIPT_BYTES = 150_000;

let system: System;
let visitors: Visitors;

beforeAll(async () => {
  system = await startSystem();
  visitors = await openBrowser();
});
afterAll(async () => {
  await visitors?.close();
  await system?.stop();
});

test('the first view needs at most 150 kB of script, compressed', async () => {
  const { page } = await visitors.visit(system.url, 'phone');
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

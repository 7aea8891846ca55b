/** A short run of the suite with a fixed seed; `npm run test:long` and `npm run chaos` have longer ones. */
import { allFaults } from './nemesis.ts';
import { textOf } from './report.ts';
import { runChaos } from './run.ts';

const SEED = 20_261_126;
const LASTS_MS = 30_000;

test('nothing acknowledged is lost, doubled or stuck in 30 s of faults', async () => {
  const report = await runChaos({ seed: SEED, lastMs: LASTS_MS, faults: allFaults, plant: null, customers: 8 });

  if (report.violations.length) throw new Error(textOf(report));
  expect(report.drainMs).not.toBeNull();
  expect(report.tally.acknowledged).toBeGreaterThan(20);
  expect(report.faults.length).toBeGreaterThan(5);
  expect(report.crashes.length).toBeGreaterThan(0);
}, 300_000);

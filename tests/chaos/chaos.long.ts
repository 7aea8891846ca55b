/** Four minutes of faults, with a wiped broker; and each planted bug, which must be caught or the suite is worth nothing. */
import { allFaults } from './nemesis.ts';
import { plantNames } from './plants.ts';
import { textOf } from './report.ts';
import { runChaos } from './run.ts';

const SEED = 20_261_127;
const MINUTE_MS = 60_000;

test('nothing acknowledged is lost, doubled or stuck in four minutes of faults', async () => {
  const report = await runChaos({ seed: SEED, lastMs: 4 * MINUTE_MS, faults: allFaults, plant: null, customers: 12 });

  if (report.violations.length) throw new Error(textOf(report));
  expect(report.drainMs).not.toBeNull();
  expect(report.tally.acknowledged).toBeGreaterThan(200);
  expect(report.faults.length).toBeGreaterThan(40);
  expect(report.faults.filter(({ kind }) => kind === 'wipe')).toHaveLength(1);
}, 600_000);

describe('a planted bug is caught', () => {
  test.each(plantNames)(
    '%s',
    async (plant) => {
      const report = await runChaos({ seed: SEED, lastMs: 30_000, faults: allFaults, plant, customers: 12 });

      process.stderr.write(textOf(report)); // which invariant it was
      expect(report.violations.length).toBeGreaterThan(0);
    },
    240_000,
  );

  test('and without a bug the same run is clean', async () => {
    const report = await runChaos({ seed: SEED, lastMs: 30_000, faults: allFaults, plant: null, customers: 12 });

    if (report.violations.length) throw new Error(textOf(report));
  }, 240_000);
});

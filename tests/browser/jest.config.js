/** The page in a real browser, over the whole system; `npm run test:browser`. */
import root from '../../jest.config.js';

export default {
  ...root,
  rootDir: '../..',
  testMatch: ['**/*.browser.ts'],
  globalSetup: './tests/browser/globalSetup.ts',
  globalTeardown: undefined,
  maxWorkers: 1, // a browser and a whole system are two cores' work
  testTimeout: 120_000,
};

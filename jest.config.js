/** Node runs the TypeScript of tests and code alike; jest only has to leave it alone. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testMatch: ['**/*.test.ts'],
  globalSetup: './tests/globalSetup.ts',
  globalTeardown: './tests/globalTeardown.ts',
  maxWorkers: 2,
  testTimeout: 30_000,
};

/** The chart on a real cluster: one file, whose steps go on from one another and bring their own servers. */
import root from '../../jest.config.js';

const { globalSetup: _, globalTeardown: __, ...rest } = root;
export default { ...rest, rootDir: '../..', testMatch: ['**/*.cluster.ts'] };

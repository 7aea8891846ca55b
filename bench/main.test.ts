import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const bench = (...names: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...names]);

test('--help names the benchmarks', async () => {
  const { stdout } = await bench('--help');

  expect(stdout).toMatch(/^Usage: npm run bench -- NAME/);
  expect(stdout).toMatch(/^ +hot-title +\S/m);
  expect(stdout).toMatch(/^ +live +\S/m);
  expect(stdout).toMatch(/^ +overload +\S/m);
  expect(stdout).toMatch(/^ +page +\S/m);
  expect(stdout).toMatch(/^ +reads +\S/m);
  expect(stdout).toMatch(/^ +relay +\S/m);
  expect(stdout).toMatch(/^ +rent +\S/m);
  expect(stdout).toMatch(/^ +search +\S/m);
});

test.each([
  [['no-such'], 'There is no benchmark no-such: hot-title, live, overload, page, reads, relay, rent, or search.\n'],
  [['toString'], 'There is no benchmark toString: hot-title, live, overload, page, reads, relay, rent, or search.\n'],
  [[], 'Name a benchmark: hot-title, live, overload, page, reads, relay, rent, or search.\n'],
  [
    ['relay', 'hot-title'],
    'One benchmark at a time: hot-title, live, overload, page, reads, relay, rent, or search.\n',
  ],
])('%p is answered with the names there are', async (names, sentence) => {
  await expect(bench(...names)).rejects.toMatchObject({ code: 2, stdout: '', stderr: sentence });
});

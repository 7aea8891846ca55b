import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const bench = (...names: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...names]);

const names = [
  'history',
  'hot-title',
  'import',
  'live',
  'overload',
  'page',
  'reads',
  'relay',
  'rent',
  'search',
  'start',
];
const anyOf = `${names.slice(0, -1).join(', ')}, or ${names.at(-1)}`;

test('--help names the benchmarks', async () => {
  const { stdout } = await bench('--help');

  expect(stdout).toMatch(/^Usage: npm run bench -- NAME/);
  for (const name of names) expect(stdout).toMatch(new RegExp(`^ +${name} +\\S`, 'm'));
});

test.each([
  [['no-such'], `There is no benchmark no-such: ${anyOf}.\n`],
  [['toString'], `There is no benchmark toString: ${anyOf}.\n`],
  [[], `Name a benchmark: ${anyOf}.\n`],
  [['relay', 'hot-title'], `One benchmark at a time: ${anyOf}.\n`],
])('%p is answered with the names there are', async (asked, sentence) => {
  await expect(bench(...asked)).rejects.toMatchObject({ code: 2, stdout: '', stderr: sentence });
});

/** `npm run safelist` as an operator runs it, and that the router takes what it writes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimFolder } from '../local/folder.ts';
import { hashOf, readSafelist } from '../router/persisted.ts';
import { runCommand } from '../tests/command.ts';
import { makeFolder, removeFolder } from '../tests/folders.ts';

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(async () => {
  const claim = claimFolder(folder);
  if (claim) await removeFolder(claim);
});

function operation(name: string, text: string): string {
  const file = join(folder, `${name}.graphql`);
  writeFileSync(file, text);
  return file;
}

const safelist = (...args: string[]) => runCommand('operate/safelist.ts', {}, ...args);

test('operations become a list that the router reads', async () => {
  const search =
    'query Search($text: String) {\n  books(search: $text) { edges { node { ...B } } }\n}\nfragment B on Book { id title }\n';
  const watch = 'subscription Watch { orderStatus { status } }';
  const out = join(folder, 'list.json');

  const { code, stdout } = await safelist('--out', out, operation('search', search), operation('watch', watch));

  expect([code, stdout]).toEqual([0, `Wrote ${out} with 2 operations.\n`]);
  expect(readSafelist(out).operations).toEqual([
    { id: hashOf(search), name: 'Search', type: 'query', body: search },
    { id: hashOf(watch), name: 'Watch', type: 'subscription', body: watch },
  ]);
  expect(readFileSync(out, 'utf8')).toMatch(/\}\n$/);
});

test.each<[string, () => string[], string]>([
  ['no file', () => [], 'Name the files of the operations. See --help.'],
  ['a file that is not there', () => ['nowhere.graphql'], 'nowhere.graphql cannot be read'],
  ['a file that is no GraphQL', () => [operation('a', 'select *')], 'Syntax Error'],
  [
    'an operation that does not fit the schema',
    () => [operation('a', 'query A { nothing }')],
    'Cannot query field "nothing"',
  ],
  [
    'an operation that the router would refuse',
    () => [operation('a', `query A { ${'__typename '.repeat(30)} }`)],
    'more than 20 root fields',
  ],
  ['an operation without a name', () => [operation('a', '{ me { id } }')], 'has no name'],
  [
    'several operations in a file',
    () => [operation('a', 'query A { me { id } } query B { me { id } }')],
    'must hold one operation, not 2',
  ],
  [
    'one name twice',
    () => [operation('a', 'query A { me { id } }'), operation('b', 'query A { me { name } }')],
    'Two operations have the name A',
  ],
  [
    'a place that cannot be written',
    () => ['--out', join(folder, 'no', 'list.json'), operation('a', 'query A { me { id } }')],
    'cannot be written',
  ],
  ['an option that there is not', () => ['--output', 'x'], 'See --help'],
])('%s is told in one sentence', async (_, args, sentence) => {
  const { code, stdout, stderr } = await safelist(...args());

  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('--help tells what it is for', async () => {
  const { code, stdout } = await safelist('--help');
  expect([code, stdout]).toEqual([0, expect.stringContaining('runs these operations and no others')]);
});

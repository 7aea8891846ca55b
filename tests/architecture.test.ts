/** The import rules of docs/architecture.md, checked on the source itself. */
import { globSync, readFileSync } from 'node:fs';
import { importsOf } from './imports.ts';

const files = globSync('{schema,platform,router,subgraphs,sandbox,local,operate,bench,web}/**/*.{ts,tsx}').filter(
  (file) => !/\.(test|long)\.ts$|\/fixture\.ts$|\/node_modules\//.test(file),
);
const edges = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

const room = (path: string) => path.split('/')[0] ?? '';
const subgraph = (path: string) => /^subgraphs\/([^/]+)/.exec(path)?.[1];
const ours = ['schema', 'platform', 'router', 'subgraphs', 'sandbox', 'local', 'operate', 'tests', 'bench', 'web'];

test('the source was read', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(edges).toContainEqual({ from: 'subgraphs/rental/rental.ts', to: 'platform/errors.ts' });
});

test('a subgraph never imports another', () => {
  const crossing = edges.filter(({ from, to }) => subgraph(from) && subgraph(to) && subgraph(from) !== subgraph(to));
  expect(crossing).toEqual([]);
});

test.each([
  ['schema', ['schema']],
  ['platform', ['platform', 'schema']],
  ['subgraphs', ['subgraphs', 'platform', 'schema']],
  ['router', ['router', 'platform', 'schema']],
  ['sandbox', ['sandbox', 'platform', 'schema']],
  ['local', ['local', 'platform']],
  ['operate', ['operate', 'router', 'subgraphs', 'sandbox', 'platform', 'schema']],
  ['web', ['web', 'platform']],
  ['bench', ['bench', 'subgraphs', 'local', 'tests', 'platform', 'schema']],
])('%s imports only %p and libraries', (from, allowed) => {
  const breaking = edges.filter(
    (edge) => room(edge.from) === from && ours.includes(room(edge.to)) && !allowed.includes(room(edge.to)),
  );
  expect(breaking).toEqual([]);
});

test('the rules of a subgraph import only errors', () => {
  const isRules = (path: string) => /^subgraphs\/(\w+)\/\1\.ts$/.test(path);
  expect(edges.filter(({ from, to }) => isRules(from) && to !== 'platform/errors.ts')).toEqual([]);
});

test('only platform/config.ts reads the environment', () => {
  const readers = files.filter((file) => /process\.env/.test(readFileSync(file, 'utf8')));
  expect(readers).toEqual(['platform/config.ts']);
});

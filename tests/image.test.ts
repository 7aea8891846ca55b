/** The image (Dockerfile, .dockerignore) has what its commands need, and nothing that only tests or `npm start` need. */
import { globSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path/posix';
import { importsOf } from './imports.ts';

const lines = readFileSync('.dockerignore', 'utf8').split('\n').filter(Boolean);
const taken = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
const left = lines.filter((line) => !/^[!#]|^\*$/.test(line));
const isInImage = (file: string) =>
  taken.some((path) => file === path || file.startsWith(`${path}/`)) && !left.some((glob) => matchesGlob(file, glob));

const files = globSync('{operate,platform,router,sandbox,schema,subgraphs}/**/*.ts').filter(isInImage);
const edges = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));
const isOurs = (to: string) => to.endsWith('.ts');
const libraryOf = (to: string) => /^(@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? '';

test('everything that is to be copied is there', () => {
  expect(taken.filter((path) => globSync(path).length === 0)).toEqual([]);
  expect(files).toEqual(
    expect.arrayContaining(['router/main.ts', 'subgraphs/book/main.ts', 'platform/healthcheck.ts']),
  );
});

test('no file in the image imports one that is not', () => {
  expect(edges.filter(({ to }) => isOurs(to) && !isInImage(to))).toEqual([]);
});

test('no file in the image imports a library that is installed for development alone', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const installed = new Set(Object.keys(dependencies));
  const libraries = edges.filter(({ to }) => !isOurs(to) && !to.startsWith('node:'));
  expect(libraries.length).toBeGreaterThan(50);
  expect(libraries.filter(({ to }) => !installed.has(libraryOf(to)))).toEqual([]);
});

test('of the page only what was built is in the image, and it is built there', () => {
  const [, last = ''] = readFileSync('Dockerfile', 'utf8').split('AS source\n');
  expect(last).toMatch(/^RUN rm -r web .*\nCOPY --from=page \/app\/web\/dist \.\/web\/dist$/m);
  expect(isInImage('web/dist/current')).toBe(false);
});

test('no test is in the image', () => {
  expect(files.filter((file) => /\.(test|long)\.ts$|fixture/.test(file))).toEqual([]);
});

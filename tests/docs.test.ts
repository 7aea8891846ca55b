/** What the documents point at is there: a reader who follows them never looks for something that has moved. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { buildSchema, isEnumType } from 'graphql';
import { errorCodes, userErrorReasons } from '#platform/errors.ts';
import { requestCodes } from '#platform/graphql.ts';

const documents = globSync([
  'README*.md',
  'docs/**/*.md',
  '{router,web,sandbox,operate,bench,helm,tests/chaos}/README.md',
  'subgraphs/*/README.md',
]).map((file) => ({
  file,
  text: readFileSync(file, 'utf8'),
}));
const sources = globSync('{schema,platform,router,subgraphs,sandbox,local,operate,bench,web}/**/*.{ts,tsx}').map(
  (file) => readFileSync(file, 'utf8'),
);

const quoted = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, inside = '']) => inside);

test('the documents were read', () => expect(documents.length).toBeGreaterThan(10));

test.each(documents)('$file names only files that exist', ({ file, text }) => {
  const linked = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, to = '']) => to).filter((to) => !/^https?:/.test(to));
  const named = quoted(text).filter((name) => /^[\w./-]+\.(ts|md|graphql)$/.test(name));
  const isThere = (name: string) => [name, join(dirname(file), name)].some(existsSync) || sourcesNamed(name);
  expect([...linked, ...named].filter((name) => !isThere(name))).toEqual([]);
});

/** A file named without its folder, right after another of the same folder. */
const sourcesNamed = (name: string): boolean =>
  globSync(`{schema,platform,router,subgraphs,sandbox,local,operate,bench}/**/${name}`).length > 0;

test('docs/story.md names only functions and tables that exist', () => {
  const story = documents.find(({ file }) => file === 'docs/story.md')?.text ?? '';
  const names = quoted(story).filter((name) => /^[a-z]+[A-Za-z]*$/.test(name));
  const isDefined = (name: string) =>
    sources.some((source) =>
      new RegExp(`(function\\*?|const|let) ${name}\\b|^ +(async )?${name}[:(]`, 'm').test(source),
    );
  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => !isDefined(name))).toEqual([]);
});

test('docs/errors.md tells of every code, and of none that there is not', () => {
  const text = documents.find(({ file }) => file === 'docs/errors.md')?.text ?? '';
  const told = [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  const userErrorCode = buildSchema(readFileSync('schema/supergraph.graphql', 'utf8'), {
    assumeValidSDL: true,
  }).getType('UserErrorCode');
  const userErrors = isEnumType(userErrorCode) ? userErrorCode.getValues().map(({ name }) => name) : [];
  expect(told.sort()).toEqual([...userErrors, ...errorCodes, ...requestCodes].sort());
});

test('docs/errors.md tells of every reason, which the graph and the source have, and of the operations that give it', () => {
  const text = documents.find(({ file }) => file === 'docs/errors.md')?.text ?? '';
  const rows = [...text.matchAll(/^\| ([^|]+) \| `([A-Z_]+)` \|/gm)];
  const graph = buildSchema(readFileSync('schema/supergraph.graphql', 'utf8'), { assumeValidSDL: true });
  const reasons = graph.getType('UserErrorReason');
  const given = globSync('subgraphs/*/*.ts', { exclude: ['**/*.test.ts'] })
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/'([A-Z_]+)'|^ {2}([A-Z_]+):/gm)])
    .map(([, text, key]) => text ?? key ?? '');

  const told = rows.map(([, , reason = '']) => reason);
  expect(told.toSorted()).toEqual([...userErrorReasons].sort());
  expect(isEnumType(reasons) && reasons.getValues().map(({ name }) => name)).toEqual(userErrorReasons);
  expect(told.filter((reason) => !given.includes(reason))).toEqual([]);
  const mutations = Object.keys(graph.getMutationType()?.getFields() ?? {});
  const operations = rows.flatMap(([, operations = '']) => quoted(operations));
  expect(operations.filter((name) => !mutations.includes(name))).toEqual([]);
});

test('README.ko.md has what README.md has: the same commands, variables, addresses and links, in the same order', () => {
  const [english, korean] = ['README.md', 'README.ko.md'].map((file) => facts(readFileSync(file, 'utf8')));
  expect(korean).toEqual(english);
});

/** What is the same in every language. */
function facts(text: string) {
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([whole, part]) => part ?? whole);
  return {
    headings: all(/^#+/gm),
    commands: all(/^ {4}.+/gm),
    names: all(/`[^`]+`/g).sort(),
    links: all(/\]\(([^)]+)\)/g).filter((link) => !link.startsWith('README')),
    rows: all(/^\| (`[^`]+`)/gm),
  };
}

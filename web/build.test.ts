/** What `npm run build:web` does to a small page. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { runCommand } from '../tests/command.ts';

let folder: string;
let web: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rentabook-build-'));
  web = join(folder, 'web');
  mkdirSync(web);
  put('index.html', '<!doctype html><script type="module" src="/main.ts"></script>');
  put('main.ts', 'document.title = "first";');
  put('../package-lock.json', '{}');
});
afterEach(() => rmSync(folder, { recursive: true }));

const AS_BEFORE = 'The page is built: its sources are as they were.\n';
const put = (name: string, text: string) => writeFileSync(join(web, name), text);
const build = () => runCommand('web/build.ts', {}, web);
const builds = () => readdirSync(join(web, 'dist')).filter((name) => name !== 'current');
const current = () => join(web, 'dist', readFileSync(join(web, 'dist', 'current'), 'utf8'));
const script = () => {
  const [name = ''] = readdirSync(join(current(), 'assets')).filter((name) => name.endsWith('.js'));
  return join(current(), 'assets', name);
};

test('the page is bundled, its script beside itself as Brotli and gzip', async () => {
  expect(await build()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The page is built: \d+ kB \(.* s\)\.\n$/),
  });

  const text = readFileSync(script(), 'utf8');
  expect(text).toContain('first');
  expect(brotliDecompressSync(readFileSync(`${script()}.br`)).toString()).toBe(text);
  expect(gunzipSync(readFileSync(`${script()}.gz`)).toString()).toBe(text);
  expect(existsSync(join(current(), 'index.html.br'))).toBe(false);
});

test('it is the build for production, whatever the environment is for', async () => {
  put('main.ts', 'document.title = process.env.NODE_ENV;');

  await runCommand('web/build.ts', { NODE_ENV: 'test' }, web);

  expect(readFileSync(script(), 'utf8')).toContain('production');
});

test('nothing is done while the sources are what they were, whatever their times and tests', async () => {
  await build();
  utimesSync(join(web, 'main.ts'), new Date(0), new Date(0));
  put('main.test.ts', 'test');
  mkdirSync(join(web, 'parts'));

  expect(await build()).toMatchObject({ code: 0, stdout: AS_BEFORE });
});

test.each([
  ['a source', 'main.ts', 'document.title = "second";'],
  ['a version of a library', '../package-lock.json', '{"packages":{}}'],
])('%s that has changed makes another one, and the one before stays for who serves it', async (_, name, text) => {
  await build();
  const before = current();
  put(name, text);

  await build();

  expect(current()).not.toBe(before);
  expect(existsSync(join(before, 'index.html'))).toBe(true);
});

test('what is older than the one before goes', async () => {
  for (const title of ['one', 'two', 'three']) {
    put('main.ts', `document.title = "${title}";`);
    await build();
  }
  expect(builds()).toHaveLength(2);
  expect(readFileSync(script(), 'utf8')).toContain('three');

  put('main.ts', 'document.title = "two";');
  expect(await build()).toMatchObject({ code: 0, stdout: AS_BEFORE });
  expect(readFileSync(script(), 'utf8')).toContain('two');
});

test('two builds at once are one', async () => {
  await Promise.all([build(), build()]);

  expect(builds()).toEqual([current().slice(-16)]);
  expect(readFileSync(script(), 'utf8')).toContain('first');
});

test('a mistake in the sources leaves what was built', async () => {
  await build();
  put('main.ts', 'const x = ;');

  expect(await build()).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^The page cannot be built: .*Unexpected token \(.*main\.ts:1:11\)\n$/),
    stderr: '',
  });
  expect(builds()).toHaveLength(1);
  expect(readFileSync(script(), 'utf8')).toContain('first');
});

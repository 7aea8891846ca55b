/**
 * `npm run build:web`: the page as browsers get it, of this folder or the one that is given. `dist/current` names the folder beside it that is served; its own name is a hash
 * of the sources, so one that is there is never written to again, and a router that runs keeps what it has begun with.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { setForLibrary } from '#platform/config.ts';
import { codeOf, reasonOf } from '#platform/errors.ts';

/** What is worth compressing; index.html is not, since the router fills it in. */
const TEXT = ['.js', '.css', '.svg', '.json', '.webmanifest', '.txt'];

/** Answers what there is now, in a sentence. @throws when the sources cannot be built. */
async function buildPage(web: string): Promise<string> {
  const startedAt = performance.now();
  const dist = join(web, 'dist');
  const name = await hashOf(web);
  if (existsSync(join(dist, name))) {
    await point(dist, name);
    return 'The page is built: its sources are as they were.';
  }

  setForLibrary('NODE_ENV', 'production'); // a test's or a developer's would bundle React for development
  const { build } = await import('vite');
  const side = join(dist, `.${name}.${process.pid}`);
  try {
    await build({ root: web, logLevel: 'silent', build: { outDir: side, emptyOutDir: true } });
    const bytes = await compress(side);
    await rename(side, join(dist, name)).catch(unlessThere);
    await point(dist, name);
    const took = ((performance.now() - startedAt) / 1000).toFixed(1);
    return `The page is built: ${Math.round(bytes / 1000)} kB (${took} s).`;
  } finally {
    await rm(side, { recursive: true, force: true });
  }
}

/** Of what is in the files and of the libraries' versions: a clone has new times for old files. */
async function hashOf(web: string): Promise<string> {
  const hash = createHash('sha256').update(await readFile(join(web, '..', 'package-lock.json')));
  for (const file of globSync('**/*', { cwd: web, exclude: ['dist', '**/*.test.*', '**/README.md'] }).sort()) {
    if ((await stat(join(web, file))).isDirectory()) continue;
    hash.update(`\0${file}\0`).update(await readFile(join(web, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Writes .br (at 11, Node's default) and .gz beside each text; answers how much a browser gets in all. */
async function compress(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => {
      const file = join(parentPath, name);
      const content = await readFile(file);
      if (!TEXT.includes(extname(name))) return content.length;
      const [br, gz] = await Promise.all([promisify(brotliCompress)(content), promisify(gzip)(content, { level: 9 })]);
      await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gz)]);
      return br.length;
    });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Another build of the same sources was quicker. */
function unlessThere(error: unknown): void {
  if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(codeOf(error))) throw error;
}

/** From now on `name` is served. The one before stays for a router that runs; what is older goes. */
async function point(dist: string, name: string): Promise<void> {
  const current = join(dist, 'current');
  const before = existsSync(current) ? await readFile(current, 'utf8') : undefined;
  if (before === name) return;
  await writeFile(`${current}.${process.pid}`, name);
  await rename(`${current}.${process.pid}`, current);
  const builds = (await readdir(dist)).filter((entry) => /^[0-9a-f]{16}$/.test(entry));
  const old = builds.filter((entry) => entry !== name && entry !== before);
  await Promise.all(old.map((entry) => rm(join(dist, entry), { recursive: true, force: true })));
}

/** In one line, as a step of a start tells it. */
function sentenceOf(error: unknown): string {
  if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') return 'what builds it is not installed; npm ci installs it.';
  const [message = ''] = stripVTControlCharacters(reasonOf(error)).split('───╯'); // of the first mistake, with a drawing of it
  return message.replace(/\s+/g, ' ').replace(/ ╭─\[ (.*?) \].*/, ' ($1)');
}

try {
  process.stdout.write(`${await buildPage(process.argv[2] ?? import.meta.dirname)}\n`);
} catch (error) {
  process.stdout.write(`The page cannot be built: ${sentenceOf(error)}\n`);
  process.exitCode = 1;
}

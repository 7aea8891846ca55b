/** What the chart says of the code, held to the code. What helm and a cluster make of it: `tests/chart.sh`. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { ConfigError, readConfig, type Setting } from '#platform/config.ts';

const read = (file: string) => readFileSync(file, 'utf8');
const templates = globSync('helm/templates/**/*.{yaml,tpl,txt}').map(read).join('\n');
const schema = JSON.parse(read('helm/values.schema.json'));
const tuning: Record<string, { type?: string; minimum?: number; maximum?: number; enum?: string[]; $ref?: string }> =
  schema.properties.config.properties;

const [, inside = ''] = /\nconst settings = \{\n(.*?)\n\} satisfies/s.exec(read('platform/config.ts')) ?? [];
const settings = [...inside.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name]) => name as Setting); // the keys of the very table
const named = (text: string) => new Set([...text.matchAll(/\b[A-Z][A-Z_]+\b/g)].map(([name]) => name));

/** Of one machine, or given where they are used: an address of the image's own, files on disk. */
const NOT_OF_A_CLUSTER = ['HOST', 'SUPERUSER_FILE', 'RENTABOOK_DATA', 'NATS_SERVER'];

test('the settings were read', () => expect(settings.length).toBeGreaterThan(70));

test('every setting is tuned by `config`, wired by a template, or not of a cluster', () => {
  const wired = named(
    templates
      .replaceAll('{{ upper . }}_URL', 'BOOK_URL RENTAL_URL DELIVERY_URL CUSTOMER_URL')
      .replaceAll(
        '{{ upper . }}_DATABASE_URL',
        'BOOK_DATABASE_URL RENTAL_DATABASE_URL DELIVERY_DATABASE_URL CUSTOMER_DATABASE_URL',
      ),
  );
  const patterns = Object.keys(schema.properties.config.patternProperties);
  const isTuned = (name: string) => name in tuning || patterns.some((pattern) => new RegExp(pattern).test(name));
  const forgotten = settings.filter((name) => !isTuned(name) && !wired.has(name) && !NOT_OF_A_CLUSTER.includes(name));
  expect(forgotten).toEqual([]);
});

test('`config` names only settings that there are, and no secret', () => {
  expect(Object.keys(tuning).filter((name) => !settings.includes(name as Setting))).toEqual([]);
  expect(Object.keys(tuning).filter((name) => /_(URL|KEY|KEYS|SECRET|CREDENTIALS)$/.test(name))).toEqual([]);
});

/** What the code makes of a text: true when it takes it. */
function takes(name: Setting, text: string): boolean {
  try {
    readConfig([name], { [name]: text });
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

const numbers = Object.entries(tuning).filter(([, { type }]) => type === 'integer');

test.each(numbers)('%s has the same bounds in the chart as in the code', (name, { minimum = NaN, maximum = NaN }) => {
  const taken = [minimum - 1, minimum, maximum, maximum + 1].map((value) => takes(name as Setting, String(value))); // as above
  expect(taken).toEqual([false, true, true, false]);
});

test('words that may be chosen are those of the code', () => {
  const chosen = Object.entries(tuning).flatMap(([name, { enum: words, $ref }]) =>
    ($ref ? ['on', 'off'] : (words ?? [])).map((word): [string, string] => [name, word]),
  );
  expect(chosen.length).toBeGreaterThan(6);
  expect(chosen.filter(([name, word]) => !takes(name as Setting, word))).toEqual([]); // as above
});

test('the commands of the pods are files that there are', () => {
  const files = [...templates.matchAll(/\b[a-z/]+\.ts\b/g)].map(([file]) => file);
  expect(files).toEqual(expect.arrayContaining(['router/main.ts', 'operate/migrate.ts', 'operate/smoke.ts']));
  expect(files.filter((file) => !existsSync(file) && !/wiringOf/.test(file))).toEqual([]);
});

const sources = globSync('{platform,router,subgraphs,sandbox}/**/*.ts')
  .filter((file) => !file.endsWith('.test.ts'))
  .map(read)
  .join('\n');
/** Series of a histogram have endings of their own. */
const metricsIn = (text: string) =>
  [...new Set([...text.matchAll(/\brentabook_\w+/g)].map(([name]) => name.replace(/_(count|bucket|sum)$/, '')))].sort();
const alerts = read('helm/alerts.yaml');

test.each(['helm/alerts.yaml', 'helm/alerts.test.yaml', 'helm/dashboards/rentabook.json'])(
  '%s asks only for metrics that there are',
  (file) => {
    const asked = metricsIn(read(file));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !sources.includes(name))).toEqual([]);
  },
);

test('each alert has a runbook of its name, told in docs/operate.md, and a case in its test', () => {
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(14);
  expect([...alerts.matchAll(/runbook_url: RUNBOOKS(\w+)/g)].map(([, name]) => name)).toEqual(
    names.map((name) => name.toLowerCase()),
  );
  expect([...read('docs/operate.md').matchAll(/^### (Rentabook\w+)$/gm)].map(([, name]) => name).sort()).toEqual(
    [...names].sort(),
  );
  expect(names.filter((name) => !read('helm/alerts.test.yaml').includes(`alertname="${name}"`))).toEqual([]);
});

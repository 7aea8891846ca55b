/** Versions of this checkout beside itself, as trees of files: a newer one, and two that must never be let in. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const checkout = join(import.meta.dirname, '../..');
/** What an image of the project is made of, and the chart. */
const PARTS = [
  'schema',
  'platform',
  'router',
  'subgraphs',
  'sandbox',
  'operate',
  'helm',
  'package.json',
  'package-lock.json',
  '.dockerignore',
];

interface Edit {
  file: string;
  /** Stands in the file once. */
  find: string | RegExp;
  replace: string;
}

/** A further migration in the list of a service. */
function migration(service: string, name: string, sql: string): Edit[] {
  const file = `subgraphs/${service}/database.ts`;
  const migrationClass = `class Added extends Migration { override up(): void { this.addSql(${JSON.stringify(sql)}); } }`;
  return [
    {
      file,
      find: /\nexport const/,
      replace: `\nimport { Migration } from '@mikro-orm/migrations';\n${migrationClass}\nexport const`,
    },
    { file, find: /\n {2}\],\n\};/, replace: `\n    { name: '${service}_${name}', class: Added },\n  ],\n};` },
  ];
}

const numbered = (patch: number): Edit[] => [
  { file: 'package.json', find: /"version": "(\d+\.\d+)\.\d+"/, replace: `"version": "$1.${patch}"` },
  { file: 'helm/Chart.yaml', find: /^version: "?(\d+\.\d+)\.\d+"?$/m, replace: `version: $1.${patch}` },
  { file: 'helm/Chart.yaml', find: /^appVersion: "?(\d+\.\d+)\.\d+"?$/m, replace: `appVersion: "$1.${patch}"` },
];
const newer = [
  ...migration('rental', '0901_added', 'ALTER TABLE rental ADD added text'),
  ...migration('customer', '0901_added', 'ALTER TABLE customer_order ADD added text'),
];
const mains = [
  'router/main.ts',
  'sandbox/main.ts',
  ...['book', 'rental', 'delivery', 'customer'].map((name) => `subgraphs/${name}/main.ts`),
];

/** What each has of its own. Those that come after `next` have its migrations, as any later version would. */
const versions = {
  this: [],
  /** Columns that this version knows nothing of, in tables that it writes to all the time. */
  next: [...numbered(901), ...newer],
  broken: [
    ...numbered(902),
    ...newer,
    ...mains.map((file) => ({ file, find: /^/, replace: "throw new Error('This version cannot start.');\n" })),
  ],
  badMigration: [
    ...numbered(903),
    ...newer,
    ...migration('book', '0903_bad', 'ALTER TABLE no_such_table ADD added text'),
  ],
} satisfies Record<string, Edit[]>;

export type Version = keyof typeof versions;
export const allVersions = Object.keys(versions) as Version[];

export const ownChart = join(checkout, 'helm');

/** Writes the tree of a version; its libraries are those of this checkout. */
export function writeVersion(version: Version, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const part of PARTS)
    if (existsSync(join(checkout, part))) cpSync(join(checkout, part), join(folder, part), { recursive: true });
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, replace } of versions[version]) {
    const path = join(folder, file);
    const before = readFileSync(path, 'utf8');
    const after = before.replace(find, replace);
    if (after === before)
      throw new Error(`${file} has no ${find} any more, by which the version "${version}" is made.`);
    writeFileSync(path, after);
  }
}

/** Versions below which a dependency is known to be dangerous, held for every copy of it in the lock file. */
import { readFileSync } from 'node:fs';

/** A package, the least safe version of each of its lines, and what an older one does. */
const FLOORS: [name: string, least: string[], why: string][] = [
  ['graphql', ['16.8.1'], 'validation of overlapping fields took time without bound (CVE-2023-26144)'],
  ['@apollo/gateway', ['2.10.1'], 'fragments within fragments took planning time without bound (CVE-2025-32030)'],
  ['@apollo/query-planner', ['2.10.1'], 'the same (CVE-2025-32030)'],
  ['@apollo/composition', ['2.12.1'], 'rules of access on interfaces were left out of the supergraph'],
  ['ws', ['8.17.1'], 'a request with many headers ended the process (CVE-2024-37890)'],
  ['undici', ['6.21.2', '7.5.0'], 'a server with a bad certificate made it leak memory (CVE-2025-47279)'],
  ['jose', ['4.15.5', '5.0.0'], 'a compressed token took memory without bound (CVE-2024-28176)'],
  ['koa', ['2.15.4', '3.0.0'], 'a header took time without bound (CVE-2025-25200)'],
  ['body-parser', ['1.20.3', '2.2.1'], 'a form took time without bound (CVE-2024-45590)'],
  ['qs', ['6.14.1'], 'a list in an address took memory without bound'],
  ['node-fetch', ['2.6.7', '3.1.1'], 'credentials went along to another host (CVE-2022-0235)'],
  ['form-data', ['2.5.4', '3.0.4', '4.0.4'], 'boundaries could be guessed (CVE-2025-7783)'],
  ['cross-spawn', ['6.0.6', '7.0.5'], 'an argument took time without bound (CVE-2024-21538)'],
  ['semver', ['5.7.2', '6.3.1', '7.5.2'], 'a range took time without bound (CVE-2022-25883)'],
  ['brace-expansion', ['1.1.12', '2.0.2', '3.0.1', '4.0.1'], 'a pattern took time without bound (CVE-2025-5889)'],
  ['glob', ['10.5.0', '11.1.0'], 'its command ran what a file name said (CVE-2025-64756)'],
  ['js-yaml', ['3.14.2', '4.1.1'], 'a merge reached the prototype (CVE-2025-64718)'],
  ['markdown-it', ['12.3.2'], 'a text took time without bound (CVE-2022-21670)'],
  ['codemirror', ['5.58.2'], 'a text took time without bound (CVE-2020-7760)'],
  ['@babel/traverse', ['7.23.2'], 'a source could run code while it was read (CVE-2023-45133)'],
  ['@babel/helpers', ['7.26.10'], 'what it generated took time without bound (CVE-2025-27789)'],
];

interface Lock {
  packages: Record<string, { version?: string }>;
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
const versionsOf = (name: string): string[] =>
  Object.entries(lock.packages).flatMap(([path, { version }]) =>
    version && path.endsWith(`node_modules/${name}`) ? [version] : [],
  );

const numbersOf = (version: string): number[] => version.split('.').map(Number.parseFloat);
const majorOf = (version: string): number => numbersOf(version)[0] ?? 0;

function isAtLeast(version: string, least: string): boolean {
  const [ours, theirs] = [numbersOf(version), numbersOf(least)];
  const place = ours.findIndex((number, at) => number !== theirs[at]);
  return place < 0 || (ours[place] ?? 0) > (theirs[place] ?? 0);
}

/** Of its own line; one whose line is not listed must be newer than all. */
function isSafe(version: string, least: string[]): boolean {
  const ofItsLine = least.find((one) => majorOf(one) === majorOf(version));
  return isAtLeast(version, ofItsLine ?? least.at(-1) ?? '');
}

test.each(FLOORS)('%s is at least %j: %s', (name, least) => {
  const versions = versionsOf(name);
  expect(versions).not.toEqual([]);
  expect(versions.filter((version) => !isSafe(version, least))).toEqual([]);
});

test.each([
  ['8.17.1', ['8.17.1'], true],
  ['8.17.0', ['8.17.1'], false],
  ['8.9.9', ['8.17.1'], false],
  ['9.0.0', ['8.17.1'], true],
  ['7.5.2', ['8.17.1'], false],
  ['2.0.1', ['1.1.12', '2.0.2'], false],
  ['1.1.12', ['1.1.12', '2.0.2'], true],
])('%s against %j: %j', (version, least, safe) => expect(isSafe(version, least)).toBe(safe));

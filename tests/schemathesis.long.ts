/**
 * Schemathesis makes operations up from the schema and asks the running system for them: none may break anything. Its version is
 * pinned, and so is the seed; it comes from PyPI by pip, once, into the project's cache.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { wholeEnvironment } from '#platform/config.ts';
import { errorCodes } from '#platform/errors.ts';
import { requestCodes } from '#platform/graphql.ts';
import type { Role } from '#platform/tokens.ts';
import { type Answer, addBook, type Client, clientOf, idOf, requestRental, signUp } from './client.ts';
import { type System, startSystem } from './system.ts';

const VERSION = '4.32.5';
const CACHED = join(import.meta.dirname, '..', '.cache', 'schemathesis', VERSION);
const SEED = '42';
/** For each of some 34 operations: above 500 in all. */
const EXAMPLES = '20';

const run = promisify(execFile);

let system: System;
let folder: string;
beforeAll(async () => {
  await install();
  folder = mkdtempSync(join(tmpdir(), 'rentabook-schemathesis-'));
  // Room, so that what is made up is run and not refused for its size.
  const room = {
    MAX_COST: '1000000',
    MAX_TOKENS: '20000',
    MAX_SELECTIONS: '20000',
    MAX_DEPTH: '64',
    MAX_ALIASES: '1000',
  };
  system = await startSystem({ ...room, SANDBOX_CARRIER_STEP_MS: '1000' });
}, 300_000);
afterAll(async () => {
  await system?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

/** @throws with a sentence that says what is missing */
async function install(): Promise<void> {
  if (existsSync(CACHED)) return;
  mkdirSync(dirname(CACHED), { recursive: true });
  const fresh = mkdtempSync(join(dirname(CACHED), 'new-'));
  const flags = ['--quiet', '--disable-pip-version-check', '--no-warn-script-location', '--target', fresh];
  try {
    await run('python3', ['-m', 'pip', 'install', ...flags, `schemathesis==${VERSION}`]);
  } catch (cause) {
    rmSync(fresh, { recursive: true });
    throw new Error('Schemathesis could not be installed: this test needs Python 3.10 or newer with pip, and PyPI.', {
      cause,
    });
  }
  renameSync(fresh, CACHED);
}

interface Exchange {
  asked: string;
  status: number;
  text: string;
}

async function askEverything(token: string, name: string): Promise<Exchange[]> {
  const report = join(folder, `${name}.json`);
  const options = [
    '--seed',
    SEED,
    '--max-examples',
    EXAMPLES,
    '--phases',
    'fuzzing',
    '--no-shrink',
    '--continue-on-failure',
  ];
  const judging = [
    '--checks',
    'not_a_server_error',
    '--suppress-health-check',
    'all',
    '--report',
    'har',
    '--report-har-path',
    report,
  ];
  const authorization = ['--header', `Authorization: Bearer ${token}`];
  const args = ['-m', 'schemathesis.cli', 'run', `${system.url}/graphql`, ...authorization, ...options, ...judging];
  const env = wholeEnvironment({ PYTHONPATH: CACHED });
  // What it finds is judged below: its exit code says also that a query found nothing.
  await run('python3', args, { env, cwd: folder, maxBuffer: 100_000_000 }).catch((failed: { stdout?: string }) => {
    if (!existsSync(report)) throw new Error(`Schemathesis broke off: ${failed.stdout}`);
  });
  interface Entry {
    request: { postData?: { text: string } };
    response: { status: number; content: { text?: string } };
  }
  const { log } = JSON.parse(readFileSync(report, 'utf8')) as { log: { entries: Entry[] } };
  return log.entries.map(({ request, response }) => ({
    asked: request.postData?.text ?? '',
    status: response.status,
    text: response.content.text ?? '',
  }));
}

async function accountWith(...roles: Role[]): Promise<Client> {
  const account = await signUp(system.url);
  return clientOf(system.url, await system.tokenOf(idOf(account), { roles: ['CUSTOMER', ...roles] }));
}

const DOCUMENTED: string[] = [...errorCodes, ...requestCodes].filter((code) => code !== 'INTERNAL_SERVER_ERROR');

test.each<[string, Role[]]>([
  ['a customer', []],
  ['staff', ['STAFF']],
  ['an administrator', ['STAFF', 'COURIER', 'ADMIN']],
])(
  'whatever is made up from the schema and asked by %s, nothing breaks',
  async (who, roles) => {
    const bookId = await addBook(await system.clientWith('STAFF'), 3);
    const account = await accountWith(...roles);
    await requestRental(account, bookId);

    const exchanges = await askEverything(account.token ?? '', who);

    const answers = exchanges.map(({ asked, status, text }) => ({ asked, status, ...(JSON.parse(text) as Answer) }));
    const run = answers.filter(({ status }) => status === 200);
    expect(exchanges.length).toBeGreaterThanOrEqual(500);
    expect(run.length).toBeGreaterThan(exchanges.length / 3);
    expect(exchanges.filter(({ status }) => status >= 500)).toEqual([]);
    const strange = answers.filter(({ errors = [] }) =>
      errors.some(({ extensions }) => !DOCUMENTED.includes(extensions?.code ?? '')),
    );
    expect(strange).toEqual([]);
  },
  180_000,
);

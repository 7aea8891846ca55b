/** The command as a person runs it: a process, beside a service's database. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bareEnvironment, readConfig } from '#platform/config.ts';
import { query } from '#platform/database.ts';
import { createDatabase } from '../../tests/services.ts';
import { Book } from './entities.ts';
import { expectSums, openShop, type Shop } from './fixture.ts';
import { columns } from './goodbooks.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-import-'));
let url: string;
let shop: Shop;
beforeAll(async () => {
  url = await createDatabase('import');
  shop = await openShop(url);
});
beforeEach(() => query(shop.em(), 'TRUNCATE book, book_copy, stock_movement, waitlist_entry, outbox'));
afterAll(async () => {
  await shop?.close();
  rmSync(folder, { recursive: true });
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const run = (settings: object, ...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const env = bareEnvironment({ RENTABOOK_DATA: join(folder, 'none'), ...settings });
    const child = execFile(process.execPath, ['subgraphs/book/import.ts', ...args], { env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });

function write(name: string, ...lines: (string | Buffer)[]): string {
  const path = join(folder, name);
  const bytes = lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]);
  writeFileSync(path, Buffer.concat(bytes));
  return path;
}

const HEADER = columns.join(',');
const importRows = (...lines: (string | Buffer)[]) => run({ DATABASE_URL: url }, write('books.csv', HEADER, ...lines));
const books = () => shop.em().find(Book, {}, { orderBy: { sourceId: 'asc' } });
const summary = (counts: string) => expect.stringMatching(`^2 rows: ${counts} \\(.* rows a second\\)\\.\n$`);

test('a row becomes a listed book with its copies, its ledger and its event; the same file again changes nothing', async () => {
  const rows = [
    '1,439023483,Suzanne Collins,2008.0,"The Hunger Games (The Hunger Games, #1)",eng,4780653',
    '5001,,"Homer, Émile Rieu",-750.0,Ὀδύσσεια,,12',
  ];

  const first = await importRows(...rows);
  const imported = await books();
  const again = await importRows(...rows);

  expect(first).toMatchObject({ code: 0, stdout: summary('2 imported, 0 updated, 0 unchanged, 0 left out') });
  expect(again).toMatchObject({ code: 0, stdout: summary('0 imported, 0 updated, 2 unchanged, 0 left out') });
  expect(imported).toEqual([
    expect.objectContaining({
      isbn: '9780439023481',
      status: 'LISTED',
      available: 20,
      popularity: 4780653,
      version: 1,
    }),
    expect.objectContaining({ title: 'Ὀδύσσεια', authors: ['Homer', 'Émile Rieu'], publishedYear: -750, available: 2 }),
  ]);
  expect(await books()).toEqual(imported);
  for (const { id } of imported) {
    await expectSums(shop, id);
    expect(await shop.eventsOf(`book-${id}`)).toEqual(['book.saved']);
  }
});

test('no row is lost silently: each that is not imported, and each part of one, is told with its line and the reason', async () => {
  const { code, stdout } = await importRows(
    '1,439023483,A,2008,One,eng,10',
    '2,1400066124,B,2008,Two,eng,10',
    '3,439023483,C,2008,Three,eng,10',
    '1,,D,2008,Four,eng,10',
    'x,,E,2008,Five,eng,10',
    '6,,F,2008, ,eng,10',
    '7,,G',
    Buffer.concat([Buffer.from('8,,H,2008,Caf'), Buffer.from([0xe9]), Buffer.from(',fre,10')]),
    '9,,I,2008,Nine,eng,10',
    '10,,J,2008,"Ten,eng,10',
    '11,,K,2008,Eleven,eng,10',
  );

  expect(code).toBe(0);
  expect(stdout.split('\n').slice(0, -2)).toEqual([
    'line 3, imported: isbn "1400066124" has a wrong check digit, so the book goes without it',
    'line 4, imported: ISBN 9780439023481 is on line 2 already, so the book goes without it',
    'line 5, left out: book_id 1 is on line 2 already',
    'line 6, left out: book_id "x" is not a positive number',
    'line 7, left out: The title must not be empty.',
    expect.stringMatching(/^line 8, left out: Invalid Record Length/),
    'line 9, left out: it is not UTF-8 text',
    expect.stringMatching(/^line 11, left out: lines 11 to \d+: Quote Not Closed/),
  ]);
  expect((await books()).map(({ title }) => title)).toEqual(['One', 'Two', 'Three', 'Nine']);
});

test('the system that runs on this machine is found, also where DATABASE_URL is the server that it was started with', async () => {
  writeFileSync(join(folder, 'environment.json'), JSON.stringify({ book: { DATABASE_URL: url } }));
  const file = write('books.csv', HEADER, '1,,A,2008,One,eng,10');
  const server = readConfig(['DATABASE_URL']);

  const here = await run({ RENTABOOK_DATA: folder }, file);
  const there = await run({ RENTABOOK_DATA: folder, ...server }, file);

  expect([here.code, there.code]).toEqual([0, 0]);
  expect(here.stdout).toContain('1 imported');
  expect(there.stdout).toContain('1 unchanged');
});

test.each([
  ['a file that is not there', () => 'nothing.csv', 'There is no file nothing.csv.\n'],
  ['a folder', () => folder, `${folder} is not a file.\n`],
  [
    'a CSV with other columns',
    () => write('other.csv', 'book_id,isbn,name', '1,,A'),
    `${folder}/other.csv is not a goodbooks-10k file: it has no column authors, original_publication_year, title, language_code, ratings_count.\n`,
  ],
  [
    'what is no CSV at all',
    () => write('picture.csv', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')),
    `${folder}/picture.csv is not a goodbooks-10k file: it has no column ${columns.join(', ')}.\n`,
  ],
  [
    'an empty file',
    () => write('empty.csv'),
    `${folder}/empty.csv is not a goodbooks-10k file: it has no column ${columns.join(', ')}.\n`,
  ],
])('%s is refused in one sentence, and nothing changes', async (_, file, sentence) => {
  expect(await run({ DATABASE_URL: url }, file())).toEqual({ code: 1, stdout: '', stderr: sentence });
  expect(await books()).toEqual([]);
});

test.each([
  ['no system runs', {}, /^Start the system first \(npm start\): none is running on the data in .*none\.\n$/],
  [
    'its database does not answer',
    { DATABASE_URL: 'postgresql://127.0.0.1:1/x' },
    /^Start the system first \(npm start\): the database at 127\.0\.0\.1:1 does not answer \(.*\)\.\n$/,
  ],
])('where %s the sentence says what to do', async (_, settings, sentence) => {
  const { code, stderr } = await run(settings, write('books.csv', HEADER));
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(sentence) });
});

test("a database that is not Book's is left alone", async () => {
  const other = await createDatabase('other');
  const { stderr } = await run({ DATABASE_URL: other }, write('books.csv', HEADER));
  expect(stderr).toMatch(/there is no catalogue in the database at/);
  const shopThere = await openShop(other); // the migrations find nothing made
  await shopThere.close();
});

test('--help tells how it is used', async () => {
  const { code, stdout } = await run({}, '--help');
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^npm run import -- FILE\.csv/) });
});

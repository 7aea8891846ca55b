/** 10,000 books imported into the running system, beside `addBook` for one after the other, and beside what PostgreSQL takes for the rows alone. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as Database } from 'pg';
import { claimFolder } from '../local/folder.ts';
import { openSystem, type System } from '../local/system.ts';
import { columns, tiers } from '../subgraphs/book/goodbooks.ts';
import { createTokenIssuer } from '../subgraphs/customer/sessions.ts';
import { type Client, clientOf } from '../tests/client.ts';
import { runCommand } from '../tests/command.ts';
import { makeFolder, removeFolder } from '../tests/folders.ts';
import { ratiosOf, rounded, spreadOf, spreadText, thousands } from './figures.ts';
import { measure } from './load.ts';
import type { Outcome } from './outcome.ts';
import { printTable, say } from './table.ts';

const BOOKS = 10_000;
const ROUNDS = 3;
const ONE_BY_ONE = { clients: 1, forMs: 10_000, atMost: 500 };
const COMMAND = join(import.meta.dirname, '..', 'subgraphs', 'book', 'import.ts');
/** What an import writes. */
const TABLES = ['book', 'book_copy', 'stock_movement', 'outbox'];

export async function importBooks(): Promise<Outcome> {
  const folder = claimFolder(makeFolder());
  if (!folder) throw new Error('Somebody else claimed a new folder.');
  const { path } = folder;
  folder.release(); // the system claims it
  const system = await openSystem({
    folder: path,
    port: 0,
    host: '127.0.0.1',
    tuning: { RENTABOOK_LIMITS: 'off' },
    say: () => {},
  });
  try {
    for (const { steps } of system.stages) await Promise.all(steps.map(({ run }) => run(() => {})));
    const database = new Database({ connectionString: system.environments.book.DATABASE_URL });
    await database.connect();
    const file = join(path, 'books.csv');
    writeFileSync(file, fileOf(BOOKS));
    const staff = await staffOf(system);
    const { rows } = await database.query<{ version: string }>("SELECT current_setting('server_version') AS version");

    const rates = { ours: [] as number[], again: [] as number[], oneByOne: [] as number[], rowsAlone: [] as number[] };
    say(`${thousands(BOOKS)} titles with ${thousands(copiesOf(BOOKS))} copies`);
    const table = printTable(
      ['books/s', 'import', 'the same again', 'addBook by turns', 'the rows alone'],
      [10, 10, 16, 18, 16],
    );
    for (let round = 1; round <= ROUNDS; round++) {
      await database.query(`TRUNCATE ${TABLES.join(', ')}, waitlist_entry`);
      rates.ours.push(await importFile(path, file, 'imported'));
      rates.again.push(await importFile(path, file, 'unchanged'));
      rates.rowsAlone.push(await copyRows(database));
      rates.oneByOne.push((await measure(ONE_BY_ONE, () => addOne(staff))).perSecond);
      table.row(`round ${round}`, ...Object.values(rates).map((one) => thousands(rounded(one.at(-1) ?? 0))));
    }
    await database.end();

    const oursTimes = ratiosOf(rates.ours, rates.oneByOne);
    const ofTheRowsAlone = ratiosOf(rates.ours, rates.rowsAlone);
    const perSecond = Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, spreadOf(values)]));
    say(`the import is ${spreadText(oursTimes)} times as quick as addBook for one after the other`);
    return {
      ratio: oursTimes.median,
      against: 'addBook for one book after the other, through the router, without an ISBN and with as many copies',
      figures: { books: BOOKS, copies: copiesOf(BOOKS), rounds: ROUNDS, perSecond, oursTimes, ofTheRowsAlone },
      servers: { postgres: rows[0]?.version ?? '' },
    };
  } finally {
    await system.stop();
    const claim = claimFolder(path);
    if (claim) await removeFolder(claim);
  }
}

/** In the format of goodbooks-10k, each title with a valid ISBN of its own. */
function fileOf(books: number): string {
  const lines = Array.from({ length: books }, (_, n) =>
    [
      n + 1,
      isbn10(n),
      `"Author ${n % 4000}, Second ${n % 7}"`,
      1900 + (n % 120),
      `The ${n}th Book`,
      'eng',
      books - n,
    ].join(),
  );
  return [columns.join(), ...lines, ''].join('\n');
}

/** The last digit makes the weighted sum a multiple of 11. */
function isbn10(number: number): string {
  const digits = String(100_000_000 + number)
    .split('')
    .map(Number);
  const sum = digits.reduce((total, digit, place) => total + digit * (10 - place), 0);
  const check = (11 - (sum % 11)) % 11;
  return digits.join('') + (check === 10 ? 'X' : check);
}

const copiesOfRank = (rank: number) => tiers.find(({ upToRank }) => rank <= upToRank)?.copies ?? 0;
const copiesOf = (books: number) =>
  Array.from({ length: books }, (_, n) => copiesOfRank(n + 1)).reduce((sum, copies) => sum + copies, 0);

/** As a person runs it. Answers books a second, the command's own start and end included. */
async function importFile(folder: string, file: string, outcome: 'imported' | 'unchanged'): Promise<number> {
  const from = performance.now();
  const { code, stdout, stderr } = await runCommand(COMMAND, { RENTABOOK_DATA: folder }, file);
  const seconds = (performance.now() - from) / 1000;
  if (code || !stdout.includes(`${BOOKS} ${outcome}`)) throw new Error(`The import went wrong: ${stdout}${stderr}`);
  return BOOKS / seconds;
}

/** The rows that are there, once more into tables with the same indexes, by one statement for each table. */
async function copyRows(database: Database): Promise<number> {
  for (const table of TABLES) await database.query(`CREATE TABLE again_${table} (LIKE ${table} INCLUDING ALL)`);
  const from = performance.now();
  await database.query('BEGIN');
  for (const table of TABLES) await database.query(`INSERT INTO again_${table} SELECT * FROM ${table}`);
  await database.query('COMMIT');
  const seconds = (performance.now() - from) / 1000;
  for (const table of TABLES) await database.query(`DROP TABLE again_${table}`);
  return BOOKS / seconds;
}

async function staffOf({ url, environments }: System): Promise<Client> {
  const issuer = await createTokenIssuer(environments.customer.TOKEN_KEYS ?? '');
  return clientOf(url, await issuer.sign({ id: randomUUID(), roles: ['STAFF'] }, new Date(Date.now() + 3600_000)));
}

const ADD = 'mutation ($input: AddBookInput!) { addBook(input: $input) { book { id } userErrors { message } } }';

async function addOne(staff: Client): Promise<void> {
  const input = {
    title: `A Book ${randomUUID()}`,
    authors: ['An Author', 'Another'],
    publishedYear: 2000,
    language: 'en',
    rentalFee: { amount: 2500, currency: 'KRW' },
    copies: Math.round(copiesOf(BOOKS) / BOOKS),
  };
  const { addBook } = await staff.data(ADD, { input });
  if (!addBook.book) throw new Error(`No book was added: ${JSON.stringify(addBook.userErrors)}`);
}

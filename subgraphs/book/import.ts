/** `npm run import -- FILE.csv`: a goodbooks-10k file into the catalogue of the running system. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { type Parser, parse } from 'csv-parse';
import { Client } from 'pg';
import { ConfigError, givenSettings, readConfig } from '#platform/config.ts';
import { query } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { runningSystem } from '#platform/runningSystem.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { bookDatabase } from './database.ts';
import { columns, tiers } from './goodbooks.ts';
import { createImport, type FileRow, type Report, tally } from './importRows.ts';

const HELP = `npm run import -- FILE.csv

Imports a goodbooks-10k file (github.com/zygmuntz/goodbooks-10k) into the catalogue of the running system. A book is known by
its book_id or its ISBN, so the same file again changes nothing. Each row is imported, updated, unchanged or left out, and
whatever is left out is told with its line and the reason.

  ISBN-13     from isbn, filled up with zeros to ten; left out when its check digit is wrong
  language    from language_code, as ISO 639-1 where there is one (eng and en-US are en)
  copies      by book_id, the rank by popularity: ${tierText(({ copies }) => copies)}
  fee         likewise, in minor units: ${tierText(({ fee }) => fee)}

Copies, fee, tags and status of a book that is here already stay as they are.

The system is the one that "npm start" runs on this machine (RENTABOOK_DATA names its folder), or else DATABASE_URL is Book's
own database.
`;

/** 100 to 500 rows a transaction make no difference to the rate; each holds the locks of its books until it ends. */
const BATCH = 250;

/** Why nothing was imported, in a sentence for the one who typed the command. */
class Complaint extends Error {}

await main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const expected = error instanceof Complaint || error instanceof ConfigError;
  const sentence = expected
    ? message
    : `The import broke off (${message}). What is imported stays: run it again to go on.`;
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) return print(HELP);
  const [file, ...more] = positionals;
  if (!file || more.length) throw new Complaint(HELP);

  const size = await sizeOf(file);
  const { CURRENCY } = readConfig(['CURRENCY']);
  const url = await databaseUrl();
  const orm = await openServiceDatabase({ ...bookDatabase, url, log: createLog('import', 'silent') });
  const bar = new SingleBar({ format: '{bar} {percentage} % | {rows} rows | {left} left out', hideCursor: true });
  const startedAt = Date.now();
  const reports: Report[] = [];
  bar.start(size, 0, { rows: 0, left: 0 });
  try {
    const importRows = createImport(orm.em, CURRENCY, null);
    for await (const { rows, unreadable, bytes } of batchesOf(file)) {
      reports.push(...unreadable, ...(await importRows(rows)));
      bar.update(bytes, { rows: reports.length, left: tally(reports)['left out'] });
    }
    // What is not yet merged into the trigram index makes each search 50 times slower, until a vacuum.
    await query(orm.em, 'VACUUM (ANALYZE) book');
  } finally {
    bar.stop();
    await orm.close();
  }
  print(summary(reports, Date.now() - startedAt));
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (!found) throw new Complaint(`There is no file ${file}.`);
  if (!found.isFile()) throw new Complaint(`${file} is not a file.`);
  return found.size;
}

/** The system on this machine goes before DATABASE_URL where both are the same server: that is then the one it was started with. */
async function databaseUrl(): Promise<string> {
  const { RENTABOOK_DATA } = readConfig(['RENTABOOK_DATA']);
  const given = givenSettings().DATABASE_URL && readConfig(['DATABASE_URL']).DATABASE_URL;
  const running = runningSystem(RENTABOOK_DATA)?.book?.DATABASE_URL;
  const url = given && running && hostOf(given) !== hostOf(running) ? given : (running ?? given);
  if (!url)
    throw new Complaint(`Start the system first (npm start): none is running on the data in ${RENTABOOK_DATA}.`);
  if (!(await hasCatalogue(url)))
    throw new Complaint(`Start the system first (npm start): there is no catalogue in the database at ${hostOf(url)}.`);
  return url;
}

function hostOf(url: string): string {
  return new URL(url).host;
}

/** Asked before anything could be made in a database that is not Book's. */
async function hasCatalogue(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 3000 });
  try {
    await client.connect();
    const { rows } = await client.query("SELECT to_regclass('book_copy') IS NOT NULL AS found");
    return rows[0].found;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Complaint(
      `Start the system first (npm start): the database at ${hostOf(connectionString)} does not answer (${why}).`,
    );
  } finally {
    await client.end();
  }
}

interface Batch {
  rows: FileRow[];
  /** What is between two rows and is none. */
  unreadable: Report[];
  /** How far into the file. */
  bytes: number;
}

/** The rows of the file. @throws Complaint when it cannot be read or is not such a file. */
async function* batchesOf(file: string): AsyncGenerator<Batch> {
  let batch: Batch = { rows: [], unreadable: [], bytes: 0 };
  let lastLine = 1;
  let headerSeen = false;
  const parser: Parser = parse({
    bom: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    columns(header: string[]) {
      headerSeen = true;
      refuseWithout(columns.filter((column) => !header.includes(column)));
      return header;
    },
    on_record(row, { lines, bytes }) {
      lastLine = lines;
      return { line: lines, row, bytes };
    },
    on_skip(error) {
      const { lines } = parser.info;
      batch.unreadable.push(unreadable(lastLine + 1, lines, error?.message ?? 'it cannot be read'));
      lastLine = lines;
      return undefined;
    },
  });

  function refuseWithout(missing: string[]): void {
    if (missing.length)
      throw new Complaint(`${file} is not a goodbooks-10k file: it has no column ${missing.join(', ')}.`);
  }

  const source = createReadStream(file).on('error', (error) => parser.destroy(error));
  for await (const { line, row, bytes } of source.pipe(parser)) {
    batch.rows.push({ line, row });
    batch.bytes = bytes;
    if (batch.rows.length < BATCH) continue;
    yield batch;
    batch = { rows: [], unreadable: [], bytes };
  }
  if (!headerSeen) refuseWithout([...columns]);
  yield batch;
}

/** What runs over several lines has lost a quote: all of them are left out. */
function unreadable(from: number, to: number, message: string): Report {
  const remark = to > from ? `lines ${from} to ${to}: ${message}` : message;
  return { line: from, outcome: 'left out', remarks: [remark] };
}

function summary(reports: Report[], tookMs: number): string {
  const remarks = reports
    .sort((a, b) => a.line - b.line)
    .flatMap(({ line, outcome, remarks }) => remarks.map((remark) => `line ${line}, ${outcome}: ${remark}`));
  const counts = Object.entries(tally(reports)).map(([outcome, count]) => `${count} ${outcome}`);
  const perSecond = Math.round((reports.length * 1000) / Math.max(tookMs, 1));
  const took = `${(tookMs / 1000).toFixed(1)} s, ${perSecond} rows a second`;
  return [...remarks, `${reports.length} rows: ${counts.join(', ')} (${took}).`, ''].join('\n');
}

function tierText(of: (tier: (typeof tiers)[number]) => number): string {
  return tiers
    .map((tier) => `${of(tier)} ${tier.upToRank === Infinity ? 'after' : `up to ${tier.upToRank}`}`)
    .join(', ');
}

function print(text: string): void {
  process.stdout.write(text);
}

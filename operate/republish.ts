/** `npm run republish`: every book or every customer told of again, for a consumer that comes after the first telling has left the stream. */
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { type DatabaseContent, type EntityManager, query, transaction } from '#platform/database.ts';
import { isId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { republishBooks } from '../subgraphs/book/catalogue.ts';
import { bookDatabase } from '../subgraphs/book/database.ts';
import { republishCustomers } from '../subgraphs/customer/accounts.ts';
import { customerDatabase } from '../subgraphs/customer/database.ts';
import { Complaint, print, runCommand } from './command.ts';
import { databaseUrlOf, openDatabase, WHICH_SYSTEM } from './system.ts';

const HELP = `npm run republish -- book|customer [--after ID]

Writes a new version, with the whole state, of every book (book.saved) or customer (customer.saved), and changes nothing else. A
consumer that is new learns so what has left the stream; the others apply it and find nothing different.

It runs beside the system, a hundred at a time, in the order of their ids. Ctrl-C ends it after the hundred in hand and says how to
go on. Running it again from the start does no harm. A book that somebody is editing meanwhile has another version when they save
it, and they are asked to look again.

${WHICH_SYSTEM}

Exit code: 0 when all are told of, 1 when it was broken off, 2 when it could not be done.`;

/** Each holds the locks of its rows until it ends: as the import does, but these rows may be hot. */
const BATCH = 100;
const NO_ID = '00000000-0000-0000-0000-000000000000';

interface Kind {
  table: string;
  /** A table that only this service has. */
  sign: string;
  database: DatabaseContent;
  next(em: EntityManager, after: string, limit: number): Promise<string[]>;
}

const kinds: Record<'book' | 'customer', Kind> = {
  book: { table: 'book', sign: 'book_copy', database: bookDatabase, next: republishBooks },
  customer: { table: 'customer', sign: 'saved_address', database: customerDatabase, next: republishCustomers },
};

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, after: { type: 'string', default: NO_ID } },
    allowPositionals: true,
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const [what, ...more] = positionals;
  if ((what !== 'book' && what !== 'customer') || more.length)
    throw new Complaint('Say what to tell of again: book or customer. See --help.');
  if (values.after !== NO_ID && !isId(values.after)) throw new Complaint(`"${values.after}" is not an id.`);

  const url = databaseUrlOf(what);
  await refuseAnotherDatabase(url, what);
  return republish(kinds[what], what, url, values.after);
});

/** Asked before anything could be made in a database that is not this service's. */
async function refuseAnotherDatabase(url: string, what: 'book' | 'customer'): Promise<void> {
  const client = await openDatabase(`The database of ${what}`, url);
  try {
    const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS found', [kinds[what].sign]);
    if (!rows[0].found) throw new Complaint(`The database at ${new URL(url).host} is not the one of ${what}.`);
  } finally {
    await client.end();
  }
}

async function republish({ table, database, next }: Kind, what: string, url: string, from: string): Promise<number> {
  const orm = await openServiceDatabase({ ...database, url, log: createLog('republish', 'silent') });
  const bar = new SingleBar({ format: `{bar} {percentage} % | {value} of {total} ${what}s`, hideCursor: true });
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (stopping = true));
  let after = from;
  let told = 0;
  const goOn = () => `${told} ${what}s told of. Go on with --after ${after}.`;
  try {
    const [all] = await query<{ count: number }>(orm.em.fork(), `SELECT count(*)::int FROM ${table} WHERE id > $1`, [
      from,
    ]);
    bar.start(all?.count ?? 0, 0);
    for (;;) {
      const ids = await transaction(orm.em, (em) => next(em, after, BATCH));
      const last = ids.at(-1);
      if (!last) break;
      after = last;
      told += ids.length;
      bar.update(told);
      if (stopping) break;
    }
  } catch (cause) {
    bar.stop();
    throw new Error(`${cause instanceof Error ? cause.message : cause}; ${goOn()}`, { cause });
  } finally {
    bar.stop();
    await orm.close();
  }
  print(stopping ? goOn() : `${told} ${what}s told of.`);
  return stopping ? 1 : 0;
}

/** One title that everybody wants: our micro-batches, a transaction for each request, and pgbench, in turns on the same server. */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { type Orm, query, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { outboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { moves } from '../subgraphs/book/book.ts';
import { addBook } from '../subgraphs/book/catalogue.ts';
import { bookDatabase } from '../subgraphs/book/database.ts';
import { createReserve } from '../subgraphs/book/reserve.ts';
import { ratiosOf, type Spread, spreadOf, spreadText, thousands } from './figures.ts';
import { type Load, measure, type Round } from './load.ts';
import type { Outcome } from './outcome.ts';
import { findPgbench } from './pgbench.ts';
import { openPool, withServers } from './servers.ts';
import { printTable, say } from './table.ts';

const ROUNDS = 5;
const LOAD: Load = { clients: 64, forMs: 5000, atMost: 100_000 };
const WARM_UP: Load = { ...LOAD, forMs: 2000 };
/** As a service has it, where nobody sets DATABASE_POOL. */
const POOL = 10;
/** More than all rounds can sell. */
const PLENTY = 10_000_000;
const TITLES = 50;
const SCALES = [1, 100];
const PLAIN = 'plain transaction';

type Reserve = ReturnType<typeof createReserve>;

export async function hotTitle(): Promise<Outcome> {
  const pgbench = await findPgbench();
  return withServers(async ({ createDatabase, checkpoint, postgresVersion }) => {
    const url = await createDatabase('book');
    const orm = await openServiceDatabase({ ...bookDatabase, url, pool: POOL, log: createLog('bench', 'silent') });
    const pool = openPool(url, LOAD.clients);
    try {
      const reserve = createReserve(() => orm.em.fork());
      const [ours = '', theirs = '', ...titles] = await addTitles(orm, 2 + TITLES);
      const rivals: Rival[] = [
        { name: 'ours', run: (load) => measure(load, () => reserve(rentalOf(ours))) },
        { name: `ours, ${TITLES} titles`, run: (load) => measure(load, () => reserve(rentalOf(anyOf(titles)))) },
        { name: PLAIN, run: (load) => measure(load, () => reservePlainly(pool, theirs)) },
      ];
      for (const scale of SCALES) {
        const pgbenchUrl = await createDatabase(`pgbench_${scale}`);
        say(`filling ${pgbench.version} at scale ${scale}`);
        await pgbench.fill(pgbenchUrl, scale);
        rivals.push({ name: `pgbench, scale ${scale}`, run: (load) => pgbench.measure(pgbenchUrl, load) });
      }

      await checkpoint();
      const rates = await compete(rivals);
      const figures = {
        clients: LOAD.clients,
        rounds: ROUNDS,
        secondsPerRound: LOAD.forMs / 1000,
        ...rates,
        sold: await sellOut(orm, reserve),
      };
      return {
        ratio: rates[PLAIN]?.oursTimes.median ?? Number.NaN,
        against: 'a transaction of seven round trips for each request, on a connection of its own',
        figures,
        servers: { postgres: postgresVersion, pgbench: pgbench.version },
      };
    } finally {
      await pool.end();
      await orm.close();
    }
  });
}

interface Rival {
  name: string;
  run(load: Load): Promise<Round>;
}

interface Rates {
  perSecond: Spread;
  /** The rate of ours, as so many times this one. */
  oursTimes: Spread;
  /** Where single requests were timed. */
  p50Ms?: Spread;
  p99Ms?: Spread;
}

/** By turns, so that what else the machine does meets all of them. Ours is the first. */
async function compete(rivals: Rival[]): Promise<Record<string, Rates>> {
  say(`${LOAD.clients} clients, ${ROUNDS} rounds of ${LOAD.forMs / 1000} s each, by turns`);
  for (const { run } of rivals) await run(WARM_UP);

  const rounds = rivals.map(({ name, run }) => ({ name, run, measured: [] as Round[] }));
  const table = printTable(['round', 'requests/s', 'p50 ms', 'p99 ms'], [24, 12, 10, 10]);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const { name, run, measured } of rounds) {
      const one = await run(LOAD);
      measured.push(one);
      table.row(`${round} ${name}`, ...[one.perSecond, one.p50Ms, one.p99Ms].map(cell));
    }
  }

  const all = printTable(
    ['median (lowest to highest)', 'requests/s', 'ours is times', 'p50 ms', 'p99 ms'],
    [28, 26, 22, 22, 26],
  );
  const ours = rounds[0]?.measured ?? [];
  const rates = rounds.map(({ name, measured }): [string, Rates] => {
    const perSecond = measured.map((one) => one.perSecond);
    const times = (of: 'p50Ms' | 'p99Ms') => {
      const valuesMs = measured.flatMap((one) => one[of] ?? []);
      return valuesMs.length ? { [of]: spreadOf(valuesMs) } : {};
    };
    const rate: Rates = {
      perSecond: spreadOf(perSecond),
      oursTimes: ratiosOf(
        ours.map((one) => one.perSecond),
        perSecond,
      ),
      ...times('p50Ms'),
      ...times('p99Ms'),
    };
    all.row(
      name,
      ...[rate.perSecond, rate.oursTimes, rate.p50Ms, rate.p99Ms].map((one) => (one ? spreadText(one) : '')),
    );
    return [name, rate];
  });
  return Object.fromEntries(rates);
}

const cell = (value: number | undefined): string => (value === undefined ? '' : thousands(value));

async function addTitles(orm: Orm, count: number): Promise<string[]> {
  const input = { title: 'A Book', authors: ['An Author'], rentalFee: { amount: 4500, currency: 'KRW' } };
  const ids = await transaction(orm.em, async (em) => {
    const books = [];
    for (let n = 0; n < count; n++) books.push((await addBook(em, input, 'KRW', null)).id);
    return books;
  });
  await query(orm.em.fork(), 'UPDATE book SET available = $1', [PLENTY]);
  return ids;
}

const anyOf = (titles: string[]): string => titles[Math.floor(Math.random() * titles.length)] ?? '';

const rentalOf = (bookId: string) => ({ rentalId: randomUUID(), customerId: randomUUID(), bookId, quantity: 1 });

/** The same rows as ours, the way an application does it that has a driver or an ORM and one transaction for each request. */
async function reservePlainly(pool: Pool, bookId: string): Promise<void> {
  const rental = rentalOf(bookId);
  const { eventId, aggregate, subject, payload } = outboxRow(
    { id: rental.rentalId, version: 1 },
    'stock.reserved',
    rental,
    new Date(),
  );
  const { type, from, to } = moves.reserve;
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO reservation (id, customer_id, book_id, quantity, status, answer, version) VALUES ($1, $2, $3, $4, 'RESERVED', $5, 1)`,
      [
        rental.rentalId,
        rental.customerId,
        bookId,
        rental.quantity,
        { outcome: 'RESERVED', fee: { amount: 4500, currency: 'KRW' } },
      ],
    );
    const { rows } = await client.query<{ available: number; reserved: number }>(
      'SELECT * FROM book WHERE id = $1 FOR UPDATE',
      [bookId],
    );
    const [stock] = rows;
    if (!stock || stock.available < rental.quantity) throw new Error('The title is sold out.');
    await client.query('UPDATE book SET available = $2, reserved = $3 WHERE id = $1', [
      bookId,
      stock.available - rental.quantity,
      stock.reserved + rental.quantity,
    ]);
    await client.query(
      `INSERT INTO stock_movement (book_id, type, from_bucket, to_bucket, quantity, rental_id, occurred_at) VALUES ($1, $2, $3, $4, $5, $6, now())`,
      [bookId, type, from, to, rental.quantity, rental.rentalId],
    );
    await client.query('INSERT INTO outbox (event_id, aggregate, subject, payload) VALUES ($1, $2, $3, $4)', [
      eventId,
      aggregate,
      subject,
      payload,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const COPIES = 500;
const ASKED = 2000;

/** @throws when not exactly all copies of a title were sold. */
async function sellOut(orm: Orm, reserve: Reserve): Promise<object> {
  const input = {
    title: 'A Book',
    authors: ['An Author'],
    rentalFee: { amount: 4500, currency: 'KRW' },
    copies: COPIES,
  };
  const { id } = await transaction(orm.em, (em) => addBook(em, input, 'KRW', null));
  const outcomes: string[] = [];
  const load = { clients: LOAD.clients, forMs: 60_000, atMost: ASKED };
  await measure(load, async () => outcomes.push((await reserve(rentalOf(id))).outcome));

  const answered = outcomes.filter((outcome) => outcome === 'RESERVED').length;
  const [kept] = await query<{ available: number; reserved: number; ledger: number }>(
    orm.em.fork(),
    `SELECT available, reserved, (SELECT sum(quantity)::int FROM stock_movement WHERE book_id = $1 AND type = $2) AS ledger FROM book WHERE id = $1`,
    [id, moves.reserve.type],
  );
  say('');
  say(
    `${COPIES} copies, ${ASKED} asked: ${answered} were told that they have one; the title says ${kept?.reserved} reserved and ${kept?.available} left, its ledger ${kept?.ledger}`,
  );
  if ([answered, kept?.reserved, kept?.ledger].some((count) => count !== COPIES) || kept?.available !== 0)
    throw new Error(`Of ${COPIES} copies not exactly ${COPIES} were sold.`);
  return { copies: COPIES, asked: ASKED, sold: answered };
}

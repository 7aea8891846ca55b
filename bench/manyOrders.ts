/** Ten million orders in Customer's database, as if they had come in over three years: one customer has many, most have five. */
import type { Pool } from 'pg';
import { say } from './table.ts';

export const ORDERS = 10_000_000;
const BOOKS = 10_000;
/** The last books nobody has had. */
const LENT = 9990;

/** Whose orders are looked through, by name. */
const readers = { 'of 400,000 orders': 0, 'of 10,000': 1, 'of 5': 101 } as const;
export type Reader = keyof typeof readers;

/** `m` runs through all orders as if shuffled: 400,000 are of the first customer, 10,000 of each of a hundred, 5 of each of the others. */
const CUSTOMER = 'CASE WHEN m < 400000 THEN 0 WHEN m < 1400000 THEN 1 + m % 100 ELSE 101 + m % 1720000 END';

/** Nobody but the third kind of customer has lost a book. */
const STATUS = `CASE WHEN m % 100 < 90 THEN 'CLOSED' WHEN m % 100 < 95 THEN 'CANCELLED' WHEN m % 100 < 99 THEN 'REJECTED'
  WHEN m < 1400000 THEN 'RETURNED' ELSE 'LOST' END`;

/** A UUID that is always the same for the same thing. */
const idOf = (kind: string, number: string): string =>
  `overlay(overlay(md5('${kind}' || ${number}) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid`;

const TITLES = `INSERT INTO book (id, title)
  SELECT ${idOf('book', 'n')}, 'The ' || (n % 100) || 'th Sea of ' || (n / 100) || ' Islands, volume v' || n
  FROM generate_series(0, ${BOOKS - 1}) AS n`;

const ACCOUNTS = `INSERT INTO customer (id, email, email_key, name, password_hash, roles, created_at, version)
  SELECT ${idOf('customer', 'n')}, 'reader' || n || '@example.test', 'reader' || n || '@example.test', 'A Reader', 'none', '{CUSTOMER}', now(), 1
  FROM unnest($1::int[]) AS n RETURNING id, name`;

/** Those from the `$1`st up to before the `$2`nd. */
const FILL = `INSERT INTO customer_order
    (id, customer_id, book_id, quantity, status, status_since, change_number, requested_at, due_at)
  SELECT gen_random_uuid(), ${idOf('customer', `(${CUSTOMER})`)}, ${idOf('book', `m * 31 % ${LENT}`)}, 1, ${STATUS}, at, m, at, NULL
  FROM (SELECT n * 7368787 % ${ORDERS} AS m, '2023-11-01'::timestamptz + n * interval '9 seconds' AS at
        FROM generate_series($1::bigint, $2::bigint - 1) AS n) AS numbered`;

/** Answers the accounts' ids. Indexes are taken away and built anew: row by row they would take an hour. */
export async function fillHistory(pool: Pool): Promise<Record<Reader, string>> {
  const from = performance.now();
  await pool.query(TITLES);
  const { rows: accounts } = await pool.query<{ id: string }>(ACCOUNTS, [Object.values(readers)]);
  const { rows: indexes } = await pool.query<{ name: string; definition: string }>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
     FROM pg_index WHERE indrelid = 'customer_order'::regclass AND NOT indisprimary`,
  );
  const { rows: keys } = await pool.query<{ name: string; definition: string }>(
    `SELECT conname AS name, pg_get_constraintdef(oid) AS definition
     FROM pg_constraint WHERE conrelid = 'customer_order'::regclass AND contype = 'p'`,
  );
  for (const { name } of indexes) await pool.query(`DROP INDEX ${name}`);
  for (const { name } of keys) await pool.query(`ALTER TABLE customer_order DROP CONSTRAINT ${name}`);
  const halves = [
    [0, ORDERS / 2],
    [ORDERS / 2, ORDERS],
  ];
  await Promise.all(halves.map((half) => pool.query(FILL, half)));
  await pool.query("SET maintenance_work_mem = '1GB'");
  for (const { name, definition } of keys)
    await pool.query(`ALTER TABLE customer_order ADD CONSTRAINT ${name} ${definition}`);
  for (const { definition } of indexes) await pool.query(definition);
  await pool.query('VACUUM ANALYZE customer_order, book');
  say(`filled in ${Math.round((performance.now() - from) / 1000)} s`);
  const ids = accounts.map(({ id }) => id);
  return Object.fromEntries(Object.keys(readers).map((name, place) => [name, ids[place]])) as Record<Reader, string>;
}

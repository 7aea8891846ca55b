/**
 * A whole rental as one transaction on one database with the same tables and indexes: what it would be without services,
 * broker and bank. Once as pgbench runs its statements, once as an application does with MikroORM's unit of work.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { LockMode } from '@mikro-orm/core';
import type { Pool } from 'pg';
import { type Orm, openDatabase, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { OutboxRow, outboxRow } from '#platform/outbox.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { DataOf, EventType } from '#schema/events.ts';
import { moves } from '../subgraphs/book/book.ts';
import { bookDatabase } from '../subgraphs/book/database.ts';
import { Book, Reservation, StockMovement } from '../subgraphs/book/entities.ts';
import { rentalDatabase } from '../subgraphs/rental/database.ts';
import { Payment, Rental } from '../subgraphs/rental/entities.ts';
import { unfinished } from '../subgraphs/rental/rental.ts';
import { deliverTo } from '../tests/client.ts';
import { openPool } from './servers.ts';

const log = createLog('bench', 'silent');
const PRICE = { amount: 4500, currency: 'KRW' };
/** More than all rounds can rent. */
export const PLENTY = 10_000_000;

/** The books of the service, those of rentals behind them: where both have a table, it is the first one's. */
export const bothIn = (url: string): string => `${url}?options=-c%20search_path%3Dpublic,rental`;

const idOf = (kind: number, n: string) => `('${kind}0000000-0000-4000-8000-' || lpad((${n})::text, 12, '0'))::uuid`;

/** Both services' tables, so many titles and so many customers. */
export async function makeOneDatabase(url: string, titles: number, customers: number): Promise<void> {
  const orm = await openServiceDatabase({ ...bookDatabase, url, log });
  const pool = openPool(url, 1);
  try {
    await pool.query('CREATE SCHEMA rental');
    await pool.query('SET search_path = rental, public');
    for (const { class: Migration } of rentalDatabase.migrations) {
      const migration = new Migration(orm.em.getDriver(), orm.config);
      await migration.up();
      for (const sql of migration.getQueries()) await pool.query(String(sql));
    }
    await fill(pool, titles, customers);
  } finally {
    await pool.end();
    await orm.close();
  }
}

async function fill(pool: Pool, titles: number, customers: number): Promise<void> {
  await pool.query(
    `INSERT INTO public.book (id, title, authors, tags, status, fee_amount, fee_currency, available, reserved, "out", inspecting,
       popularity, search_title, search_text, facets, version)
     SELECT ${idOf(1, 'n')}, 'A Book', '{An Author}', '{}', 'LISTED', ${PRICE.amount}, '${PRICE.currency}', ${PLENTY}, 0, 0, 0, 0, 'a book', 'a book', '{}', 1
     FROM generate_series(1, ${titles}) AS n`,
  );
  await pool.query(`INSERT INTO customer (id) SELECT ${idOf(2, 'n')} FROM generate_series(1, ${customers}) AS n`);
}

const eventOf = (type: string, aggregate: string, version: number) => `
INSERT INTO outbox (event_id, aggregate, subject, payload) VALUES ('${aggregate}-' || (:rental)::text || ':${version}', '${aggregate}-' || (:rental)::text,
  'rentabook.${type}.' || (:rental)::text, format('{"specversion":"1.0","id":"${aggregate}-%1$s:${version}","source":"/rentabook/rental","type":"rentabook.${type}.v1","subject":"%1$s","time":"2026-01-01T00:00:00.000Z","datacontenttype":"application/json","aggregateversion":${version},"correlationid":"%1$s","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":{"rentalId":"%1$s","customerId":"%2$s","bookId":"%3$s","quantity":1,"total":{"amount":4500,"currency":"KRW"}}}', (:rental)::text, ${idOf(2, ':customer')}, ${idOf(1, ':title')})::jsonb);`;

/** One row a statement, as an application would send them. Answers the path of the script. */
export function writeScript(path: string, titles: number, customers: number): string {
  const [title, customer] = [idOf(1, ':title'), idOf(2, ':customer')];
  const open = unfinished.map((status) => `'${status}'`).join(', ');
  const script = `
\\set title random(1, ${titles})
\\set customer random(1, ${customers})
\\set key random(1, 9000000000000000)
BEGIN;
SELECT closed_at FROM customer WHERE id = ${customer} FOR UPDATE;
SELECT id, fingerprint FROM rental WHERE customer_id = ${customer} AND idempotency_key = (:key)::text;
SELECT count(*), (SELECT sum(amount) FROM fee WHERE customer_id = ${customer} AND status IN ('OUTSTANDING', 'PENDING'))
  FROM rental WHERE customer_id = ${customer} AND status IN (${open});
INSERT INTO rental (id, customer_id, idempotency_key, fingerprint, book_id, quantity, total_amount, currency, payment_method, deliver_to,
    status, holds, out_for_delivery, return_requested, inspected, requested_at, changed_at, renewals, version)
  VALUES (gen_random_uuid(), ${customer}, (:key)::text, 'Xr4ilOzQ4PCOq3aQ0qbuaQh1f8z3hGzD9GzXgYv5U0c', ${title}, 1, 4500, 'KRW', 'pm_card_visa',
    '${JSON.stringify(deliverTo)}', 'REQUESTED', 0, false, false, false, now(), now(), 0, 1) RETURNING id AS rental \\gset
INSERT INTO payment (id, status, currency, authorized, captured, refunded, version) VALUES (:rental, 'PENDING', 'KRW', 0, 0, 0, 0);
${eventOf('rental.requested', 'rental', 1)}
SELECT status, available, fee_amount, fee_currency FROM book WHERE id = ${title} FOR NO KEY UPDATE;
INSERT INTO reservation (id, customer_id, book_id, quantity, status, answer, version)
  VALUES (:rental, ${customer}, ${title}, 1, 'RESERVED', '{"outcome":"RESERVED","fee":{"amount":4500,"currency":"KRW"}}', 1);
UPDATE book SET available = available - 1, reserved = reserved + 1 WHERE id = ${title};
INSERT INTO stock_movement (book_id, type, from_bucket, to_bucket, quantity, rental_id, occurred_at)
  VALUES (${title}, '${moves.reserve.type}', '${moves.reserve.from}', '${moves.reserve.to}', 1, :rental, now());
${eventOf('stock.reserved', 'reservation', 1)}
UPDATE payment SET status = 'AUTHORIZED', intent_id = 'pi_' || (:rental)::text, authorized = 4500, version = version + 1 WHERE id = :rental;
UPDATE rental SET status = 'ACCEPTED', accepted_at = now(), changed_at = now(), version = version + 1 WHERE id = :rental;
${eventOf('payment.authorized', 'payment', 1)}
${eventOf('rental.accepted', 'rental', 2)}
COMMIT;
`;
  writeFileSync(path, script);
  return path;
}

export const openUnitOfWork = (url: string, connections: number): Promise<Orm> =>
  openDatabase({
    url: bothIn(url),
    entities: [Rental, Payment, OutboxRow, ...bookDatabase.entities],
    migrations: [],
    migrate: false,
    pool: connections,
    log,
  });

/** Finds, changes, and leaves the writing to the end of the transaction. */
export async function rentByUnitOfWork(orm: Orm, titles: number, customers: number): Promise<void> {
  const idempotencyKey = randomUUID();
  const [customerId, bookId] = [anyId(2, customers), anyId(1, titles)];
  await transaction(orm.em, async (em) => {
    await em.execute('SELECT closed_at FROM customer WHERE id = ? FOR UPDATE', [customerId]);
    const known = await em.findOne(Rental, { customerId, idempotencyKey });
    const open = await em.count(Rental, { customerId, status: { $in: unfinished } });
    const book = await em.findOneOrFail(Book, { id: bookId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (known || open > PLENTY || book.available < 1) throw new Error('It cannot be rented.');

    const now = new Date();
    const id = randomUUID();
    const facts = { rentalId: id, customerId, bookId, quantity: 1 };
    const tell = <T extends EventType>(version: number, type: T, data: DataOf<T>) =>
      em.create(OutboxRow, outboxRow({ id, version }, type, data, now));
    em.create(Rental, {
      id,
      customerId,
      idempotencyKey,
      fingerprint: 'Xr4ilOzQ4PCOq3aQ0qbuaQh1f8z3hGzD9GzXgYv5U0c',
      bookId,
      quantity: 1,
      totalAmount: PRICE.amount,
      currency: PRICE.currency,
      paymentMethod: 'pm_card_visa',
      deliverTo: { ...deliverTo, line2: null, phone: null },
      status: 'ACCEPTED',
      holds: 0,
      outForDelivery: false,
      returnRequested: false,
      inspected: false,
      requestedAt: now,
      changedAt: now,
      acceptedAt: now,
      renewals: 0,
      version: 2,
    });
    em.create(Payment, {
      id,
      status: 'AUTHORIZED',
      intentId: `pi_${id}`,
      currency: PRICE.currency,
      authorized: PRICE.amount,
      captured: 0,
      refunded: 0,
      version: 1,
    });
    book.available -= 1;
    book.reserved += 1;
    em.create(Reservation, {
      id,
      customerId,
      bookId,
      quantity: 1,
      status: 'RESERVED',
      answer: { outcome: 'RESERVED', fee: PRICE },
      version: 1,
    });
    em.create(StockMovement, { ...moves.reserve, bookId, quantity: 1, rentalId: id, occurredAt: now });
    tell(1, 'rental.requested', { ...facts, total: PRICE });
    tell(1, 'stock.reserved', facts);
    tell(1, 'payment.authorized', { ...facts, amount: PRICE });
    tell(2, 'rental.accepted', { ...facts, total: PRICE });
  });
}

const anyId = (kind: number, most: number): string =>
  `${kind}0000000-0000-4000-8000-${String(1 + Math.floor(Math.random() * most)).padStart(12, '0')}`;

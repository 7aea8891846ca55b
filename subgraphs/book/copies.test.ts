/** The list of all copies: for the desk that inspects what came back, and for whoever has one in hand and scans it. */
import { randomUUID } from 'node:crypto';
import { query } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { eventually } from '../../tests/client.ts';
import { createDatabase } from '../../tests/services.ts';
import { bookDatabase } from './database.ts';
import { openShop, rentalOf, type Shop } from './fixture.ts';
import { createReserve } from './reserve.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(await createDatabase('copies'));
});
afterAll(() => shop?.close());

const COPIES = `query ($first: Int, $after: String, $filter: BookCopyFilter) {
  copies(first: $first, after: $after, filter: $filter) { edges { node { id barcode status statusSince } } pageInfo { hasNextPage endCursor } }
}`;
interface Found {
  id: string;
  barcode: string;
  status: string;
  statusSince: string;
}
const list = async (variables: object) => (await shop.ask(COPIES, { first: 100, ...variables }, 'STAFF')).copies;
const copies = async (filter: object): Promise<Found[]> =>
  (await list({ filter })).edges.map(({ node }: { node: Found }) => node);
const idsOf = (found: Found[]) => found.map(({ id }) => id);

/** So many copies of a title come back from one rental. */
async function comeBack(quantity: number) {
  const rental = rentalOf(await shop.addTitle(quantity), quantity);
  await createReserve(shop.em)(rental);
  await shop.parcelOf(rental, 'OUTBOUND')('delivery.picked_up');
  await shop.parcelOf(rental, 'RETURN')('delivery.delivered');
  return rental;
}

/** They have been in their status since so long ago. */
const since = (minutes: number, ids: string[]) =>
  query(
    shop.em(),
    "UPDATE book_copy SET status_since = date_trunc('ms', now()) - $1 * interval '1 minute' WHERE id = ANY($2)",
    [minutes, ids],
  );

test('what waits for an inspection comes by how long it has waited, from page to page', async () => {
  const [young, old] = [await comeBack(2), await comeBack(3)];
  const oldest = idsOf(await copies({ rentalId: old.rentalId }));
  await since(60, oldest);
  const expected = [...oldest, ...idsOf(await copies({ rentalId: young.rentalId }))];

  const seen: string[] = [];
  for (let after: string | null = null; seen.length < expected.length; ) {
    const page = await list({ first: 2, after, filter: { status: ['INSPECTING'], bookId: null } });
    seen.push(...page.edges.map(({ node }: { node: Found }) => node.id));
    after = page.pageInfo.endCursor;
    expect(page.pageInfo.hasNextPage).toBe(seen.length < expected.length);
  }

  expect(seen).toEqual(expected);
});

test('a copy that goes for repair has waited for that since then, and shares the list with those that wait for an inspection', async () => {
  const { bookId } = await comeBack(2);
  const [first, second] = await copies({ bookId });
  await since(60, [first?.id ?? '', second?.id ?? '']);
  await shop.inspect(first?.id, 'DAMAGED');

  const found = await copies({ bookId, status: ['REPAIR', 'INSPECTING', 'REPAIR'] });

  expect(found.map(({ id, status }) => [id, status])).toEqual([
    [second?.id, 'INSPECTING'],
    [first?.id, 'REPAIR'],
  ]);
  expect(Date.now() - Date.parse(found[1]?.statusSince ?? '')).toBeLessThan(60_000);
});

test('a scanner finds one copy by its barcode, whatever the case and the spaces around it', async () => {
  const { bookId } = await comeBack(2);
  const [copy, other] = await copies({ bookId });

  expect(await copies({ barcode: ` ${copy?.barcode.toLowerCase()}\t` })).toEqual([copy]);
  expect(await copies({ barcode: copy?.barcode, status: ['ON_SHELF'] })).toEqual([]);
  expect(await copies({ barcode: copy?.barcode.slice(0, -1) })).toEqual([]);
  expect(await copies({ barcode: other?.barcode, bookId })).toEqual([other]);
});

test('an id that is none finds nothing, and neither does an empty text or no status', async () => {
  const { bookId } = await comeBack(1);

  const ids = [{ rentalId: 'none' }, { bookId: 'none' }, { bookId: randomUUID() }];
  const empty = [{ barcode: '' }, { barcode: ' ' }, { rentalId: '' }, { bookId: '' }, { bookId, status: [] }];
  for (const filter of [...ids, ...empty]) expect(await copies(filter)).toEqual([]);
  expect(await copies({ rentalId: null, bookId, status: null, barcode: null })).toHaveLength(1);
});

test('customers see no list, and a page has its bounds', async () => {
  expect(await shop.ask(COPIES, {}, 'CUSTOMER')).toEqual({ copies: null });
  for (const page of [{ first: 101 }, { first: null }, { after: 'nothing of ours' }])
    expect(await shop.errorsOf(COPIES, page, 'STAFF')).toEqual(['BAD_USER_INPUT']);
});

test('among 100,000 copies none is looked for in the table itself', async () => {
  const crowded = await openShop(await createDatabase('copies'));
  try {
    await crowded.addTitle(1);
    await query(
      crowded.em(),
      `INSERT INTO book SELECT (jsonb_populate_record(book, jsonb_build_object('id', gen_random_uuid()))).* FROM book, generate_series(1, 999)`,
    );
    // In parts: on a busy machine one statement would take longer than any may.
    for (let part = 0; part < 10; part++)
      await query(
        crowded.em(),
        `INSERT INTO book_copy (book_id, status, rental_id, status_since)
         SELECT id, CASE WHEN number % 1000 = 0 THEN 'INSPECTING' WHEN number % 3 = 0 THEN 'OUT' ELSE 'ON_SHELF' END,
           CASE WHEN number % 3 = 0 THEN gen_random_uuid() END, now() - number * interval '1 second'
         FROM (SELECT id, row_number() OVER () AS number FROM book, generate_series(1, 10)) AS copy`,
      );
    await query(crowded.em(), 'ANALYZE book_copy');
    const [known] = await query<{ book_id: string; rental_id: string }>(
      crowded.em(),
      'SELECT book_id, rental_id FROM book_copy WHERE rental_id IS NOT NULL LIMIT 1',
    );
    const scans = async () => {
      await query(crowded.em(), 'SELECT pg_stat_force_next_flush()');
      const statement =
        "SELECT seq_scan::int AS table, idx_scan::int AS index FROM pg_stat_user_tables WHERE relname = 'book_copy'";
      const [row] = await query<{ table: number; index: number }>(crowded.em(), statement);
      return row ?? { table: 0, index: 0 };
    };
    const filters = [
      {},
      { status: ['INSPECTING'] },
      { status: ['ON_SHELF', 'OUT'] },
      { barcode: 'RB0000050000' },
      { bookId: known?.book_id },
      { rentalId: known?.rental_id },
    ];

    for (const filter of filters) {
      const before = await scans();
      const { copies } = await crowded.ask(COPIES, { first: 100, filter }, 'STAFF');
      const after = await eventually(scans, ({ index }) => index > before.index);

      expect(copies.edges.length).toBeGreaterThan(0);
      expect(after.table).toBe(before.table);
    }
  } finally {
    await crowded.close();
  }
}, 60_000);

test('what waited before this was kept has waited since the line of the ledger that tells of it', async () => {
  const url = await createDatabase('copies');
  const log = createLog('test', 'silent');
  const earlier = bookDatabase.migrations.findIndex(({ name }) => name === 'book_0005_copies');
  const old = await openServiceDatabase({
    ...bookDatabase,
    migrations: bookDatabase.migrations.slice(0, earlier),
    url,
    log,
  });
  const [bookId, rentalId, together, alone, shelved] = Array.from({ length: 5 }, randomUUID);
  const cameBack = '2026-01-02 03:04:05+00';
  const repaired = '2026-01-03 03:04:05+00';
  try {
    const em = old.em.fork();
    await query(
      em,
      `INSERT INTO book VALUES ($1, NULL, NULL, 'T', '{}', NULL, NULL, NULL, '{}', 'LISTED', 0, 'KRW', 0, 0, 0, 0, 0, '', '', '{}', 1)`,
      [bookId],
    );
    await query(
      em,
      `INSERT INTO book_copy (id, book_id, status, rental_id) VALUES ($2, $1, 'INSPECTING', $5), ($3, $1, 'REPAIR', NULL), ($4, $1, 'ON_SHELF', NULL)`,
      [bookId, together, alone, shelved, rentalId],
    );
    await query(
      em,
      `INSERT INTO stock_movement (book_id, type, from_bucket, to_bucket, quantity, copy_id, rental_id, occurred_at)
       VALUES ($1, 'ACQUIRE', 'OUTSIDE', 'INSPECTING', 1, $6, NULL, '2025-01-01'), ($1, 'RETURN', 'OUT', 'INSPECTING', 2, NULL, $2, $4), ($1, 'REPAIR', 'INSPECTING', 'INSPECTING', 1, $3, $2, $5)`,
      [bookId, rentalId, alone, cameBack, repaired, together],
    );
  } finally {
    await old.close();
  }

  const grown = await openServiceDatabase({ ...bookDatabase, url, log });
  try {
    const rows = await query<{ id: string; status_since: string }>(
      grown.em.fork(),
      'SELECT id, status_since FROM book_copy ORDER BY status_since',
    );
    expect(rows.map(({ id }) => id)).toEqual([together, alone, shelved]);
    expect(rows.slice(0, 2).map(({ status_since }) => status_since)).toEqual([cameBack, repaired]);
  } finally {
    await grown.close();
  }
});

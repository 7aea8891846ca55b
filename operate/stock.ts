/** Stock: the ledger, the copies, the reservations and the waitlists of Book, and the reservations beside Rental's rentals. */
import type { ReservationStatus } from '../subgraphs/book/book.ts';
import type { RentalStatus } from '../subgraphs/rental/rental.ts';
import { type Row, rowsOf, sideBySide } from './pages.ts';
import { factsMistake, type Rule } from './rule.ts';

const buckets = ['available', 'reserved', 'out', 'inspecting'] as const;
const listed = (prefix: string) => buckets.map((bucket) => `${prefix}."${bucket}"`).join(', ');

type Counts = Record<(typeof buckets)[number], string | number>;
const spoken = (counts: Counts) => buckets.map((bucket) => `${counts[bucket]} ${bucket}`).join(', ');

const LEDGER = `
  WITH ledger AS (
    SELECT book_id AS id, ${buckets
      .map(
        (bucket) => `sum(CASE upper('${bucket}') WHEN to_bucket THEN quantity ELSE 0 END
          - CASE upper('${bucket}') WHEN from_bucket THEN quantity ELSE 0 END) AS "${bucket}"`,
      )
      .join(', ')}
    FROM stock_movement GROUP BY book_id)
  SELECT b.id, jsonb_build_object(${buckets.map((bucket) => `'${bucket}', b."${bucket}"`).join(', ')}) AS counts,
    jsonb_build_object(${buckets.map((bucket) => `'${bucket}', coalesce(l."${bucket}", 0)`).join(', ')}) AS ledger
  FROM book b LEFT JOIN ledger l USING (id)
  WHERE (${listed('b')}) IS DISTINCT FROM (${buckets.map((bucket) => `coalesce(l."${bucket}", 0)`).join(', ')})
    OR least(${listed('b')}) < 0`;

const ledger: Rule = {
  name: 'stock-ledger',
  says: "the movements of each book add up to its counts in each bucket, and no count is negative (Book's database)",
  atOnce: true,
  async look({ book }, tell) {
    const { rows } = await book.query<{ id: string; counts: Counts; ledger: Counts }>(LEDGER);
    for (const { id, counts, ledger } of rows)
      tell({ about: id, sentence: `Book ${id} counts ${spoken(counts)}; its ledger says ${spoken(ledger)}.` });
    return countOf(book, 'book');
  },
};

const COPIES = `
  WITH copies AS (
    SELECT book_id AS id, count(*) FILTER (WHERE status = 'ON_SHELF') AS on_shelf, count(*) FILTER (WHERE status = 'OUT') AS out,
      count(*) FILTER (WHERE status IN ('INSPECTING', 'REPAIR')) AS inspecting
    FROM book_copy GROUP BY book_id)
  SELECT b.id, b.available + b.reserved AS shelf_count, b.out AS out_count, b.inspecting AS inspecting_count,
    coalesce(on_shelf, 0) AS on_shelf, coalesce(c.out, 0) AS out, coalesce(c.inspecting, 0) AS inspecting
  FROM book b LEFT JOIN copies c USING (id)
  WHERE (b.available + b.reserved, b.out, b.inspecting)
    IS DISTINCT FROM (coalesce(on_shelf, 0), coalesce(c.out, 0), coalesce(c.inspecting, 0))`;

const copies: Rule = {
  name: 'stock-copies',
  says: 'each book has as many copies ON_SHELF as are available or reserved, OUT as are out, and INSPECTING or in REPAIR as are inspecting',
  atOnce: true,
  async look({ book }, tell) {
    const { rows } = await book.query(COPIES);
    for (const row of rows)
      tell({
        about: row.id,
        sentence:
          `Book ${row.id} counts ${row.shelf_count} on the shelf, ${row.out_count} out, ${row.inspecting_count} inspecting; ` +
          `of its copies ${row.on_shelf} are on the shelf, ${row.out} out, ${row.inspecting} inspecting.`,
      });
    return countOf(book, 'book');
  },
};

const RESERVED = `
  WITH held AS (
    SELECT book_id AS id, coalesce(sum(quantity) FILTER (WHERE status = 'RESERVED'), 0) AS reserved,
      coalesce(sum(quantity) FILTER (WHERE status = 'ISSUED'), 0) AS out
    FROM reservation WHERE status IN ('RESERVED', 'ISSUED') GROUP BY book_id),
  offers AS (SELECT book_id AS id, count(*) AS offered FROM waitlist_entry WHERE status = 'OFFERED' GROUP BY book_id)
  SELECT id, b.reserved AS reserved_count, b.out AS out_count, coalesce(h.reserved, 0) AS reserved, coalesce(h.out, 0) AS out,
    coalesce(offered, 0) AS offered
  FROM book b FULL JOIN held h USING (id) LEFT JOIN offers USING (id)
  WHERE (b.reserved, b.out) IS DISTINCT FROM (coalesce(h.reserved, 0) + coalesce(offered, 0), coalesce(h.out, 0))`;

const reserved: Rule = {
  name: 'stock-reservations',
  says: 'the reserved count of each book is the sum over its reservations and offers, the out count that over its reservations',
  atOnce: true,
  async look({ book }, tell) {
    const { rows } = await book.query(RESERVED);
    for (const row of rows)
      tell({
        about: row.id,
        sentence:
          row.reserved_count === null
            ? `Reservations hold ${row.reserved} and have out ${row.out} of book ${row.id}, which does not exist.`
            : `Book ${row.id} counts ${row.reserved_count} reserved and ${row.out_count} out; its reservations hold ${row.reserved} and have out ${row.out}, and ${row.offered} are offered.`,
      });
    return countOf(book, 'reservation');
  },
};

const OVERLOOKED = `
  SELECT b.id, b.available, count(*) AS waiting FROM book b JOIN waitlist_entry e ON e.book_id = b.id AND e.status = 'WAITING'
  WHERE b.status = 'LISTED' AND b.available > 0 GROUP BY b.id`;

const overlooked: Rule = {
  name: 'waitlists',
  says: 'nobody waits for a listed book of which a copy is available',
  atOnce: true,
  async look({ book }, tell) {
    const { rows } = await book.query(OVERLOOKED);
    for (const { id, available, waiting } of rows)
      tell({ about: id, sentence: `${waiting} wait for book ${id}, of which ${available} are available.` });
    return countOf(book, 'waitlist_entry');
  },
};

/** What a rental's reservation may be: what the last word of both services on it leads to, once it has been heard. */
const reservationsOf = {
  REQUESTED: [null, 'RESERVED', 'REFUSED'],
  ON_HOLD: [null, 'RESERVED', 'REFUSED'],
  ACCEPTED: ['RESERVED'],
  SHIPPING: ['ISSUED'],
  ON_LOAN: ['ISSUED'],
  OVERDUE: ['ISSUED'],
  RETURNING: ['ISSUED'],
  RETURNED: ['RETURNED'],
  CLOSED: ['RETURNED'],
  REJECTED: ['RELEASED'],
  CANCELLED: ['RELEASED', 'RETURNED', 'WRITTEN_OFF'], // the latter two when the stop came too late
  LOST: ['WRITTEN_OFF', 'RETURNED'], // the latter when the parcel was on its way already
} as const satisfies Record<RentalStatus, (ReservationStatus | null)[]>;

interface RentalRow extends Row {
  status: RentalStatus;
  version: number;
  customer_id: string;
  book_id: string;
  quantity: number;
  /** Its step of that kind. */
  release: string | null;
}

interface ReservationRow extends Row {
  status: ReservationStatus;
  version: number;
  customer_id: string;
  book_id: string;
  quantity: number;
}

const RENTALS = `
  SELECT id, status, version, customer_id, book_id, quantity,
    (SELECT step.status FROM step WHERE rental_id = rental.id AND kind = 'STOCK_RELEASE') AS release
  FROM rental WHERE`;
const RESERVATIONS = 'SELECT id, status, version, customer_id, book_id, quantity FROM reservation WHERE';

const rentals: Rule = {
  name: 'reservations',
  says: 'each rental has its reservation in the state that fits its own, of the same book, customer and quantity; one that has ended and is released holds nothing; no reservation is without a rental',
  async look({ book, rental }, tell, only) {
    let looked = 0;
    const pairs = sideBySide({
      rental: rowsOf<RentalRow>({ client: rental, select: RENTALS, key: 'id' }, only),
      reservation: rowsOf<ReservationRow>({ client: book, select: RESERVATIONS, key: 'id' }, only),
    });
    for await (const { id, rental, reservation } of pairs) {
      looked += 1;
      const sentence = rental
        ? mismatch(rental, reservation)
        : `Reservation ${id}, which is ${reservation?.status}, has no rental.`;
      if (sentence) tell({ about: id, sentence, state: [rental, reservation] });
    }
    return looked;
  },
};

function mismatch(rental: RentalRow, reservation: ReservationRow | undefined): string | null {
  const { id, status, release } = rental;
  const found = reservation?.status ?? null;
  // Until its release is confirmed an ended rental may hold what it held.
  const released = release === 'DONE' || !(status === 'CANCELLED' || status === 'REJECTED');
  const allowed: readonly (ReservationStatus | null)[] = reservationsOf[status];
  if (released && !allowed.includes(found))
    return `Rental ${id} is ${status}${release ? ` and its release ${release}` : ''}, but its reservation is ${found ?? 'missing'}.`;
  if (!reservation) return null;
  return factsMistake(id, rental, 'reservation', reservation);
}

async function countOf(client: { query: (sql: string) => Promise<{ rows: { count: string }[] }> }, table: string) {
  const { rows } = await client.query(`SELECT count(*) FROM ${table}`);
  return Number(rows[0]?.count ?? 0);
}

export const stockRules = [ledger, copies, reserved, overlooked, rentals];

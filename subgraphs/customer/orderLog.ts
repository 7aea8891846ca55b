/**
 * The numbered log of each customer's orders, read from any cursor however old. The head row of a log stays locked until the
 * commit, so numbers have no gaps and become visible in order: who has read up to n has read everything up to n.
 */
import { type EntityManager, query } from '#platform/database.ts';
import { microBatched } from '#platform/microBatches.ts';
import { ringAfterCommit } from './bells.ts';
import { finalStatuses, type Position, type RentalStatus } from './customer.ts';
import { type Order, OrderEvent } from './entities.ts';

/** Entries read at once. */
export const PAGE = 200;

/** The next number of the log of customer `$1`, whose head stays locked until the commit. */
const NEXT = `INSERT INTO order_log VALUES ($1, 1)
  ON CONFLICT (customer_id) DO UPDATE SET last = order_log.last + 1 RETURNING last`;

const SCAN = `
  WITH log AS (${NEXT})
  INSERT INTO order_event (customer_id, number, rental_id, aggregate, version, type, delivery_status, message, occurred_at)
  SELECT $1, last, $2, $3, $4, $5, $6, $7, $8 FROM log`;

/** What a parcel's event says of an order. */
type Scan = Pick<
  OrderEvent,
  'customerId' | 'rentalId' | 'aggregate' | 'version' | 'type' | 'deliveryStatus' | 'message' | 'occurredAt'
>;

/** Writes a parcel's event to the customer's log, within the caller's transaction. */
export async function appendScan(em: EntityManager, scan: Scan): Promise<void> {
  const { customerId, rentalId, aggregate, version, type, deliveryStatus, message, occurredAt } = scan;
  await query(em, SCAN, [customerId, rentalId, aggregate, version, type, deliveryStatus, message, occurredAt]);
  ringAfterCommit(em, customerId);
}

/** Log and order in one statement: events share a transaction, and each round trip counts for all of them. */
const CHANGE = `
  WITH before AS (SELECT status FROM customer_order WHERE id = $2),
  log AS (${NEXT}),
  entry AS (
    INSERT INTO order_event (customer_id, number, rental_id, aggregate, version, type, status, previous_status, message, occurred_at)
    SELECT $1, last, $2, $3, $4, $5, coalesce($6, status, 'REQUESTED'), status, $7, $8 FROM log LEFT JOIN before ON true
    RETURNING number, status)
  INSERT INTO customer_order AS o (id, customer_id, book_id, quantity, status, status_since, change_number, requested_at, due_at)
  SELECT $2, $1, $9, $10, status, $8, number, $8, $11 FROM entry
  ON CONFLICT (id) DO UPDATE SET status = excluded.status, due_at = coalesce(excluded.due_at, o.due_at),
    status_since = CASE WHEN o.status = excluded.status THEN o.status_since ELSE excluded.status_since END,
    change_number = CASE WHEN o.status = excluded.status THEN o.change_number ELSE excluded.change_number END`;

/** What a rental's event says of its order. */
type Change = Pick<
  OrderEvent,
  'customerId' | 'rentalId' | 'aggregate' | 'version' | 'type' | 'message' | 'occurredAt'
> &
  Pick<Order, 'bookId' | 'quantity' | 'dueAt'> & {
    /** Null where the event leaves it as it is. */
    status: RentalStatus | null;
  };

/** Writes a rental's event to the customer's log and moves the order, which begins with the first event known of it. */
export async function appendChange(em: EntityManager, change: Change): Promise<void> {
  const { customerId, rentalId, aggregate, version, type, status, message, occurredAt, bookId, quantity, dueAt } =
    change;
  const values = [customerId, rentalId, aggregate, version, type, status, message, occurredAt, bookId, quantity, dueAt];
  await query(em, CHANGE, values);
  ringAfterCommit(em, customerId);
}

/** The number of each one's latest entry; 0 before the first. */
export async function headsOf(em: EntityManager, customerIds: readonly string[]): Promise<number[]> {
  const rows = await query<{ last: number | null }>(
    em,
    `SELECT last FROM unnest($1::uuid[]) WITH ORDINALITY AS asked(customer_id, place)
     LEFT JOIN order_log USING (customer_id) ORDER BY place`,
    [customerIds],
  );
  return rows.map(({ last }) => last ?? 0);
}

export const headOf = async (em: EntityManager, customerId: string): Promise<number> =>
  (await headsOf(em, [customerId]))[0] ?? 0;

interface PageRequest extends Position {
  /** Only changes of this one. */
  rentalId: string | null;
}

export interface ChangesPage {
  /** Changes of status after the position, oldest first, a page of them. */
  changes: OrderEvent[];
  /** The number of the log's latest entry at that moment. */
  head: number;
}

export type ReadChanges = (request: PageRequest) => Promise<ChangesPage>;

/** Readers who are woken by one commit ask together: one statement for all of them. */
const READERS = { size: 50, inFlight: 4 };

const CHANGES = `
  SELECT place::int, coalesce(l.last, 0) AS head, e.number, e.rental_id AS "rentalId", e.aggregate, e.version, e.type,
    e.status, e.previous_status AS "previousStatus", e.message, e.occurred_at AS "occurredAt"
  FROM unnest($1::uuid[], $2::int[], $3::uuid[]) WITH ORDINALITY AS asked(customer_id, number, rental_id, place)
  LEFT JOIN order_log l ON l.customer_id = asked.customer_id
  LEFT JOIN LATERAL (
    SELECT c.number, c.rental_id, c.aggregate, c.version, c.type, c.status, c.previous_status, c.message, c.occurred_at
    FROM order_event c
    WHERE c.customer_id = asked.customer_id AND c.number > asked.number
      AND (asked.rental_id IS NULL OR c.rental_id = asked.rental_id) AND c.status IS DISTINCT FROM c.previous_status
    ORDER BY c.number LIMIT ${PAGE}) e ON true
  ORDER BY place, e.number`;

/** Without a number where there is no change: then the rest is null as well. */
type ChangeRow = Omit<OrderEvent, 'customerId' | 'number' | 'deliveryStatus'> & {
  /** Whose page it is, from 1. */
  place: number;
  head: number;
  number: number | null;
};

/** Reads what many ask for, whoever they are, each from a position of their own. */
export function createChangesReader(em: () => EntityManager): ReadChanges {
  return microBatched<PageRequest, ChangesPage>(READERS, async (requests) => {
    const rows = await query<ChangeRow>(em(), CHANGES, [
      requests.map(({ customerId }) => customerId),
      requests.map(({ number }) => number),
      requests.map(({ rentalId }) => rentalId),
    ]);
    const pages = requests.map((): ChangesPage => ({ changes: [], head: 0 }));
    for (const { place, head, number, occurredAt, ...row } of rows) {
      const [page, request] = [pages[place - 1], requests[place - 1]];
      if (!page || !request) throw new Error('A page was read that nobody asked for');
      page.head = head;
      if (number === null) continue;
      const { customerId } = request;
      page.changes.push({ ...row, customerId, number, occurredAt: new Date(occurredAt), deliveryStatus: null });
    }
    return pages;
  });
}

/**
 * The latest change of each order that is open or changed in the last day (of the named one in any case), after a position
 * and up to a number, oldest first, a page of them. Each has its own number, so a reader who is cut off in the middle goes
 * on from there. An order that changes again meanwhile leaves this list, and the change stands beyond `until`.
 */
export async function latestChanges(
  em: EntityManager,
  { customerId, number }: Position,
  until: number,
  rentalId: string | null,
): Promise<OrderEvent[]> {
  const rows = await query<object>(
    em,
    `SELECT e.* FROM customer_order o JOIN order_event e ON e.customer_id = o.customer_id AND e.number = o.change_number
     WHERE o.customer_id = $1 AND o.change_number > $2 AND o.change_number <= $3
       AND (o.id = $4 OR $4::uuid IS NULL AND (o.status <> ALL($5) OR o.status_since > now() - interval '1 day'))
     ORDER BY o.change_number LIMIT ${PAGE}`,
    [customerId, number, until, rentalId, finalStatuses],
  );
  return rows.map((row) => em.map(OrderEvent, row));
}

/**
 * The numbered log of each customer's orders, read from any cursor however old. The head row of a log stays locked until the
 * commit, so numbers have no gaps and become visible in order: who has read up to n has read everything up to n.
 */
import { type EntityManager, query } from '#platform/database.ts';
import { ringAfterCommit } from './bells.ts';
import { finalStatuses, type Position } from './customer.ts';
import { OrderEvent } from './entities.ts';

/** Entries read at once. */
export const PAGE = 200;

/** Writes the next entry of the customer's log, within the caller's transaction. Answers its number. */
export async function append(em: EntityManager, entry: Omit<OrderEvent, 'number'>): Promise<number> {
  const [row] = await query<{ number: number }>(
    em,
    `WITH log AS (
       INSERT INTO order_log VALUES ($1, 1)
       ON CONFLICT (customer_id) DO UPDATE SET last = order_log.last + 1 RETURNING last)
     INSERT INTO order_event (customer_id, number, rental_id, aggregate, version, type, status, previous_status, delivery_status, message, occurred_at)
     SELECT $1, last, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM log RETURNING number`,
    [
      entry.customerId,
      entry.rentalId,
      entry.aggregate,
      entry.version,
      entry.type,
      entry.status,
      entry.previousStatus,
      entry.deliveryStatus,
      entry.message,
      entry.occurredAt,
    ],
  );
  if (!row) throw new Error(`The log of customer ${entry.customerId} took no entry`);
  ringAfterCommit(em, entry.customerId);
  return row.number;
}

/** The number of the latest entry; 0 before the first. */
export async function headOf(em: EntityManager, customerId: string): Promise<number> {
  const [log] = await query<{ last: number }>(em, 'SELECT last FROM order_log WHERE customer_id = $1', [customerId]);
  return log?.last ?? 0;
}

/** The changes of status after a position, oldest first, a page of them; of one rental when it is named. */
export async function changesAfter(
  em: EntityManager,
  { customerId, number }: Position,
  rentalId: string | null,
): Promise<OrderEvent[]> {
  const rows = await query<object>(
    em,
    `SELECT * FROM order_event
     WHERE customer_id = $1 AND number > $2 AND ($3::uuid IS NULL OR rental_id = $3) AND status IS DISTINCT FROM previous_status
     ORDER BY number LIMIT ${PAGE}`,
    [customerId, number, rentalId],
  );
  return rows.map((row) => em.map(OrderEvent, row));
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

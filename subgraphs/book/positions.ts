/** What is known of the waitlists, for many titles, places or customers in one statement each. One set of loaders per request. */
import DataLoader from 'dataloader';
import { type EntityManager, query } from '#platform/database.ts';
import { isId } from '#platform/ids.ts';
import { WaitlistEntry } from './entities.ts';

/** The latest of a title, which say how long one takes. */
const LOANS = 100;
/** As schema.graphql has it for Customer.waitlist. */
const ENTRIES = 50;

const WAITING = `
  SELECT book_id AS id, count(1)::int AS value FROM waitlist_entry WHERE status = 'WAITING' AND book_id = ANY($1) GROUP BY book_id`;

const POSITION = `
  SELECT e.id, (SELECT count(1) FROM waitlist_entry o WHERE o.book_id = e.book_id AND o.status = 'WAITING' AND o.number <= e.number)::int AS value
  FROM waitlist_entry e WHERE e.id = ANY($1) AND e.status = 'WAITING'`;

const LOANS_MS = `
  SELECT asked.id, array(
    SELECT extract(epoch FROM returned_at - issued_at)::float8 * 1000 FROM reservation
    WHERE book_id = asked.id AND returned_at IS NOT NULL AND issued_at IS NOT NULL ORDER BY returned_at DESC LIMIT ${LOANS}) AS value
  FROM unnest($1::uuid[]) AS asked(id)`;

const OF_CUSTOMER = `
  SELECT entry.* FROM unnest($1::uuid[]) AS asked(id) CROSS JOIN LATERAL (
    SELECT * FROM waitlist_entry WHERE customer_id = asked.id ORDER BY status IN ('WAITING', 'OFFERED') DESC, number DESC LIMIT ${ENTRIES}
  ) AS entry`;

export const waitlistsOf = (em: EntityManager) => ({
  /** How many wait for a title. */
  lengths: valuesOf<number>(em, WAITING, 0),
  /** By entry; null unless it is WAITING. */
  positions: valuesOf<number | null>(em, POSITION, null),
  /** How long the latest loans of a title took, from the pick-up on the way out to the delivery back. */
  loansMs: valuesOf<number[]>(em, LOANS_MS, []),
  /** A customer's entries: the open ones first, then the latest. */
  ofCustomers: new DataLoader<string, WaitlistEntry[]>(async (ids) => {
    const rows = await query<{ customer_id: string }>(em, OF_CUSTOMER, [ids.filter(isId)]);
    const found = Map.groupBy(rows, (row) => row.customer_id);
    return ids.map((id) => (found.get(id) ?? []).map((row) => em.map(WaitlistEntry, row)));
  }),
});

/** The value that a statement has for each id it is given, or the default. */
function valuesOf<V>(em: EntityManager, statement: string, without: V): DataLoader<string, V> {
  return new DataLoader(async (ids) => {
    const rows = await query<{ id: string; value: V }>(em, statement, [ids]);
    const found = new Map(rows.map(({ id, value }) => [id, value]));
    return ids.map((id) => found.get(id) ?? without);
  });
}

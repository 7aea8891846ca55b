/** Orders whose status changes on demand, by events that Rental's own relay publishes: each commit and each telling is timed. */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { outboxRow } from '#platform/outbox.ts';
import type { DataOf, EventType } from '#schema/events.ts';
import { eventually } from '../tests/client.ts';
import { atPace, storeRows } from './outboxRows.ts';

type RentalEvent = Extract<EventType, `rental.${string}`>;

interface Change {
  committedAt: number | undefined;
}

/** One customer's one order. */
export interface Order {
  customerId: string;
  rentalId: string;
  bookId: string;
  version: number;
  /** Changes that its follower was not told of yet, oldest first. */
  pending: Change[];
}

export const newOrder = (): Order => ({
  customerId: randomUUID(),
  rentalId: randomUUID(),
  bookId: randomUUID(),
  version: 0,
  pending: [],
});

/** The next event of an order: requested, then held and resumed by turns. */
function nextEvent(order: Order) {
  order.version += 1;
  const { rentalId, customerId, bookId, version } = order;
  const facts = { rentalId, customerId, bookId, quantity: 1 };
  const row = <T extends RentalEvent>(type: T, data: DataOf<T>) =>
    outboxRow({ id: rentalId, version }, type, data, new Date());
  if (version === 1) return row('rental.requested', { ...facts, total: null });
  return version % 2 ? row('rental.resumed', facts) : row('rental.held', { ...facts, reason: 'OVERLOAD' });
}

/** So many events for each of the orders, of which nobody is told. */
export async function prepare(pool: Pool, orders: readonly Order[], events = 1): Promise<void> {
  for (let n = 0; n < events; n++)
    for (let from = 0; from < orders.length; from += 500)
      await storeRows(pool, orders.slice(from, from + 500).map(nextEvent));
}

/** Notes that the follower of an order was told of its next change. Answers how long after the commit, in milliseconds. */
export function told(order: Order): number {
  const change = order.pending.shift();
  if (!change) throw new Error('A follower was told of a change that was not made.');
  // It may come before the writer hears of its own commit.
  return change.committedAt === undefined ? 0 : performance.now() - change.committedAt;
}

/**
 * Changes at an even pace, each in a transaction of its own, in an open loop; `next` says whose turn it is. Resolves when all
 * are committed, with the pace that came about.
 */
export async function changeSteadily(
  pool: Pool,
  next: () => Order,
  { perSecond, forMs }: { perSecond: number; forMs: number },
): Promise<number> {
  const from = performance.now();
  const changes = await atPace(
    perSecond,
    () => performance.now() - from > forMs,
    () => change(pool, next()),
  );
  return (1000 * changes) / (performance.now() - from);
}

async function change(pool: Pool, order: Order): Promise<void> {
  const made: Change = { committedAt: undefined };
  order.pending.push(made);
  await storeRows(pool, [nextEvent(order)]);
  made.committedAt = performance.now();
}

/** Waits until every follower was told everything. Answers how many changes were never told. */
export async function settled(orders: readonly Order[], withinMs: number): Promise<number> {
  const missing = () => orders.reduce((sum, { pending }) => sum + pending.length, 0);
  await eventually(missing, (count) => count === 0, withinMs).catch(() => {}); // how many is the answer
  return missing();
}

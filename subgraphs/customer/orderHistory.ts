/** A customer's orders, page by page: every condition goes through the index on (customer, requested_at, id). */
import { type EntityManager, query } from '#platform/database.ts';
import { type Connection, connectionOf, type Keys, type PageArgs, pageOf } from '#platform/pages.ts';
import type { RentalStatus } from './customer.ts';
import { Order } from './entities.ts';

const MAX_COUNT = 10_000;

export interface OrderFilter {
  status?: RentalStatus[] | null;
  from?: Date | null;
  to?: Date | null;
  /** A part of the book's title. */
  search?: string | null;
}

export interface OrderConnection extends Connection<Order> {
  /** Counted when it is asked for. */
  totalCount: () => Promise<number>;
}

export async function ordersOf(
  em: EntityManager,
  customerId: string,
  filter: OrderFilter,
  page: PageArgs,
): Promise<OrderConnection> {
  const { limit, keys } = pageOf(page, ['timestamptz', 'uuid']);
  const { where, values } = conditionsOf(customerId, filter, keys);
  const rows = await query<object>(
    em,
    `SELECT * FROM customer_order o WHERE ${where} ORDER BY requested_at DESC, id DESC LIMIT ${limit}`,
    values,
  );
  const orders = rows.map((row) => em.map(Order, row));
  return {
    ...connectionOf(orders, page, ({ requestedAt, id }) => [requestedAt.toISOString(), id]),
    totalCount: () => countOf(em, customerId, filter),
  };
}

async function countOf(em: EntityManager, customerId: string, filter: OrderFilter): Promise<number> {
  const { where, values } = conditionsOf(customerId, filter, null);
  const [row] = await query<{ count: number }>(
    em,
    `SELECT count(*)::int AS count FROM (SELECT FROM customer_order o WHERE ${where} LIMIT ${MAX_COUNT}) AS counted`,
    values,
  );
  return row?.count ?? 0;
}

function conditionsOf(customerId: string, { status, from, to, search }: OrderFilter, keys: Keys | null) {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const conditions = [
    `customer_id = ${value(customerId)}`,
    status && `status = ANY(${value(status)})`,
    from && `requested_at >= ${value(from)}`,
    to && `requested_at < ${value(to)}`,
    search && `EXISTS (SELECT FROM book b WHERE b.id = o.book_id AND b.title ILIKE ${value(containing(search))})`,
    keys && `(requested_at, id) < (${value(keys[0])}, ${value(keys[1])})`,
  ];
  return { where: conditions.filter(Boolean).join(' AND '), values };
}

/** For LIKE and ILIKE: the text anywhere, its own `%` and `_` meant literally. */
export const containing = (text: string): string => `%${text.trim().replace(/[\\%_]/g, '\\$&')}%`;

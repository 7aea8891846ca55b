/**
 * Customers' orders, page by page. Every page is read from an index, from where the one before ended: without a status from
 * that on (customer, requested_at, id), with some from each one's part of that on (customer, status, requested_at, id). Both hold
 * the book, so that orders whose title does not match are left out without being read.
 */
import DataLoader from 'dataloader';
import { type EntityManager, query } from '#platform/database.ts';
import type { LoaderOptions } from '#platform/loaders.ts';
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

/** Whose orders, and which of them. */
interface OrdersAsked {
  customerId: string;
  filter: OrderFilter;
}

interface PageAsked extends OrdersAsked {
  keys: Keys | null;
  limit: number;
}

/** Lists within lists are read together: each page is a branch of one statement, and planned for its own customer. */
export interface OrderLists {
  pages: DataLoader<PageAsked, Order[], string>;
  counts: DataLoader<OrdersAsked, number, string>;
}

/** Branches of one statement, at most. */
const BATCH = 50;

export function orderLists(em: () => EntityManager, options?: LoaderOptions): OrderLists {
  const batches = { ...options, cacheKeyFn: JSON.stringify, maxBatchSize: BATCH };
  return {
    pages: new DataLoader(async (asked) => {
      const rows = await query<{ place: number }>(em(), ...inBranches(asked, pageOfOrders, NEWEST));
      const pages = Map.groupBy(rows, ({ place }) => place);
      return asked.map((_, place) => (pages.get(place) ?? []).map((row) => em().map(Order, row)));
    }, batches),
    counts: new DataLoader(async (asked) => {
      const rows = await query<{ count: number }>(em(), ...inBranches(asked, countOfOrders, 'place'));
      return rows.map(({ count }) => count);
    }, batches),
  };
}

/** @throws BAD_USER_INPUT for a page that cannot be */
export async function ordersOf(
  { pages, counts }: OrderLists,
  customerId: string,
  filter: OrderFilter,
  page: PageArgs,
): Promise<OrderConnection> {
  const orders = await pages.load({ customerId, filter, ...pageOf(page, ['timestamptz', 'uuid']) });
  return {
    ...connectionOf(orders, page, ({ requestedAt, id }) => [requestedAt.toISOString(), id]),
    totalCount: () => counts.load({ customerId, filter }),
  };
}

/** Takes a value of the statement, and answers its place in it. */
type Value = (one: unknown) => string;

const NEWEST = 'requested_at DESC, id DESC';

function inBranches<Asked>(
  asked: readonly Asked[],
  branch: (one: Asked, value: Value) => string,
  order: string,
): [text: string, values: unknown[]] {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const branches = asked.map((one, place) => `(SELECT ${place} AS place, one.* FROM (${branch(one, value)}) AS one)`);
  return [`${branches.join(' UNION ALL ')} ORDER BY ${order}`, values];
}

function pageOfOrders({ customerId, filter, keys, limit }: PageAsked, value: Value): string {
  const { status, search } = filter;
  const conditions = conditionsOf(customerId, filter, value);
  if (keys) conditions.push(`(requested_at, id) < (${value(keys[0])}, ${value(keys[1])})`);
  const ending = `ORDER BY ${NEWEST} LIMIT ${limit}`;
  // What the index has is enough to find those that match; the rest of a row is read for these alone.
  const found = `SELECT ${search ? 'id, requested_at' : '*'} FROM customer_order o`;
  const matching = status
    ? `SELECT found.* FROM ${ofEachStatus(status, value)} CROSS JOIN LATERAL (
         ${found} WHERE status = wanted.status AND ${conditions.join(' AND ')} ${ending}) AS found ${ending}`
    : `${found} WHERE ${conditions.join(' AND ')} ${ending}`;
  return search ? `SELECT o.* FROM (${matching}) AS matching JOIN customer_order o USING (id)` : matching;
}

function countOfOrders({ customerId, filter }: OrdersAsked, value: Value): string {
  const conditions = conditionsOf(customerId, filter, value);
  if (filter.status) conditions.push(`status = ANY(${value(filter.status)})`);
  return `SELECT count(*)::int AS count FROM (
    SELECT FROM customer_order o WHERE ${conditions.join(' AND ')} LIMIT ${MAX_COUNT}) AS counted`;
}

const ofEachStatus = (status: RentalStatus[], value: Value) =>
  `unnest(${value([...new Set(status)])}::text[]) AS wanted(status)`;

function conditionsOf(customerId: string, { from, to, search }: OrderFilter, value: Value): string[] {
  const conditions = [`customer_id = ${value(customerId)}`];
  if (from) conditions.push(`requested_at >= ${value(from)}`);
  if (to) conditions.push(`requested_at < ${value(to)}`);
  if (search)
    conditions.push(
      `EXISTS (SELECT FROM book b WHERE b.id = o.book_id AND b.title ILIKE ${value(containing(search))})`,
    );
  return conditions;
}

/** For LIKE and ILIKE: the text anywhere, its own `%` and `_` meant literally. */
export const containing = (text: string): string => `%${text.trim().replace(/[\\%_]/g, '\\$&')}%`;

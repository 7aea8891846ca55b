/** How customers stand: what they have open, overdue and unpaid, and each fee of that; and how many wait for a book. */
import DataLoader from 'dataloader';
import { type EntityManager, query } from '#platform/database.ts';
import { isId } from '#platform/ids.ts';
import { Fee } from './entities.ts';
import type { Standing } from './policy.ts';
import { unfinished, unpaid } from './rental.ts';

const STANDINGS = `
  SELECT id, open, overdue, unpaid FROM unnest($1::uuid[]) AS asked(id)
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS open, count(*) FILTER (WHERE status = 'OVERDUE')::int AS overdue FROM rental
    WHERE customer_id = asked.id AND status IN (${listed(unfinished)})
  ) AS rentals
  CROSS JOIN LATERAL (
    SELECT least(coalesce(sum(amount), 0), 2147483647)::int AS unpaid FROM fee WHERE customer_id = asked.id AND status IN (${listed(unpaid)})
  ) AS fees`;

/** Of every one of them; who is not known here has nothing. */
export async function standingsOf(em: EntityManager, customerIds: string[]): Promise<Map<string, Standing>> {
  const rows = await query<Standing & { id: string }>(em, STANDINGS, [customerIds]);
  return new Map(rows.map(({ id, ...standing }) => [id, standing]));
}

export const nothing: Standing = { open: 0, overdue: 0, unpaid: 0 };

/** One for each request. */
export const standingLoader = (em: EntityManager) =>
  new DataLoader(async (ids: readonly string[]) => {
    const standings = await standingsOf(em, [...ids]);
    return ids.map((id) => standings.get(id) ?? nothing);
  });

/** As many as anybody sees at once; who owes more than the limit rents nothing more, so few have even two. */
const MAX_UNPAID = 50;

/** Likewise: the fees that each has to pay, the oldest first. */
export const unpaidFeesLoader = (em: EntityManager) =>
  new DataLoader(async (ids: readonly string[]) => {
    const theirs = { customerId: { $in: ids.filter(isId) }, status: { $in: unpaid } };
    const fees = await em.find(Fee, theirs, { orderBy: { createdAt: 'asc', id: 'asc' } });
    const groups = Map.groupBy(fees, ({ customerId }) => customerId);
    return ids.map((id) => groups.get(id)?.slice(0, MAX_UNPAID) ?? []);
  });

/** Likewise: how many wait for each book. */
export const waitingLoader = (em: EntityManager) =>
  new DataLoader(async (ids: readonly string[]) => {
    const rows = await query<{ id: string; count: number }>(
      em,
      'SELECT book_id AS id, count(*)::int AS count FROM waiting WHERE book_id = ANY($1) GROUP BY book_id',
      [ids],
    );
    const counts = new Map(rows.map(({ id, count }) => [id, count]));
    return ids.map((id) => counts.get(id) ?? 0);
  });

function listed(statuses: readonly string[]): string {
  return statuses.map((status) => `'${status}'`).join(', ');
}

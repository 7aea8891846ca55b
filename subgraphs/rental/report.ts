/** What a day of the shop came to, read from the rows themselves: events are pruned after a week. */
import { z } from 'zod';
import { type EntityManager, query } from '#platform/database.ts';
import { badUserInput } from '#platform/errors.ts';

/** As much as GraphQL's 32 bits hold. */
const total = (column: string): string => `least(coalesce(sum(${column}), 0), 2147483647)::int`;

const REPORT = `
  SELECT requested, rejected, cancelled, overdue, captured, fees_paid AS "feesPaid", refunded + fees_refunded AS refunded, outstanding
  FROM (SELECT count(*)::int AS requested, count(*) FILTER (WHERE status = 'REJECTED')::int AS rejected,
      count(*) FILTER (WHERE status = 'CANCELLED')::int AS cancelled
    FROM rental WHERE requested_at >= $1 AND requested_at < $2) AS requests,
  (SELECT count(*)::int AS overdue FROM rental WHERE status = 'OVERDUE') AS late,
  (SELECT ${total('captured')} AS captured FROM payment WHERE captured_at >= $1 AND captured_at < $2) AS taken,
  (SELECT ${total('refunded')} AS refunded FROM payment WHERE refunded_at >= $1 AND refunded_at < $2) AS given_back,
  (SELECT ${total('amount')} AS fees_paid FROM fee WHERE paid_at >= $1 AND paid_at < $2) AS paid,
  (SELECT ${total('amount')} AS fees_refunded FROM fee WHERE refunded_at >= $1 AND refunded_at < $2) AS fees_back,
  (SELECT ${total('amount')} AS outstanding FROM fee WHERE status IN ('OUTSTANDING', 'PENDING')) AS unpaid`;

interface Counts {
  requested: number;
  rejected: number;
  cancelled: number;
  overdue: number;
  captured: number;
  feesPaid: number;
  refunded: number;
  outstanding: number;
}

const dayInput = z.iso.date();

/** @throws GraphQLError BAD_USER_INPUT for what is no day, or one to come. */
export async function reportOf(em: EntityManager, date: string, currency: string, now: Date) {
  if (!dayInput.safeParse(date).success) throw badUserInput(`"${date}" is not a day such as 2026-10-31.`);
  const from = new Date(`${date}T00:00:00Z`);
  if (from > now) throw badUserInput(`${date} has not come yet.`);
  const until = new Date(from.getTime() + 86_400_000);
  const [counts] = await query<Counts>(em, REPORT, [from, until]);
  if (!counts) throw new Error('A report of sums has one row');
  const { captured, feesPaid, refunded, outstanding, ...rest } = counts;
  const money = (amount: number) => ({ amount, currency });
  return {
    date,
    ...rest,
    captured: money(captured),
    feesPaid: money(feesPaid),
    refunded: money(refunded),
    revenue: money(captured + feesPaid - refunded),
    feesOutstanding: money(outstanding),
  };
}

/** What the days of the shop came to, read from the rows themselves: events are pruned after a week. Days are UTC. */
import DataLoader from 'dataloader';
import { z } from 'zod';
import { type EntityManager, query } from '#platform/database.ts';
import { badUserInput } from '#platform/errors.ts';

/** As much as GraphQL's 32 bits hold. */
const total = (column: string): string => `least(coalesce(sum(${column}), 0), 2147483647)::int`;

/** For as many days as are asked for; what is so now is the same for all of them. */
const REPORT = `
  SELECT day.date, requested, rejected, cancelled, overdue, captured, fees_paid AS "feesPaid", refunded + fees_refunded AS refunded, outstanding
  FROM (SELECT count(*)::int AS overdue FROM rental WHERE status = 'OVERDUE') AS late,
  (SELECT ${total('amount')} AS outstanding FROM fee WHERE status IN ('OUTSTANDING', 'PENDING')) AS unpaid,
  unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS day(date, since, until),
  LATERAL (SELECT count(*)::int AS requested, count(*) FILTER (WHERE status = 'REJECTED')::int AS rejected,
      count(*) FILTER (WHERE status = 'CANCELLED')::int AS cancelled
    FROM rental WHERE requested_at >= since AND requested_at < until) AS requests,
  LATERAL (SELECT ${total('captured')} AS captured FROM payment WHERE captured_at >= since AND captured_at < until) AS taken,
  LATERAL (SELECT ${total('refunded')} AS refunded FROM payment WHERE refunded_at >= since AND refunded_at < until) AS given_back,
  LATERAL (SELECT ${total('amount')} AS fees_paid FROM fee WHERE paid_at >= since AND paid_at < until) AS paid,
  LATERAL (SELECT ${total('amount')} AS fees_refunded FROM fee WHERE refunded_at >= since AND refunded_at < until) AS fees_back`;

interface Counts {
  date: string;
  requested: number;
  rejected: number;
  cancelled: number;
  overdue: number;
  captured: number;
  feesPaid: number;
  refunded: number;
  outstanding: number;
}

const DAY_MS = 86_400_000;
const MAX_DAYS = 92;

const dayInput = z.iso.date();

/** By ISO days, each of which must be one. One loader per request. */
export const countsOfDays = (em: EntityManager): DataLoader<string, Counts> =>
  new DataLoader(async (dates) => {
    const starts = dates.map(midnightOf);
    const ends = starts.map((start) => new Date(start.getTime() + DAY_MS));
    const rows = await query<Counts>(em, REPORT, [dates, starts, ends]);
    const found = new Map(rows.map((counts) => [counts.date, counts]));
    return dates.map((date) => found.get(date) ?? new Error('A report of sums has a row for each day'));
  });

/** @throws GraphQLError BAD_USER_INPUT for what is no day, or one to come. */
export async function reportOf(counts: DataLoader<string, Counts>, date: string, currency: string, now: Date) {
  checkDay(date, now);
  const { captured, feesPaid, refunded, outstanding, ...rest } = await counts.load(date);
  const money = (amount: number) => ({ amount, currency });
  return {
    ...rest,
    captured: money(captured),
    feesPaid: money(feesPaid),
    refunded: money(refunded),
    revenue: money(captured + feesPaid - refunded),
    feesOutstanding: money(outstanding),
  };
}

/** So many days up to and with `to`, or today, the oldest first. @throws GraphQLError BAD_USER_INPUT likewise, and for a number outside 1 to 92. */
export function daysUpTo(to: string | null | undefined, days: number, now: Date): string[] {
  if (days < 1 || days > MAX_DAYS) throw badUserInput(`"days" must be from 1 to ${MAX_DAYS}, not ${days}.`);
  const last = to ?? dateOf(now);
  checkDay(last, now);
  const end = midnightOf(last).getTime();
  const dates = Array.from({ length: days }, (_, place) => dateOf(new Date(end - (days - 1 - place) * DAY_MS)));
  for (const date of dates) checkDay(date, now); // before the year 0 there is none
  return dates;
}

function checkDay(date: string, now: Date): void {
  if (!dayInput.safeParse(date).success) throw badUserInput(`"${date}" is not a day such as 2026-10-31.`);
  if (midnightOf(date) > now) throw badUserInput(`${date} has not come yet.`);
}

const midnightOf = (date: string): Date => new Date(`${date}T00:00:00Z`);
const dateOf = (instant: Date): string => instant.toISOString().slice(0, 10);

/** Book's part of a day's report, summed up from the ledger. Days are UTC. */
import DataLoader from 'dataloader';
import { type EntityManager, query } from '#platform/database.ts';

export interface StockReport {
  copiesOwned: number;
  copiesIssued: number;
  stockTurn: number | null;
}

const DAY_MS = 86_400_000;
const TURN_DAYS = 365;

const REPORT = `
  SELECT day.date, (
      SELECT coalesce(sum(CASE from_bucket WHEN 'OUTSIDE' THEN quantity ELSE -quantity END), 0)::int FROM stock_movement
      WHERE (from_bucket = 'OUTSIDE' OR to_bucket = 'OUTSIDE') AND occurred_at < day.until) AS "copiesOwned",
    coalesce(issued."onDay", 0)::int AS "copiesIssued", coalesce(issued."inYear", 0)::int AS "issuedInYear"
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[]) AS day(date, since, until, year)
  CROSS JOIN LATERAL (
    SELECT sum(quantity) FILTER (WHERE occurred_at >= day.since) AS "onDay", sum(quantity) AS "inYear" FROM stock_movement
    WHERE type = 'ISSUE' AND occurred_at >= day.year AND occurred_at < day.until) AS issued`;

/** By ISO days; null for what is none. */
export const reportsOf = (em: EntityManager): DataLoader<string, StockReport | null> =>
  new DataLoader(async (dates) => {
    const days = dates.flatMap((date) => {
      const since = startOf(date);
      if (since === null) return [];
      const until = since + DAY_MS;
      return [{ date, since: new Date(since), until: new Date(until), year: new Date(until - TURN_DAYS * DAY_MS) }];
    });
    const rows = await query<Omit<StockReport, 'stockTurn'> & { date: string; issuedInYear: number }>(em, REPORT, [
      days.map(({ date }) => date),
      days.map(({ since }) => since),
      days.map(({ until }) => until),
      days.map(({ year }) => year),
    ]);
    const found = new Map(
      rows.map(({ date, issuedInYear, ...counts }): [string, StockReport] => [
        date,
        { ...counts, stockTurn: counts.copiesOwned > 0 ? issuedInYear / counts.copiesOwned : null },
      ]),
    );
    return dates.map((date) => found.get(date) ?? null);
  });

/** Midnight, in milliseconds. */
function startOf(date: string): number | null {
  const midnight = Date.parse(`${date}T00:00:00.000Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(`${date}T`) ? midnight : null;
}

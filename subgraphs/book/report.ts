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

/** The ledger is summed up by days once, however many of them are asked for. */
const REPORT = `
  WITH asked AS (
    SELECT date, (since AT TIME ZONE 'UTC')::date AS day FROM unnest($1::text[], $2::timestamptz[]) AS a(date, since)),
  owned AS (
    SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, sum(CASE from_bucket WHEN 'OUTSIDE' THEN quantity ELSE -quantity END) AS quantity
    FROM stock_movement WHERE (from_bucket = 'OUTSIDE' OR to_bucket = 'OUTSIDE') AND occurred_at < $4 GROUP BY 1),
  issued AS (
    SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, sum(quantity) AS quantity
    FROM stock_movement WHERE type = 'ISSUE' AND occurred_at >= $3 AND occurred_at < $4 GROUP BY 1)
  SELECT date, (SELECT coalesce(sum(quantity), 0)::int FROM owned WHERE owned.day <= asked.day) AS "copiesOwned",
    (SELECT coalesce(sum(quantity), 0)::int FROM issued WHERE issued.day = asked.day) AS "copiesIssued",
    (SELECT coalesce(sum(quantity), 0)::int FROM issued
      WHERE issued.day <= asked.day AND issued.day > asked.day - ${TURN_DAYS}) AS "issuedInYear"
  FROM asked`;

/** By ISO days; null for what is none. */
export const reportsOf = (em: EntityManager): DataLoader<string, StockReport | null> =>
  new DataLoader(async (dates) => {
    const days = dates.flatMap((date) => {
      const since = startOf(date);
      return since === null ? [] : [{ date, since }];
    });
    if (!days.length) return dates.map(() => null);
    const starts = days.map(({ since }) => since);
    const rows = await query<Omit<StockReport, 'stockTurn'> & { date: string; issuedInYear: number }>(em, REPORT, [
      days.map(({ date }) => date),
      starts.map((since) => new Date(since)),
      new Date(Math.min(...starts) - (TURN_DAYS - 1) * DAY_MS),
      new Date(Math.max(...starts) + DAY_MS),
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

/** What Rental tells Prometheus beside what every service does. */
import { backlog, COUNTED, type Measure } from '#platform/serviceMetrics.ts';
import { stepKinds } from './rental.ts';

const held = backlog({
  count: 'rentabook_held_requests',
  oldest: 'rentabook_held_oldest_seconds',
  what: 'Requests to rent that wait',
  rows: `SELECT held_since AS since FROM rental WHERE status = 'ON_HOLD' ORDER BY held_since LIMIT ${COUNTED}`,
});

/** As `pendingCompensations` has them, of all rentals. What waits for a parcel to come back may do so for days. */
const owed: Measure = {
  gauges: {
    rentabook_compensations_owed: 'Compensations of cancelled and rejected rentals that are not confirmed yet',
    rentabook_compensations_oldest_seconds: 'How long the oldest of them has been owed that waits for nothing else',
  },
  label: 'step',
  statement: `
    SELECT kind AS step, (count(since))::int AS rentabook_compensations_owed,
      coalesce(extract(epoch FROM now() - min(since) FILTER (WHERE status <> 'WAITING')), 0)::float8 AS rentabook_compensations_oldest_seconds
    FROM unnest($1::text[]) AS k(kind)
    LEFT JOIN LATERAL (
      SELECT owed_since AS since, status FROM step WHERE step.kind = k.kind AND status <> 'DONE' ORDER BY owed_since LIMIT ${COUNTED}
    ) AS few ON true
    GROUP BY kind`,
  values: [stepKinds.filter((kind) => kind !== 'CAPTURE')],
};

export const measures: Measure[] = [held, owed];

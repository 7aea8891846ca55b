/** What Customer tells Prometheus beside what every service does. */
import { COUNTED, type Measure } from '#platform/serviceMetrics.ts';

const notifications: Measure = {
  gauges: {
    rentabook_notifications_unsent: 'Notifications that are still to be sent',
    rentabook_notifications_oldest_seconds: 'How long the oldest of them has waited',
  },
  statement: `
    SELECT count(*)::int AS rentabook_notifications_unsent,
      coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS rentabook_notifications_oldest_seconds
    FROM (SELECT created_at FROM notification WHERE status = 'TODO' LIMIT ${COUNTED}) AS few`,
};

export const measures: Measure[] = [notifications];

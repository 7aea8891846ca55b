/** What Customer tells Prometheus beside what every service does. */
import { backlog, COUNTED, type Measure } from '#platform/serviceMetrics.ts';

const notifications = backlog({
  count: 'rentabook_notifications_unsent',
  oldest: 'rentabook_notifications_oldest_seconds',
  what: 'Notifications that are still to be sent',
  rows: `SELECT created_at AS since FROM notification WHERE status = 'TODO' LIMIT ${COUNTED}`,
});

export const measures: Measure[] = [notifications];

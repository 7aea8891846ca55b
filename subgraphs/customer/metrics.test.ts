import { query } from '#platform/database.ts';
import { CustomerSubgraph } from '../../tests/customerSubgraph.ts';
import { measures } from './metrics.ts';

let service: CustomerSubgraph;
beforeAll(async () => {
  service = await CustomerSubgraph.open();
});
afterAll(() => service?.close());

test('notifications that are still to be sent, and how long the oldest has waited', async () => {
  const [measure] = measures;
  const told = () => query(service.orm.em.fork(), measure?.statement ?? '');
  expect(await told()).toEqual([{ rentabook_notifications_unsent: 0, rentabook_notifications_oldest_seconds: 0 }]);

  await query(
    service.orm.em.fork(),
    `INSERT INTO notification (id, channel, kind, subject, occasion, customer_id, book_id, status, attempts, next_attempt_at, created_at)
     SELECT gen_random_uuid(), 'EMAIL', 'OFFER', gen_random_uuid(), '', gen_random_uuid(), gen_random_uuid(), status, 0, now(), now() - age
     FROM (VALUES ('TODO', interval '1 minute'), ('TODO', interval '1 hour'), ('SENT', interval '1 day')) AS n(status, age)`,
  );

  const [{ rentabook_notifications_oldest_seconds: oldestS, ...rest }] = (await told()) as [Record<string, number>];
  expect(rest).toEqual({ rentabook_notifications_unsent: 2 });
  expect(Math.floor(oldestS ?? 0)).toBe(3600);
});

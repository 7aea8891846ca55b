/** What Prometheus reads, on a real database. */
import { createDatabase } from '../tests/services.ts';
import { query } from './database.ts';
import { listen } from './http.ts';
import { createLog } from './log.ts';
import { metricsHandler } from './metrics.ts';
import { openServiceDatabase } from './serviceDatabase.ts';

test('what has not arrived is counted, for each consumer and for the outbox, and who is served live', async () => {
  const log = createLog('test', 'silent');
  const orm = await openServiceDatabase({ url: await createDatabase('metrics'), entities: [], migrations: [], log });
  const em = () => orm.em.fork();
  let watching = 0;
  let open = 0;
  const gauges = { rentabook_door_open: { help: 'Whether the door is open', read: () => open } };
  const http = await listen({
    host: '127.0.0.1',
    port: 0,
    log,
    routes: { '/metrics': metricsHandler(em, ['one', 'other'], () => watching, gauges) },
    notReady: async () => null,
  });
  const scrape = async () => {
    const text = await (await fetch(`http://127.0.0.1:${http.port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
    return Object.fromEntries(lines.map((line) => [line.split(' ')[0], Math.floor(Number(line.split(' ')[1]))]));
  };

  try {
    const before = await scrape();
    await query(
      em(),
      `INSERT INTO dead_letter (consumer, aggregate, version, message, reason, dropped_at) VALUES
         ('one', 'book-1', 1, '{}', 'no', NULL), ('one', NULL, NULL, 'x', 'no event', NULL), ('one', NULL, NULL, 'y', 'no event', now())`,
    );
    await query(
      em(),
      `INSERT INTO parked (consumer, aggregate, version, event, since) VALUES
         ('one', 'book-1', 2, '{}', now() - interval '1 day'), ('one', 'book-2', 2, '{}', now() - interval '1 hour')`,
    );
    await query(
      em(),
      `INSERT INTO outbox (event_id, aggregate, subject, payload, created_at, published_at) VALUES
         ('a:1', 'a', 's', '{}', now() - interval '2 minutes', NULL), ('a:2', 'a', 's', '{}', now(), NULL),
         ('b:1', 'b', 's', '{}', now() - interval '1 hour', now())`,
    );
    watching = 7;
    open = 1;
    const after = await scrape();

    expect([...new Set(Object.values(before))]).toEqual([0]);
    expect(after).toEqual({
      'rentabook_dead_letters{consumer="one"}': 2,
      'rentabook_dead_letters{consumer="other"}': 0,
      'rentabook_parked_events{consumer="one"}': 2,
      'rentabook_parked_events{consumer="other"}': 0,
      'rentabook_oldest_gap_seconds{consumer="one"}': 3600,
      'rentabook_oldest_gap_seconds{consumer="other"}': 0,
      rentabook_outbox_unpublished: 2,
      rentabook_outbox_oldest_seconds: 120,
      rentabook_subscriptions: 7,
      rentabook_door_open: 1,
    });
  } finally {
    await http.close();
    await orm.close();
  }
});

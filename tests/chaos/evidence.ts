/** What a run leaves behind when something was violated: enough to understand it without the run itself. */
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '#platform/errors.ts';
import { owners } from '../../local/services.ts';
import type { Cluster } from './cluster.ts';
import { type Report, textOf } from './report.ts';
import type { Shopper } from './shoppers.ts';
import { type Sources, withSources } from './sources.ts';

const ANY_SERVICE = [
  'SELECT event_id, created_at, published_at, stream_seq FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 200',
  'SELECT consumer, aggregate, version, since FROM parked ORDER BY since LIMIT 200',
  'SELECT consumer, aggregate, version, reason, since FROM dead_letter ORDER BY since LIMIT 200',
  'SELECT consumer, aggregate, version FROM applied WHERE (consumer, aggregate) IN (SELECT consumer, aggregate FROM parked) LIMIT 200',
  `SELECT pid, datname, state, wait_event_type, wait_event, now() - xact_start AS since, pg_blocking_pids(pid) AS blocked_by, query
   FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database() AND state <> 'idle'`,
];
const questions: Record<string, string[]> = {
  book: [
    ...ANY_SERVICE,
    "SELECT * FROM book_copy WHERE status = 'INSPECTING' LIMIT 200",
    "SELECT * FROM waitlist_entry WHERE status IN ('WAITING', 'OFFERED') LIMIT 200",
  ],
  rental: [
    ...ANY_SERVICE,
    `SELECT id, customer_id, status, hold_reason, round, lease_until, holds, return_requested, changed_at, version FROM rental
     WHERE status NOT IN ('CLOSED', 'CANCELLED', 'REJECTED', 'LOST') LIMIT 500`,
    "SELECT * FROM step WHERE status <> 'DONE' LIMIT 200",
    "SELECT * FROM fee WHERE status = 'PENDING' OR next_attempt_at IS NOT NULL LIMIT 200",
  ],
  delivery: [
    ...ANY_SERVICE,
    `SELECT id, rental_id, direction, status, stop, tracking_number, carrier_asked, attempts, next_attempt_at, heard_at FROM delivery
     WHERE status NOT IN ('DELIVERED', 'STOPPED') LIMIT 200`,
  ],
  customer: ANY_SERVICE,
  sandbox: ['SELECT * FROM scan WHERE to_report LIMIT 200'],
};

/** Answers the folder, which stays: the services' logs, the faults, the report, what was unfinished, what each customer knew. */
export async function keepEvidence(cluster: Cluster, report: Report, shoppers: Shopper[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `rentabook-chaos-${report.seed}-`));
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 1));
  cpSync(cluster.logs, join(folder, 'logs'), { recursive: true });
  write('faults.log', report.faults.map(({ at, kind, what }) => `${at.toISOString()}  ${kind}  ${what}\n`).join(''));
  write('report.txt', textOf(report, Number.POSITIVE_INFINITY));
  write(
    'customers.json',
    shoppers.map(({ customerId, keys, acknowledged, watcher }) => ({
      customerId,
      keys: [...keys],
      acknowledged,
      told: watcher.told,
    })),
  );
  write('unfinished.json', await withSources(cluster, unfinished).catch(reasonOf));
  return folder;
}

async function unfinished(sources: Sources): Promise<object> {
  const found: Record<string, unknown> = {};
  for (const owner of owners)
    for (const sql of questions[owner] ?? [])
      found[`${owner}: ${sql.replaceAll(/\s+/g, ' ')}`] = (await sources[owner].query(sql)).rows;
  const manager = await sources.nats.jetstreamManager({ checkAPI: false });
  for await (const { config, state } of manager.streams.list()) {
    found[`stream ${config.name}`] = state;
    found[`consumers of ${config.name}`] = await Array.fromAsync(manager.consumers.list(config.name));
  }
  return found;
}

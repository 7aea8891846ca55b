/** What is still on its way: nothing of it may be left some time after the last fault. */
import type { Client } from 'pg';
import type { Shopper } from './shoppers.ts';
import type { Sources } from './sources.ts';

const publishers = ['book', 'rental', 'delivery', 'customer'] as const;

/** A rental that waits for nobody but its customer stands still; all others move on by themselves. */
const unfinishedIn = {
  rental: [
    ["SELECT count(*) FROM rental WHERE status IN ('REQUESTED', 'ON_HOLD')", 'rentals REQUESTED or ON_HOLD'],
    [
      "SELECT count(*) FROM rental WHERE status IN ('ACCEPTED', 'SHIPPING', 'RETURNING', 'RETURNED')",
      'rentals half way',
    ],
    [
      "SELECT count(*) FROM rental WHERE status IN ('ON_LOAN', 'OVERDUE') AND return_requested",
      'returns that do not begin',
    ],
    ["SELECT count(*) FROM step WHERE status IN ('TODO', 'WAITING')", 'steps owed'],
    ["SELECT count(*) FROM fee WHERE status = 'PENDING' OR next_attempt_at IS NOT NULL", 'fees under way'],
  ],
  delivery: [
    [
      "SELECT count(*) FROM delivery WHERE status NOT IN ('DELIVERED', 'STOPPED', 'RETURNED_TO_SENDER', 'LOST')",
      'parcels under way',
    ],
  ],
  book: [["SELECT count(*) FROM book_copy WHERE status = 'INSPECTING'", 'copies to be inspected']],
  customer: [],
  sandbox: [['SELECT count(*) FROM scan WHERE to_report', 'scans to be reported']],
} as const satisfies Partial<Record<keyof Sources, readonly (readonly [sql: string, what: string])[]>>;

/** In words, as `3 steps owed`; empty when all has come to rest. */
export async function underWay(sources: Sources, shoppers: Shopper[]): Promise<string[]> {
  const found: string[] = [];
  const tell = (count: number, what: string) => {
    if (count > 0) found.push(`${count} ${what}`);
  };
  for (const service of publishers) {
    tell(
      await countIn(sources[service], 'SELECT count(*) FROM outbox WHERE published_at IS NULL'),
      `events of ${service} unpublished`,
    );
    tell(await countIn(sources[service], 'SELECT count(*) FROM parked'), `events parked in ${service}`);
  }
  for (const [owner, questions] of Object.entries(unfinishedIn))
    for (const [sql, what] of questions) tell(await countIn(sources[owner as keyof typeof unfinishedIn], sql), what); // its own keys
  for (const { name, pending } of await consumersOf(sources)) tell(pending, `events before ${name}`);
  for (const shopper of shoppers) tell(await missedBy(shopper, sources.customer), 'changes not told to a subscriber');
  return found;
}

/** Live figures for the progress line. */
export async function figuresOf(sources: Sources): Promise<{ held: number; lag: number }> {
  let lag = 0;
  for (const service of publishers)
    lag += await countIn(sources[service], 'SELECT count(*) FROM outbox WHERE published_at IS NULL');
  return { lag, held: await countIn(sources.rental, "SELECT count(*) FROM rental WHERE status = 'ON_HOLD'") };
}

async function consumersOf({ nats }: Sources): Promise<{ name: string; pending: number }[]> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  const found: { name: string; pending: number }[] = [];
  for await (const { config } of manager.streams.list())
    for await (const { name, num_pending, num_ack_pending } of manager.consumers.list(config.name))
      found.push({ name, pending: num_pending + num_ack_pending });
  return found;
}

async function missedBy({ customerId, watcher }: Shopper, customer: Client): Promise<number> {
  const all = await countIn(
    customer,
    'SELECT count(*) FROM order_event WHERE customer_id = $1 AND status IS DISTINCT FROM previous_status',
    [customerId],
  );
  return all - watcher.told.length;
}

async function countIn(client: Client, sql: string, values: unknown[] = []): Promise<number> {
  const { rows } = await client.query<{ count: string }>(sql, values);
  return Number(rows[0]?.count ?? 0);
}

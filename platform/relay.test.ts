/** The relay on a real database and a real broker, which rolls back, is wiped and goes away. */
import { randomUUID } from 'node:crypto';
import { type Broker, startBroker } from '../tests/broker.ts';
import { eventually } from '../tests/client.ts';
import { createDatabase } from '../tests/services.ts';
import { type Orm, openDatabase, query, transaction } from './database.ts';
import { createLog } from './log.ts';
import { platformMigrations } from './migrations.ts';
import { type Aggregate, OutboxRow, publish } from './outbox.ts';
import { startRelay } from './relay.ts';

const log = createLog('test', 'silent');
let orm: Orm;
let databaseUrl: string;
let broker: Broker;
let running: { stop(): Promise<void> }[];

beforeEach(async () => {
  running = [];
  databaseUrl = await createDatabase('relay');
  [orm, broker] = await Promise.all([
    openDatabase({ url: databaseUrl, entities: [OutboxRow], migrations: platformMigrations, log }),
    startBroker(),
  ]);
});
afterEach(async () => {
  await Promise.all(running.map((relay) => relay.stop()));
  await orm?.close();
  await broker?.close();
});

function relay(): { stop(): Promise<void> } {
  const started = startRelay({ stream: 'CUSTOMER', databaseUrl, natsUrl: broker.url, replicas: 1, log });
  running.push(started);
  return started;
}

const aggregate = (): Aggregate => ({ id: randomUUID(), version: 0 });

/** One transaction that publishes the aggregate's next event. */
const happen = (customer: Aggregate): Promise<void> =>
  transaction(orm.em, async (em) => publish(em, customer, 'customer.erased', { customerId: customer.id }));

async function happenTimes(times: number, customer = aggregate()): Promise<string[]> {
  for (let time = 1; time <= times; time++) await happen(customer);
  return Array.from({ length: times }, (_, index) => `customer-${customer.id}:${index + 1}`);
}

/** Ids of the events in the stream, first to last. */
const streamed = (): Promise<string[]> =>
  broker.with(async (nats) => {
    const manager = await nats.jetstreamManager();
    const { state } = await manager.streams.info('CUSTOMER');
    const ids: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage('CUSTOMER', { seq });
      ids.push(message.json<{ id: string }>().id);
    }
    return ids;
  });

const streamHolds = (count: number): Promise<string[]> =>
  eventually(
    () => streamed().catch(() => []), // the stream, or the broker, is not there yet
    (ids) => ids.length >= count,
  );

const rows = () =>
  query<{ event_id: string; open: boolean }>(
    orm.em.fork(),
    'SELECT event_id, published_at IS NULL AS open FROM outbox ORDER BY id',
  );

const allMarked = () => eventually(rows, (rows) => rows.every(({ open }) => !open));

/** The sessions that hold the relay's lock. */
const leaders = async () => {
  const sessions = await query<{ pid: number }>(
    orm.em.fork(),
    `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return sessions.map(({ pid }) => pid);
};

test('events go out once each, and those of an aggregate in the order of its versions', async () => {
  relay();

  const aggregates = Array.from({ length: 20 }, aggregate);
  const ids = (await Promise.all(aggregates.map((customer) => happenTimes(10, customer)))).flat();
  const sent = await streamHolds(200);

  expect([...sent].sort()).toEqual([...ids].sort());
  for (const { id } of aggregates) {
    const own = sent.filter((eventId) => eventId.includes(id));
    expect(own).toEqual(Array.from({ length: 10 }, (_, index) => `customer-${id}:${index + 1}`));
  }
});

test('what a transaction rolls back never goes out', async () => {
  relay();
  const undone = aggregate();

  await expect(
    transaction(orm.em, async (em) => {
      publish(em, undone, 'customer.erased', { customerId: undone.id });
      await em.flush();
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  const ids = await happenTimes(1);

  expect(await streamHolds(1)).toEqual(ids);
  await allMarked();
  expect(await streamed()).toEqual(ids);
});

test('what happens while the broker is away goes out when it is back', async () => {
  await broker.stop();
  relay();

  const ids = await happenTimes(3);
  expect((await rows()).map(({ open }) => open)).toEqual([true, true, true]);
  await broker.start();

  expect(await streamHolds(3)).toEqual(ids);
});

test('after the stream was wiped everything is published again', async () => {
  relay();
  const ids = await happenTimes(5);
  await streamHolds(5);
  await allMarked();

  await broker.with(async (nats) => (await nats.jetstreamManager()).streams.delete('CUSTOMER'));

  expect(await streamHolds(5)).toEqual(ids);
});

test('after the stream was wiped and has grown again unseen, nothing is missing', async () => {
  const first = relay();
  const customer = aggregate();
  const ids = await happenTimes(5, customer);
  await streamHolds(5);
  await allMarked();
  await first.stop();
  await broker.with(async (nats) => {
    const manager = await nats.jetstreamManager();
    await manager.streams.delete('CUSTOMER');
    await manager.streams.add({ name: 'CUSTOMER', subjects: ['rentabook.customer.>'] });
    // A relay that has marked nothing yet when it dies leaves the like.
    const last = await query<{ subject: string; payload: object }>(
      orm.em.fork(),
      'SELECT subject, payload FROM outbox ORDER BY id DESC LIMIT 1',
    );
    for (const { subject, payload } of last)
      await nats.jetstream().publish(subject, JSON.stringify(payload), { msgID: ids[4] ?? '' });
  });

  relay();

  const sent = await eventually(streamed, (sent) => ids.every((id) => sent.includes(id)));
  expect(new Set(sent)).toEqual(new Set(ids));
});

test('what a broker has lost by going back to an older state is published again', async () => {
  relay();
  const customer = aggregate();
  await happenTimes(3, customer);
  await streamHolds(3);
  await broker.remember();
  await happen(customer);
  await happen(customer);
  await streamHolds(5);
  await allMarked();

  await broker.setBack();

  expect(await streamHolds(5)).toEqual(Array.from({ length: 5 }, (_, index) => `customer-${customer.id}:${index + 1}`));
});

test('of two relays one leads; when its connection is killed, and when it stops, there is a leader again', async () => {
  const relays = [relay(), relay()];
  const customer = aggregate();
  const [leader] = await eventually(leaders, ({ length }) => length > 0);
  await happenTimes(3, customer);
  await streamHolds(3);
  expect(await leaders()).toEqual([leader]);

  await query(orm.em.fork(), 'SELECT pg_terminate_backend($1)', [leader]);
  const [second] = await eventually(leaders, ([pid]) => pid !== undefined && pid !== leader);
  await happen(customer);
  await streamHolds(4);
  expect(await leaders()).toEqual([second]);

  await relays[0]?.stop();
  await happen(customer);
  const sent = await streamHolds(5);
  await allMarked();
  expect(await leaders()).toHaveLength(1);
  expect(sent).toEqual(Array.from({ length: 5 }, (_, index) => `customer-${customer.id}:${index + 1}`));
});

test('what was published a week ago is pruned; what is open stays, however old', async () => {
  const [published, open] = await happenTimes(2);
  await query(
    orm.em.fork(),
    `UPDATE outbox SET created_at = now() - interval '8 days',
       published_at = CASE WHEN event_id = $1 THEN now() - interval '8 days' END`,
    [published],
  );

  relay();

  expect(await streamHolds(1)).toEqual([open]);
  await eventually(rows, ({ length }) => length === 1);
  expect(await rows()).toEqual([{ event_id: open, open: false }]);
});

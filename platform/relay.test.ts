/** The relay on a real database and a real broker, which rolls back, is wiped and goes away. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { type JetStreamManager, nanos } from 'nats';
import { pino } from 'pino';
import { type Broker, startBroker } from '../tests/broker.ts';
import { eventually } from '../tests/client.ts';
import { createDatabase } from '../tests/services.ts';
import { openWire, type Wire } from '../tests/wire.ts';
import { bareEnvironment } from './config.ts';
import { type Orm, openDatabase, query, transaction } from './database.ts';
import { createLog } from './log.ts';
import { platformMigrations } from './migrations.ts';
import { type Aggregate, OutboxRow, outboxRow, publish } from './outbox.ts';
import { startRelay } from './relay.ts';

const log = createLog('test', 'silent');
let orm: Orm;
let databaseUrl: string;
let broker: Broker;
let running: { stop(): Promise<void> }[];
let wires: Wire[];
let processes: ChildProcess[];

beforeEach(async () => {
  running = [];
  wires = [];
  processes = [];
  databaseUrl = await createDatabase('relay');
  [orm, broker] = await Promise.all([
    openDatabase({ url: databaseUrl, entities: [OutboxRow], migrations: platformMigrations, log }),
    startBroker(),
  ]);
});
afterEach(async () => {
  await Promise.all(wires.map((wire) => wire.close()));
  await Promise.all([...running.map((relay) => relay.stop()), ...processes.map(end)]);
  await orm?.close();
  await broker?.close();
});

function relay(by: { databaseUrl?: string; natsUrl?: string } = {}): { stop(): Promise<void> } {
  const started = startRelay({ stream: 'CUSTOMER', databaseUrl, natsUrl: broker.url, replicas: 1, log, ...by });
  running.push(started);
  return started;
}

async function wireTo(url: string): Promise<Wire> {
  const wire = await openWire(url);
  wires.push(wire);
  return wire;
}

async function relayProcess(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'relay.fixture.ts'), {
    env: bareEnvironment({ DATABASE_URL: databaseUrl, NATS_URL: broker.url, LOG_LEVEL: 'silent' }),
    execArgv: [], // not jest's
  });
  processes.push(child);
  await once(child, 'message');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL'); // a paused one heeds nothing else
  await once(child, 'exit');
}

const manage = <T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> =>
  broker.with(async (nats) => work(await nats.jetstreamManager()));

/** A stream that knows a duplicate for a tenth of a second only, as if all pauses were longer than ten minutes. */
const forgetfulStream = () =>
  manage((manager) =>
    manager.streams.add({ name: 'CUSTOMER', subjects: ['rentabook.customer.>'], duplicate_window: nanos(100) }),
  );

const aggregate = (): Aggregate => ({ id: randomUUID(), version: 0 });

/** One transaction that publishes the aggregate's next event. */
const happen = (customer: Aggregate): Promise<void> =>
  transaction(orm.em, async (em) => publish(em, customer, 'customer.erased', { customerId: customer.id }));

async function happenTimes(times: number, customer = aggregate()): Promise<string[]> {
  for (let time = 1; time <= times; time++) await happen(customer);
  return eventIds(customer, times);
}

/** So many customers with five events each, written at once; answers the customers. */
async function happenToMany(count: number): Promise<Aggregate[]> {
  const customers = Array.from({ length: count }, aggregate);
  const written = customers.flatMap((customer) =>
    [1, 2, 3, 4, 5].map((version) =>
      outboxRow({ ...customer, version }, 'customer.erased', { customerId: customer.id }, new Date()),
    ),
  );
  for (const customer of customers) customer.version = 5;
  await query(
    orm.em.fork(),
    `INSERT INTO outbox (event_id, aggregate, subject, payload)
     SELECT "eventId", aggregate, subject, payload FROM jsonb_to_recordset($1) AS r("eventId" text, aggregate text, subject text, payload jsonb)`,
    [JSON.stringify(written)],
  );
  return customers;
}

const eventIds = ({ id }: Aggregate, versions: number): string[] =>
  Array.from({ length: versions }, (_, index) => `customer-${id}:${index + 1}`);

/** Ids of the events in the stream, first to last. */
const streamed = (): Promise<string[]> =>
  manage(async (manager) => {
    const { state } = await manager.streams.info('CUSTOMER');
    const ids: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage('CUSTOMER', { seq });
      ids.push(message.json<{ id: string }>().id);
    }
    return ids;
  });

const streamSize = (): Promise<number> =>
  manage(async ({ streams }) => (await streams.info('CUSTOMER')).state.messages).catch(() => 0);

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
  for (const customer of aggregates)
    expect(sent.filter((eventId) => eventId.includes(customer.id))).toEqual(eventIds(customer, 10));
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

test('a relay that is told to stop publishes first what is open', async () => {
  const running = relay();
  await streamHolds((await happenTimes(1)).length);
  const customers = await happenToMany(60); // more than a batch

  await running.stop();

  expect(await streamSize()).toBe(1 + 5 * customers.length);
});

test('a database that was set back publishes nothing beside the events of its lost future, until the broker is emptied', async () => {
  const first = relay();
  const known = await happenTimes(2);
  const customer = aggregate();
  await streamHolds([...known, ...(await happenTimes(1, customer))].length);
  await first.stop();
  await query(orm.em.fork(), `DELETE FROM outbox WHERE aggregate = 'customer-${customer.id}'`); // as a restore does
  const lines: string[] = [];
  const told = pino({}, { write: (line: string) => void lines.push(line) });

  running.push(startRelay({ stream: 'CUSTOMER', databaseUrl, natsUrl: broker.url, replicas: 1, log: told }));
  const [anew] = await happenTimes(1);
  await eventually(
    async () => lines.join(''),
    (text) => text.includes(`holds the event customer-${customer.id}:1, which this database has never written`),
  );
  expect(await streamed()).not.toContain(anew);

  await manage((manager) => manager.streams.delete('CUSTOMER'));
  expect((await streamHolds(3)).sort()).toEqual([...known, anew].sort());
});

test('after the stream was wiped everything is published again', async () => {
  relay();
  const ids = await happenTimes(5);
  await streamHolds(5);
  await allMarked();

  await manage(({ streams }) => streams.delete('CUSTOMER'));

  expect(await streamHolds(5)).toEqual(ids);
});

test('after the stream was wiped and has grown again unseen, nothing is missing', async () => {
  const first = relay();
  const ids = await happenTimes(5);
  await streamHolds(5);
  await allMarked();
  await first.stop();
  await manage(({ streams }) => streams.delete('CUSTOMER'));
  await forgetfulStream();
  const [last] = await query<{ subject: string; payload: object }>(
    orm.em.fork(),
    'SELECT subject, payload FROM outbox ORDER BY id DESC LIMIT 1',
  );
  // As another writer may have left it: sequences that are claimed here, no ids by which to know a duplicate.
  await broker.with(async (nats) => {
    for (let time = 1; time <= 3; time++)
      await nats.jetstream().publish(last?.subject ?? '', JSON.stringify(last?.payload));
  });

  relay();

  const sent = await eventually(streamed, (sent) => ids.every((id) => sent.includes(id)));
  expect(sent.slice(3)).toEqual(ids);
});

test('what a leader has published and not marked is marked by the next one, and not doubled', async () => {
  const first = relay();
  await happenToMany(60);
  await streamHolds(300);
  await allMarked();
  await first.stop();
  await query(orm.em.fork(), 'UPDATE outbox SET published_at = NULL, stream_seq = NULL');

  relay();

  await allMarked();
  expect(await streamed()).toHaveLength(300);
});

test('what is published again goes below what is new; an aggregate keeps its order', async () => {
  const first = relay();
  const customers = await happenToMany(400);
  await eventually(streamSize, (size) => size === 2000);
  await allMarked();
  await first.stop();
  await manage(({ streams }) => streams.delete('CUSTOMER'));
  const known = customers[399] ?? aggregate();
  await happen(known);
  const [unknown = ''] = await happenTimes(1);

  relay();

  await eventually(streamSize, (size) => size === 2002);
  const sent = await streamed();
  expect(sent[0]).toBe(unknown);
  expect(sent.indexOf(`customer-${known.id}:6`)).toBeLessThan(300); // of 2,002: it waited for its own alone
  for (const customer of customers)
    expect(sent.filter((id) => id.includes(customer.id))).toEqual(eventIds(customer, customer.version));
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

  expect(await streamHolds(5)).toEqual(eventIds(customer, 5));
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
  expect(sent).toEqual(eventIds(customer, 5));
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

test('pruning keeps up with a busy shop', async () => {
  await query(
    orm.em.fork(),
    `INSERT INTO outbox (event_id, aggregate, subject, payload, published_at)
     SELECT n, 'customer', 'rentabook.customer.erased', '{}', now() - interval '8 days' FROM generate_series(1, 6000) AS n`,
  );

  relay();

  expect(await eventually(rows, ({ length }) => length === 0)).toEqual([]);
});

test('a clock that is set back keeps nothing from being looked at again', async () => {
  relay();
  const ids = await happenTimes(2);
  await streamHolds(2);
  await allMarked();
  const { now } = Date;
  Date.now = () => now() - 3_600_000;

  try {
    await manage(({ streams }) => streams.delete('CUSTOMER'));

    expect(await streamHolds(2)).toEqual(ids);
  } finally {
    Date.now = now;
  }
});

test('a leader that is paused loses the lead, and breaks nothing when it goes on', async () => {
  const paused = await relayProcess();
  const customer = aggregate();
  const [first] = await eventually(leaders, ({ length }) => length > 0);
  await happen(customer);
  await streamHolds(1);
  paused.kill('SIGSTOP');
  relay();

  await happen(customer);
  await streamHolds(2);
  expect(await leaders()).not.toContain(first);
  paused.kill('SIGCONT');
  await happen(customer);
  await streamHolds(3);
  paused.kill('SIGTERM');
  await once(paused, 'exit');

  await allMarked();
  expect(await streamed()).toEqual(eventIds(customer, 3));
});

test('a leader that learns late that it leads no more publishes nothing', async () => {
  await forgetfulStream();
  const wire = await wireTo(databaseUrl);
  const former = relay({ databaseUrl: wire.url });
  const customer = aggregate();
  await happen(customer);
  await streamHolds(1);
  await allMarked();
  const held = wire.hold('toClient', `customer-${customer.id}:2`);
  await happen(customer);
  const letRowPass = await held;
  relay();
  await streamHolds(2);
  await happen(customer);
  await streamHolds(3);
  await allMarked();

  letRowPass();
  await former.stop();

  expect(await streamed()).toEqual(eventIds(customer, 3));
});

test('an event that was meant for a stream that is no more goes into no other one ahead of its predecessor', async () => {
  const wire = await wireTo(broker.url);
  const customer = aggregate();
  await happenTimes(2, customer);
  const held = wire.hold('toServer', `customer-${customer.id}:2`);
  relay({ natsUrl: wire.url });
  const letSecondPass = await held;

  await manage(({ streams }) => streams.delete('CUSTOMER'));
  await forgetfulStream();
  letSecondPass();

  expect(await streamHolds(2)).toEqual(eventIds(customer, 2));
});

test('a database connection that dies without a word is given up, and another one is made', async () => {
  const wire = await wireTo(databaseUrl);
  relay({ databaseUrl: wire.url });
  await eventually(leaders, ({ length }) => length > 0);
  const customer = aggregate();
  const held = wire.hold('toClient', `customer-${customer.id}:1`);

  await happen(customer);
  await held;

  expect(await streamHolds(1)).toEqual(eventIds(customer, 1));
});

/** Consumers on a real database and a real broker: events that come twice, in another order, broken, or from the future. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Migration } from '@mikro-orm/migrations';
import { type ConsumerInfo, StringCodec } from 'nats';
import type { Event } from '#schema/events.ts';
import { type Broker, startBroker } from '../tests/broker.ts';
import { eventually } from '../tests/client.ts';
import { arrived } from '../tests/events.ts';
import { createDatabase } from '../tests/services.ts';
import { applyBatch, type Consumer, NotYet } from './apply.ts';
import { type Consuming, startConsumer } from './consume.ts';
import { type EntityManager, type Orm, openDatabase, query } from './database.ts';
import { createLog } from './log.ts';
import { platformMigrations } from './migrations.ts';
import { ensureStream } from './nats.ts';
import { OutboxRow } from './outbox.ts';
import { bury, park } from './parked.ts';

class CreateEffect extends Migration {
  override up(): void {
    this.addSql('CREATE TABLE effect (number int GENERATED ALWAYS AS IDENTITY, event_id text NOT NULL)');
  }
}

const log = createLog('test', 'silent');
const codec = StringCodec();

/** A database, a broker with the stream in it, and a way between the consumers and the database that can be cut. */
class World {
  readonly broker: Broker;
  readonly #orm: Orm;
  readonly #pipe: Pipe;
  readonly #running: { stop(): Promise<void> }[] = [];

  constructor(broker: Broker, orm: Orm, pipe: Pipe) {
    this.broker = broker;
    this.#orm = orm;
    this.#pipe = pipe;
  }

  /** Another replica; `fails` says of which events the handler has had enough, and may say why. */
  consume(fails: (event: Event) => boolean | Error = () => false, to = log): Consuming {
    const options = { em: this.#orm.em, natsUrl: this.broker.url, replicas: 1, log: to };
    const consuming = startConsumer(this.#consumer(fails), options);
    this.#running.push(consuming);
    return consuming;
  }

  #consumer(fails: (event: Event) => boolean | Error): Consumer<'CUSTOMER'> {
    const effect = async (event: Event, em: EntityManager) => {
      await query(em, 'INSERT INTO effect (event_id) VALUES ($1)', [event.id]);
      const failed = fails(event);
      if (failed) throw failed === true ? new Error('The handler cannot do that') : failed;
    };
    return {
      name: 'test-customer',
      stream: 'CUSTOMER',
      locks: 'customerId',
      handlers: { 'customer.saved': effect, 'customer.erased': 'ignore' },
    };
  }

  /** As a process that dies before it has acked: what it did is done, and the broker does not know. */
  async dieAfter(work: 'applying' | 'parking' | 'giving up', events: Event[]): Promise<void> {
    const em = this.#orm.em;
    const consumer = this.#consumer(() => false) as unknown as Consumer; // handlers are looked up by type
    const batch = events.map((event) => ({ type: 'customer.saved', event }));
    if (work === 'applying') await applyBatch(em, consumer, batch, log);
    else if (work === 'parking') await park(em, consumer.name, events);
    else
      for (const event of events) await bury(em, consumer.name, JSON.stringify(event), 'It could not be done', event);
  }

  send(...events: Event[]): Promise<void> {
    return this.#publish(events.map((event) => ({ subject: event.subject, text: JSON.stringify(event) })));
  }

  /** What no publisher of ours would send. */
  sendText(...messages: string[]): Promise<void> {
    return this.#publish(messages.map((text) => ({ subject: 'nobody', text })));
  }

  /** Without a message id: the broker notices no repetition. */
  async #publish(messages: { subject: string; text: string }[]): Promise<void> {
    await this.broker.with(async (nats) => {
      await ensureStream(await nats.jetstreamManager(), 'CUSTOMER', 1);
      for (const { subject, text } of messages)
        await nats.jetstream().publish(`rentabook.customer.saved.${subject}`, codec.encode(text));
    });
  }

  position = (): Promise<ConsumerInfo> =>
    this.broker.with(async (nats) => (await nats.jetstreamManager()).consumers.info('CUSTOMER', 'test-customer'));

  /** Has the stream drop its first messages, as age does. */
  drop = (count: number): Promise<unknown> =>
    this.broker.with(async (nats) => (await nats.jetstreamManager()).streams.purge('CUSTOMER', { seq: count + 1 }));

  /** What is parked has been so for a minute, and the consumer has looked at it since. */
  async waitLong(): Promise<void> {
    await this.query("UPDATE parked SET since = since - interval '1 minute'");
    await this.parkThenApply();
    await this.parkThenApply(); // the whole of a round lies between
  }

  /** An event is parked, its predecessor comes, and a sweep applies it. */
  async parkThenApply(): Promise<void> {
    const customer = newCustomer();
    await this.send(customer(2));
    await eventually(this.parked, (ids) => ids.includes(customer(2).id));
    await this.send(customer(1));
    await this.has(customer(2));
  }

  #ids = async (sql: string): Promise<string[]> =>
    (await query<{ id: string }>(this.#orm.em.fork(), sql)).map(({ id }) => id);
  /** Ids of the events in the order of their effects. */
  effects = () => this.#ids('SELECT event_id AS id FROM effect ORDER BY number');
  parked = () => this.#ids("SELECT event->>'id' AS id FROM parked ORDER BY 1");
  /** Why events were given up on. */
  dead = () => this.#ids('SELECT reason AS id FROM dead_letter ORDER BY since');

  has(...events: Event[]): Promise<string[]> {
    return eventually(this.effects, (ids) => events.every(({ id }) => ids.includes(id)));
  }

  /** Keeps every consumer from applying anything, until `release`. */
  async lockEffects(): Promise<{ release(): Promise<void> }> {
    const em = this.#orm.em.fork();
    await em.begin();
    await query(em, 'LOCK TABLE effect');
    return { release: () => em.commit() };
  }

  cutDatabase = () => this.#pipe.cut();
  mendDatabase = () => this.#pipe.mend();
  /** How often somebody has asked for the database since it was cut off. */
  refusals = () => this.#pipe.refusals();
  query = (sql: string): Promise<unknown[]> => query(this.#orm.em.fork(), sql);

  async stopConsumers(): Promise<void> {
    await Promise.all(this.#running.map((consumer) => consumer.stop()));
  }

  async close(): Promise<void> {
    await this.stopConsumers();
    await this.#orm.close();
    await this.#pipe.close();
    await this.broker.close();
  }
}

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const [databaseUrl, broker] = await Promise.all([createDatabase('consume'), startBroker()]);
  const { hostname, port } = new URL(databaseUrl);
  const pipe = await layPipe(hostname, Number(port));
  const url = Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: String(pipe.port) }).href;
  const migrations = [...platformMigrations, { name: 'test_0001_effect', class: CreateEffect }];
  const orm = await openDatabase({ url, entities: [OutboxRow], migrations, log });
  const world = new World(broker, orm, pipe);
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

interface Pipe {
  port: number;
  cut(): void;
  mend(): void;
  refusals(): number;
  close(): Promise<void>;
}

/** Passes connections on, or breaks them. */
async function layPipe(host: string, port: number): Promise<Pipe> {
  let whole = true;
  let refusals = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (!whole) {
      refusals += 1;
      return void near.destroy();
    }
    const far = connect(port, host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port, // a TCP server has one
    cut,
    refusals: () => refusals,
    mend: () => {
      whole = true;
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The events of one customer, by their versions. */
function newCustomer() {
  const id = randomUUID();
  const data = { customerId: id, roles: [], change: 'DETAILS' as const };
  return (version: number): Event => arrived('customer.saved', { id, version }, data).event;
}
/** A first event, of somebody new. */
const anEvent = (): Event => newCustomer()(1);
const idsOf = (events: Event[]): string[] => events.map(({ id }) => id);
const ofAggregate = ({ subject }: Event, ids: string[]) => ids.filter((id) => id.includes(subject));

test.concurrent('an event that comes many times has one effect', () =>
  inWorld(async (world) => {
    const [event, last] = [anEvent(), anEvent()];

    await world.send(event, event);
    world.consume();
    await world.has(event);
    await world.send(event, last);
    await world.has(last);

    expect(await world.effects()).toEqual([event.id, last.id]);
  }));

test.concurrent('replicas share the work: each event once, those of an aggregate in order', () =>
  inWorld(async (world) => {
    const customers = Array.from({ length: 20 }, newCustomer);
    const versions = Array.from({ length: 15 }, (_, index) => index + 1);
    const mixed = versions.flatMap((version) => customers.map((customer) => customer(version)));

    world.consume();
    world.consume();
    await world.send(...mixed);
    const effects = await eventually(world.effects, ({ length }) => length >= mixed.length);

    expect([...effects].sort()).toEqual(idsOf(mixed).sort());
    for (const customer of customers) expect(ofAggregate(customer(1), effects)).toEqual(idsOf(versions.map(customer)));
  }));

test.concurrent('an event that comes before its predecessor waits for it, and holds up nobody else', () =>
  inWorld(async (world) => {
    const customer = newCustomer();
    const other = anEvent();
    world.consume();

    await world.send(customer(3), customer(2), other);
    await world.has(other);
    await eventually(world.parked, ({ length }) => length === 2);
    expect((await world.position()).num_ack_pending).toBe(0); // it has left the broker
    await world.send(customer(1));

    const effects = await eventually(world.effects, ({ length }) => length === 4);
    expect(effects).toEqual([other.id, ...idsOf([1, 2, 3].map(customer))]);
    await eventually(world.parked, ({ length }) => length === 0);
    expect(await world.dead()).toEqual([]);
  }));

test.concurrent(
  'an event that the handler fails eight times is given up on, and what comes later of its aggregate waits behind it',
  () =>
    inWorld(async (world) => {
      const customer = newCustomer();
      let tries = 0;
      world.consume(() => ++tries > 0);

      await world.send(customer(1));
      await eventually(world.dead, ({ length }) => length > 0, 30_000);
      await world.send(customer(1), customer(2), customer(3));
      await eventually(world.parked, ({ length }) => length === 3);

      expect(await world.dead()).toEqual(['The handler cannot do that']);
      expect(tries).toBe(8);
      expect(await world.effects()).toEqual([]);
    }),
  60_000,
);

test.concurrent('one bad event of a batch does not keep the others from their effects', () =>
  inWorld(async (world) => {
    const bad = newCustomer()(1);
    const good = Array.from({ length: 20 }, anEvent);
    await world.send(...good.slice(0, 10), bad, ...good.slice(10));

    world.consume((event) => event.id === bad.id);
    const effects = await world.has(...good);

    expect([...effects].sort()).toEqual(idsOf(good).sort());
    expect((await world.position()).delivered.consumer_seq).toBeLessThan(2 * good.length); // none was sent again for it
  }));

test.concurrent('an event whose handler fails for a while has its effect once it can', () =>
  inWorld(async (world) => {
    const event = anEvent();
    let failures = 3;
    world.consume(() => failures-- > 0);

    await world.send(event);

    expect(await world.has(event)).toEqual([event.id]);
    expect(await world.dead()).toEqual([]);
  }));

test.concurrent('an event of a type or version that this build does not know is left to a newer one, and what follows it waits', () =>
  inWorld(async (world) => {
    const customer = newCustomer();
    const unknown = { ...customer(1), type: 'rentabook.customer.promoted.v1' };
    const newer = { ...anEvent(), type: 'rentabook.customer.saved.v2' };
    const other = anEvent();
    world.consume();

    await world.send(unknown, newer, customer(2), other);
    await world.has(other);
    await eventually(world.parked, ({ length }) => length === 1);

    expect((await world.position()).num_ack_pending).toBe(2);
    expect(await world.parked()).toEqual([customer(2).id]);
    expect(await world.effects()).toEqual([other.id]);
    expect(await world.dead()).toEqual([]);
  }));

test.concurrent('events that were parked for a newer build do not keep the others from their turn', () =>
  inWorld(async (world) => {
    await world.query(`INSERT INTO parked (consumer, aggregate, version, event)
      SELECT 'test-customer', 'customer-0000' || n, 1, '{"type": "rentabook.customer.promoted.v1"}' FROM generate_series(1, 150) n`);
    world.consume();

    await world.parkThenApply();
  }));

test.concurrent('a message that is no event is given up on at once, and the rest goes on', () =>
  inWorld(async (world) => {
    const wrong = { ...anEvent(), data: { customerId: 'not an id' } };
    const event = anEvent();
    world.consume();

    await world.sendText('not even JSON', JSON.stringify(wrong), JSON.stringify(event));

    expect(await world.has(event)).toEqual([event.id]);
    expect(await world.dead()).toHaveLength(2);
  }));

test.concurrent('what follows an event that cannot be read waits behind it, when at least it is known what that was about', () =>
  inWorld(async (world) => {
    const customer = newCustomer();
    const wrong = { ...customer(1), data: { customerId: 'not an id' } };
    world.consume();

    await world.sendText(JSON.stringify(wrong));
    await world.send(customer(2));
    await eventually(world.parked, ({ length }) => length === 1);

    expect(await world.query('SELECT aggregate, version FROM dead_letter')).toEqual([
      { aggregate: `customer-${wrong.subject}`, version: 1 },
    ]);
    expect(await world.effects()).toEqual([]);
  }));

test.concurrent('what PostgreSQL cannot store holds nothing up', () =>
  inWorld(async (world) => {
    const [parked, unread, beyond, event] = [newCustomer()(2), anEvent(), anEvent(), anEvent()];
    const sign = { sign: 'NUL \0, half of a pair \uD83D, a whole one 📖' };
    world.consume();

    await world.sendText(
      'not even \0 JSON',
      JSON.stringify({ ...parked, data: { ...parked.data, ...sign } }),
      JSON.stringify({ ...unread, data: sign }),
      JSON.stringify({ ...beyond, aggregateversion: 2 ** 31 }),
      JSON.stringify(event),
    );

    await world.has(event);
    expect(await eventually(world.parked, ({ length }) => length === 1)).toEqual([parked.id]);
    expect(await world.dead()).toHaveLength(3);
    const stored = [{ sign: 'NUL \uFFFD, half of a pair \uFFFD, a whole one 📖' }];
    expect(await world.query("SELECT event->'data'->>'sign' AS sign FROM parked")).toEqual(stored);
    expect(
      await world.query("SELECT message::jsonb->'data'->>'sign' AS sign FROM dead_letter WHERE aggregate IS NOT NULL"),
    ).toEqual(stored);
    expect(await world.query("SELECT FROM dead_letter WHERE message = 'not even \uFFFD JSON'")).toHaveLength(1);
  }));

test.concurrent('a message that is no event is kept once, however often it comes', () =>
  inWorld(async (world) => {
    const event = anEvent();
    world.consume();

    await world.sendText('not even JSON', 'not even JSON', JSON.stringify(event));

    await world.has(event);
    expect(await world.dead()).toHaveLength(1);
  }));

test.concurrent('the events of one aggregate, shuffled and each twice, have their effects once and in order', () =>
  inWorld(async (world) => {
    const customer = newCustomer();
    const order = [7, 3, 11, 1, 9, 2, 12, 5, 8, 4, 10, 6];
    world.consume();

    await world.send(...order.map(customer), ...order.toReversed().map(customer));
    const effects = await world.has(...order.map(customer));
    await eventually(world.parked, ({ length }) => length === 0);

    expect(effects).toEqual(idsOf(order.toSorted((a, b) => a - b).map(customer)));
    expect(await world.effects()).toEqual(effects);
  }));

test.concurrent(
  'an event about something that is not known yet waits for it however long, and is no failure',
  () =>
    inWorld(async (world) => {
      const [event, other] = [anEvent(), anEvent()];
      let known = false;
      let tries = 0;
      const failures: string[] = [];
      const heard = createLog('test', 'error', { write: (line) => void failures.push(line) });
      world.consume(({ id }) => {
        if (id !== event.id || known) return false;
        tries += 1;
        return new NotYet('Nothing is known of it yet');
      }, heard);

      await world.send(event, other);
      await world.has(other);
      await eventually(
        () => tries,
        (count) => count > 5,
      );
      expect(failures).toEqual([]);
      expect(await world.parked()).toEqual([event.id]);
      known = true;

      await world.has(event);
    }),
  60_000,
);

test.concurrent(
  'what failed before the database went away counts no more once it is back',
  () =>
    inWorld(async (world) => {
      const [event, other] = [anEvent(), anEvent()];
      let failures = 0;
      world.consume(({ id }) => id === event.id && ++failures <= 9);
      await world.send(event);
      await eventually(
        () => failures,
        (count) => count === 5,
      );

      world.cutDatabase();
      await world.send(other);
      await eventually(world.refusals, (count) => count >= 3);
      world.mendDatabase();

      await world.has(event, other);
      expect(await world.dead()).toEqual([]);
    }),
  60_000,
);

test.concurrent('a gap that is older than ten minutes is told of, once', () =>
  inWorld(async (world) => {
    const customer = newCustomer();
    const lines: string[] = [];
    const heard = createLog('test', 'error', { write: (line) => void lines.push(line) });
    await world.query(`INSERT INTO parked (consumer, aggregate, version, event, since)
      VALUES ('test-customer', 'customer-${customer(1).subject}', 3, '${JSON.stringify(customer(3))}', now() - interval '11 minutes'),
        ('test-customer', 'customer-${customer(1).subject}', 4, '${JSON.stringify(customer(4))}', now() - interval '9 minutes'),
        ('test-customer', 'customer-young', 2, '${JSON.stringify(newCustomer()(2))}', now() - interval '9 minutes')`);

    world.consume(undefined, heard);
    await eventually(
      () => lines,
      ({ length }) => length > 0,
    );
    await world.parkThenApply(); // rounds lie between

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ consumer: 'test-customer', aggregate: `customer-${customer(1).subject}`, version: 3 }),
    ]);
  }));

test.concurrent.each(['applying', 'parking', 'giving up'] as const)(
  'a process that dies after %s and before it has told the broker leaves nothing to be done twice',
  (work) =>
    inWorld(async (world) => {
      const customer = newCustomer();
      const version = work === 'applying' ? 1 : 2;
      const other = anEvent();
      await world.dieAfter(work, [customer(version)]);

      world.consume();
      await world.send(customer(version), other);
      await world.has(other);
      if (work === 'parking') await world.send(customer(1)).then(() => world.has(customer(2)));
      const left = await eventually(
        () => world.position(),
        ({ num_ack_pending }) => num_ack_pending === 0,
      );

      expect(left.num_pending).toBe(0);
      const done = { applying: [1], parking: [1, 2], 'giving up': [] }[work];
      expect(ofAggregate(customer(1), await world.effects())).toEqual(idsOf(done.map(customer)));
      expect(await world.dead()).toHaveLength(work === 'giving up' ? 1 : 0);
    }),
);

test.concurrent('an ignored type counts in the order: what follows it is applied', () =>
  inWorld(async (world) => {
    const customer = newCustomer();
    const { subject: id } = customer(1);
    const ignored = arrived('customer.erased', { id, version: 2 }, { customerId: id }).event;
    world.consume();

    await world.send(customer(1), ignored, customer(3));

    expect(await world.has(customer(3))).toEqual([customer(1).id, customer(3).id]);
  }));

test.concurrent('while the database is away events wait, and nothing counts as a failure', () =>
  inWorld(async (world) => {
    const before = anEvent();
    const meanwhile = Array.from({ length: 20 }, anEvent);
    world.consume();
    await world.send(before);
    await world.has(before);

    world.cutDatabase();
    await world.send(...meanwhile);
    await eventually(world.refusals, (count) => count >= 28); // longer than the broker waits for an ack
    world.mendDatabase();

    expect(await world.has(...meanwhile)).toHaveLength(1 + meanwhile.length);
    expect((await world.position()).delivered.consumer_seq).toBe(1 + meanwhile.length); // none was sent again
    expect(await world.dead()).toEqual([]);
    expect(await world.parked()).toEqual([]);
  }));

test.concurrent('when the broker has been away the consumer goes on where it was', () =>
  inWorld(async (world) => {
    const customer = newCustomer();
    world.consume();
    await world.send(customer(1));
    await world.has(customer(1));

    await world.broker.stop();
    await world.broker.start();
    await world.send(customer(2));

    expect(await world.has(customer(2))).toEqual(idsOf([1, 2].map(customer)));
  }));

test.concurrent('a consumer that is stopped while it is still connecting stops', () =>
  inWorld(async (world) => {
    world.consume();
    await world.stopConsumers();
  }));

const wipe = (broker: Broker) =>
  broker.with(async (nats) => void (await (await nats.jetstreamManager()).streams.delete('CUSTOMER')));

test.concurrent.each([
  ['was wiped', wipe],
  ['is an older one', (broker: Broker) => broker.setBack()],
  ['has lost messages that the consumer remembers', (broker: Broker) => broker.setBack({ keepPositions: true })],
])('a stream that %s is read anew, and what is sent again has no second effect', (_, lose) =>
  inWorld(async (world) => {
    const customer = newCustomer();
    await world.send(customer(1));
    await world.broker.remember();
    world.consume();
    await world.send(customer(2), customer(3));
    await world.has(customer(3));

    await lose(world.broker);
    await world.send(...[1, 2, 3, 4].map(customer)); // as the relay does

    expect(await world.has(customer(4))).toEqual(idsOf([1, 2, 3, 4].map(customer)));
  }),
);

describe('an aggregate of which the consumer has not seen the beginning', () => {
  test.concurrent('is taken from where the stream still has it, when the stream has dropped its beginning', () =>
    inWorld(async (world) => {
      const customer = newCustomer();
      await world.send(customer(1), customer(2), customer(3));
      await world.drop(1);
      world.consume();

      await eventually(world.parked, ({ length }) => length === 2);
      await world.waitLong();

      const effects = await world.has(customer(3));
      expect(ofAggregate(customer(1), effects)).toEqual(idsOf([2, 3].map(customer)));
    }));

  test.concurrent('is also taken when by now the stream has dropped all of it', () =>
    inWorld(async (world) => {
      const customer = newCustomer();
      world.consume();
      await world.send(anEvent(), customer(2));
      await eventually(world.parked, ({ length }) => length === 1);

      await world.drop(2);
      await world.waitLong();

      await world.has(customer(2));
    }));

  test.concurrent('is waited for however long, when the stream has dropped nothing', () =>
    inWorld(async (world) => {
      const customer = newCustomer();
      world.consume();
      await world.send(customer(2));
      await eventually(world.parked, ({ length }) => length === 1);

      await world.waitLong();
      expect(await world.parked()).toEqual([customer(2).id]);
      await world.send(customer(1));

      const effects = await world.has(customer(2));
      expect(ofAggregate(customer(1), effects)).toEqual(idsOf([1, 2].map(customer)));
    }));

  test.concurrent('is waited for when its beginning was given up on: that is to be mended first', () =>
    inWorld(async (world) => {
      const customer = newCustomer();
      const aggregate = `customer-${customer(1).subject}`;
      await world.query(`INSERT INTO dead_letter (consumer, aggregate, version, message, reason)
        VALUES ('test-customer', '${aggregate}', 1, '${JSON.stringify(customer(1))}', 'The handler could not do that')`);
      await world.send(customer(1), customer(2));
      await world.drop(1);
      world.consume();
      await eventually(world.parked, ({ length }) => length === 1);

      await world.waitLong();

      expect(await world.query(`SELECT version FROM applied WHERE aggregate = '${aggregate}'`)).toEqual([]);
    }));
});

// By itself and last: the clock is everybody's.
test('a clock that jumps, forward or back, has nothing given up on and nothing stand still', () =>
  inWorld(async (world) => {
    const now = Date.now;
    const unknown = { ...anEvent(), type: 'rentabook.customer.promoted.v1' };
    try {
      for (const jumpMs of [3_600_000, -3_600_000]) {
        world.consume();
        await world.send(unknown, anEvent());
        Date.now = () => now() + jumpMs;
        const event = anEvent();
        await world.send(event);
        await world.has(event);
        await world.parkThenApply();
        await world.stopConsumers();
      }
      expect(await world.parked()).toEqual([]);
      expect(await world.dead()).toEqual([]);
    } finally {
      Date.now = now;
    }
  }));

test('a consumer tells how long it is busy with one thing, and is not while it waits for events or for the database', async () => {
  await inWorld(async (world) => {
    const consuming = world.consume();
    const customer = newCustomer();
    await world.send(customer(1));
    await world.has(customer(1));
    await eventually(
      async () => consuming.busyMs(),
      (ms) => ms === 0,
    );

    const holder = await world.lockEffects();
    await world.send(customer(2));
    await eventually(
      async () => consuming.busyMs(),
      (ms) => ms > 1000,
    );
    await holder.release();
    await world.has(customer(2));
    await eventually(
      async () => consuming.busyMs(),
      (ms) => ms === 0,
    );

    world.cutDatabase();
    await world.send(customer(3));
    await eventually(
      async () => world.refusals(),
      (times) => times > 6,
    );
    expect(consuming.busyMs()).toBeLessThan(1000); // each try counts anew
    world.mendDatabase();
    await world.has(customer(3));
  });
});

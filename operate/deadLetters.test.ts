/** The command as a person runs it, beside a consumer that runs. */
import { randomUUID } from 'node:crypto';
import { Migration } from '@mikro-orm/migrations';
import type { AnyConsumer } from '#platform/apply.ts';
import { startConsumer } from '#platform/consume.ts';
import { type EntityManager, type Orm, query } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { Event } from '#schema/events.ts';
import { type Broker, startBroker } from '../tests/broker.ts';
import { eventually } from '../tests/client.ts';
import { runCommand } from '../tests/command.ts';
import { arrived } from '../tests/events.ts';
import { createDatabase } from '../tests/services.ts';

class CreateEffect extends Migration {
  override up(): void {
    this.addSql('CREATE TABLE effect (number int GENERATED ALWAYS AS IDENTITY, event_id text NOT NULL)');
  }
}

const log = createLog('test', 'silent');
const CONSUMER = 'customer-customer';
let broker: Broker;
let url: string;
let orm: Orm;
let consumer: { stop(): Promise<void> } | undefined;
beforeAll(async () => {
  [broker, url] = await Promise.all([startBroker(), createDatabase('letters')]);
  const migrations = [{ name: 'test_0001_effect', class: CreateEffect }];
  orm = await openServiceDatabase({ url, entities: [], migrations, log });
});
beforeEach(() => sql('TRUNCATE dead_letter, parked, applied, effect'));
afterEach(async () => {
  await consumer?.stop();
  consumer = undefined;
});
afterAll(async () => {
  await orm?.close();
  await broker?.close();
});

const sql = <Row = object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  query<Row>(orm.em.fork(), text, values);
const deadLetters = (...args: string[]) =>
  runCommand('operate/deadLetters.ts', { CUSTOMER_DATABASE_URL: url }, ...args);
const effects = async () =>
  (await sql<{ id: string }>('SELECT event_id AS id FROM effect ORDER BY number')).map(({ id }) => id);

function consume(fails = false): void {
  const handle = async (event: Event, em: EntityManager) => {
    if (fails) throw new Error('It still cannot be done');
    await query(em, 'INSERT INTO effect (event_id) VALUES ($1)', [event.id]);
  };
  const handlers = { 'customer.saved': handle, 'customer.erased': 'ignore' } as const;
  const reading: AnyConsumer = { name: CONSUMER, stream: 'CUSTOMER', locks: 'customerId', handlers };
  consumer = startConsumer(reading, { em: orm.em, natsUrl: broker.url, replicas: 1, log });
}

/** A customer whose first event was given up on, with two more parked behind it. */
async function aDeadCustomer(): Promise<{ id: string; events: Event[] }> {
  const id = randomUUID();
  const data = { customerId: id, roles: [], change: 'DETAILS' as const };
  const events = [1, 2, 3].map((version) => arrived('customer.saved', { id, version }, data).event);
  const [first, ...later] = events.map((event) => JSON.stringify(event));
  const [letter] = await sql<{ id: string }>(
    `INSERT INTO dead_letter (consumer, aggregate, version, message, reason) VALUES ($1, $2, 1, $3, 'It could not be done') RETURNING id`,
    [CONSUMER, `customer-${id}`, first],
  );
  await sql(
    `INSERT INTO parked (consumer, aggregate, version, event) SELECT $1, $2, n + 1, e FROM unnest($3::jsonb[]) WITH ORDINALITY AS p(e, n)`,
    [CONSUMER, `customer-${id}`, later],
  );
  return { id: letter?.id ?? '', events };
}

const strange = async (): Promise<string> => {
  const [letter] = await sql<{ id: string }>(
    `INSERT INTO dead_letter (consumer, message, reason) VALUES ($1, 'not even JSON', 'It is no event') RETURNING id`,
    [CONSUMER],
  );
  return letter?.id ?? '';
};

test('what was given up on is listed and shown', async () => {
  expect(await deadLetters('customer', 'list')).toMatchObject({ code: 0, stdout: 'customer has no dead letters.\n' });
  const { id, events } = await aDeadCustomer();

  const listed = await deadLetters('customer', 'list');
  const shown = await deadLetters('customer', 'show', id.slice(0, 8));

  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toMatch(`${CONSUMER}  ${events[0]?.id}, 2 wait behind it: It could not be done\n1 in all.\n`);
  expect(shown.stdout).toContain(JSON.stringify(events[0], null, 2));
});

test('what is replayed is applied by the running service, with all that waited behind it, in order and once', async () => {
  const { id, events } = await aDeadCustomer();
  consume();

  const ended = await deadLetters('customer', 'replay', id);

  expect(ended).toEqual({ code: 0, stdout: `${events[0]?.id} is applied.\n1 of 1 applied.\n`, stderr: '' });
  const { id: another } = await aDeadCustomer();
  await deadLetters('customer', 'replay', another); // a whole sweep lies between
  const own = async () => (await effects()).filter((effect) => events.some((event) => event.id === effect));
  expect(await eventually(own, (ids) => ids.length >= 3)).toEqual(events.map((event) => event.id));
});

test('all of them are replayed at once; what is no event is left, and said so', async () => {
  const customers = [await aDeadCustomer(), await aDeadCustomer()];
  await strange();
  consume();

  const { code, stdout } = await deadLetters('customer', 'replay', '--all');

  expect({ code, end: stdout.split('\n').at(-2) }).toEqual({
    code: 0,
    end: '2 of 2 applied. 1 are no events: show and drop them.',
  });
  for (const { events } of customers) expect(await effects()).toContain(events[0]?.id);
});

test('what is dead again is told with the reason, and what waits behind it still does', async () => {
  const { id, events } = await aDeadCustomer();
  consume(true);

  const ended = await deadLetters('customer', 'replay', id);

  expect(ended.code).toBe(1);
  expect(ended.stdout).toBe(`${events[0]?.id} is dead again: It still cannot be done\n0 of 1 applied.\n`);
  expect(await effects()).toEqual([]);
  expect(await sql('SELECT version FROM dead_letter')).toEqual([{ version: 1 }]);
}, 60_000);

test('when the service does not run, what was put back waits for it', async () => {
  const { id, events } = await aDeadCustomer();

  const { code, stdout } = await deadLetters('customer', 'replay', id, '--wait', '0.5');

  expect(code).toBe(1);
  expect(stdout).toMatch(`${events[0]?.id} is put back, and not applied yet`);
});

test('a message that is no event is shown, and dropped for a reason that is kept', async () => {
  const id = await strange();

  expect((await deadLetters('customer', 'show', id)).stdout).toContain('not even JSON');
  expect(await deadLetters('customer', 'replay', id)).toMatchObject({ code: 2 });
  expect(await deadLetters('customer', 'drop', id)).toMatchObject({
    code: 2,
    stderr: 'Say why it may be dropped: --reason TEXT.\n',
  });
  expect(await deadLetters('customer', 'drop', id, '--reason', 'A test of the broker')).toMatchObject({ code: 0 });

  expect((await deadLetters('customer', 'list')).stdout).toBe('customer has no dead letters.\n');
  expect(await sql('SELECT dropped_because FROM dead_letter')).toEqual([{ dropped_because: 'A test of the broker' }]);
});

test('an event cannot be dropped', async () => {
  const { id } = await aDeadCustomer();

  const ended = await deadLetters('customer', 'drop', id, '--reason', 'It is in the way');

  expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching('what follows it would wait for ever') });
});

test.each([
  [['shop', 'list'], /^There is no service "shop": it is one of book, rental, delivery, customer\.\n$/],
  [[], /^Name a service\. See --help\.\n$/],
  [['customer'], /^Say what to do: /],
  [['customer', 'resend', 'x'], /^Say what to do: /],
  [['customer', 'show'], /^Name a dead letter by its id/],
  [['customer', 'show', 'ffff'], /^customer has no dead letter ffff\.\n$/],
  [['customer', 'replay', '--all', '--wait', 'long'], /^--wait takes seconds from 0 to 3600, not "long"\.\n$/],
  [['customer', 'list', '--loud'], /^Unknown option '--loud'.* See --help\.\n$/],
  [['book', 'list'], /^Start the system first \(npm start\): none is running on the data in \/nowhere/],
])('%j is answered in one sentence', async (args, sentence) => {
  expect(await deadLetters(...args)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) });
});

test('a database that is away is named, without its password', async () => {
  const settings = { BOOK_DATABASE_URL: 'postgresql://book:secret@127.0.0.1:1/book' };
  const { code, stderr } = await runCommand('operate/deadLetters.ts', settings, 'book', 'list');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/^The database of book at 127\.0\.0\.1:1 does not answer \(.*\)\.\n$/),
  });
});

test('--help tells how it is used', async () => {
  expect(await deadLetters('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^npm run dead-letters/),
  });
});

/** An event is written beside the change it tells of, or neither is. */
import { randomUUID } from 'node:crypto';
import { createDatabase } from '../tests/services.ts';
import { type EntityManager, type Orm, openDatabase, transaction } from './database.ts';
import { createLog } from './log.ts';
import { platformMigrations } from './migrations.ts';
import { type Aggregate, OutboxRow, outboxRow, publish } from './outbox.ts';
import { cause } from './trace.ts';

let orm: Orm;
beforeAll(async () => {
  orm = await openDatabase({
    url: await createDatabase('outbox'),
    entities: [OutboxRow],
    migrations: platformMigrations,
    log: createLog('test', 'silent'),
  });
});
afterAll(() => orm?.close());

const aggregate = (): Aggregate => ({ id: randomUUID(), version: 0 });
const erased = (em: EntityManager, customer: Aggregate) =>
  publish(em, customer, 'customer.erased', { customerId: customer.id });

const eventsOf = async ({ id }: Aggregate) => {
  const rows = await orm.em.fork().find(OutboxRow, { aggregate: `customer-${id}` }, { orderBy: { id: 'asc' } });
  return rows.map(({ payload }) => payload);
};

test('each event moves the version by one and has it in its id; in one transaction they keep their order', async () => {
  const customer = aggregate();

  await transaction(orm.em, async (em) => {
    for (let time = 1; time <= 3; time++) erased(em, customer);
  });

  expect(customer.version).toBe(3);
  const events = await eventsOf(customer);
  expect(events.map(({ id }) => id)).toEqual([1, 2, 3].map((version) => `customer-${customer.id}:${version}`));
  expect(events.map(({ aggregateversion }) => aggregateversion)).toEqual([1, 2, 3]);
});

test('an event is a CloudEvent that says what it is about and what led to it', async () => {
  const customer = aggregate();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  await transaction(orm.em, async (em) =>
    cause.run({ traceparent, eventId: 'rental-1:2' }, async () => erased(em, customer)),
  );

  const [event] = await eventsOf(customer);
  expect(event).toMatchObject({
    specversion: '1.0',
    source: '/rentabook/customer',
    type: 'rentabook.customer.erased.v1',
    subject: customer.id,
    datacontenttype: 'application/json',
    causationid: 'rental-1:2',
    traceparent,
    data: { customerId: customer.id },
  });
});

test('an event about a rental is told apart by the kind of thing it is about, and found by the rental', () => {
  const [rentalId, customerId, bookId] = [randomUUID(), randomUUID(), randomUUID()];
  const facts = { rentalId, customerId, bookId, quantity: 1 };

  const row = outboxRow({ id: rentalId, version: 4 }, 'stock.reserved', facts, new Date());

  expect(row).toMatchObject({
    eventId: `reservation-${rentalId}:4`,
    aggregate: `reservation-${rentalId}`,
    subject: `rentabook.stock.reserved.${rentalId}`,
    payload: { correlationid: rentalId },
  });
});

test('what breaks the contract is refused, and nothing is written', async () => {
  const customer = aggregate();

  const work = transaction(orm.em, async (em) => {
    erased(em, customer);
    publish(em, customer, 'customer.erased', { customerId: 'no id' });
  });

  await expect(work).rejects.toThrow(/customerId/);
  expect(await eventsOf(customer)).toEqual([]);
});

test('an event says no more than the contract has: a name given beside it does not get out', async () => {
  const customer = aggregate();

  await transaction(orm.em, async (em) => {
    const more = { customerId: customer.id, name: 'A Reader' };
    publish(em, customer, 'customer.erased', more);
  });

  expect((await eventsOf(customer))[0]?.data).toEqual({ customerId: customer.id });
});

test('one version cannot be told twice', async () => {
  const customer = aggregate();
  await transaction(orm.em, async (em) => erased(em, customer));

  const again = transaction(orm.em, async (em) => erased(em, { ...customer, version: 0 }));

  await expect(again).rejects.toThrow(/unique/);
  expect(await eventsOf(customer)).toHaveLength(1);
});

test('an event that no broker would take cannot be written', async () => {
  const customer = aggregate();
  const tags = ['x'.repeat(600_000)];
  const data = {
    bookId: customer.id,
    isbn: null,
    sourceId: null,
    title: 'A Book',
    authors: [],
    publisher: null,
    publishedYear: null,
    language: null,
    tags,
    status: 'LISTED' as const,
    rentalFee: { amount: 1, currency: 'KRW' },
  };

  const work = transaction(orm.em, async (em) => publish(em, customer, 'book.saved', data));

  await expect(work).rejects.toThrow(/check constraint/);
});

/** The subscription, on a real database and a real broker: each change of status once, in order, from any position. */
import { randomUUID } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import type { Arrived } from '#platform/apply.ts';
import { type EntityManager, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { connectForever } from '#platform/nats.ts';
import type { Viewer } from '#platform/tokens.ts';
import { type Answer, CustomerSubgraph, Rental, viewerOf } from '../../tests/customerSubgraph.ts';
import { natsUrl } from '../../tests/services.ts';
import { hangBells, ringer } from './bells.ts';
import { cursorOf } from './customer.ts';
import { appendChange } from './orderLog.ts';

let service: CustomerSubgraph;
beforeAll(async () => {
  service = await CustomerSubgraph.open();
});
afterAll(() => service?.close());

const WATCH = `subscription ($rentalId: ID, $after: String) { orderStatus(rentalId: $rentalId, after: $after) {
  cursor rentalId status previousStatus message occurredAt order { id status deliveryStatus timeline { type } }
} }`;

interface Change {
  cursor: string;
  rentalId: string;
  status: string;
  previousStatus: string | null;
  order: { status: string; deliveryStatus: string | null; timeline: object[] };
}

/** The next result but for positions, which are for the router. */
async function next(events: AsyncIterableIterator<Answer>): Promise<IteratorResult<Answer>> {
  for (;;) {
    const result = await events.next();
    if (result.done || result.value.data || result.value.errors) return result;
  }
}

/** The next so many changes. The test's own time limit is the deadline. */
async function take(events: AsyncIterableIterator<Answer>, count: number): Promise<Change[]> {
  const changes: Change[] = [];
  while (changes.length < count) {
    const { done, value } = await next(events);
    if (done || value.errors) throw new Error(`The subscription ended: ${JSON.stringify(value)}`);
    changes.push(value.data?.orderStatus);
  }
  return changes;
}

const watch = (viewer: Viewer | null, variables: object = {}) => service.subscribe(WATCH, viewer, variables);
const statuses = (changes: Change[]) => changes.map(({ status }) => status);

async function tell(...events: Arrived[]): Promise<void> {
  for (const event of events) expect(await service.tell(event)).toBe('applied');
}

const requested = (rental: Rental) => rental.did('rental.requested', { total: null });
const accepted = (rental: Rental) => rental.did('rental.accepted', { total: { amount: 4500, currency: 'KRW' } });
const DUE = { dueAt: '2026-12-24T12:00:00.000Z' };

test('a subscription opened before the rental shows each change of status once and in order, and no scans', async () => {
  const viewer = viewerOf();
  const rental = new Rental(viewer.customerId);
  const events = await watch(viewer);
  const seen = take(events, 4);

  await tell(requested(rental), accepted(rental), rental.scanned('delivery.created'));
  await tell(
    rental.scanned('delivery.picked_up'),
    rental.did('rental.shipped'),
    rental.did('rental.loan_started', DUE),
  );

  const changes = await seen;
  expect(changes.map(({ previousStatus, status }) => [previousStatus, status])).toEqual([
    [null, 'REQUESTED'],
    ['REQUESTED', 'ACCEPTED'],
    ['ACCEPTED', 'SHIPPING'],
    ['SHIPPING', 'ON_LOAN'],
  ]);
  expect(new Set(changes.map(({ rentalId }) => rentalId))).toEqual(new Set([rental.id]));
  await events.return?.();
});

test('the snapshot ends with its position, also when it is empty, and what comes after is read on from there', async () => {
  const viewer = viewerOf();
  const events = await watch(viewer);
  const { value } = await events.next();
  await events.return?.();
  expect(value).toEqual({ extensions: { cursor: expect.any(String) } });

  await tell(requested(new Rental(viewer.customerId)));
  const later = await watch(viewer, { after: value.extensions.cursor });
  expect(statuses(await take(later, 1))).toEqual(['REQUESTED']);
  await later.return?.();
});

test('the order in an event is the order as it is then, also in later events of one subscription', async () => {
  const viewer = viewerOf();
  const rental = new Rental(viewer.customerId);
  const events = await watch(viewer);

  await tell(requested(rental));
  const [first] = await take(events, 1);
  await tell(rental.scanned('delivery.created'), accepted(rental));
  const [second] = await take(events, 1);

  expect(first?.order).toMatchObject({ status: 'REQUESTED', deliveryStatus: null });
  expect(second?.order).toMatchObject({ status: 'ACCEPTED', deliveryStatus: 'CREATED' });
  expect(second?.order.timeline).toHaveLength(3);
  await events.return?.();
});

test('without a cursor it begins with the latest change of each order that is open or of the last day, oldest first', async () => {
  const viewer = viewerOf();
  const longAgo = new Date('2026-01-01T00:00:00Z');
  const [open, ended, endedLongAgo] = [
    new Rental(viewer.customerId, { at: longAgo }),
    new Rental(viewer.customerId),
    new Rental(viewer.customerId, { at: longAgo }),
  ];
  await tell(requested(endedLongAgo), endedLongAgo.did('rental.cancelled', { from: 'REQUESTED' }));
  await tell(requested(ended), requested(open), ended.did('rental.cancelled', { from: 'REQUESTED' }), accepted(open));

  const events = await watch(viewer);
  const latest = await take(events, 2);
  await tell(open.did('rental.shipped'));
  const next = await take(events, 1);
  await events.return?.();

  expect(latest.map(({ rentalId, status }) => [rentalId, status])).toEqual([
    [ended.id, 'CANCELLED'],
    [open.id, 'ACCEPTED'],
  ]);
  expect(statuses(next)).toEqual(['SHIPPING']);

  const ofOne = await watch(viewer, { rentalId: endedLongAgo.id });
  expect(statuses(await take(ofOne, 1))).toEqual(['CANCELLED']);
  await ofOne.return?.();
});

test('from every cursor it goes on with the very next change', async () => {
  const viewer = viewerOf();
  const rentals = [new Rental(viewer.customerId), new Rental(viewer.customerId)] as const;
  const start = cursorOf({ customerId: viewer.customerId, number: 0 });
  for (const rental of rentals) await tell(requested(rental), rental.scanned('delivery.created'), accepted(rental));

  const whole = await watch(viewer, { after: start });
  const all = await take(whole, 4);
  await whole.return?.();

  for (const [n, { cursor }] of all.slice(0, -1).entries()) {
    const rest = await watch(viewer, { after: cursor });
    expect(await take(rest, 3 - n)).toEqual(all.slice(n + 1));
    await rest.return?.();
  }
});

test('a cursor of another customer, from the future or of something else is refused', async () => {
  const viewer = viewerOf();
  const refused = async (after: string) => {
    const error = await watch(viewer, { after }).then(
      () => null,
      (error: GraphQLError) => error,
    );
    return [error?.extensions.code, error?.message];
  };

  expect(await refused(cursorOf({ customerId: randomUUID(), number: 0 }))).toEqual([
    'BAD_USER_INPUT',
    expect.stringContaining('another customer'),
  ]);
  expect(await refused(cursorOf({ customerId: viewer.customerId, number: 1 }))).toEqual([
    'BAD_USER_INPUT',
    expect.stringContaining('future'),
  ]);
  expect(await refused('rubbish')).toEqual(['BAD_USER_INPUT', expect.stringContaining('not a cursor')]);
});

test('it needs an account', async () => {
  await expect(watch(null)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
});

test('F6 an unknown rental, or one of another customer, stays silent; staff may watch any', async () => {
  const [owner, stranger, staff] = [viewerOf(), viewerOf(), viewerOf(randomUUID(), 'STAFF')];
  const rental = new Rental(owner.customerId);
  await tell(requested(rental));
  const [strangers, unknown, malformed, staffs] = await Promise.all([
    watch(stranger, { rentalId: rental.id }),
    watch(owner, { rentalId: randomUUID() }),
    watch(owner, { rentalId: 'no id' }),
    watch(staff, { rentalId: rental.id }),
  ]);
  const silent = [strangers, unknown, malformed].map(next);

  await tell(accepted(rental));
  const seen = await take(staffs, 1);
  await tell(rental.did('rental.shipped'));
  seen.push(...(await take(staffs, 1)));
  for (const events of [strangers, unknown, malformed]) await events.return?.();

  expect(statuses(seen).at(-1)).toBe('SHIPPING');
  expect(await Promise.all(silent)).toEqual(Array(3).fill({ done: true, value: undefined }));
  const again = await watch(staff, { rentalId: rental.id, after: seen[0]?.cursor });
  expect(await take(again, 1)).toEqual(seen.slice(1));
  await Promise.all([staffs.return?.(), again.return?.()]);
});

test('staff who named a rental before anything was known of it go on with all that is known then', async () => {
  const staff = viewerOf(randomUUID(), 'STAFF');
  const rental = new Rental(randomUUID());
  const early = await watch(staff, { rentalId: rental.id });
  const { value } = await early.next();
  await early.return?.();
  await tell(requested(rental));

  const again = await watch(staff, { rentalId: rental.id, after: value.extensions.cursor });

  expect(statuses(await take(again, 1))).toEqual(['REQUESTED']);
  await again.return?.();
});

test('staff who named a rental before anything was known of it hear each of its changes once there are any', async () => {
  const staff = viewerOf(randomUUID(), 'STAFF');
  const rental = new Rental(randomUUID());
  const events = await watch(staff, { rentalId: rental.id });
  const seen = take(events, 3);

  await tell(requested(new Rental(staff.customerId)), requested(rental), accepted(rental));
  await tell(rental.did('rental.shipped'));

  const changes = await seen;
  expect(statuses(changes)).toEqual(['REQUESTED', 'ACCEPTED', 'SHIPPING']);
  const waiting = next(events);
  expect(await events.return?.()).toMatchObject({ done: true });
  expect(await waiting).toMatchObject({ done: true });
  const again = await watch(staff, { rentalId: rental.id, after: changes[0]?.cursor });
  expect(statuses(await take(again, 1))).toEqual(['ACCEPTED']);
  await again.return?.();
});

test('staff who leave a rental that never becomes known are let go at once', async () => {
  const events = await watch(viewerOf(randomUUID(), 'STAFF'), { rentalId: randomUUID() });
  await events.next();
  const waiting = next(events);

  expect(await events.return?.()).toMatchObject({ done: true });
  expect(await waiting).toMatchObject({ done: true });
});

test('between what was and what comes there is no gap and no double, however the events fall', async () => {
  const viewer = viewerOf();
  const rentals = Array.from({ length: 6 }, () => new Rental(viewer.customerId));
  const telling = Promise.all(
    rentals.map(async (rental) => {
      await tell(requested(rental), accepted(rental), rental.scanned('delivery.picked_up'));
      await tell(rental.did('rental.shipped'), rental.did('rental.loan_started', DUE));
    }),
  );

  const watchers = await Promise.all(Array.from({ length: 5 }, () => watch(viewer)));
  const seen = await Promise.all(watchers.map(untilAllOnLoan));
  await telling;
  const log = await watch(viewer, { after: cursorOf({ customerId: viewer.customerId, number: 0 }) });
  const whole = await take(log, 24);
  await log.return?.();

  for (const changes of seen) expectNoGap(changes, whole);

  async function untilAllOnLoan(events: AsyncIterableIterator<Answer>): Promise<Change[]> {
    const changes: Change[] = [];
    while (statuses(changes).filter((status) => status === 'ON_LOAN').length < rentals.length)
      changes.push(...(await take(events, 1)));
    await events.return?.();
    return changes;
  }
}, 60_000);

/** Of each rental: some latest change, then every later one; cursors in the order of the log. */
function expectNoGap(changes: Change[], whole: Change[]): void {
  const order = whole.map(({ cursor }) => cursor);
  const places = changes.map(({ cursor }) => order.indexOf(cursor));
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  for (const [rentalId, seen] of Map.groupBy(changes, (change) => change.rentalId)) {
    const all = whole.filter((change) => change.rentalId === rentalId);
    expect(statuses(seen)).toEqual(statuses(all.slice(-seen.length)));
  }
}

test('more changes than a page holds come all, in order', async () => {
  const viewer = viewerOf();
  const rental = new Rental(viewer.customerId);
  await transaction(service.orm.em, async (em) => {
    for (let n = 1; n <= 450; n++) await appendChange(em, entry(viewer.customerId, rental.id, n));
  });

  const cursors = 'subscription ($after: String) { orderStatus(after: $after) { cursor } }'; // each order's timeline would be 450 long
  const after = cursorOf({ customerId: viewer.customerId, number: 0 });
  const events = await service.subscribe(cursors, viewer, { after });
  const changes = await take(events, 450);
  await events.return?.();

  expect(changes.map(({ cursor }) => cursor)).toEqual(
    Array.from({ length: 450 }, (_, n) => cursorOf({ customerId: viewer.customerId, number: n + 1 })),
  );
});

/** Held and resumed by turns. */
const entry = (customerId: string, rentalId: string, version: number) => ({
  customerId,
  rentalId,
  aggregate: `rental-${rentalId}`,
  version,
  type: version % 2 ? 'rental.resumed' : 'rental.held',
  status: version % 2 ? ('REQUESTED' as const) : ('ON_HOLD' as const),
  message: 'words',
  occurredAt: new Date(),
  bookId: randomUUID(),
  quantity: 1,
  dueAt: null,
});

test('leaving a quiet subscription ends it at once, a waiting next() included', async () => {
  const events = await watch(viewerOf());
  const waiting = next(events);

  expect(await events.return?.()).toMatchObject({ done: true });
  expect(await waiting).toMatchObject({ done: true });
});

test('when a bell gets lost the heads of the logs still tell', async () => {
  const viewer = viewerOf();
  const rental = new Rental(viewer.customerId);
  const events = await watch(viewer);
  const seen = take(events, 1);

  await withoutBells((em) => appendChange(em, entry(viewer.customerId, rental.id, 1)));

  expect(statuses(await seen)).toEqual(['REQUESTED']);
  await events.return?.();
});

/** A transaction of a process that dies between its commit and its bell. */
async function withoutBells(work: (em: EntityManager) => Promise<unknown>): Promise<void> {
  const em = service.orm.em.fork({ freshEventManager: true });
  await em.transactional(work);
}

test('a bell that one process rings wakes a listener in another', async () => {
  const nats = connectForever({ natsUrl: natsUrl() });
  const other = hangBells(nats, () => service.orm.em.fork(), createLog('test', 'silent'));
  const nobody = randomUUID(); // whose log does not exist, so comparing heads finds nothing
  const bell = other.listen(nobody);
  await (await nats).flush();

  const waiting = bell.rung();
  service.bells.ring([nobody]);

  expect(await waiting).toBe(true);
  await other.stop();
  await (await nats).close();
});

test('the bell rings after the commit, and never after a rollback', async () => {
  const rung: string[] = [];
  const em = service.orm.em.fork({ freshEventManager: true });
  em.getEventManager().registerSubscriber(ringer({ ring: (customerIds) => rung.push(...customerIds) }));
  const [committed, undone, rentalId] = [randomUUID(), randomUUID(), randomUUID()];

  await em.transactional(async (em) => {
    await appendChange(em, entry(committed, rentalId, 1));
    await appendChange(em, entry(committed, rentalId, 2));
    expect(rung).toEqual([]);
  });
  const failing = em.transactional(async (em) => {
    await appendChange(em, entry(undone, rentalId, 1));
    throw new Error('undone');
  });

  await expect(failing).rejects.toThrow('undone');
  expect(rung).toEqual([committed]);
});

/**
 * What one customer can reach of another's: nothing. Every way through the public graph, from every root, is gone with the ids
 * and cursors of everything that the other has, on the whole system; the ways are generated from the schema (paths.ts).
 */
import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { addBook, type Client, clientOf, eventually, idOf, rentalOf, requestRental, signUp } from './client.ts';
import { publicSchema, type Walk, walksOf } from './paths.ts';
import { type System, startSystem } from './system.ts';

const schema = publicSchema();
/** Far enough to come from a customer to an order, its rental, its parcels, and back to the customer. */
const VISITS = 2;
const queries = walksOf(schema, { kind: 'query', visits: VISITS });
const pagedQueries = walksOf(schema, { kind: 'query', visits: 1, paged: true });
const mutations = walksOf(schema, { kind: 'mutation', visits: 1 });
const subscriptions = [false, true].flatMap((paged) => walksOf(schema, { kind: 'subscription', visits: 1, paged }));

let system: System;
let owner: Client;
let other: Client;
let nobody: Client;
let courier: Client;

/** What is the owner's and nobody else's. */
const mark = randomUUID().slice(0, 8);
const person = { name: `Name ${mark}`, email: `mail-${mark}@example.test` };
const home = {
  label: `Label ${mark}`,
  name: `Home ${mark}`,
  line1: `Line ${mark}`,
  line2: `Flat ${mark}`,
  city: `City ${mark}`,
  postalCode: `Post ${mark}`,
  country: 'KR',
  phone: `Phone ${mark}`,
};
const parcel = {
  name: `To ${mark}`,
  line1: `Street ${mark}`,
  line2: `Door ${mark}`,
  city: `Town ${mark}`,
  postalCode: `Code ${mark}`,
  country: 'KR',
  phone: `Call ${mark}`,
};
const reason = `Reason ${mark}`;
/** By name. The book is everybody's: its id is sent, but is no secret. */
const ids: Record<string, string> = {};
const cursors: Record<string, string> = {};
let trackingNumber: string;

beforeAll(async () => {
  const room = {
    MAX_DEPTH: '64',
    MAX_TOKENS: '100000',
    MAX_SELECTIONS: '100000',
    MAX_COST: '1000000000',
    MAX_BODY_BYTES: '1000000',
  };
  system = await startSystem({ ...room, SANDBOX_CARRIER_STEP_MS: '200' });
  nobody = clientOf(system.url);
  courier = await system.clientWith('CUSTOMER', 'COURIER');
  const staff = await system.clientWith('STAFF');
  [owner, other] = await Promise.all([signUp(system.url), signUp(system.url)]);
  await owner.data('mutation ($input: UpdateMeInput!) { updateMe(input: $input) { userErrors { code } } }', {
    input: person,
  });
  await owner.data('mutation ($input: SaveAddressInput!) { saveAddress(input: $input) { userErrors { code } } }', {
    input: home,
  });

  const bookId = await addBook(staff, 20);
  const { rental } = await requestRental(owner, bookId, { idempotencyKey: bookId, deliverTo: parcel }); // the key is tried, too
  const { deliveries } = await eventually(
    () => rentalOf(owner, rental.id),
    ({ status }) => status === 'ON_LOAN',
  );
  await requestRental(other, bookId);
  const sought = await addBook(staff, 0);
  const { joinWaitlist } = await owner.data(`mutation { joinWaitlist(bookId: "${sought}") { entry { id } } }`);
  await cancelOne(owner, reason);

  const { me, delivery } = await owner.data(
    `{ me { addresses { id } orderCursor orders { edges { cursor node { timeline { cursor } } } } }
       delivery(id: "${deliveries[0].id}") { trackingNumber trackingEvents { id } } }`,
  );
  const [copy] = await system.query<{ id: string }>('book', 'SELECT id FROM book_copy WHERE rental_id = $1', [
    rental.id,
  ]);
  Object.assign(ids, { bookId, rentalId: rental.id, deliveryId: deliveries[0].id, customerId: idOf(owner) });
  Object.assign(ids, { addressId: me.addresses[0].id, scanId: delivery.trackingEvents[0].id, copyId: copy?.id });
  Object.assign(ids, { entryId: joinWaitlist.entry.id });
  const [order] = me.orders.edges;
  Object.assign(cursors, { page: order.cursor, log: me.orderCursor, event: order.node.timeline[0].cursor });
  trackingNumber = delivery.trackingNumber;
}, 120_000);
afterAll(() => system?.stop());

/** Another rental comes and goes, with all that follows. */
async function cancelOne(customer: Client, because = 'changed my mind'): Promise<string> {
  const { rental } = await requestRental(customer, await addBook(await system.clientWith('STAFF'), 1));
  await customer.data(
    `mutation { cancelRental(input: { rentalId: "${rental.id}", reason: "${because}" }) { userErrors { code } } }`,
  );
  await eventually(
    () => rentalOf(customer, rental.id),
    ({ pendingCompensations }) => pendingCompensations.length === 0,
  );
  return rental.id;
}

/** What the account itself tells, and what is about its parcels, which couriers carry. */
const account = (): string[] =>
  [
    ...Object.values(person),
    ...texts(home),
    ids.addressId,
    ids.entryId,
    ids.customerId,
    cursors.page,
    cursors.log,
    cursors.event,
    reason,
  ].map(String);
const parcels = (): string[] =>
  [...texts(parcel), ids.rentalId, ids.deliveryId, ids.scanId, ids.copyId, trackingNumber].map(String);
const texts = ({ country: _, ...lines }: Record<string, string>): string[] => Object.values(lines);
const secrets = (): string[] => [...account(), ...parcels()];

interface Sent {
  id?: string;
  text?: string;
  after?: string;
}

/** What of the marks comes back that was not sent. */
async function found(who: Client, marks: string[], { operation }: Walk, sent: Sent): Promise<string[]> {
  const answer = await who.ask(operation, sent);
  const failed = answer.errors?.find(
    ({ extensions }) => !/FORBIDDEN|UNAUTHENTICATED|BAD_USER_INPUT/.test(extensions?.code ?? ''),
  );
  if (failed) throw new Error(`${operation.slice(0, 80)} ${JSON.stringify(sent)}: ${JSON.stringify(failed)}`);
  const text = JSON.stringify(answer);
  return marks.filter((mark) => text.includes(mark) && !Object.values(sent).includes(mark));
}

interface Find {
  field: string;
  sent: Sent;
  marks: string[];
}

const atOnce = pLimit(8);

/** All that is found by every walk with everything that may be sent. */
async function findsOf(who: Client, marks: string[], walks: Walk[]): Promise<Find[]> {
  const steps = walks.flatMap((walk) => sentTo(walk).map((sent) => ({ walk, sent })));
  const finds = await Promise.all(
    steps.map(({ walk, sent }) =>
      atOnce(async () => ({ field: walk.field, sent, marks: await found(who, marks, walk, sent) })),
    ),
  );
  return finds.filter(({ marks }) => marks.length);
}

/** Every value for the one variable that an operation has, or nothing; a search beside each. */
function sentTo({ operation }: Walk): Sent[] {
  const uses = (name: string) => operation.includes(`$${name}`);
  const some = <T extends keyof Sent>(name: T, values: string[]) =>
    uses(name) ? values.map((value) => ({ [name]: value })) : [{}];
  return some('id', Object.values(ids)).flatMap((id) =>
    some('after', Object.values(cursors)).flatMap((after) =>
      some('text', [person.email, mark]).map((text) => ({ ...id, ...after, ...text })),
    ),
  );
}

test('the walk leads everywhere: the owner finds all of it, from every root that is for customers', async () => {
  const finds = await findsOf(owner, secrets(), queries);

  const told = new Set(finds.flatMap(({ marks }) => marks));
  const toNobody = [reason, ids.copyId];
  expect(secrets().filter((mark) => !told.has(mark))).toEqual(toNobody);
  expect([...new Set(finds.map(({ field }) => field))].sort()).toEqual(['delivery', 'me', 'order', 'rental']);
}, 120_000);

test.each([
  ['another customer', () => other],
  ['nobody', () => nobody],
])(
  '%s finds nothing of it',
  async (_, who) => {
    expect(await findsOf(who(), secrets(), [...queries, ...pagedQueries])).toEqual([]);
  },
  120_000,
);

test('a courier finds the parcels, and nothing of the account', async () => {
  const finds = await findsOf(courier, secrets(), queries);

  const told = new Set(finds.flatMap(({ marks }) => marks));
  expect(texts(parcel).filter((mark) => !told.has(mark))).toEqual([]);
  expect(account().filter((mark) => told.has(mark))).toEqual([]);
}, 120_000);

/** Every row, in any database, that has one of the owner's ids in it. */
async function rowsOfOwner(): Promise<string[]> {
  const { bookId: _, ...own } = ids;
  const rows: string[] = [];
  for (const service of ['book', 'rental', 'delivery', 'customer'] as const) {
    const tables = await system.query<{ name: string }>(
      service,
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
    );
    for (const { name } of tables) {
      const found = await system.query<{ row: string }>(
        service,
        `SELECT t::text AS row FROM "${name}" t WHERE t::text ~ $1`,
        [Object.values(own).join('|')],
      );
      rows.push(...found.map(({ row }) => `${service}.${name} ${row}`));
    }
  }
  return rows.sort();
}

/** When all that follows from what was done has been done. */
async function rowsAtRest(): Promise<string[]> {
  let before: string[] = [];
  return eventually(rowsOfOwner, (rows) => {
    const same = rows.join() === before.join();
    before = rows;
    return same;
  });
}

test('no mutation with an id of it brings anything back, or changes a row of it', async () => {
  const before = await rowsAtRest();
  // Those without an id may end the account that asks.
  const withIds = mutations.filter(({ operation }) => operation.includes('$id'));

  const intruder = await signUp(system.url); // whose rentals will be of "books" with the owner's ids
  const marks = secrets().filter((mark) => !Object.values(ids).includes(mark));

  const finds = [...(await findsOf(intruder, marks, withIds)), ...(await findsOf(nobody, secrets(), mutations))];

  expect(finds).toEqual([]);
  expect(withIds.map(({ field }) => field)).toEqual(
    expect.arrayContaining(['cancelRental', 'leaveWaitlist', 'saveAddress', 'setRoles']),
  );
  expect(before.length).toBeGreaterThan(20);
  const after = new Set(await rowsAtRest());
  expect(before.filter((row) => !after.has(row))).toEqual([]);
}, 120_000);

test('a subscription with an id or a cursor of it stays silent while things happen to the owner', async () => {
  const watches = subscriptions.flatMap((walk) => sentTo(walk).map((sent) => other.watch(walk.operation, sent)));
  try {
    const theirs = await cancelOne(owner);
    const own = await cancelOne(other);

    const told = () => JSON.stringify(watches.map(({ results }) => results));
    await eventually(told, (text) => text.includes(own)); // those that name nobody's rental hear of it
    expect([...secrets(), theirs].filter((mark) => told().includes(mark))).toEqual([]);
  } finally {
    await Promise.all(watches.map((watch) => watch.stop()));
  }
}, 120_000);

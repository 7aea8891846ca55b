/** The audit log of the whole shop: real processes, each with its own part of the log, read by an admin through the router. */
import { globSync } from 'node:fs';
import { authRule } from '#platform/auth.ts';
import { subgraphSchema } from '#platform/graphql.ts';
import { addBook, type Client, eventually, idOf, rentalOf, requestRental, signIn, signUp, stockOf } from './client.ts';
import { type System, startSystem } from './system.ts';

let system: System;
let admin: Client;
let staff: Client;
let courier: Client;
let reader: Client;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '400' });
  admin = await system.clientWith('ADMIN');
  courier = await system.clientWith('CUSTOMER', 'COURIER');
  [staff, reader] = await Promise.all([signIn(system.url, 'staff@demo.test'), signUp(system.url)]);
}, 90_000);
afterAll(() => system?.stop());

const LOG = `query ($first: Int, $after: String, $filter: AuditFilter) { auditLog(first: $first, after: $after, filter: $filter) {
  edges { node { id occurredAt service action actorId actor { id name } roles subjectType subjectId details } }
  pageInfo { hasNextPage endCursor }
} }`;

// biome-ignore lint/suspicious/noExplicitAny: entries are read by their path in a test, a wrong one shows there
type Entry = any;
const nodes = ({ edges }: { edges: { node: Entry }[] }): Entry[] => edges.map(({ node }) => node);
const entries = async (filter: object = {}): Promise<Entry[]> =>
  nodes((await admin.data(LOG, { first: 100, filter })).auditLog);

/** The codes that a mutation is answered with; none when it is done. */
async function send(who: Client, mutation: string): Promise<string[]> {
  const { data, errors = [] } = await who.ask(`mutation { done: ${mutation} { userErrors { code } } }`);
  const refused = errors.map(({ extensions }) => extensions?.code ?? '');
  return data?.done ? data.done.userErrors.map(({ code }: { code: string }) => code) : refused;
}

/** Free text, which must not get into the log. */
const WORDS = 'said in confidence';

let bookId: string;
let lent: string;
let lost: string;
const rented = async (): Promise<string> => (await requestRental(reader, bookId)).rental.id;
const reaches = (id: string, status: string) =>
  eventually(
    () => rentalOf(reader, id),
    (rental) => rental.status === status,
  );
const copyOf = async (rentalId: string): Promise<string> => {
  const [copy] = await system.query<{ id: string }>('book', 'SELECT id FROM book_copy WHERE rental_id = $1', [
    rentalId,
  ]);
  return copy?.id ?? '';
};

/** What an entry must say. */
interface Act {
  who: Client;
  service: string;
  subject: [type: string, id: string];
  details: object;
}

/** Every mutation that acts by role, done once, in this order. */
const acts: Record<string, () => Promise<Act>> = {
  async addBook() {
    bookId = await addBook(staff, 5);
    return { who: staff, service: 'BOOK', subject: ['Book', bookId], details: { copies: 5 } };
  },
  async leaveWaitlist() {
    const { rental } = await requestRental(reader, bookId, { quantity: 5 });
    const { joinWaitlist } = await reader.data(`mutation { joinWaitlist(bookId: "${bookId}") { entry { id } } }`);
    expect(await send(staff, `leaveWaitlist(entryId: "${joinWaitlist.entry.id}")`)).toEqual([]);
    expect(await send(reader, `cancelRental(input: { rentalId: "${rental.id}" })`)).toEqual([]);
    await eventually(
      () => stockOf(reader, bookId),
      ({ available }) => available === 5,
    );
    const details = { customerId: idOf(reader), from: 'WAITING' };
    return { who: staff, service: 'BOOK', subject: ['WaitlistEntry', joinWaitlist.entry.id], details };
  },
  async updateBook() {
    const sent = `updateBook(input: { id: "${bookId}", title: "${WORDS}", rentalFee: { amount: 4500, currency: "KRW" } })`;
    expect(await send(staff, sent)).toEqual([]);
    const details = { fields: ['title'], status: 'LISTED', version: 2 };
    return { who: staff, service: 'BOOK', subject: ['Book', bookId], details };
  },
  async importBooks() {
    const rows = `{ line: 2, bookId: "1", title: "${WORDS}" }, { line: 3, bookId: "none", title: "${WORDS}" }`;
    expect(await send(staff, `importBooks(input: { rows: [${rows}] })`)).toEqual([]);
    const found = "SELECT subject_id AS id FROM audit WHERE action = 'importBooks'";
    const [entry] = await system.query<{ id: string }>('book', found);
    const details = { imported: 1, updated: 0, unchanged: 0, leftOut: 1 };
    return { who: staff, service: 'BOOK', subject: ['Import', entry?.id ?? ''], details };
  },
  async addCopies() {
    expect(await send(staff, `addCopies(input: { bookId: "${bookId}", count: 2, reason: "${WORDS}" })`)).toEqual([]);
    return { who: staff, service: 'BOOK', subject: ['Book', bookId], details: { count: 2 } };
  },
  async withdrawCopies() {
    const sent = `withdrawCopies(input: { bookId: "${bookId}", count: 1, reason: "${WORDS}" })`;
    expect(await send(admin, sent)).toEqual([]);
    return { who: admin, service: 'BOOK', subject: ['Book', bookId], details: { count: 1 } };
  },
  async cancelRental() {
    const id = await rented();
    await reaches(id, 'SHIPPING');
    expect(await send(staff, `cancelRental(input: { rentalId: "${id}", reason: "${WORDS}" })`)).toEqual([]);
    const details = { customerId: idOf(reader), from: 'SHIPPING' };
    return { who: staff, service: 'RENTAL', subject: ['Rental', id], details };
  },
  async returnRental() {
    lent = await rented();
    await reaches(lent, 'ON_LOAN');
    expect(await send(staff, `returnRental(rentalId: "${lent}")`)).toEqual([]);
    const details = { customerId: idOf(reader), status: 'ON_LOAN' };
    return { who: staff, service: 'RENTAL', subject: ['Rental', lent], details };
  },
  async renewRental() {
    lost = await rented();
    await reaches(lost, 'ON_LOAN');
    expect(await send(staff, `renewRental(rentalId: "${lost}")`)).toEqual([]);
    const { dueAt } = (await reader.data(`{ rental(id: "${lost}") { dueAt } }`)).rental;
    return { who: staff, service: 'RENTAL', subject: ['Rental', lost], details: { customerId: idOf(reader), dueAt } };
  },
  async reportRentalLost() {
    expect(await send(staff, `reportRentalLost(rentalId: "${lost}")`)).toEqual([]);
    const details = { customerId: idOf(reader), from: 'ON_LOAN' };
    return { who: staff, service: 'RENTAL', subject: ['Rental', lost], details };
  },
  async waiveFee() {
    const { fees } = (await reader.data(`{ rental(id: "${lost}") { fees { id } } }`)).rental;
    const [{ id }] = fees;
    expect(await send(staff, `waiveFee(feeId: "${id}", reason: "${WORDS}")`)).toEqual([]);
    const details = { customerId: idOf(reader), rentalId: lost, kind: 'LOST', amount: 22_500 };
    return { who: staff, service: 'RENTAL', subject: ['Fee', id], details };
  },
  async inspectCopy() {
    await reaches(lent, 'RETURNED');
    const id = await eventually(() => copyOf(lent), Boolean);
    const inspection = `inspectCopy(input: { copyId: "${id}", condition: DAMAGED, note: "${WORDS}" })`;
    await eventually(
      () => send(staff, inspection),
      (codes) => codes.length === 0, // Book may learn of the return after Rental
    );
    const details = { bookId, rentalId: lent, condition: 'DAMAGED', from: 'INSPECTING', to: 'REPAIR' };
    return { who: staff, service: 'BOOK', subject: ['BookCopy', id], details };
  },
  async receiveCopy() {
    const lost = `UPDATE book_copy SET status = 'LOST' WHERE id = (SELECT id FROM book_copy WHERE book_id = $1 AND status = 'ON_SHELF' LIMIT 1) RETURNING id`;
    const [copy] = await system.query<{ id: string }>('book', lost, [bookId]);
    expect(await send(staff, `receiveCopy(copyId: "${copy?.id}")`)).toEqual([]);
    const details = { bookId, rentalId: null };
    return { who: staff, service: 'BOOK', subject: ['BookCopy', copy?.id ?? ''], details };
  },
  async recordTrackingEvent() {
    const { deliveries } = await rentalOf(reader, lent);
    const { id } = deliveries.find(({ direction }: { direction: string }) => direction === 'OUTBOUND');
    const sent = `recordTrackingEvent(input: { deliveryId: "${id}", status: IN_TRANSIT, note: "${WORDS}" })`;
    expect(await send(courier, sent)).toEqual([]);
    const details = { rentalId: lent, scan: 'IN_TRANSIT', from: 'DELIVERED', to: 'DELIVERED' };
    return { who: courier, service: 'DELIVERY', subject: ['Delivery', id], details };
  },
  async setRoles() {
    expect(await send(admin, `setRoles(customerId: "${idOf(reader)}", roles: [COURIER])`)).toEqual([]);
    const details = { from: ['CUSTOMER'], to: ['CUSTOMER', 'COURIER'] };
    return { who: admin, service: 'CUSTOMER', subject: ['Customer', idOf(reader)], details };
  },
  async replayDeadLetter() {
    const event = `rental-${lent}:1`;
    const [letter] = await system.query<{ id: string }>(
      'delivery',
      `INSERT INTO dead_letter (consumer, aggregate, version, message, reason) VALUES ('delivery-rental', $1, 1, '{}', $2) RETURNING id`,
      [`rental-${lent}`, WORDS],
    );
    expect(await send(admin, `replayDeadLetter(service: DELIVERY, id: "${letter?.id}")`)).toEqual([]);
    const details = { consumer: 'delivery-rental', event };
    return { who: admin, service: 'DELIVERY', subject: ['DeadLetter', letter?.id ?? ''], details };
  },
  async dropDeadLetter() {
    const [letter] = await system.query<{ id: string }>(
      'customer',
      `INSERT INTO dead_letter (consumer, message, reason) VALUES ('customer-book', $1, 'It is no event') RETURNING id`,
      [WORDS],
    );
    expect(await send(admin, `dropDeadLetter(service: CUSTOMER, id: "${letter?.id}", reason: "${WORDS}")`)).toEqual([]);
    const details = { consumer: 'customer-book' };
    return { who: admin, service: 'CUSTOMER', subject: ['DeadLetter', letter?.id ?? ''], details };
  },
};

/** Those that the owner may do, too. */
const forOthers = ['cancelRental', 'returnRental', 'renewRental', 'reportRentalLost', 'leaveWaitlist'];

test('every mutation that is for a role is in the table', () => {
  const byRole = globSync('subgraphs/*/schema.graphql').flatMap((path) => {
    const schema = subgraphSchema(new URL(`../${path}`, import.meta.url), {});
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    return mutations.filter((field) => authRule(schema, field)?.roles).map(({ name }) => name);
  });

  expect(Object.keys(acts).sort()).toEqual([...byRole, ...forOthers].sort());
});

test('an admin reads who did what by which role, of all services, the newest first', async () => {
  const done: (Act & { action: string })[] = [];
  for (const [action, act] of Object.entries(acts)) done.push({ action, ...(await act()) });

  const log = await entries();

  expect(
    log.map(({ service, action, actorId, subjectType, subjectId, details }) => ({
      action,
      service,
      actorId,
      subject: [subjectType, subjectId],
      details,
    })),
  ).toEqual(done.toReversed().map(({ who, ...act }) => ({ ...act, actorId: idOf(who) })));
  const byAction = Object.fromEntries(log.map((entry) => [entry.action, entry]));
  expect(byAction.addBook).toMatchObject({
    roles: ['CUSTOMER', 'STAFF'],
    actor: { id: idOf(staff), name: 'Demo Staff' },
  });
  expect(byAction.recordTrackingEvent).toMatchObject({ roles: ['CUSTOMER', 'COURIER'], actor: null });
  expect(byAction.setRoles.roles).toEqual(['ADMIN']);
}, 60_000);

test("what is refused, changes nothing, or is one's own, is not in the log", async () => {
  const before = await entries();
  const own = await rented();

  expect(await send(reader, `addCopies(input: { bookId: "${bookId}", count: 2 })`)).toEqual(['FORBIDDEN']);
  expect(await send(staff, `setRoles(customerId: "${idOf(staff)}", roles: [ADMIN])`)).toEqual(['FORBIDDEN']);
  expect(await send(staff, `addCopies(input: { bookId: "${bookId}", count: 0 })`)).toEqual(['INVALID_INPUT']);
  expect(await send(staff, `withdrawCopies(input: { bookId: "${bookId}", count: 900, reason: "x" })`)).toEqual([
    'WOULD_BE_NEGATIVE',
  ]);
  expect(await send(staff, `cancelRental(input: { rentalId: "${lent}" })`)).toEqual(['NOT_ALLOWED_IN_STATE']);
  expect(await send(admin, `setRoles(customerId: "${idOf(reader)}", roles: [COURIER])`)).toEqual([]);
  expect(await send(staff, `updateBook(input: { id: "${bookId}", title: "${WORDS}" })`)).toEqual([]);
  expect(await send(reader, `cancelRental(input: { rentalId: "${own}" })`)).toEqual([]);
  expect(await send(staff, `cancelRental(input: { rentalId: "${own}" })`)).toEqual([]); // it is already

  expect(await entries()).toEqual(before);
});

test('one page after another tells the whole log once', async () => {
  const all = await entries();
  const seen: Entry[] = [];
  for (let after: string | null = null; seen.length < all.length; ) {
    const { auditLog } = await admin.data(LOG, { first: 2, after });
    seen.push(...nodes(auditLog));
    expect(auditLog.pageInfo.hasNextPage).toBe(seen.length < all.length);
    after = auditLog.pageInfo.endCursor;
  }

  expect(seen).toEqual(all);
});

test('the log is searched by service, actor, action, subject and time', async () => {
  const all = await entries();
  const [middle] = all.slice(4);
  const actionsOf = async (filter: object) => (await entries(filter)).map(({ action }) => action);

  expect(await actionsOf({ service: 'RENTAL' })).toEqual([
    'waiveFee',
    'reportRentalLost',
    'renewRental',
    'returnRental',
    'cancelRental',
  ]);
  expect(await actionsOf({ actorId: idOf(admin) })).toEqual([
    'dropDeadLetter',
    'replayDeadLetter',
    'setRoles',
    'withdrawCopies',
  ]);
  expect(await actionsOf({ action: 'inspectCopy' })).toEqual(['inspectCopy']);
  expect(await actionsOf({ subjectId: bookId, service: 'BOOK', actorId: idOf(staff) })).toEqual([
    'addCopies',
    'updateBook',
    'addBook',
  ]);
  expect(await entries({ from: middle.occurredAt })).toEqual(all.slice(0, 5));
  expect(await entries({ to: middle.occurredAt })).toEqual(all.slice(5));
  expect(await entries({ subjectId: 'nothing of ours' })).toEqual([]);
  for (const page of [{ first: 0 }, { first: 101 }, { first: 1, after: 'nothing of ours' }])
    expect((await admin.ask(LOG, page)).errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT');
});

test('nobody else reads it', async () => {
  for (const who of [reader, courier, staff]) {
    const { data, errors } = await who.ask(LOG);
    expect({ data, errors }).toEqual({ data: { auditLog: null } });
  }
});

test('no free text and nothing personal is in it', async () => {
  for (const service of ['book', 'rental', 'delivery', 'customer'] as const) {
    const rows = await system.query<{ row: string }>(service, 'SELECT audit::text AS row FROM audit');
    expect(rows.length).toBeGreaterThan(0);
    const text = rows.map(({ row }) => row).join('\n');
    expect(text).not.toMatch(new RegExp(`${WORDS}|A Reader|Demo|example\\.test|Main Street`));
  }
});

test('while a service is silent there is no page, rather than one with gaps', async () => {
  await system.pause('delivery');
  try {
    const { data, errors } = await admin.ask(LOG);
    expect(data).toEqual({ auditLog: null });
    expect(errors).toMatchObject([{ path: ['auditLog'], extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    expect(await entries({ service: 'RENTAL' })).toHaveLength(5);
  } finally {
    await system.resume('delivery');
  }
});

/**
 * Who may do what: a table of every operation and every guarded field, and the whole system, with real rows, against it. A new
 * operation that is not in the table fails.
 */
import { randomUUID } from 'node:crypto';
import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { getNamedType, isObjectType } from 'graphql';
import { authRule } from '#platform/auth.ts';
import { subgraphSchema } from '#platform/graphql.ts';
import type { Role } from '#platform/tokens.ts';
import {
  type Answer,
  addBook,
  type Client,
  clientOf,
  eventually,
  idOf,
  rentalInput,
  rentalOf,
  requestRental,
  signUp,
} from './client.ts';
import { askSubgraph, type Subgraph } from './signed.ts';
import { type System, startSystem } from './system.ts';

/**
 * All that is asked for is the owner's. "yes": done, or refused by what the thing is, not by who asks. "null": no error. "silent":
 * a subscription that is open and brings nothing.
 */
const TABLE = `
                             nobody           owner      other      courier    staff      admin
Query.book                   yes              yes        yes        yes        yes        yes
Query.books                  yes              yes        yes        yes        yes        yes
Query.copies                 null             null       null       null       yes        yes
Query.stockMovements         null             null       null       null       yes        yes
Query.me                     null             yes        yes        yes        yes        yes
Query.customer               null             null       null       null       yes        yes
Query.customers              null             null       null       null       yes        yes
Query.order                  null             yes        null       null       yes        yes
Query.auditLog               null             null       null       null       null       yes
Query.deadLetters            null             null       null       null       null       yes
Query.delivery               null             yes        null       yes        yes        yes
Query.deliveries             null             null       null       yes        yes        yes
Query.rental                 null             yes        null       null       yes        yes
Query.rentals                null             null       null       null       yes        yes
Query.rentalQuote            null             yes        yes        yes        yes        yes
Query.dailyReport            null             null       null       null       yes        yes
Query.dailyReports           null             null       null       null       yes        yes
Query.admission              null             null       null       null       yes        yes

Mutation.signUp              yes              yes        yes        yes        yes        yes
Mutation.signIn              yes              yes        yes        yes        yes        yes
Mutation.refreshSession      yes              yes        yes        yes        yes        yes
Mutation.signOut             yes              yes        yes        yes        yes        yes
Mutation.updateMe            UNAUTHENTICATED  yes        yes        yes        yes        yes
Mutation.changePassword      UNAUTHENTICATED  yes        yes        yes        yes        yes
Mutation.saveAddress         UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND
Mutation.deleteAddress       UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND
Mutation.setRoles            UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes
Mutation.replayDeadLetter    UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes
Mutation.dropDeadLetter      UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes
Mutation.exportMyData        UNAUTHENTICATED  yes        yes        yes        yes        yes
Mutation.eraseMe             UNAUTHENTICATED  yes        yes        yes        yes        yes
Mutation.requestRental       UNAUTHENTICATED  yes        yes        yes        yes        yes
Mutation.cancelRental        UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  yes        yes
Mutation.returnRental        UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  yes        yes
Mutation.renewRental         UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  yes        yes
Mutation.reportRentalLost    UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  yes        yes
Mutation.payFee              UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  yes        yes
Mutation.waiveFee            UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.addBook             UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.updateBook          UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.addCopies           UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.withdrawCopies      UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.inspectCopy         UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.receiveCopy         UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.importBooks         UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Mutation.joinWaitlist        UNAUTHENTICATED  yes        yes        yes        yes        yes
Mutation.leaveWaitlist       UNAUTHENTICATED  yes        NOT_FOUND  NOT_FOUND  yes        yes
Mutation.recordTrackingEvent UNAUTHENTICATED  FORBIDDEN  FORBIDDEN  yes        yes        yes

Subscription.orderStatus     UNAUTHENTICATED  yes        silent     silent     yes        yes

Rental                       FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Rental.deliveries            FORBIDDEN        yes        FORBIDDEN  yes        yes        yes
Fee                          FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
DailyReport                  FORBIDDEN        FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Delivery                     FORBIDDEN        yes        FORBIDDEN  yes        yes        yes
Book.copies                  FORBIDDEN        FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
BookCopy                     FORBIDDEN        FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
WaitlistEntry                FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
DailyReport.copiesOwned      FORBIDDEN        FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
DailyReport.copiesIssued     FORBIDDEN        FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
DailyReport.stockTurn        FORBIDDEN        FORBIDDEN  FORBIDDEN  FORBIDDEN  yes        yes
Customer.email               FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.name                FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.roles               FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.addresses           FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.orders              FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.orderCursor         FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.blocked             FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.unpaidFees          FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
Customer.waitlist            FORBIDDEN        yes        FORBIDDEN  FORBIDDEN  yes        yes
`;

const [[...everybody] = [], ...rows] = TABLE.split('\n')
  .map((line) => line.split(/\s+/).filter(Boolean))
  .filter((cells) => cells.length);
type Who = (typeof everybody)[number];

let system: System;
const clients: Record<Who, Client> = {};
const the = (who: Who): Client => clients[who] ?? clientOf(system.url);

const as: Record<Who, Role[]> = {
  owner: ['CUSTOMER'],
  other: ['CUSTOMER'],
  courier: ['CUSTOMER', 'COURIER'],
  staff: ['CUSTOMER', 'STAFF'],
  admin: ['CUSTOMER', 'ADMIN'],
};

let bookId: string;
let cancelled: string;
let lent: string;
let lost: string;
let feeId: string;
let deliveryId: string;
let copyId: string;
/** Nobody has a copy of it. */
let soughtId: string;
let entryId: string;
let addressId: string;
/** A message that is no event: it cannot be replayed, and is dropped once. */
let letterId: string;

beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '400', UNPAID_FEES_LIMIT: '1000000' });
  for (const [who, roles] of Object.entries(as)) {
    const token = await system.tokenOf(idOf(await signUp(system.url)), { roles });
    clients[who] = clientOf(system.url, token);
  }

  const owner = the('owner');
  bookId = await addBook(the('staff'), 20);
  cancelled = (await requestRental(owner, bookId)).rental.id;
  await done(owner, `cancelRental(input: { rentalId: "${cancelled}" })`);
  lent = (await requestRental(owner, bookId)).rental.id;
  lost = (await requestRental(owner, bookId)).rental.id;
  const { deliveries } = await eventually(
    () => rentalOf(owner, lent),
    ({ status }) => status === 'ON_LOAN',
  );
  deliveryId = deliveries[0].id;
  await done(owner, `returnRental(rentalId: "${lent}")`);
  await eventually(
    () => rentalOf(owner, lost),
    ({ status }) => status === 'ON_LOAN',
  );
  await done(owner, `reportRentalLost(rentalId: "${lost}")`);
  feeId = (await owner.data(`{ rental(id: "${lost}") { fees { id } } }`)).rental.fees[0].id;
  copyId = await eventually(copyToInspect, Boolean);
  soughtId = await addBook(the('staff'), 0);
  entryId = (await owner.data(`mutation { joinWaitlist(bookId: "${soughtId}") { entry { id } } }`)).joinWaitlist.entry
    .id;
  await done(owner, `saveAddress(input: { label: "Home", ${ADDRESS} })`);
  addressId = (await owner.data('{ me { addresses { id } } }')).me.addresses[0].id;
  const [letter] = await system.query<{ id: string }>(
    'rental',
    "INSERT INTO dead_letter (consumer, message, reason) VALUES ('rental-book', 'no event', 'It is none') RETURNING id",
  );
  letterId = letter?.id ?? '';
  await eventually(
    async () => (await owner.data(`{ order(rentalId: "${lent}") { status } }`)).order?.status,
    (status) => status === 'RETURNED',
  );
}, 120_000);
afterAll(() => system?.stop());

const ADDRESS = 'name: "A", line1: "1 Street", city: "Seoul", postalCode: "1", country: "KR"';

async function copyToInspect(): Promise<string> {
  const found = "SELECT id FROM book_copy WHERE rental_id = $1 AND status = 'INSPECTING'";
  const [copy] = await system.query<{ id: string }>('book', found, [lent]);
  return copy?.id ?? '';
}

const today = () => new Date().toISOString().slice(0, 10);

const mutation = (field: string) => `mutation { done: ${field} { userErrors { code } } }`;

async function done(client: Client, field: string): Promise<void> {
  expect((await client.data(mutation(field))).done.userErrors).toEqual([]);
}

const codeIn = ({ errors }: Answer): string | undefined => errors?.[0]?.extensions?.code;

async function read(who: Who, field: string): Promise<string> {
  const answer = await the(who).ask(`{ read: ${field} }`);
  return codeIn(answer) ?? (answer.data.read ? 'yes' : 'null');
}

async function change(who: Who, field: string): Promise<string> {
  const answer = await the(who).ask(mutation(field));
  const refusals: string[] = answer.data?.done.userErrors.map(({ code }: { code: string }) => code) ?? [];
  return codeIn(answer) ?? refusals.find((code) => code !== 'NOT_ALLOWED_IN_STATE') ?? 'yes';
}

/** By reference, as the router asks for it below whatever leads there. */
async function refer(
  who: Who,
  subgraph: Subgraph,
  type: string,
  key: string | object,
  selection: string,
): Promise<string> {
  const query = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on ${type} { read: ${selection} } } }`;
  const of = [{ __typename: type, ...(typeof key === 'string' ? { id: key } : key) }];
  const answer = await askSubgraph(system, subgraph, query, { of }, the(who).token);
  return codeIn(answer) ?? ((answer.data._entities[0]?.read ?? null) === null ? 'null' : 'yes');
}

/** A new account's, for each time. */
async function session(): Promise<{ email: string; password: string; refreshToken: string }> {
  const [email, password] = [`${randomUUID()}@example.test`, 'a long enough password'];
  const { signUp } = await the('nobody').data(
    `mutation { signUp(input: { email: "${email}", password: "${password}", name: "A" }) { refreshToken } }`,
  );
  return { email, password, refreshToken: signUp.refreshToken };
}

/** Others hear nothing of an order, though its owner is told of a change meanwhile. */
async function follow(who: Who): Promise<string> {
  const { id } = (await requestRental(the('owner'), bookId)).rental;
  // Of an order that is not in the history yet nobody knows whose it is, and staff who ask for it hear nothing.
  await eventually(async () => (await the('owner').data(`{ order(rentalId: "${id}") { id } }`)).order, Boolean);
  const STATUS = `subscription { orderStatus(rentalId: "${id}") { status order { id customer { email } } } }`;
  const watches = [the('owner').watch(STATUS), the(who).watch(STATUS)] as const;
  const [owners, watch] = watches;
  try {
    await done(the('owner'), `cancelRental(input: { rentalId: "${id}" })`);
    await eventually(
      () => owners.results.map(({ data }) => data?.orderStatus.status),
      (statuses) => statuses.includes('CANCELLED'),
    );
    if (who === 'nobody') await watch.ended;
    else if (!['other', 'courier'].includes(who)) await eventually(() => watch.results.length, Boolean);
    const [first] = watch.results;
    return first ? (codeIn(first) ?? (first.data.orderStatus.order?.customer.email ? 'yes' : 'null')) : 'silent';
  } finally {
    await Promise.all(watches.map((open) => open.stop()));
  }
}

const operations: Record<string, (who: Who) => Promise<string>> = {
  'Query.book': (who) => read(who, `book(id: "${bookId}") { title stock { available } }`),
  'Query.books': (who) => read(who, 'books(first: 1) { edges { node { id } } }'),
  'Query.copies': (who) => read(who, 'copies(first: 1) { edges { node { barcode rental { id } } } }'),
  'Query.stockMovements': (who) =>
    read(who, `stockMovements(bookId: "${bookId}") { edges { node { id reason actor } } }`),
  'Query.me': (who) => read(who, 'me { id email name roles addresses { id } orders { totalCount } orderCursor }'),
  'Query.customer': (who) => read(who, `customer(id: "${idOf(the('owner'))}") { id email name }`),
  'Query.customers': (who) => read(who, 'customers(first: 1) { edges { node { email } } }'),
  'Query.order': (who) => read(who, `order(rentalId: "${lent}") { status customer { email } }`),
  'Query.auditLog': (who) => read(who, 'auditLog { edges { node { actorId details } } }'),
  'Query.deadLetters': (who) => read(who, 'deadLetters { edges { node { reason message } } }'),
  'Query.delivery': (who) => read(who, `delivery(id: "${deliveryId}") { status recipient address { line1 phone } }`),
  'Query.deliveries': (who) => read(who, 'deliveries(first: 1) { edges { node { recipient } } }'),
  'Query.rental': (who) => read(who, `rental(id: "${lent}") { status payment { id } deliveries { recipient } }`),
  'Query.rentals': (who) => read(who, 'rentals(first: 1) { edges { node { status } } }'),
  'Query.rentalQuote': (who) => read(who, `rentalQuote(input: { bookId: "${bookId}" }) { allowed loanDays }`),
  'Query.dailyReport': (who) => read(who, `dailyReport(date: "${today()}") { requested revenue { amount } }`),
  'Query.dailyReports': (who) => read(who, 'dailyReports(days: 2) { requested revenue { amount } copiesOwned }'),
  'Query.admission': (who) => read(who, 'admission { state }'),

  'Mutation.signUp': (who) =>
    change(who, `signUp(input: { email: "${randomUUID()}@example.test", password: "long enough", name: "A" })`),
  async 'Mutation.signIn'(who) {
    const { email, password } = await session();
    return change(who, `signIn(input: { email: "${email}", password: "${password}" })`);
  },
  'Mutation.refreshSession': async (who) =>
    change(who, `refreshSession(refreshToken: "${(await session()).refreshToken}")`),
  'Mutation.signOut': async (who) => change(who, `signOut(refreshToken: "${(await session()).refreshToken}")`),
  'Mutation.updateMe': (who) => change(who, 'updateMe(input: { name: "Another" })'),
  'Mutation.changePassword': (who) =>
    change(who, 'changePassword(input: { current: "a long enough password", new: "another long enough one" })'),
  'Mutation.saveAddress': (who) => change(who, `saveAddress(input: { id: "${addressId}", label: "Home", ${ADDRESS} })`),
  async 'Mutation.deleteAddress'(who) {
    if (who !== 'owner') return change(who, `deleteAddress(id: "${addressId}")`);
    await done(the('owner'), `saveAddress(input: { label: "Away", ${ADDRESS} })`);
    const { me } = await the('owner').data('{ me { addresses { id label } } }');
    return change(
      who,
      `deleteAddress(id: "${me.addresses.find(({ label }: { label: string }) => label === 'Away').id}")`,
    );
  },
  'Mutation.setRoles': (who) => change(who, `setRoles(customerId: "${idOf(the('owner'))}", roles: [CUSTOMER])`),
  'Mutation.replayDeadLetter': (who) => change(who, `replayDeadLetter(service: RENTAL, id: "${letterId}")`),
  'Mutation.dropDeadLetter': (who) =>
    change(who, `dropDeadLetter(service: RENTAL, id: "${letterId}", reason: "A test")`),
  'Mutation.exportMyData': (who) => change(who, 'exportMyData'),
  async 'Mutation.eraseMe'(who) {
    if (who === 'nobody') return change(who, 'eraseMe');
    clients.erased = clientOf(
      system.url,
      await system.tokenOf(idOf(await signUp(system.url)), { roles: as[who] ?? [] }),
    );
    return change('erased', 'eraseMe');
  },
  async 'Mutation.requestRental'(who) {
    const request =
      'mutation ($input: RequestRentalInput!) { done: requestRental(input: $input) { rental { id } userErrors { code } } }';
    const answer = await the(who).ask(request, { input: rentalInput(bookId) });
    return codeIn(answer) ?? (answer.data.done.rental ? 'yes' : 'null');
  },
  'Mutation.cancelRental': (who) => change(who, `cancelRental(input: { rentalId: "${cancelled}" })`),
  'Mutation.returnRental': (who) => change(who, `returnRental(rentalId: "${lent}")`),
  'Mutation.renewRental': (who) => change(who, `renewRental(rentalId: "${lent}")`),
  'Mutation.reportRentalLost': (who) => change(who, `reportRentalLost(rentalId: "${lost}")`),
  'Mutation.payFee': (who) => change(who, `payFee(feeId: "${feeId}", paymentMethod: "pm_card_visa")`),
  'Mutation.waiveFee': (who) => change(who, `waiveFee(feeId: "${feeId}", reason: "So be it")`),
  'Mutation.addBook': (who) =>
    change(who, 'addBook(input: { title: "T", authors: ["A"], rentalFee: { amount: 1, currency: "KRW" } })'),
  'Mutation.updateBook': (who) => change(who, `updateBook(input: { id: "${bookId}", title: "By ${who}" })`),
  'Mutation.addCopies': (who) => change(who, `addCopies(input: { bookId: "${bookId}", count: 1 })`),
  'Mutation.withdrawCopies': (who) =>
    change(who, `withdrawCopies(input: { bookId: "${bookId}", count: 1, reason: "old" })`),
  'Mutation.inspectCopy': (who) => change(who, `inspectCopy(input: { copyId: "${copyId}", condition: GOOD })`),
  'Mutation.receiveCopy': (who) => change(who, `receiveCopy(copyId: "${copyId}")`),
  'Mutation.importBooks': (who) =>
    change(who, 'importBooks(input: { rows: [{ line: 2, bookId: "1", title: "By a file" }] })'),
  'Mutation.joinWaitlist': (who) => change(who, `joinWaitlist(bookId: "${soughtId}")`),
  'Mutation.leaveWaitlist': (who) => change(who, `leaveWaitlist(entryId: "${entryId}")`),
  'Mutation.recordTrackingEvent': (who) =>
    change(who, `recordTrackingEvent(input: { deliveryId: "${deliveryId}", status: IN_TRANSIT })`),

  'Subscription.orderStatus': follow,

  Rental: (who) => refer(who, 'rental', 'Rental', lent, 'status'),
  'Rental.deliveries': (who) => refer(who, 'delivery', 'Rental', lent, 'deliveries { recipient }'),
  Fee: (who) => refer(who, 'rental', 'Fee', feeId, 'explanation'),
  DailyReport: (who) => refer(who, 'rental', 'DailyReport', { date: today() }, 'overdue'),
  Delivery: (who) => refer(who, 'delivery', 'Delivery', deliveryId, 'recipient'),
  'Book.copies': (who) => refer(who, 'book', 'Book', bookId, 'copies { edges { node { rental { id } } } }'),
  BookCopy: (who) => refer(who, 'book', 'BookCopy', copyId, 'barcode'),
  WaitlistEntry: (who) => refer(who, 'book', 'WaitlistEntry', entryId, 'status'),
  'DailyReport.copiesOwned': (who) => refer(who, 'book', 'DailyReport', { date: today() }, 'copiesOwned'),
  'DailyReport.copiesIssued': (who) => refer(who, 'book', 'DailyReport', { date: today() }, 'copiesIssued'),
  'DailyReport.stockTurn': (who) => refer(who, 'book', 'DailyReport', { date: today() }, 'stockTurn'),
  'Customer.email': (who) => refer(who, 'customer', 'Customer', idOf(the('owner')), 'email'),
  'Customer.name': (who) => refer(who, 'customer', 'Customer', idOf(the('owner')), 'name'),
  'Customer.roles': (who) => refer(who, 'customer', 'Customer', idOf(the('owner')), 'roles'),
  'Customer.addresses': (who) => refer(who, 'customer', 'Customer', idOf(the('owner')), 'addresses { line1 }'),
  'Customer.orders': (who) =>
    refer(who, 'customer', 'Customer', idOf(the('owner')), 'orders { edges { node { id } } }'),
  'Customer.waitlist': (who) => refer(who, 'book', 'Customer', idOf(the('owner')), 'waitlist { status }'),
  'Customer.orderCursor': (who) => refer(who, 'customer', 'Customer', idOf(the('owner')), 'orderCursor'),
  'Customer.unpaidFees': (who) =>
    refer(who, 'rental', 'Customer', idOf(the('owner')), 'unpaidFees { explanation rental { status } }'),
  'Customer.blocked': (who) => refer(who, 'rental', 'Customer', idOf(the('owner')), 'blocked'),
};

/** Operations, fields with a rule, entities with a rule, and fields of other entities that lead to one. */
function guardedIn(subgraph: string): string[] {
  const schema = subgraphSchema(new URL(`../subgraphs/${subgraph}/schema.graphql`, import.meta.url), {});
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  return types
    .filter(({ name }) => !name.startsWith('_'))
    .flatMap((type) => {
      const isEntity = type.astNode?.directives?.some(({ name }) => name.value === 'key');
      const fields = Object.values(type.getFields()).filter((field) => {
        const returned = getNamedType(field.type);
        const leads = isEntity && !authRule(schema, type) && isObjectType(returned) && authRule(schema, returned);
        return roots.includes(type) ? !field.name.startsWith('_') : authRule(schema, field) || leads;
      });
      return [
        ...(isEntity && authRule(schema, type) ? [type.name] : []),
        ...fields.map(({ name }) => `${type.name}.${name}`),
      ];
    });
}

test('the table is complete: it has every operation of the graph and everything that a rule guards', () => {
  const subgraphs = globSync('subgraphs/*/schema.graphql').map((path) => basename(dirname(path)));
  const named = rows.map(([name = '']) => name);
  expect(named.toSorted()).toEqual([...new Set(subgraphs.flatMap(guardedIn))].sort());
  expect(named.toSorted()).toEqual(Object.keys(operations).sort());
  expect(rows.map((cells) => cells.length)).toEqual(rows.map(() => everybody.length + 1));
});

test.each(rows)('%s', async (name = '', ...cells) => {
  const expected = Object.fromEntries(everybody.map((who, place) => [who, cells[place]]));
  const seen: Record<Who, string> = {};
  for (const who of everybody) seen[who] = (await operations[name]?.(who)) ?? 'nothing to ask';

  expect(seen).toEqual(expected);
});

test('a courier sees the parcels, and is refused their rentals each in its place', async () => {
  const { data, errors = [] } = await the('courier').ask(
    '{ deliveries(first: 3) { edges { node { recipient rental { id status } } } } }',
  );

  const { edges } = data.deliveries;
  expect(edges.length).toBeGreaterThan(1);
  for (const { node } of edges) expect(node).toMatchObject({ rental: null });
  expect(errors.map(({ path, extensions }) => [path, extensions?.code])).toEqual(
    edges.map((_: unknown, place: number) => [['deliveries', 'edges', place, 'node', 'rental'], 'FORBIDDEN']),
  );
});

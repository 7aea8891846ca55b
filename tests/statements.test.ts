/** How many statements a list costs the databases, all services together: for twenty rows as many as for two. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Environment } from '../local/services.ts';
import { type Answer, addBook, type Client, clientOf, eventually, requestRental } from './client.ts';
import { type System, startSystem } from './system.ts';

const FEW = 2;
const MANY = 20;

const folder = mkdtempSync(join(tmpdir(), 'rentabook-statements-'));
const file = join(folder, 'statements');
const counting = {
  NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'statementLog.ts'))}`,
  TEST_STATEMENTS: file,
} as Environment; // Node's and the test's own

let system: System;
let admin: Client;
/** Has two of everything. */
let few: Client;
/** Has twenty of everything. */
let many: Client;
let bookId: string;

beforeAll(async () => {
  writeFileSync(file, '');
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '50', UNPAID_FEES_LIMIT: '1000000000', ...counting });
  admin = await system.clientWith('CUSTOMER', 'ADMIN', 'STAFF');
  const readers = await accounts(MANY);
  [many, few] = readers as [Client, Client];

  const staff = await Promise.all(Array.from({ length: MANY }, () => system.clientWith('STAFF')));
  const books = await Promise.all(staff.map((one) => addBook(one, 2 * MANY, { title: 'Statements Counted' })));
  const sought = await Promise.all(staff.map((one) => addBook(one, 0)));
  bookId = books[0] ?? '';
  const inTurn = (all: string[], reader: Client, n: number): string[] => {
    if (reader === many) return all;
    return reader === few ? all.slice(0, FEW) : [all[0] ?? '', all[n] ?? ''];
  };
  await Promise.all(readers.map((reader, n) => wait(reader, inTurn(sought, reader, n))));
  await Promise.all(readers.map((reader, n) => lose(reader, inTurn(books, reader, n))));
  await system.query(
    'rental',
    `INSERT INTO dead_letter (consumer, message, reason) SELECT 'rental-book', 'no event', 'It is none' FROM generate_series(1, ${MANY})`,
  );
}, 60_000);
afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true });
});

/** Clients of accounts with an address each. */
async function accounts(count: number): Promise<Client[]> {
  const rows = await system.query<{ id: string }>(
    'customer',
    `WITH account AS (
       INSERT INTO customer (id, email, email_key, name, password_hash, roles, created_at, version)
       SELECT gen_random_uuid(), email, email, 'A Reader', 'none', '{CUSTOMER}', now(), 1
       FROM (SELECT 'reader' || n || '@example.test' AS email FROM generate_series(1, $1) AS n) AS named RETURNING id)
     INSERT INTO saved_address (id, customer_id, label, name, line1, city, postal_code, country, is_default, created_at)
     SELECT gen_random_uuid(), id, 'Home', 'A Reader', '1 Main Street', 'Seoul', '04524', 'KR', true, now() FROM account
     RETURNING customer_id AS id`,
    [count],
  );
  return Promise.all(rows.map(async ({ id }) => clientOf(system.url, await system.tokenOf(id))));
}

interface Order {
  id: string;
  status: string;
}

/** A rental of each book, reported lost once it is there. */
async function lose(client: Client, books: string[]): Promise<void> {
  await Promise.all(books.map((id) => requestRental(client, id)));
  const ORDERS = '{ me { orders { edges { node { id status } } } } }';
  const orders = await eventually(
    async () => (await client.data(ORDERS)).me.orders.edges.map(({ node }: { node: Order }) => node) as Order[],
    (nodes) => nodes.length === books.length && nodes.every(({ status }) => status === 'ON_LOAN'),
  );
  const REPORT = 'mutation ($id: ID!) { reportRentalLost(rentalId: $id) { userErrors { message } } }';
  await Promise.all(orders.map(({ id }) => client.data(REPORT, { id })));
}

async function wait(client: Client, books: string[]): Promise<void> {
  const JOIN = 'mutation ($id: ID!) { joinWaitlist(bookId: $id) { userErrors { message } } }';
  await Promise.all(books.map((id) => client.data(JOIN, { id })));
}

const BOOK = 'title stock { owned } waitlist { length estimatedAt }';
const COPIES = 'copies(first: 2) { edges { node { barcode rental { status } } } }';
const RENTAL = `status allowedActions holdPosition pendingCompensations payment { status } fees { kind rental { id } }
  deliveries { status trackingEvents { status } }`;
const PEOPLE = 'email addresses { label } blocked orderCursor';
const ORDER = `status bookTitle deliveryStatus trackingUrl timeline { type } customer { ${PEOPLE} } book { ${BOOK} } rental { ${RENTAL} }`;
const FEES = 'unpaidFees { kind rental { status book { title } } }';
const WAITLIST = 'waitlist { status position estimatedAt book { title waitlist { length } } }';

const page = (list: string, node: string) => `query ($first: Int!) { list: ${list} {
  edges { node { ${node} } } pageInfo { hasNextPage } } }`;

/** By what it lists; where there is no page to ask for, those of one who has two rows and of one who has twenty. */
const lists: Record<string, string> = {
  catalogue: page(
    'books(first: $first, search: "statements counted", filter: { available: true })',
    `${BOOK} ${COPIES}`,
  ),
  'catalogue, counted': 'query ($first: Int!) { list: books(first: $first) { totalCount edges { node { title } } } }',
  search: page('books(first: $first, search: "book")', BOOK),
  copies: page('copies(first: $first)', `barcode book { ${BOOK} ${COPIES} } rental { ${RENTAL} }`),
  'stock movements': page(
    'stockMovements(bookId: "BOOK_ID", first: $first)',
    'type copy { barcode book { title } } rental { status }',
  ),
  rentals: page('rentals(first: $first)', `${RENTAL} customer { ${PEOPLE} } book { ${BOOK} }`),
  deliveries: page(
    'deliveries(first: $first)',
    `status recipient trackingEvents { status } rental { ${RENTAL} customer { email } book { title } }`,
  ),
  customers: page('customers(first: $first)', `${PEOPLE} ${FEES} ${WAITLIST}`),
  "customers' orders": page(
    'customers(first: $first)',
    'orders(first: 2) { totalCount edges { node { status bookTitle } } }',
  ),
  'audit log': page('auditLog(first: $first)', 'action actor { name }'),
  'dead letters': page('deadLetters(first: $first)', 'reason'),
  'daily reports': 'query ($first: Int!) { list: dailyReports(days: $first) { requested copiesOwned stockTurn } }',
  'order history': `query ($first: Int!) { me { list: orders(first: $first) { totalCount edges { node { ${ORDER} } } } } }`,
  'unpaid fees': `{ me { list: ${FEES} } }`,
  'own waitlist entries': `{ me { list: ${WAITLIST} } }`,
};

/** How many statements an operation costs, of which the answer must have so many rows. */
async function statementsOf({ token }: Client, query: string, rows: number): Promise<number> {
  const traceId = randomBytes(16).toString('hex');
  const response = await fetch(`${system.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-00`,
    },
    body: JSON.stringify({ query, variables: { first: rows } }),
  });
  const { data, errors } = (await response.json()) as Answer;
  expect(errors).toBeUndefined();
  const { list } = data.me ?? data;
  expect((list.edges ?? list).length).toBe(rows);
  return readFileSync(file, 'utf8').split(traceId).length - 1;
}

test.each(Object.keys(lists))('%s: twenty rows cost as many statements as two', async (name) => {
  const query = (lists[name] ?? '').replace('BOOK_ID', bookId);
  const mine = query.includes(' me ');
  const [small, large] = mine ? [few, many] : [admin, admin];

  const counts = [await statementsOf(small, query, FEW), await statementsOf(large, query, MANY)];

  expect(counts[0]).toBeGreaterThan(0);
  expect(counts[1]).toBe(counts[0]);
});

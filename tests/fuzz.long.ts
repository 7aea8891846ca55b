/** Rubbish for every argument that takes text or a number: each gets an answer, none an accident, and nothing changes. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { type Answer, addBook, type Client, deliverTo, REQUEST, signIn, signUp, stockOf } from './client.ts';
import { type System, startSystem } from './system.ts';

let system: System;
let staff: Client;
let reader: Client;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '60000' });
  [staff, reader] = await Promise.all([signIn(system.url, 'staff@demo.test'), signUp(system.url)]);
}, 90_000);
afterAll(() => system?.stop());

/** Text as people and attackers send it. NUL and lone surrogates included: neither can be stored. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\ud800',
    "'; DROP TABLE rental; --",
    '<script>alert(1)</script>',
    '%',
    '_',
    '\\',
    '한강',
    'é'.normalize('NFD'),
    'x'.repeat(5000),
  ),
);
const id = fc.oneof(text, fc.uuid(), fc.constantFrom('0', '00000000-0000-0000-0000-000000000000'));
const int = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1, 101, 2147483647, -2147483648));

const faults = ({ errors }: Answer) =>
  (errors ?? []).filter(
    ({ extensions }) => extensions?.code === 'INTERNAL_SERVER_ERROR' || extensions?.code === undefined,
  );

const options = { numRuns: 150, verbose: 1 };

test.each([
  [
    'books',
    'query ($a: String, $b: Int!, $c: String) { books(search: $a, first: $b, after: $c) { totalCount edges { cursor } } }',
    { a: text, b: int, c: text },
  ],
  ['book', 'query ($a: ID, $b: String) { book(id: $a, isbn: $b) { id } }', { a: id, b: text }],
  [
    'filter',
    'query ($a: String, $b: Int, $c: String) { books(filter: { tag: $a, publishedFrom: $b, author: $c }) { edges { cursor } } }',
    { a: text, b: int, c: text },
  ],
  ['rental', 'query ($a: ID!) { rental(id: $a) { id } order(rentalId: $a) { id } delivery(id: $a) { id } }', { a: id }],
  [
    'cancelRental',
    'mutation ($a: ID!, $b: String) { cancelRental(input: { rentalId: $a, reason: $b }) { userErrors { code path } } }',
    { a: id, b: text },
  ],
  ...['returnRental', 'renewRental', 'reportRentalLost'].map(
    (name) => [name, `mutation ($a: ID!) { ${name}(rentalId: $a) { userErrors { code } } }`, { a: id }] as const,
  ),
  [
    'payFee',
    'mutation ($a: ID!, $b: String!) { payFee(feeId: $a, paymentMethod: $b) { userErrors { code path } } }',
    { a: id, b: text },
  ],
  [
    'waiveFee',
    'mutation ($a: ID!, $b: String!) { waiveFee(feeId: $a, reason: $b) { userErrors { code path } } }',
    { a: id, b: text },
  ],
  ['joinWaitlist', 'mutation ($a: ID!) { joinWaitlist(bookId: $a) { userErrors { code } } }', { a: id }],
  ['leaveWaitlist', 'mutation ($a: ID!) { leaveWaitlist(entryId: $a) { userErrors { code } } }', { a: id }],
  ['receiveCopy', 'mutation ($a: ID!) { receiveCopy(copyId: $a) { userErrors { code } } }', { a: id }],
  [
    'rentalQuote',
    'query ($a: ID!, $b: Int) { rentalQuote(input: { bookId: $a, quantity: $b }) { allowed reasons { code } } }',
    { a: id, b: int },
  ],
  ['dailyReport', 'query ($a: String!) { dailyReport(date: $a) { requested stockTurn } }', { a: text }],
  [
    'dailyReports',
    'query ($a: Int, $b: String) { dailyReports(days: $a, to: $b) { requested stockTurn } }',
    { a: int, b: text },
  ],
  [
    'copies',
    'query ($a: String, $b: ID, $c: String) { copies(after: $a, filter: { barcode: $c, bookId: $b, rentalId: $b }) { edges { cursor } } }',
    { a: text, b: id, c: text },
  ],
  [
    'importBooks',
    'mutation ($a: String!, $b: Int!, $c: String) { importBooks(input: { rows: [{ line: $b, bookId: $a, title: $a, isbn: $c, authors: $c, originalPublicationYear: $c, languageCode: $c, ratingsCount: $c }, { line: 1, bookId: "1", title: $a }] }) { results { outcome } userErrors { code } } }',
    { a: text, b: int, c: text },
  ],
  ['deliveries', 'query ($a: String) { deliveries(filter: { trackingNumber: $a }) { edges { cursor } } }', { a: text }],
  [
    'saveAddress',
    'mutation ($a: String!, $b: String!) { saveAddress(input: { label: $a, name: $b, line1: $a, city: $b, postalCode: $a, country: $b }) { userErrors { code path } } }',
    { a: text, b: text },
  ],
  ['updateMe', 'mutation ($a: String) { updateMe(input: { name: $a }) { userErrors { code } } }', { a: text }],
  [
    'signUp',
    'mutation ($a: String!, $b: String!) { signUp(input: { email: $a, password: $b, name: $a }) { userErrors { code } } }',
    { a: text, b: text },
  ],
  [
    'refreshSession',
    'mutation ($a: String!) { refreshSession(refreshToken: $a) { userErrors { code } } signOut(refreshToken: $a) { userErrors { code } } }',
    { a: text },
  ],
  [
    'orders',
    'query ($a: Int!, $b: String, $c: String) { me { orders(first: $a, after: $b, filter: { search: $c }) { edges { cursor } } } }',
    { a: int, b: text, c: text },
  ],
  [
    'addBook',
    'mutation ($a: String!, $b: Int!, $c: String!) { addBook(input: { title: $a, authors: [$c], isbn: $c, rentalFee: { amount: $b, currency: $a }, copies: $b }) { userErrors { code path } } }',
    { a: text, b: int, c: text },
  ],
  [
    'recordTrackingEvent',
    'mutation ($a: ID!, $b: String) { recordTrackingEvent(input: { deliveryId: $a, status: LOST, note: $b }) { userErrors { code } } }',
    { a: id, b: text },
  ],
] as const)(
  '%s answers whatever it is asked',
  async (_, query, shape) => {
    const client = /addBook|recordTracking|waiveFee|receiveCopy|dailyReport|copies|importBooks|deliveries/.test(query)
      ? staff
      : reader;
    await fc.assert(
      fc.asyncProperty(fc.record(shape as Record<string, fc.Arbitrary<unknown>>), async (variables) => {
        expect(faults(await client.ask(query, variables))).toEqual([]);
      }),
      options,
    );
  },
  120_000,
);

test('a request to rent is refused by path, or is a rental; stock moves with rentals alone', async () => {
  const bookId = await addBook(staff, 1);
  const inputs = fc.record(
    { idempotencyKey: text, bookId: id, quantity: int, paymentMethod: text, line1: text, country: text },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(inputs, async ({ line1, country, ...rest }) => {
      const address = {
        ...deliverTo,
        ...(line1 !== undefined && { line1 }),
        ...(country !== undefined && { country }),
      };
      const input = {
        idempotencyKey: randomUUID(),
        bookId,
        quantity: 200,
        paymentMethod: 'pm_card_visa',
        ...rest,
        deliverTo: address,
      };
      const { data, errors } = await reader.ask(REQUEST, { input });
      if (errors) return expect(errors[0]?.extensions?.code).toBe('BAD_USER_INPUT'); // text that cannot be stored, a number that is none
      const { rental, userErrors } = data.requestRental;
      if (rental) expect(['REJECTED', 'ACCEPTED', 'ON_HOLD']).toContain(rental.status);
      else expect(userErrors[0]).toMatchObject({ code: 'INVALID_INPUT', path: expect.arrayContaining(['input']) });
    }),
    options,
  );
  const { owned, available, reserved, out } = await stockOf(staff, bookId);
  expect(available + reserved + out).toBe(owned);
}, 120_000);

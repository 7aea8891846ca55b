/** What Rentabook promises, one test for each requirement, on the whole system: real processes, PostgreSQL and NATS, as a client. */
import { randomUUID } from 'node:crypto';
import {
  addBook,
  type Client,
  clientOf,
  eventually,
  rentalOf,
  requestRental,
  signIn,
  signUp,
  stockOf,
} from './client.ts';
import { type System, startSystem } from './system.ts';

let system: System;
let staff: Client;
let reader: Client;

beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '400', PAYMENT_TIMEOUT_MS: '1500' });
  [staff, reader] = await Promise.all([signIn(system.url, 'staff@demo.test'), signUp(system.url)]);
}, 90_000);
afterAll(() => system?.stop());

const CANCEL =
  'mutation ($id: ID!) { cancelRental(input: { rentalId: $id, reason: "changed my mind" }) { rental { id status version pendingCompensations } userErrors { code message path } } }';
const RETURN =
  'mutation ($id: ID!) { returnRental(rentalId: $id) { rental { id status } userErrors { code message } } }';
const INSPECT =
  'mutation ($input: InspectCopyInput!) { inspectCopy(input: $input) { copy { status } userErrors { code message } } }';
const COPIES =
  'query ($id: ID!) { book(id: $id) { copies(first: 100) { edges { node { id status rental { id } } } } } }';
const LEDGER =
  'query ($id: ID!) { stockMovements(bookId: $id, first: 100) { edges { node { type from to quantity } } } }';

const reaches = (client: Client, id: string, status: string) =>
  eventually(
    () => rentalOf(client, id),
    (rental) => rental.status === status,
  );
const outbound = (rental: { deliveries: { direction: string; status: string }[] }) =>
  rental.deliveries.find(({ direction }) => direction === 'OUTBOUND');

/** What the movements of a book add up to, by bucket. */
async function ledgerOf(bookId: string): Promise<Record<string, number>> {
  const { stockMovements } = await staff.data(LEDGER, { id: bookId });
  const sums = new Map(['AVAILABLE', 'RESERVED', 'OUT', 'INSPECTING', 'OUTSIDE'].map((bucket) => [bucket, 0]));
  for (const { node } of stockMovements.edges) {
    sums.set(node.to, (sums.get(node.to) ?? 0) + node.quantity);
    sums.set(node.from, (sums.get(node.from) ?? 0) - node.quantity);
  }
  const { OUTSIDE: _, ...inside } = Object.fromEntries(sums);
  return inside;
}

async function expectLedgerToSumToStock(bookId: string): Promise<void> {
  const { available, reserved, out, inspecting } = await stockOf(staff, bookId);
  expect(await ledgerOf(bookId)).toEqual({
    AVAILABLE: available,
    RESERVED: reserved,
    OUT: out,
    INSPECTING: inspecting,
  });
}

test('F1 one request is one rental; the same idempotency key again gives the same one, with other input a conflict', async () => {
  const bookId = await addBook(staff, 5);
  const idempotencyKey = randomUUID();

  const answers = await Promise.all([1, 2, 3].map(() => requestRental(reader, bookId, { idempotencyKey })));
  const other = await requestRental(reader, bookId, { idempotencyKey, quantity: 2 });

  expect(new Set(answers.map(({ rental }) => rental.id)).size).toBe(1);
  expect(answers.map(({ rental }) => rental.status)).toEqual(['ACCEPTED', 'ACCEPTED', 'ACCEPTED']);
  expect(other).toMatchObject({
    rental: null,
    userErrors: [{ code: 'IDEMPOTENCY_CONFLICT', path: ['input', 'idempotencyKey'] }],
  });
  expect(await stockOf(staff, bookId)).toMatchObject({ owned: 5, available: 4 });
});

test("F2 with stock 3 and a good payment the order is ACCEPTED in the mutation's own answer", async () => {
  const bookId = await addBook(staff, 3);

  const { rental, userErrors } = await requestRental(reader, bookId);

  expect(userErrors).toEqual([]);
  expect(rental).toMatchObject({
    status: 'ACCEPTED',
    total: { amount: 4500, currency: 'KRW' },
    payment: { status: 'AUTHORIZED', authorized: { amount: 4500 }, captured: { amount: 0 } },
  });
  const { available, reserved, out } = await stockOf(staff, bookId);
  expect({ available, setAside: reserved + out }).toEqual({ available: 2, setAside: 1 });
});

test('F3 after ACCEPTED a parcel exists without anybody asking, and with the carrier the rental is SHIPPING', async () => {
  const { rental } = await requestRental(reader, await addBook(staff, 1));

  await eventually(
    () => rentalOf(reader, rental.id),
    (now) => now.deliveries?.length === 1,
  );
  const shipping = await eventually(
    () => rentalOf(reader, rental.id),
    (now) => now.status !== 'ACCEPTED',
  );
  const captured = await eventually(
    () => rentalOf(reader, rental.id),
    (now) => now.payment.status === 'CAPTURED',
  );

  expect(['SHIPPING', 'ON_LOAN']).toContain(shipping.status);
  expect(captured.payment).toMatchObject({ captured: { amount: 4500 }, refunded: { amount: 0 } });
});

test('F4 the customer cancels an accepted rental; a second cancel changes nothing; one on loan cannot be cancelled', async () => {
  const bookId = await addBook(staff, 2);
  const { rental } = await requestRental(reader, bookId);

  const first = (await reader.data(CANCEL, { id: rental.id })).cancelRental;
  const second = (await reader.data(CANCEL, { id: rental.id })).cancelRental;

  expect(first).toMatchObject({ rental: { status: 'CANCELLED' }, userErrors: [] });
  expect(second).toMatchObject({ rental: { status: 'CANCELLED', version: first.rental.version }, userErrors: [] });

  const { rental: lent } = await requestRental(reader, bookId);
  await reaches(reader, lent.id, 'ON_LOAN');
  const late = (await reader.data(CANCEL, { id: lent.id })).cancelRental;
  expect(late).toMatchObject({
    rental: { status: 'ON_LOAN' },
    userErrors: [{ code: 'NOT_ALLOWED_IN_STATE', message: 'Cannot cancel a rental that is ON_LOAN.' }],
  });
});

test('F5 cancelling while SHIPPING stops the parcel and gives stock and money back', async () => {
  const bookId = await addBook(staff, 1);
  const { rental } = await requestRental(reader, bookId);
  await reaches(reader, rental.id, 'SHIPPING');

  const { cancelRental } = await reader.data(CANCEL, { id: rental.id });
  const settled = await eventually(
    () => rentalOf(reader, rental.id),
    (now) => now.pendingCompensations.length === 0 && now.payment.status !== 'CAPTURED',
  );

  expect(cancelRental.userErrors).toEqual([]);
  expect(cancelRental.rental.pendingCompensations.sort()).toEqual(['DELIVERY_STOP', 'PAYMENT_REFUND', 'STOCK_RELEASE']);
  expect(outbound(settled)).toMatchObject({ status: 'STOPPED' });
  expect(settled.deliveries).toHaveLength(1);
  expect(settled.payment).toMatchObject({ status: 'REFUNDED', captured: { amount: 4500 }, refunded: { amount: 4500 } });
  expect(await stockOf(staff, bookId)).toMatchObject({ available: 1, reserved: 0, out: 0, inspecting: 0 });
  await expectLedgerToSumToStock(bookId);
});

test("F6 customers see their own orders and only theirs; staff see all; another's rental answers as one that does not exist", async () => {
  const other = await signUp(system.url);
  const { rental } = await requestRental(reader, await addBook(staff, 1));
  const query = 'query ($id: ID!) { rental(id: $id) { id } order(rentalId: $id) { id } }';
  await eventually(
    () => reader.ask(query, { id: rental.id }),
    ({ data }) => data.order?.id === rental.id,
  );

  expect(await other.ask(query, { id: rental.id })).toEqual(await other.ask(query, { id: randomUUID() }));
  expect((await other.ask(query, { id: rental.id })).data).toEqual({ rental: null, order: null });
  expect((await other.ask(CANCEL, { id: rental.id })).data.cancelRental.userErrors[0].code).toBe('NOT_FOUND');
  expect((await staff.data(query, { id: rental.id })).rental).toEqual({ id: rental.id });
  const list = '{ me { orders(first: 100) { edges { node { id } } } } rentals { edges { node { id } } } }';
  expect((await other.data(list)).me.orders.edges).toEqual([]);
  expect((await other.data(list)).rentals).toBeNull();
});

test('F7 stock goes down on acceptance and comes back on cancel and return; the ledger always sums to the stock', async () => {
  const bookId = await addBook(staff, 3);
  const available = async () => (await stockOf(staff, bookId)).available;

  const { rental: cancelled } = await requestRental(reader, bookId);
  expect(await available()).toBe(2);
  await reader.data(CANCEL, { id: cancelled.id });
  await eventually(available, (now) => now === 3);
  await expectLedgerToSumToStock(bookId);

  const { rental } = await requestRental(reader, bookId);
  await reaches(reader, rental.id, 'ON_LOAN');
  expect(await stockOf(staff, bookId)).toEqual({ owned: 3, available: 2, reserved: 0, out: 1, inspecting: 0 });
  await expectLedgerToSumToStock(bookId);

  expect((await reader.data(RETURN, { id: rental.id })).returnRental.userErrors).toEqual([]);
  await reaches(reader, rental.id, 'RETURNED');
  const { inspecting } = await eventually(
    () => stockOf(staff, bookId),
    (stock) => stock.inspecting === 1,
  );
  expect(inspecting).toBe(1);

  const { book } = await staff.data(COPIES, { id: bookId });
  const returned = book.copies.edges.find(
    ({ node }: { node: { status: string } }) => node.status === 'INSPECTING',
  ).node;
  expect((await staff.data(INSPECT, { input: { copyId: returned.id, condition: 'GOOD' } })).inspectCopy).toMatchObject({
    copy: { status: 'ON_SHELF' },
    userErrors: [],
  });

  await reaches(reader, rental.id, 'CLOSED');
  expect(await stockOf(staff, bookId)).toEqual({ owned: 3, available: 3, reserved: 0, out: 0, inspecting: 0 });
  await expectLedgerToSumToStock(bookId);
}, 60_000);

test('F8 search finds by title, author, publisher, tag and ISBN, in Latin and Hangul', async () => {
  const mark = randomUUID().slice(0, 8);
  const input = {
    title: `한강의 노래 ${mark}`,
    authors: ['Gabriel García Márquez'],
    publisher: `Librería ${mark}`,
    tags: [`tag${mark}`],
    isbn: '9780306406157',
  };
  const id = await addBook(staff, 1, input);
  const find = async (search: string) =>
    (
      await reader.data('query ($search: String!) { books(search: $search) { edges { node { id } } } }', { search })
    ).books.edges.map(({ node }: { node: { id: string } }) => node.id);

  const searches = [
    `한강의 ${mark}`,
    '한강의 노래'.normalize('NFD'),
    `garcia MARQUEZ ${mark}`,
    `libreria ${mark}`,
    `tag${mark}`,
    '978-0-306-40615-7',
    '9780306406157',
    '0306406152',
    '0-306-40615-2',
  ];
  for (const search of searches)
    expect({ search, found: await find(search) }).toEqual({ search, found: expect.arrayContaining([id]) });
  expect(await find(`${mark} nothing-has-this-word`)).toEqual([]);
});

test('F9 books and customers are registered and updated', async () => {
  const bookId = await addBook(staff, 1);
  const updated = await staff.data(
    'mutation ($input: UpdateBookInput!) { updateBook(input: $input) { book { title version } userErrors { code } } }',
    { input: { id: bookId, expectedVersion: 1, title: 'Renamed' } },
  );
  expect(updated.updateBook).toEqual({ book: { title: 'Renamed', version: 2 }, userErrors: [] });
  const stale = await staff.data(
    'mutation ($input: UpdateBookInput!) { updateBook(input: $input) { book { title } userErrors { code } } }',
    { input: { id: bookId, expectedVersion: 1, title: 'Again' } },
  );
  expect(stale.updateBook).toEqual({ book: null, userErrors: [{ code: 'VERSION_CONFLICT' }] });

  const person = await signUp(system.url);
  const renamed = await person.data(
    'mutation { updateMe(input: { name: "Another Name" }) { customer { id name } userErrors { code } } }',
  );
  expect(renamed.updateMe).toMatchObject({ customer: { name: 'Another Name' }, userErrors: [] });
  const address = { label: 'Home', name: 'A', line1: '1 Street', city: 'Seoul', postalCode: '1', country: 'KR' };
  const saved = await person.data(
    'mutation ($input: SaveAddressInput!) { saveAddress(input: $input) { customer { addresses { label country } } userErrors { code } } }',
    { input: address },
  );
  expect(saved.saveAddress.customer.addresses).toEqual([{ label: 'Home', country: 'KR' }]);
  const admin = await signIn(system.url, 'admin@demo.test');
  const promoted = await admin.data(
    'mutation ($id: ID!) { setRoles(customerId: $id, roles: [CUSTOMER, STAFF]) { customer { roles } userErrors { code } } }',
    { id: renamed.updateMe.customer.id },
  );
  expect(promoted.setRoles.customer.roles).toEqual(['CUSTOMER', 'STAFF']);
});

test('F10 stock 3: quantity 5 is OUT_OF_STOCK, quantity 2 leaves 1', async () => {
  const bookId = await addBook(staff, 3);

  const tooMany = await requestRental(reader, bookId, { quantity: 5 });
  const two = await requestRental(reader, bookId, { quantity: 2 });

  expect(tooMany.rental).toMatchObject({ status: 'REJECTED', rejection: { code: 'OUT_OF_STOCK' } });
  expect(two.rental).toMatchObject({ status: 'ACCEPTED', total: { amount: 9000 } });
  expect(await stockOf(staff, bookId)).toMatchObject({ owned: 3, available: 1 });
});

test('F11 a delivery has recipient, sender and status', async () => {
  const { rental } = await requestRental(reader, await addBook(staff, 1));

  const { deliveries } = await eventually(
    () => rentalOf(reader, rental.id),
    (now) => Boolean(now.deliveries?.[0]?.recipient),
  );

  expect(deliveries[0]).toMatchObject({
    direction: 'OUTBOUND',
    recipient: 'A Reader',
    sender: 'Rentabook',
    status: expect.any(String),
  });
});

test('N1 an unpaid order is never accepted: declined is REJECTED with stock untouched; a time-out is settled later by the same key', async () => {
  const bookId = await addBook(staff, 1);

  const declined = await requestRental(reader, bookId, { paymentMethod: 'pm_card_chargeDeclined' });
  expect(declined.rental).toMatchObject({
    status: 'REJECTED',
    rejection: { code: 'PAYMENT_DECLINED' },
    payment: { status: 'DECLINED' },
  });
  await eventually(
    () => stockOf(staff, bookId),
    ({ available }) => available === 1,
  );

  const unknown = await requestRental(reader, bookId, { paymentMethod: 'pm_sandbox_timeout' });
  expect(unknown.rental).toMatchObject({
    status: 'ON_HOLD',
    payment: { status: 'UNKNOWN', authorized: { amount: 0 } },
  });
  const settled = await eventually(
    () => rentalOf(reader, unknown.rental.id),
    ({ payment }) => payment.status === 'CAPTURED',
  );
  expect(settled.payment).toMatchObject({ authorized: { amount: 4500 }, captured: { amount: 4500 } });
  expect(await system.bank.intentsOf(unknown.rental.id)).toEqual([{ status: 'succeeded', amount: 4500 }]);
});

test('N1 of many at once, good cards, declined ones and ones without an answer, none is accepted unpaid and none is charged twice', async () => {
  const bookId = await addBook(staff, 30);
  const cards = ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_sandbox_timeout'];
  const customers = await system.newCustomers(30);

  const answers = await Promise.all(
    customers.map((customer, at) => requestRental(customer, bookId, { paymentMethod: cards[at % cards.length] })),
  );
  const decided = await Promise.all(
    answers.map(({ rental }) =>
      eventually(
        () => rentalOf(staff, rental.id),
        ({ payment }) => ['DECLINED', 'CAPTURED'].includes(payment.status),
        60_000,
      ),
    ),
  );

  for (const [at, { id, rejection, payment }] of decided.entries()) {
    const declined = cards[at % cards.length] === 'pm_card_chargeDeclined';
    expect(rejection?.code).toBe(declined ? 'PAYMENT_DECLINED' : undefined);
    expect(payment.captured.amount).toBe(declined ? 0 : 4500);
    const intents = await system.bank.intentsOf(id);
    expect(intents.filter(({ status }) => status === 'succeeded')).toHaveLength(declined ? 0 : 1);
    expect(intents).toHaveLength(1);
  }
  const { owned, available } = await eventually(
    () => stockOf(staff, bookId),
    ({ available }) => available === 10,
  );
  expect({ owned, available }).toEqual({ owned: 30, available: 10 });
}, 120_000);

test('N2 stock 0 is refused; stock 1 and 50 requests at once from 50 customers: one ACCEPTED, 49 OUT_OF_STOCK, no authorisation left open', async () => {
  expect((await requestRental(reader, await addBook(staff, 0))).rental).toMatchObject({
    status: 'REJECTED',
    rejection: { code: 'OUT_OF_STOCK' },
  });

  const bookId = await addBook(staff, 1);
  const customers = await Promise.all(Array.from({ length: 50 }, () => signUp(system.url)));
  const answers = await Promise.all(customers.map((customer) => requestRental(customer, bookId)));
  const decided = await Promise.all(
    answers.map(({ rental }) =>
      eventually(
        () => rentalOf(staff, rental.id),
        ({ status }) => status !== 'REQUESTED' && status !== 'ON_HOLD', // a busy machine puts some on hold
      ),
    ),
  );

  const refused = decided.filter(({ status }) => status === 'REJECTED');
  expect(refused.map(({ rejection }) => rejection.code)).toEqual(Array.from({ length: 49 }, () => 'OUT_OF_STOCK'));
  expect(decided.filter(({ payment }) => payment.authorized.amount > 0)).toHaveLength(1);
  const { owned, available } = await stockOf(staff, bookId);
  expect({ owned, available }).toEqual({ owned: 1, available: 0 });
  for (const { id, status } of decided) {
    const open = (await system.bank.intentsOf(id)).filter(
      ({ status }) => status === 'requires_capture' || status === 'succeeded',
    );
    expect(open).toHaveLength(status === 'REJECTED' ? 0 : 1);
  }
}, 60_000);

test('N3 with Delivery down rentals are accepted and queries answer the rest; when it is back every parcel is made', async () => {
  const bookId = await addBook(staff, 20);
  const customers = await system.newCustomers(20);
  await system.pause('delivery');

  const answers = await Promise.all(customers.map((customer) => requestRental(customer, bookId)));
  const ids: string[] = answers.map(({ rental }) => rental.id);
  const meanwhile = await rentalOf(staff, ids[0] ?? '');
  await system.resume('delivery');

  expect(answers.map(({ rental }) => rental.status)).toEqual(customers.map(() => 'ACCEPTED'));
  expect(meanwhile).toMatchObject({ status: 'ACCEPTED', deliveries: null, payment: { status: 'AUTHORIZED' } });
  for (const id of ids)
    await eventually(
      () => rentalOf(staff, id),
      ({ deliveries }) => deliveries?.length === 1,
    );
}, 60_000);

test('N6 the order history answers with Book, Rental and Delivery down', async () => {
  const bookId = await addBook(staff, 1, { title: 'A History' });
  const { rental } = await requestRental(reader, bookId);
  const history =
    '{ me { orders(first: 100) { edges { node { id status bookTitle timeline { status message } } } } } }';
  const find = async () =>
    (await reader.data(history)).me.orders.edges
      .map(({ node }: { node: { id: string } }) => node)
      .find(({ id }: { id: string }) => id === rental.id);
  await eventually(find, (order) => order?.bookTitle === 'A History' && order.status !== 'REQUESTED');

  await Promise.all((['book', 'rental', 'delivery'] as const).map((service) => system.pause(service)));
  try {
    expect(await find()).toMatchObject({
      bookTitle: 'A History',
      timeline: expect.arrayContaining([expect.objectContaining({ status: 'ACCEPTED' })]),
    });
  } finally {
    await Promise.all((['book', 'rental', 'delivery'] as const).map((service) => system.resume(service)));
  }
}, 60_000);

test('anybody may search without an account, and nobody without one may rent', async () => {
  const anonymous = clientOf(system.url);
  expect((await anonymous.data('{ books(first: 1) { edges { node { id } } } me { id } }')).me).toBeNull();
  const { data, errors } = await anonymous.ask('mutation { returnRental(rentalId: "x") { rental { id } } }');
  expect({ data, code: errors?.[0]?.extensions?.code }).toEqual({ data: null, code: 'UNAUTHENTICATED' });
});

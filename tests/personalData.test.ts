/** What the shop holds about a customer, taken away by them: from every service, whole, or not at all. */
import type { Owner } from '../local/services.ts';
import { addBook, type Client, eventually, idOf, rentalOf, requestRental, signIn, signUp } from './client.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '400' });
}, 60_000);
afterAll(() => system?.stop());

const EXPORT = 'mutation { exportMyData { json userErrors { code } } }';

/** Their row, as tables hold it, with the id that names it. */
async function rowsAbout(owner: Owner, customerId: string): Promise<{ table: string; id: string }[]> {
  const tables = await system.query<{ name: string }>(
    owner,
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'id' AND table_name NOT IN ('outbox', 'migration')`,
  );
  const found = tables.map(({ name: table }) =>
    system.query<{ table: string; id: string }>(
      owner,
      `SELECT $2 AS table, t.id::text AS id FROM "${table}" t WHERE t::text LIKE $1`,
      [`%${customerId}%`, table],
    ),
  );
  return (await Promise.all(found)).flat();
}

test('an export has everything, from every service, and nothing of anybody else', async () => {
  const staff = await signIn(system.url, 'staff@demo.test');
  const [reader, other]: Client[] = await Promise.all([signUp(system.url), signUp(system.url)]);
  if (!reader || !other) throw new Error('They did not sign up');
  const bookId = await addBook(staff, 5);
  const address = {
    label: 'Home',
    name: 'A Reader',
    line1: '7 Lantern Lane',
    city: 'Seoul',
    postalCode: '1',
    country: 'KR',
  };
  await reader.data('mutation ($input: SaveAddressInput!) { saveAddress(input: $input) { userErrors { code } } }', {
    input: address,
  });
  const { rental } = await requestRental(reader, bookId);
  const { rental: cancelled } = await requestRental(reader, bookId);
  await reader.data('mutation ($input: CancelRentalInput!) { cancelRental(input: $input) { userErrors { code } } }', {
    input: { rentalId: cancelled.id, reason: 'I have bought it' },
  });
  const { rental: theirs } = await requestRental(other, bookId);
  await reader.data('mutation ($id: ID!) { joinWaitlist(bookId: $id) { userErrors { code } } }', {
    id: await addBook(staff, 0),
  });
  await eventually(
    () => rentalOf(reader, rental.id),
    ({ status }) => status === 'ON_LOAN',
  );
  await eventually(
    () => rentalOf(reader, cancelled.id),
    ({ pendingCompensations }) => pendingCompensations.length === 0,
  );

  const { exportMyData: exported } = await reader.data(EXPORT);

  expect(exported.userErrors).toEqual([]);
  const data = JSON.parse(exported.json);
  expect(Object.keys(data)).toEqual(['exportedAt', 'customer', 'rental', 'delivery', 'book']);
  expect(data.customer.account).toMatchObject({ id: idOf(reader), name: 'A Reader', roles: ['CUSTOMER'] });
  expect(data.customer.addresses).toMatchObject([{ line1: '7 Lantern Lane' }]);
  expect(data.customer.orders).toHaveLength(2);
  expect(data.rental.map(({ id }: { id: string }) => id).sort()).toEqual([rental.id, cancelled.id].sort());
  expect(exported.json).toContain('I have bought it');
  expect(exported.json).toContain('1 Main Street');
  expect(
    data.delivery.find((parcel: { rentalId: string }) => parcel.rentalId === rental.id).trackingEvents.length,
  ).toBeGreaterThan(3);

  const held = (
    await Promise.all(
      (['customer', 'rental', 'delivery', 'book'] as const).map((owner) => rowsAbout(owner, idOf(reader))),
    )
  ).flat();
  expect(new Set(held.map(({ table }) => table)).size).toBeGreaterThan(5);
  expect(held.filter(({ id }) => !exported.json.includes(id))).toEqual([]);

  expect(exported.json).not.toMatch(/passwordHash|tokenHash|argon2id/);
  for (const id of [idOf(other), theirs.id]) expect(exported.json).not.toContain(id);
});

test('what somebody did by their role is in theirs', async () => {
  const staff = await signIn(system.url, 'staff@demo.test');
  const bookId = await addBook(staff, 1);
  const { exportMyData: exported } = await staff.data(EXPORT);
  expect(JSON.parse(exported.json).customer.actions).toContainEqual(
    expect.objectContaining({ action: 'addBook', subjectId: bookId }),
  );
});

test('while a service is silent there is no export, rather than a part', async () => {
  const reader = await signUp(system.url);
  await system.pause('delivery');
  try {
    const { data, errors } = await reader.ask(EXPORT);
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      {
        message: expect.stringContaining('delivery'),
        extensions: { code: 'SERVICE_UNAVAILABLE', service: 'delivery' },
      },
    ]);
  } finally {
    await system.resume('delivery');
  }
  const { exportMyData: exported } = await eventually(
    async () => (await reader.ask(EXPORT)).data ?? {},
    ({ exportMyData }) => Boolean(exportMyData),
  );
  expect(JSON.parse(exported.json).rental).toEqual([]);
});

test('who has no account has nothing to take away', async () => {
  const [nobody] = await system.newCustomers(1);
  expect(await nobody?.data(EXPORT)).toEqual({ exportMyData: { json: null, userErrors: [{ code: 'NOT_FOUND' }] } });
});

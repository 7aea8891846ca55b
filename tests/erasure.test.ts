/** An account is erased: nothing that tells who it was is left in any database, in the broker's files or in the logs. */
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../local/services.ts';
import {
  addBook,
  type Client,
  clientOf,
  eventually,
  idOf,
  REQUEST,
  rentalInput,
  rentalOf,
  requestRental,
  signIn,
} from './client.ts';
import { runCommand } from './command.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '300' });
}, 60_000);
afterAll(() => system?.stop());

const ERASE = 'mutation { eraseMe { erased userErrors { code message reason } } }';
const SIGN_UP = 'mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken userErrors { code } } }';
const owners: Owner[] = ['book', 'rental', 'delivery', 'customer', 'sandbox'];

/** Whatever tells who a person is; each stands somewhere else. */
interface Person {
  email: string;
  name: string;
  home: string;
  phone: string;
  street: string;
  recipient: string;
  cancelReason: string;
  scanNote: string;
  inspectionNote: string;
}

function aPerson(): Person {
  const mark = randomUUID().slice(0, 8);
  return {
    email: `Reader.${mark}@Example.test`,
    name: `Name ${mark}`,
    home: `Home Street ${mark}`,
    phone: `+82 2 ${mark}`,
    street: `Parcel Street ${mark}`,
    recipient: `Recipient ${mark}`,
    cancelReason: `Reason ${mark}`,
    scanNote: `Scan ${mark}`,
    inspectionNote: `Inspection ${mark}`,
  };
}

async function signUpAs({ email, name }: Person): Promise<Client> {
  const input = { email, name, password: 'a long enough password' };
  const { signUp } = await clientOf(system.url).data(SIGN_UP, { input });
  return clientOf(system.url, signUp.accessToken);
}

/** Each table of each database, each row as text. */
async function databases(): Promise<string> {
  const dumps = owners.map(async (owner) => {
    const tables = await system.query<{ name: string }>(
      owner,
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
    );
    const rows = await Promise.all(
      tables.map(({ name }) => system.query<{ row: string }>(owner, `SELECT t::text AS row FROM "${name}" t`)),
    );
    return rows.flat().map(({ row }) => row);
  });
  return (await Promise.all(dumps)).flat().join('\n');
}

const filesBelow = (folder: string): string =>
  globSync(join(system.folder, folder, '**/*'), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
    .join('\n');

/** UTF-8, as bytes that were read one by one. */
const asBytes = (text: string): string => Buffer.from(text).toString('latin1');

/** What of the person is found, and that the search does find things. */
async function foundOf(person: Person): Promise<{ inDatabases: string[]; inFiles: string[] }> {
  const marks = [...Object.values(person), person.email.toLowerCase()];
  const [rows, files] = [await databases(), filesBelow('nats') + filesBelow('logs')];
  expect(files).toContain('rentabook.rental.requested');
  return {
    inDatabases: marks.filter((mark) => rows.includes(mark)),
    inFiles: marks.filter((mark) => files.includes(asBytes(mark))),
  };
}

/** A reader who has rented, been sent, returned and cancelled, and of whom staff have written. */
async function aLife(person: Person): Promise<{ reader: Client; rentalIds: string[] }> {
  const staff = await system.clientWith('STAFF');
  const reader = await signUpAs(person);
  const home = { label: 'Home', name: person.name, line1: person.home, city: 'Seoul', postalCode: '1', country: 'KR' };
  await reader.data('mutation ($input: SaveAddressInput!) { saveAddress(input: $input) { userErrors { code } } }', {
    input: { ...home, phone: person.phone },
  });
  const deliverTo = { name: person.recipient, line1: person.street, city: 'Seoul', postalCode: '1', country: 'KR' };
  const bookId = await addBook(staff, 2);

  const { rental: cancelled } = await requestRental(reader, bookId, { deliverTo });
  await reader.data('mutation ($input: CancelRentalInput!) { cancelRental(input: $input) { userErrors { code } } }', {
    input: { rentalId: cancelled.id, reason: person.cancelReason },
  });

  const { rental } = await requestRental(reader, bookId, { deliverTo });
  const becomes = (status: string) =>
    eventually(
      () => rentalOf(reader, rental.id),
      (now) => now?.status === status,
    );
  const { deliveries } = await becomes('ON_LOAN');
  await staff.data(
    'mutation ($input: TrackingEventInput!) { recordTrackingEvent(input: $input) { userErrors { code } } }',
    {
      input: { deliveryId: deliveries[0].id, status: 'IN_TRANSIT', note: person.scanNote },
    },
  );
  await reader.data('mutation ($id: ID!) { returnRental(rentalId: $id) { userErrors { code } } }', { id: rental.id });
  await becomes('RETURNED');
  const copyId = await eventually(async () => {
    const found = "SELECT id FROM book_copy WHERE rental_id = $1 AND status = 'INSPECTING'";
    return (await system.query<{ id: string }>('book', found, [rental.id]))[0]?.id;
  }, Boolean);
  await staff.data('mutation ($input: InspectCopyInput!) { inspectCopy(input: $input) { userErrors { code } } }', {
    input: { copyId, condition: 'GOOD', note: person.inspectionNote },
  });
  await becomes('CLOSED');
  await eventually(
    () => rentalOf(reader, cancelled.id),
    ({ pendingCompensations }) => pendingCompensations.length === 0,
  );
  return { reader, rentalIds: [rental.id, cancelled.id] };
}

test('after a whole life with the shop nothing tells who it was', async () => {
  const person = aPerson();
  const { reader, rentalIds } = await aLife(person);
  expect((await foundOf(person)).inDatabases).toEqual([...Object.values(person), person.email.toLowerCase()]);

  expect(await reader.data(ERASE)).toEqual({ eraseMe: { erased: true, userErrors: [] } });

  await eventually(
    () => foundOf(person),
    ({ inDatabases }) => inDatabases.length === 0,
  );
  expect((await foundOf(person)).inFiles).toEqual([]);

  const staff = await system.clientWith('STAFF');
  for (const id of rentalIds) expect(await rentalOf(staff, id)).toMatchObject({ id, version: expect.any(Number) }); // the books stay right
  const { customer, rental } = await staff.data(
    `{ customer(id: "${idOf(reader)}") { id } rental(id: "${rentalIds[0]}") { customer { id email } } }`,
  );
  expect(customer).toBeNull();
  expect(rental.customer).toEqual({ id: idOf(reader), email: null });
}, 60_000);

test('a token that is still good is nobody any more, and the e-mail address is free', async () => {
  const person = aPerson();
  const reader = await signUpAs(person);
  const bookId = await addBook(await system.clientWith('STAFF'), 1);
  await reader.data(ERASE);

  expect(await reader.data('{ me { id } }')).toEqual({ me: null });
  for (const change of ['updateMe(input: { name: "Back" })', 'exportMyData', 'eraseMe'])
    expect((await reader.data(`mutation { done: ${change} { userErrors { code } } }`)).done.userErrors).toEqual([
      { code: 'NOT_FOUND' },
    ]);
  const { requestRental: refused } = await reader.data(REQUEST, { input: rentalInput(bookId) });
  expect(refused).toMatchObject({
    rental: null,
    userErrors: [{ code: 'POLICY_DENIED', message: 'This account is closed.' }],
  });

  const again = await signUpAs(person);
  expect(idOf(again)).not.toBe(idOf(reader));
  expect((await again.data('{ me { name orders { totalCount } } }')).me).toEqual({
    name: person.name,
    orders: { totalCount: 0 },
  });
});

test('while a rental is open the account stays, and the rental is named', async () => {
  const reader = await signUpAs(aPerson());
  const { rental } = await requestRental(reader, await addBook(await system.clientWith('STAFF'), 1));

  const { eraseMe: refused } = await reader.data(ERASE);

  expect(refused).toMatchObject({
    erased: false,
    userErrors: [{ code: 'POLICY_DENIED', message: expect.stringContaining(rental.id), reason: 'RENTAL_OPEN' }],
  });
  expect((await reader.data('{ me { id } }')).me).toEqual({ id: idOf(reader) });
  expect(await system.query('customer', 'SELECT FROM erasure_wish')).toEqual([]);
});

test('an administrator stays: whoever took the e-mail address would be the next', async () => {
  const admin = await signIn(system.url, 'admin@demo.test');
  const { eraseMe: refused } = await admin.data(ERASE);
  expect(refused).toMatchObject({
    erased: false,
    userErrors: [{ code: 'POLICY_DENIED', reason: 'NAMED_FOR_ADMINISTRATION' }],
  });
  expect((await admin.data('{ me { roles } }')).me.roles).toContain('ADMIN');
});

test('a wish while Rental is away is done when it is back', async () => {
  const person = aPerson();
  const reader = await signUpAs(person);
  await system.pause('rental');
  try {
    expect(await reader.data(ERASE)).toEqual({ eraseMe: { erased: false, userErrors: [] } });
    expect((await reader.data('{ me { id } }')).me).not.toBeNull();
  } finally {
    await system.resume('rental');
  }

  await eventually(
    async () => (await reader.data('{ me { id } }')).me,
    (me) => me === null,
    45_000,
  );
  expect((await foundOf(person)).inDatabases).toEqual([]);
}, 60_000);

test('the books agree with one another after it', async () => {
  const { code, stdout } = await runCommand('operate/reconcile.ts', { RENTABOOK_DATA: system.folder });
  expect({ code, stdout: code ? stdout : '' }).toEqual({ code: 0, stdout: '' });
}, 60_000);

/** Accounts that an outside provider keeps: a real one, before all of Rentabook. */

import { customerIdOf } from '#platform/oidc.ts';
import { freePort } from '../local/ports.ts';
import { type Client, clientOf, eventually, REQUEST, rentalInput } from './client.ts';
import { type OpenIdProvider, startOpenIdProvider } from './openIdProvider.ts';
import { type System, startSystem } from './system.ts';

const AUDIENCE = 'https://shop.example/api';
const people = {
  anna: { email: 'Anna@example.test', email_verified: true, name: 'Anna Kim' },
  ben: { email: 'ben@example.test', preferred_username: 'benny', groups: ['librarians', 'readers'] },
  dora: { email: 'dora@example.test', realm: { roles: 'drivers' } },
  boss: { email: 'boss@example.test', email_verified: true },
  chief: { email: 'chief@example.test' },
  impostor: { email: 'boss@example.test', email_verified: false },
  another: { email: 'anna@EXAMPLE.test', email_verified: true, name: 'Another Anna' },
  nobody: { name: 'No Body' },
};

const port = await freePort();
const issuer = `http://127.0.0.1:${port}`;
let provider: OpenIdProvider | undefined;
let system: System;
beforeAll(async () => {
  system = await startSystem({
    OIDC_ISSUER: issuer,
    OIDC_AUDIENCE: AUDIENCE,
    OIDC_ROLES: 'groups=librarians:STAFF,realm.roles=drivers:COURIER',
    SUPERUSER: 'boss@example.test chief@example.test',
  });
});
afterAll(async () => {
  await provider?.stop();
  await system?.stop();
});

const AUDIT = '{ auditLog { edges { node { id } } } }';
const ME = '{ me { id email name roles } }';
async function signIn(login: keyof typeof people): Promise<Client> {
  provider ??= await startOpenIdProvider(port, people);
  return clientOf(system.url, await provider.signIn(login, AUDIENCE));
}
const codesOf = async (client: Client, query = ME) =>
  ((await client.ask(query)).errors ?? []).map(({ extensions }) => extensions?.code);

test('everything starts without the provider, and tells that tokens cannot be verified until it is there', async () => {
  const early = await startOpenIdProvider(port, people);
  const token = await early.signIn('anna', AUDIENCE);
  await early.stop(); // its keys go with it

  expect(await codesOf(clientOf(system.url, token))).toEqual(['SERVICE_UNAVAILABLE']);
  expect(await clientOf(system.url).data('{ books(first: 1) { edges { node { id } } } }')).toBeTruthy();

  const anna = await signIn('anna');
  expect((await anna.data(ME)).me).toEqual({
    id: customerIdOf(issuer, 'anna'),
    email: 'Anna@example.test',
    name: 'Anna Kim',
    roles: ['CUSTOMER'],
  });
});

test('all services know the one customer, who has an account at once and needs nothing else', async () => {
  const anna = await signIn('anna');
  const answers = await Promise.all(Array.from({ length: 10 }, () => anna.data(ME)));
  expect(new Set(answers.map(({ me }) => me.id)).size).toBe(1);

  const staff = await signIn('ben');
  const { addBook } = await staff.data(
    'mutation ($input: AddBookInput!) { addBook(input: $input) { book { id } userErrors { message } } }',
    { input: { title: 'Pachinko', authors: ['Min Jin Lee'], rentalFee: { amount: 4500, currency: 'KRW' }, copies: 1 } },
  );
  const { requestRental: rented } = await anna.data(REQUEST, { input: rentalInput(addBook.book.id) });

  expect(rented.rental.status).toBe('ACCEPTED');
  await eventually(
    () => anna.data('{ me { orders { edges { node { bookTitle } } } } }'),
    ({ me }) => me.orders.edges[0]?.node.bookTitle === 'Pachinko',
  );
});

test('claims give roles, by a list, by one text, and by a path', async () => {
  const [ben, dora] = [await signIn('ben'), await signIn('dora')];

  expect((await ben.data(ME)).me).toMatchObject({ name: 'benny', roles: ['CUSTOMER', 'STAFF'] });
  expect((await dora.data(ME)).me).toMatchObject({ name: 'dora@example.test', roles: ['CUSTOMER', 'COURIER'] });
  expect((await ben.data('{ customers(search: "dora@") { edges { node { roles } } } }')).customers.edges).toEqual([
    { node: { roles: ['CUSTOMER', 'COURIER'] } },
  ]);
});

test('a superuser is who has the named e-mail address for certain, and somebody with the same one is turned away', async () => {
  const boss = await signIn('boss');
  expect((await boss.data(ME)).me.roles).toEqual(['CUSTOMER', 'ADMIN']);
  expect((await boss.data(AUDIT)).auditLog).toEqual({ edges: expect.any(Array) });
  expect((await (await signIn('chief')).data(ME)).me.roles).toEqual(['CUSTOMER']);

  const impostor = await signIn('impostor');
  const { errors, data } = await impostor.ask(ME);
  expect(data.me).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' }, message: expect.stringContaining('not linked') }]);
  expect((await impostor.ask(AUDIT)).data.auditLog).toBeNull();
});

test('an e-mail address that another account has is refused, and never linked', async () => {
  await (await signIn('anna')).data(ME);

  const another = await signIn('another');

  expect(await codesOf(another)).toEqual(['FORBIDDEN']);
  expect(await system.query('customer', "SELECT name FROM customer WHERE email_key = 'anna@example.test'")).toEqual([
    { name: 'Anna Kim' },
  ]);
});

test('a token without an e-mail address is refused, and says what is missing', async () => {
  const { errors } = await (await signIn('nobody')).ask(ME);
  expect(errors).toMatchObject([
    { extensions: { code: 'UNAUTHENTICATED' }, message: expect.stringContaining('no claim "email"') },
  ]);
});

test('a token for another audience is refused, and so is one of our own', async () => {
  await signIn('anna');
  const elsewhere = await provider?.signIn('anna', 'https://elsewhere.example/api');
  const own = await system.tokenOf('6f9619ff-8b86-4d01-b42d-00cf4fc964ff');

  expect(await codesOf(clientOf(system.url, elsewhere))).toEqual(['UNAUTHENTICATED']);
  expect(await codesOf(clientOf(system.url, own))).toEqual(['UNAUTHENTICATED']);
});

test('what only our own accounts have is refused with the place to go to, and our keys are not published', async () => {
  const boss = await signIn('boss');
  const nobody = clientOf(system.url);
  const refusals = [
    await nobody.data(
      'mutation { a: signUp(input: { email: "e@example.test", password: "long enough", name: "E" }) { userErrors { code message reason } } }',
    ),
    await nobody.data(
      'mutation { a: signIn(input: { email: "reader@demo.test", password: "rentabook" }) { userErrors { code message reason } } }',
    ),
    await nobody.data('mutation { a: refreshSession(refreshToken: "any") { userErrors { code message reason } } }'),
    await boss.data(
      'mutation { a: changePassword(input: { current: "a", new: "long enough" }) { userErrors { code message reason } } }',
    ),
    await boss.data(
      `mutation { a: setRoles(customerId: "${customerIdOf(issuer, 'anna')}", roles: [STAFF]) { userErrors { code message reason } } }`,
    ),
  ];

  for (const { a } of refusals)
    expect(a.userErrors).toEqual([
      { code: 'POLICY_DENIED', message: expect.stringContaining(issuer), reason: 'ACCOUNT_ELSEWHERE' },
    ]);
  expect((await fetch(`${system.url}/.well-known/jwks.json`)).status).toBe(404);
});

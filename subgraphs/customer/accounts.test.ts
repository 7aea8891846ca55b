/** Accounts and sessions on a real database, asked as the router asks. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import { query } from '#platform/database.ts';
import type { Viewer } from '#platform/tokens.ts';
import { CustomerSubgraph, viewerOf } from '../../tests/customerSubgraph.ts';
import { makeDemoAccounts } from './demo.ts';
import { Customer } from './entities.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { createTokenIssuer } from './sessions.ts';

let service: CustomerSubgraph;
beforeAll(async () => {
  service = await CustomerSubgraph.open();
});
afterAll(() => service?.close());

const SESSION = 'accessToken refreshToken expiresAt customer { id email name roles } userErrors { code path }';
const SIGN_UP = `mutation ($input: SignUpInput!) { session: signUp(input: $input) { ${SESSION} } }`;
const SIGN_IN = `mutation ($input: SignInInput!) { session: signIn(input: $input) { ${SESSION} } }`;
const REFRESH = `mutation ($token: String!) { session: refreshSession(refreshToken: $token) { ${SESSION} } }`;
const SIGN_OUT = 'mutation ($token: String!) { signOut(refreshToken: $token) { userErrors { code } } }';
const UPDATE =
  'mutation ($input: UpdateMeInput!) { updateMe(input: $input) { customer { email name } userErrors { code path } } }';
const CHANGE_PASSWORD = `mutation ($input: ChangePasswordInput!) { session: changePassword(input: $input) { ${SESSION} } }`;
const SAVE_ADDRESS = `mutation ($input: SaveAddressInput!) { saveAddress(input: $input) {
  customer { addresses { id label line1 isDefault } } userErrors { code path }
} }`;
const DELETE_ADDRESS =
  'mutation ($id: ID!) { deleteAddress(id: $id) { customer { addresses { id } } userErrors { code path } } }';
const SET_ROLES =
  'mutation ($id: ID!, $roles: [Role!]!) { setRoles(customerId: $id, roles: $roles) { customer { id } userErrors { code path } } }';

const PASSWORD = 'a long enough password';
const address = {
  label: 'Home',
  name: 'A Reader',
  line1: '1 Street',
  city: 'Seoul',
  postalCode: '04524',
  country: 'KR',
};
const newEmail = () => `${randomUUID()}@example.test`;

interface Account {
  email: string;
  viewer: Viewer;
  refreshToken: string;
}

async function account(): Promise<Account> {
  const email = newEmail();
  const { session } = await service.data(SIGN_UP, null, { input: { email, password: PASSWORD, name: 'A Reader' } });
  return { email, viewer: viewerOf(session.customer.id), refreshToken: session.refreshToken };
}

const signIn = async (email: string, password: string) =>
  (await service.data(SIGN_IN, null, { input: { email, password } })).session;
const refresh = async (token: string) => (await service.data(REFRESH, null, { token })).session;
const refused = (code: string, path: string[] | null) => ({ customer: null, userErrors: [{ code, path }] });

test('F9 a customer registers, and the new session is at once the one who asks', async () => {
  const email = newEmail();

  const { session } = await service.data(SIGN_UP, null, { input: { email, password: PASSWORD, name: ' A Reader ' } });

  expect(session).toMatchObject({ customer: { email, name: 'A Reader', roles: ['CUSTOMER'] }, userErrors: [] });
  expect(decodeJwt(session.accessToken)).toMatchObject({
    sub: session.customer.id,
    roles: ['CUSTOMER'],
    jti: expect.any(String),
  });
  expect(decodeProtectedHeader(session.accessToken)).toEqual({ alg: 'EdDSA', kid: service.issuer.jwks.keys[0]?.kid });
  expect(await service.eventsOf(session.customer.id)).toEqual([
    { version: 1, data: { customerId: session.customer.id, roles: ['CUSTOMER'], change: 'REGISTERED' } },
  ]);
});

test('the published keys are the public parts only', () => {
  const [key] = service.issuer.jwks.keys;
  expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
});

test('the first of the keys signs, and all are published, so that a key can be changed while its tokens live', async () => {
  const [older, newer] = await Promise.all(
    ['older', 'newer'].map(async (kid) => {
      const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
      return { ...(await exportJWK(privateKey)), kid };
    }),
  );
  const account = { id: randomUUID(), roles: ['CUSTOMER' as const] };
  const kidsOf = async (keys: unknown[]) => {
    const issuer = await createTokenIssuer(JSON.stringify({ keys }));
    const token = await issuer.sign(account, new Date(Date.now() + 1000));
    return [decodeProtectedHeader(token).kid, issuer.jwks.keys.map(({ kid }) => kid)];
  };

  expect(await kidsOf([older, newer])).toEqual(['older', ['older', 'newer']]);
  expect(await kidsOf([newer, older])).toEqual(['newer', ['newer', 'older']]);
});

test('keys as PEM sign like those of a set; anything else is refused with its name', async () => {
  const keys = [1, 2].map(() => generateKeyPairSync('ed25519').privateKey);
  const pem = keys.map((key) => key.export({ format: 'pem', type: 'pkcs8' })).join('');
  const set = JSON.stringify({ keys: keys.map((key) => key.export({ format: 'jwk' })) });

  const [ofPem, ofSet] = await Promise.all([createTokenIssuer(pem), createTokenIssuer(set)]);

  expect(ofPem.jwks).toEqual(ofSet.jwks);
  expect(ofPem.jwks.keys).toHaveLength(2);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  await expect(createTokenIssuer('hunter2')).rejects.toThrow('TOKEN_KEYS is neither');
  await expect(createTokenIssuer(String(rsa))).rejects.toThrow('TOKEN_KEYS must be private Ed25519 keys');
});

test('each mistake in a registration is told with its path, and nothing is made', async () => {
  const { session } = await service.data(SIGN_UP, null, {
    input: { email: 'nobody', password: '1234567', name: '\u200B\u200B' },
  });

  expect(session.userErrors).toEqual([
    { code: 'INVALID_INPUT', path: ['input', 'email'] },
    { code: 'INVALID_INPUT', path: ['input', 'password'] },
    { code: 'INVALID_INPUT', path: ['input', 'name'] },
  ]);
  expect(await service.orm.em.fork().count(Customer, { email: 'nobody' })).toBe(0);
});

test('F9 an e-mail address has one account however it is spelt, also when twenty register at once; a rollback tells nothing', async () => {
  const email = newEmail();
  const spelt = (n: number) => (n % 2 ? email : email.toUpperCase());

  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      service.data(SIGN_UP, null, { input: { email: spelt(n), password: PASSWORD, name: 'A Reader' } }),
    ),
  );

  const made = answers.filter(({ session }) => session.customer);
  expect(made).toHaveLength(1);
  for (const answer of answers.filter((answer) => !made.includes(answer)))
    expect(answer.session).toMatchObject(refused('DUPLICATE', ['input', 'email']));
  const rows = await service.orm.em.fork().find(Customer, { emailKey: email });
  expect(rows.map(({ id }) => id)).toEqual([made[0].session.customer.id]);
  expect(await signIn(email.toUpperCase(), PASSWORD)).toMatchObject({ customer: { id: rows[0]?.id } });
  const ofNobody = await query(
    service.orm.em.fork(),
    "SELECT event_id FROM outbox WHERE aggregate NOT IN (SELECT 'customer-' || id FROM customer)",
  );
  expect(ofNobody).toEqual([]);
});

test('F9 every change is one event, once, and none when nothing changed or it was refused', async () => {
  const [{ viewer }, other] = await Promise.all([account(), account()]);
  const admin = viewerOf(randomUUID(), 'ADMIN');
  const changed = async () =>
    (await service.eventsOf(viewer.customerId)).map(({ version, data }) => [version, data.change]);

  await service.data(UPDATE, viewer, { input: { name: 'Another Name' } });
  await service.data(UPDATE, viewer, { input: { name: 'Another Name' } });
  expect((await service.data(UPDATE, viewer, { input: { email: other.email } })).updateMe).toMatchObject(
    refused('DUPLICATE', ['input', 'email']),
  );
  await service.data(SAVE_ADDRESS, viewer, { input: address });
  await service.data(SAVE_ADDRESS, viewer, { input: { ...address, country: 'XX' } });
  await service.data(CHANGE_PASSWORD, viewer, { input: { current: PASSWORD, new: 'another password' } });
  await service.data(SET_ROLES, admin, { id: viewer.customerId, roles: ['STAFF'] });

  expect(await changed()).toEqual([
    [1, 'REGISTERED'],
    [2, 'DETAILS'],
    [3, 'ADDRESSES'],
    [4, 'PASSWORD'],
    [5, 'ROLES'],
  ]);
  expect(JSON.stringify(await service.eventsOf(viewer.customerId))).not.toMatch(/Another Name|example\.test|1 Street/);
});

test('a wrong password and an unknown account get the same answer; ten wrong ones close the account for a while, to both alike', async () => {
  const { email } = await account();
  const unknown = newEmail();

  for (const someone of [email, unknown]) {
    for (let n = 0; n < 10; n++)
      expect(await signIn(someone, 'wrong')).toMatchObject(refused('INVALID_CREDENTIALS', null));
    expect(await signIn(someone, PASSWORD)).toMatchObject(refused('TOO_MANY_ATTEMPTS', null));
  }
});

test('attempts sent together are counted as well', async () => {
  const { email } = await account();

  const answers = await Promise.all(Array.from({ length: 30 }, () => signIn(email, 'wrong')));

  const codes = answers.map(({ userErrors }) => userErrors[0].code);
  expect(codes.filter((code) => code === 'INVALID_CREDENTIALS')).toHaveLength(10);
  expect(codes.filter((code) => code === 'TOO_MANY_ATTEMPTS')).toHaveLength(20);
});

test('signing in starts the count anew', async () => {
  const { email } = await account();

  for (let n = 0; n < 9; n++) await signIn(email, 'wrong');
  expect(await signIn(email, PASSWORD)).toMatchObject({ userErrors: [] });
  for (let n = 0; n < 9; n++) await signIn(email, 'wrong');

  expect(await signIn(email, PASSWORD)).toMatchObject({ userErrors: [] });
});

test('a refresh token is used once; using it again ends the session for whoever has the next one', async () => {
  const { viewer, refreshToken } = await account();

  const second = await refresh(refreshToken);
  expect(second).toMatchObject({ customer: { id: viewer.customerId, email: expect.any(String) }, userErrors: [] });
  const third = await refresh(second.refreshToken);
  expect(third.userErrors).toEqual([]);

  expect(await refresh(second.refreshToken)).toMatchObject(refused('INVALID_CREDENTIALS', ['refreshToken']));
  expect(await refresh(third.refreshToken)).toMatchObject(refused('INVALID_CREDENTIALS', ['refreshToken']));
});

test.each(['', 'rubbish', `${randomUUID()}.rubbish`])('%j is no refresh token', async (token) => {
  expect(await refresh(token)).toMatchObject(refused('INVALID_CREDENTIALS', ['refreshToken']));
});

test('of the same refresh token sent many times at once one is answered', async () => {
  const { refreshToken } = await account();

  const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)));

  expect(answers.filter(({ accessToken }) => accessToken)).toHaveLength(1);
});

test('signing out ends the session', async () => {
  const { refreshToken } = await account();

  expect((await service.data(SIGN_OUT, null, { token: refreshToken })).signOut).toEqual({ userErrors: [] });

  expect(await refresh(refreshToken)).toMatchObject(refused('INVALID_CREDENTIALS', ['refreshToken']));
});

test('a new password needs the old one, and ends the other sessions', async () => {
  const { email, viewer, refreshToken } = await account();
  const change = async (current: string, next: string) =>
    (await service.data(CHANGE_PASSWORD, viewer, { input: { current, new: next } })).session;

  expect(await change('wrong', 'another password')).toMatchObject(refused('INVALID_CREDENTIALS', ['input', 'current']));
  expect(await change(PASSWORD, 'short')).toMatchObject(refused('INVALID_INPUT', ['input', 'new']));
  const session = await change(PASSWORD, 'another password');

  expect(await refresh(refreshToken)).toMatchObject(refused('INVALID_CREDENTIALS', ['refreshToken']));
  expect(await refresh(session.refreshToken)).toMatchObject({ userErrors: [] });
  expect(await signIn(email, PASSWORD)).toMatchObject(refused('INVALID_CREDENTIALS', null));
  expect(await signIn(email, 'another password')).toMatchObject({ userErrors: [] });
});

test('F9 addresses are saved, changed and deleted; one of them is the default; those of others do not exist', async () => {
  const [{ viewer }, other] = await Promise.all([account(), account()]);
  const save = async (input: object, who = viewer) => (await service.data(SAVE_ADDRESS, who, { input })).saveAddress;
  const remove = async (id: string, who = viewer) => (await service.data(DELETE_ADDRESS, who, { id })).deleteAddress;

  await save({ ...address, isDefault: true });
  const { customer } = await save({ ...address, label: 'Work', isDefault: true });
  const [home, work] = customer.addresses;
  expect([home, work]).toMatchObject([
    { label: 'Home', isDefault: false },
    { label: 'Work', isDefault: true },
  ]);

  expect(await save({ ...address, id: home.id, line1: '2 Street' }, other.viewer)).toEqual(
    refused('NOT_FOUND', ['input', 'id']),
  );
  expect(await remove(home.id, other.viewer)).toEqual(refused('NOT_FOUND', ['id']));
  expect(await remove('no id')).toEqual(refused('INVALID_INPUT', ['id']));
  expect(await save({ ...address, line1: ' ', city: '\u200B', country: 'XX' })).toMatchObject({
    userErrors: [
      { code: 'INVALID_INPUT', path: ['input', 'line1'] },
      { code: 'INVALID_INPUT', path: ['input', 'city'] },
      { code: 'INVALID_INPUT', path: ['input', 'country'] },
    ],
  });

  expect((await save({ ...address, id: home.id, line1: '2 Street' })).customer.addresses).toMatchObject([
    { line1: '2 Street' },
    {},
  ]);
  expect((await remove(home.id)).customer.addresses).toEqual([{ id: work.id }]);
});

test('an account keeps so many addresses, and is told so when it is full', async () => {
  const { viewer } = await account();
  const save =
    'mutation ($input: SaveAddressInput!) { saveAddress(input: $input) { userErrors { code path reason } } }';
  for (let n = 0; n < 50; n++) await service.data(save, viewer, { input: address });

  const { saveAddress } = await service.data(save, viewer, { input: address });

  expect(saveAddress.userErrors).toEqual([{ code: 'POLICY_DENIED', path: ['input'], reason: 'TOO_MANY_ADDRESSES' }]);
});

test('mutations of one request each answer what is true after them', async () => {
  const { viewer } = await account();
  const two = `mutation ($one: SaveAddressInput!, $two: SaveAddressInput!) {
    one: saveAddress(input: $one) { customer { addresses { label } } } two: saveAddress(input: $two) { customer { addresses { label } } }
  }`;

  const answer = await service.data(two, viewer, { one: address, two: { ...address, label: 'Work' } });

  expect(answer.one.customer.addresses).toEqual([{ label: 'Home' }]);
  expect(answer.two.customer.addresses).toEqual([{ label: 'Home' }, { label: 'Work' }]);
});

test('F9 an administrator gives roles, and nobody else does; CUSTOMER always stays', async () => {
  const { email, viewer } = await account();
  const give = (who: Viewer | null, id: string) =>
    service.ask(SET_ROLES, who, { id, roles: ['COURIER', 'STAFF', 'STAFF'] });

  expect((await give(viewerOf(viewer.customerId, 'STAFF'), viewer.customerId)).errors?.[0]?.extensions.code).toBe(
    'FORBIDDEN',
  );
  expect((await give(null, viewer.customerId)).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  const admin = viewerOf(randomUUID(), 'ADMIN');
  expect((await give(admin, viewer.customerId)).data?.setRoles).toMatchObject({ userErrors: [] });
  expect((await give(admin, randomUUID())).data?.setRoles).toMatchObject(refused('NOT_FOUND', ['customerId']));

  const session = await signIn(email, PASSWORD);
  expect(session.customer.roles).toEqual(['CUSTOMER', 'STAFF', 'COURIER']);
  expect(decodeJwt(session.accessToken).roles).toEqual(['CUSTOMER', 'STAFF', 'COURIER']);
});

test('staff find customers by e-mail or name, in pages; customers find nobody', async () => {
  const mark = randomUUID();
  const staff = viewerOf(randomUUID(), 'STAFF');
  for (const name of ['100 % Kim', 'Lee', 'Park'])
    await service.data(SIGN_UP, null, { input: { email: newEmail(), password: PASSWORD, name: `${name} ${mark}` } });
  const LIST = `query ($search: String, $first: Int, $after: String) { customers(search: $search, first: $first, after: $after) {
    edges { node { id name } } pageInfo { hasNextPage endCursor } } }`;
  const find = async (variables: object, who = staff) => (await service.data(LIST, who, variables)).customers;

  const first = await find({ search: mark.toUpperCase(), first: 2 });
  const rest = await find({ search: mark, first: 2, after: first.pageInfo.endCursor });

  const names = [...first.edges, ...rest.edges].map(({ node }: { node: { name: string } }) =>
    node.name.split(mark)[0]?.trim(),
  );
  expect(names).toEqual(['Park', 'Lee', '100 % Kim']);
  expect(rest.pageInfo.hasNextPage).toBe(false);
  expect((await find({ search: `0 % kim ${mark}` })).edges).toHaveLength(1);
  expect((await find({ search: `0%${mark}` })).edges).toHaveLength(0);
  expect(await find({ search: mark }, viewerOf())).toBeNull();
});

test('a password is kept as an argon2id hash that brings its parameters along', async () => {
  const hash = await hashPassword('rentabook');

  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await verifyPassword('rentabook', hash)).toBe(true);
  expect(await verifyPassword('rentabooK', hash)).toBe(false);
});

test('the demo accounts are made where there are none, once, however many processes start together', async () => {
  const fresh = await CustomerSubgraph.open();
  try {
    await Promise.all([1, 2, 3].map(() => makeDemoAccounts(fresh.orm.em.fork())));

    const customers = await fresh.orm.em.fork().find(Customer, {});
    expect(Object.fromEntries(customers.map(({ email, roles }) => [email, roles]))).toEqual({
      'reader@demo.test': ['CUSTOMER'],
      'staff@demo.test': ['CUSTOMER', 'STAFF'],
      'courier@demo.test': ['CUSTOMER', 'COURIER'],
      'admin@demo.test': ['CUSTOMER'],
    });
    const input = { email: 'reader@demo.test', password: 'rentabook' };
    const { session } = await fresh.data(SIGN_IN, null, { input });
    const { me } = await fresh.data('{ me { addresses { isDefault } } }', viewerOf(session.customer.id));
    expect(me.addresses).toEqual([{ isDefault: true }]);
  } finally {
    await fresh.close();
  }
});

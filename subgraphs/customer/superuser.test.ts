/** Who has ADMIN, by the file of a ConfigMap and by a variable. */
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { query } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { superusersOf } from '#platform/superuser.ts';
import { CustomerSubgraph, viewerOf } from '../../tests/customerSubgraph.ts';
import { makeFolder } from '../../tests/folders.ts';
import { warnOfUnclaimed } from './accounts.ts';

const folder = makeFolder();
const file = join(folder, 'superuser');
const BY_VARIABLE = 'Boss@Example.test';
const superusers = superusersOf({ SUPERUSER: [BY_VARIABLE], SUPERUSER_FILE: file });

let service: CustomerSubgraph;
beforeAll(async () => {
  service = await CustomerSubgraph.open(superusers);
});
afterAll(async () => {
  await service?.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => rmSync(file, { force: true }));

const name = (...emails: string[]) => writeFileSync(file, `${emails.join('\n')}\n`);

const SESSION = 'accessToken refreshToken customer { id roles } userErrors { code message path }';
const PASSWORD = 'a long enough password';
const newEmail = () => `${randomUUID()}@example.test`;

async function signUp(email: string) {
  const input = { email, password: PASSWORD, name: 'A Reader' };
  const { session } = await service.data(
    `mutation ($input: SignUpInput!) { session: signUp(input: $input) { ${SESSION} } }`,
    null,
    { input },
  );
  return session;
}
const refresh = async (token: string) =>
  (
    await service.data(
      `mutation ($token: String!) { session: refreshSession(refreshToken: $token) { ${SESSION} } }`,
      null,
      {
        token,
      },
    )
  ).session;
const setRoles = async (id: string, roles: string[]) =>
  (
    await service.data(
      'mutation ($id: ID!, $roles: [Role!]!) { setRoles(customerId: $id, roles: $roles) { customer { id roles } userErrors { code message path } } }',
      viewerOf(randomUUID(), 'ADMIN', 'STAFF'),
      { id, roles },
    )
  ).setRoles;
const moveTo = async (id: string, email: string) =>
  (
    await service.data(
      'mutation ($input: UpdateMeInput!) { updateMe(input: $input) { customer { email } userErrors { code path } } }',
      viewerOf(id),
      { input: { email } },
    )
  ).updateMe;
const rolesIn = ({ accessToken }: { accessToken: string }) => decodeJwt(accessToken).roles;
const storedRoles = async (id: string) =>
  (await query<{ roles: string[] }>(service.orm.em.fork(), 'SELECT roles FROM customer WHERE id = $1', [id]))[0]?.roles;

test('without a name in it nobody has ADMIN, with a missing file neither', async () => {
  const session = await signUp(newEmail());
  expect(rolesIn(session)).toEqual(['CUSTOMER']);
});

test('who is named by the variable has ADMIN, however the address is spelt', async () => {
  const session = await signUp('boss@example.TEST');

  expect(rolesIn(session)).toEqual(['CUSTOMER', 'ADMIN']);
  expect(session.customer.roles).toEqual(['CUSTOMER', 'ADMIN']);
  expect(await storedRoles(session.customer.id)).toEqual(['CUSTOMER']);
});

test('a change of the file counts from the next token, both ways, without a restart', async () => {
  const email = newEmail();
  let session = await signUp(email);
  expect(rolesIn(session)).toEqual(['CUSTOMER']);

  name('someone@else.test', email.toUpperCase());
  session = await refresh(session.refreshToken);
  expect(rolesIn(session)).toEqual(['CUSTOMER', 'ADMIN']);
  expect(session.customer.roles).toEqual(['CUSTOMER', 'ADMIN']);

  name('someone@else.test');
  session = await refresh(session.refreshToken);
  expect(rolesIn(session)).toEqual(['CUSTOMER']);
  expect(session.customer.roles).toEqual(['CUSTOMER']);
});

test('roles that an administrator gives count from the next token', async () => {
  const session = await signUp(newEmail());

  await setRoles(session.customer.id, ['STAFF']);
  const second = await refresh(session.refreshToken);
  await setRoles(session.customer.id, []);
  const third = await refresh(second.refreshToken);

  expect([session, second, third].map(rolesIn)).toEqual([['CUSTOMER'], ['CUSTOMER', 'STAFF'], ['CUSTOMER']]);
});

test('ADMIN is not given by a mutation, which says where it comes from; to who has it, it is nothing new', async () => {
  const email = newEmail();
  const { customer } = await signUp(email);

  const refused = await setRoles(customer.id, ['STAFF', 'ADMIN']);
  expect(refused).toMatchObject({ customer: null, userErrors: [{ code: 'POLICY_DENIED', path: ['roles'] }] });
  expect(refused.userErrors[0].message).toContain('SUPERUSER');
  expect(await storedRoles(customer.id)).toEqual(['CUSTOMER']);

  name(email);
  expect(await setRoles(customer.id, ['STAFF', 'ADMIN'])).toMatchObject({
    customer: { roles: ['CUSTOMER', 'STAFF', 'ADMIN'] },
    userErrors: [],
  });
  expect(await storedRoles(customer.id)).toEqual(['CUSTOMER', 'STAFF']);
  expect((await service.eventsOf(customer.id)).map(({ data }) => data.roles)).toEqual([
    ['CUSTOMER'],
    ['CUSTOMER', 'STAFF'],
  ]);
});

test('an e-mail address that is named is neither taken nor given up', async () => {
  const [named, free] = [newEmail(), newEmail()];
  const [superuser, other] = await Promise.all([signUp(named), signUp(newEmail())]);
  const promised = newEmail(); // named, and nobody's yet
  name(named, promised);
  const denied = { customer: null, userErrors: [{ code: 'POLICY_DENIED', path: ['input', 'email'] }] };

  expect(await moveTo(superuser.customer.id, free)).toEqual(denied);
  expect(await moveTo(other.customer.id, promised.toUpperCase())).toEqual(denied);
  expect(await moveTo(superuser.customer.id, named.toUpperCase())).toMatchObject({ userErrors: [] });
  expect(await moveTo(other.customer.id, free)).toMatchObject({ customer: { email: free }, userErrors: [] });
});

test('the operator is warned of names that have no account', async () => {
  const email = newEmail();
  await signUp(email);
  const lines: string[] = [];
  const log = createLog('test', 'info', { write: (line) => lines.push(line) });
  name(email.toUpperCase(), 'later@example.test');

  await warnOfUnclaimed(service.orm.em.fork(), superusersOf({ SUPERUSER: [], SUPERUSER_FILE: file }), log);

  expect(lines.map((line) => JSON.parse(line).email)).toEqual(['later@example.test']);
});

/** What is counted against whom, on a real database. */
import { randomUUID } from 'node:crypto';
import { query } from '#platform/database.ts';
import type { Refusal } from '#platform/errors.ts';
import { CustomerSubgraph, viewerOf } from '../../tests/customerSubgraph.ts';
import { countAttempt, forgiveAttempt } from './attempts.ts';

let service: CustomerSubgraph;
beforeAll(async () => {
  service = await CustomerSubgraph.open();
});
afterAll(() => service?.close());

const em = () => service.orm.em.fork();
const someAddress = () => `2001:db8:${Array.from({ length: 3 }, () => randomHex()).join(':')}::1`;
const randomHex = () => (1 + Math.floor(Math.random() * 0xfffe)).toString(16);
const someAccount = () => `${randomUUID()}@example.test`;

/** '' or why not. */
const tried = (emailKey: string, client: string): Promise<string> =>
  countAttempt(em(), { emailKey, client }).then(
    () => '',
    (refusal: Refusal) => `${refusal.userErrors[0]?.code}: ${refusal.message}`,
  );
const triedOften = async (count: number, next: () => [emailKey: string, client: string]): Promise<number> => {
  let through = 0;
  for (let n = 0; n < count; n++) if ((await tried(...next())) === '') through++;
  return through;
};

const PASSWORD = 'a long enough password';
const SIGN_UP = 'mutation ($input: SignUpInput!) { signUp(input: $input) { customer { id } userErrors { code } } }';
const SIGN_IN =
  'mutation ($input: SignInInput!) { session: signIn(input: $input) { accessToken userErrors { code message } } }';
const CHANGE =
  'mutation ($input: ChangePasswordInput!) { session: changePassword(input: $input) { userErrors { code } } }';

test("a stranger's wrong guesses do not lock the owner out at another address", async () => {
  const email = someAccount();
  await service.data(SIGN_UP, null, { input: { email, password: PASSWORD, name: 'A Reader' } });
  const signIn = async (password: string, client: string) =>
    (await service.data(SIGN_IN, null, { input: { email, password } }, client)).session;
  const [stranger, owner] = [someAddress(), someAddress()];

  for (let n = 0; n < 10; n++)
    expect(await signIn('a guess', stranger)).toMatchObject({ userErrors: [{ code: 'INVALID_CREDENTIALS' }] });
  for (let n = 0; n < 150; n++)
    expect(await signIn(PASSWORD, stranger)).toMatchObject({ userErrors: [{ code: 'TOO_MANY_ATTEMPTS' }] });

  expect(await signIn(PASSWORD, owner)).toMatchObject({ accessToken: expect.any(String), userErrors: [] });
});

test('the answer says whose attempts were too many, and when to come again', async () => {
  const [account, address] = [someAccount(), someAddress()];
  for (let n = 0; n < 10; n++) expect(await tried(account, address)).toBe('');

  expect(await tried(account, address)).toBe(
    'TOO_MANY_ATTEMPTS: There were too many attempts for this account from your network; try again in 15 minutes.',
  );

  await query(em(), "UPDATE attempt SET since = since - interval '14 minutes 30 seconds'");
  expect(await tried(account, address)).toContain('try again in a minute.');
  await query(em(), "UPDATE attempt SET since = since - interval '1 minute'");
  expect(await tried(account, address)).toBe('');
});

test('an account stands a hundred guesses, from however many addresses', async () => {
  const account = someAccount();

  expect(await triedOften(110, () => [account, someAddress()])).toBe(100);

  expect(await tried(account, someAddress())).toContain('too many attempts for this account;');
  expect(await tried(someAccount(), someAddress())).toBe('');
});

test('an address may make a hundred guesses, at however many accounts', async () => {
  const address = someAddress();

  expect(await triedOften(110, () => [someAccount(), address])).toBe(100);

  expect(await tried(someAccount(), address)).toContain('too many attempts from your network;');
});

test('addresses of one IPv6 network are counted together', async () => {
  const account = someAccount();
  const network = someAddress().replace(/::1$/, '');

  expect(await triedOften(20, () => [account, `${network}::${randomHex()}`])).toBe(10);
});

test('a refused attempt counts against nobody else', async () => {
  const [account, address] = [someAccount(), someAddress()];
  await triedOften(10, () => [account, address]);

  expect(await triedOften(200, () => [account, address])).toBe(0);

  expect(await triedOften(95, () => [account, someAddress()])).toBe(90);
  expect(await triedOften(95, () => [someAccount(), address])).toBe(90);
});

test('what a full network total refuses does not use up the tries at an account', async () => {
  const [account, address] = [someAccount(), someAddress()];
  await triedOften(100, () => [someAccount(), address]);
  expect(await triedOften(20, () => [account, address])).toBe(0);

  await query(em(), "UPDATE attempt SET since = since - interval '1 day' WHERE attempts = 100");

  expect(await triedOften(20, () => [account, address])).toBe(10);
});

test('who signs in counts for nothing, so the honest many behind one address never add up', async () => {
  const address = someAddress();

  for (let n = 0; n < 120; n++) {
    const attempt = { emailKey: someAccount(), client: address };
    await countAttempt(em(), attempt);
    await forgiveAttempt(em(), attempt);
  }

  expect(await triedOften(110, () => [someAccount(), address])).toBe(100);
});

test('of many guesses sent together no more get through', async () => {
  const [account, address] = [someAccount(), someAddress()];

  const answers = await Promise.all(Array.from({ length: 60 }, () => tried(account, address)));

  expect(answers.filter((answer) => answer === '')).toHaveLength(10);
});

test('a change of password is counted like a sign-in', async () => {
  const email = someAccount();
  const { signUp } = await service.data(SIGN_UP, null, { input: { email, password: PASSWORD, name: 'A Reader' } });
  const client = someAddress();
  const change = async (current: string) => {
    const input = { current, new: 'another password' };
    return (await service.data(CHANGE, viewerOf(signUp.customer.id), { input }, client)).session.userErrors;
  };

  for (let n = 0; n < 10; n++) expect(await change('a guess')).toEqual([{ code: 'INVALID_CREDENTIALS' }]);

  expect(await change(PASSWORD)).toEqual([{ code: 'TOO_MANY_ATTEMPTS' }]);
});

test('nothing readable of whom and where is kept, and what is out of date is forgotten', async () => {
  await query(em(), 'DELETE FROM attempt');
  const attempt = { emailKey: someAccount(), client: '203.0.113.99' };
  await countAttempt(em(), attempt);
  expect(JSON.stringify(await query(em(), 'SELECT * FROM attempt'))).not.toMatch(/example|203\.0/);
  await query(em(), "UPDATE attempt SET since = since - interval '1 day'");
  const another = { emailKey: someAccount(), client: someAddress() };

  await countAttempt(em(), another);
  await forgiveAttempt(em(), another);

  expect(await query(em(), "SELECT 1 FROM attempt WHERE since < now() - interval '1 hour'")).toEqual([]);
});

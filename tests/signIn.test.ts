/** Signing in by way of the router, from several places in the world. */
import { randomUUID } from 'node:crypto';
import { clientOf, signIn } from './client.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ TRUSTED_PROXIES: '127.0.0.1' }); // these tests are the proxy
});
afterAll(() => system?.stop());

const PASSWORD = 'a long enough password';
const SIGN_IN = `mutation ($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { code message } } }`;

test('whoever guesses a password closes the account to their own address, and to nobody else', async () => {
  const email = `${randomUUID()}@example.test`;
  await clientOf(system.url).data(
    'mutation ($input: SignUpInput!) { signUp(input: $input) { userErrors { message } } }',
    { input: { email, password: PASSWORD, name: 'A Reader' } },
  );
  const tryFrom = async (address: string, password: string) => {
    const answer = await fetch(`${system.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ query: SIGN_IN, variables: { input: { email, password } } }),
    });
    const { data } = (await answer.json()) as { data: { signIn: { userErrors: { code: string }[] } } };
    return data.signIn.userErrors[0]?.code ?? 'signed in';
  };

  for (let n = 0; n < 10; n++) expect(await tryFrom('198.51.100.1', 'a guess')).toBe('INVALID_CREDENTIALS');

  expect(await tryFrom('198.51.100.1', PASSWORD)).toBe('TOO_MANY_ATTEMPTS');
  expect(await tryFrom('203.0.113.7, 198.51.100.1', PASSWORD)).toBe('TOO_MANY_ATTEMPTS');
  expect(await tryFrom('203.0.113.7', PASSWORD)).toBe('signed in');
});

test("the demo's administrator has ADMIN by the setting, whatever its row says", async () => {
  const admin = await signIn(system.url, 'admin@demo.test');

  expect((await admin.data('{ me { roles } }')).me.roles).toEqual(['CUSTOMER', 'ADMIN']);
  expect(await system.query('customer', "SELECT roles FROM customer WHERE email_key = 'admin@demo.test'")).toEqual([
    { roles: ['CUSTOMER'] },
  ]);
});

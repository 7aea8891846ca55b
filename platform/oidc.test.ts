/** What is believed of an outside provider, and what not; a real one is asked in tests/oidc.test.ts. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { readConfig } from './config.ts';
import { type Http, json, listen } from './http.ts';
import { isId } from './ids.ts';
import { createLog } from './log.ts';
import { customerIdOf, tokenSettings, tokenVerifierFor } from './oidc.ts';

const AUDIENCE = 'https://shop.example/api';
const log = createLog('test', 'silent');
const algorithms = ['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA'];
const keys = await Promise.all(
  algorithms.map(async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid: alg } };
  }),
);

let http: Http;
let at: string;
beforeAll(async () => {
  const discovery = (path: string) => ({ issuer: `${at}${path}`, jwks_uri: `${at}/keys` });
  http = await listen({
    host: '127.0.0.1',
    port: 0,
    log,
    routes: {
      '/.well-known/openid-configuration': async (_, response) => json(response, 200, discovery('')),
      '/slash/.well-known/openid-configuration': async (_, response) => json(response, 200, discovery('/slash/')),
      '/liar/.well-known/openid-configuration': async (_, response) => json(response, 200, discovery('')),
      '/keys': async (_, response) => json(response, 200, { keys: keys.map(({ jwk }) => jwk) }),
    },
    notReady: async () => null,
  });
  at = `http://127.0.0.1:${http.port}`;
});
afterAll(() => http.close());

const verifier = (issuer: string, more: NodeJS.ProcessEnv = {}) =>
  tokenVerifierFor(readConfig(tokenSettings, { OIDC_ISSUER: issuer, OIDC_AUDIENCE: AUDIENCE, ...more }), { log });

async function tokenOf(claims: JWTPayload = {}, algorithm = 'RS256'): Promise<string> {
  const [key] = keys.filter(({ alg }) => alg === algorithm);
  if (!key) throw new Error(`No key for ${algorithm}`);
  const whole = {
    iss: at,
    aud: AUDIENCE,
    sub: 'a|1',
    exp: Math.floor(Date.now() / 1000) + 60,
    email: 'a@example.test',
  };
  const signer = new SignJWT({ ...whole, ...claims }).setProtectedHeader({ alg: algorithm, kid: algorithm });
  return `Bearer ${await signer.sign(key.privateKey)}`;
}
const refusal = (code: string, message = '') => ({ extensions: { code }, message: expect.stringContaining(message) });

test.each(algorithms)('a token that is signed by %s is believed', async (algorithm) => {
  const viewer = await verifier(at)(await tokenOf({}, algorithm));

  expect(viewer).toMatchObject({
    customerId: customerIdOf(at, 'a|1'),
    roles: ['CUSTOMER'],
    profile: { email: 'a@example.test', name: 'a@example.test' },
  });
});

test('a token that is signed with a secret is not believed, be it the public key', async () => {
  const [key] = keys;
  const token = await new SignJWT({ iss: at, aud: AUDIENCE, sub: 'a', email: 'a@example.test' })
    .setProtectedHeader({ alg: 'HS256', kid: 'RS256' })
    .setExpirationTime('1 minute')
    .sign(Buffer.from(JSON.stringify(key?.jwk)));

  await expect(verifier(at)(`Bearer ${token}`)).rejects.toMatchObject(refusal('UNAUTHENTICATED'));
});

test.each<[string, JWTPayload]>([
  ['of another issuer', { iss: 'https://elsewhere.example' }],
  ['for another audience', { aud: 'https://elsewhere.example/api' }],
  ['that has expired', { exp: Math.floor(Date.now() / 1000) - 10 }],
  ['that is not valid yet', { nbf: Math.floor(Date.now() / 1000) + 60 }],
])('a token %s is refused', async (_, claims) => {
  await expect(verifier(at)(await tokenOf(claims))).rejects.toMatchObject(refusal('UNAUTHENTICATED'));
});

test.each([undefined, '', ' ', 7])('a token whose e-mail address is %j says what it lacks', async (email) => {
  await expect(verifier(at)(await tokenOf({ email }))).rejects.toMatchObject(
    refusal('UNAUTHENTICATED', 'no claim "email"'),
  );
});

test('an issuer is told by its exact name, a slash at the end included', async () => {
  expect(await verifier(`${at}/slash/`)(await tokenOf({ iss: `${at}/slash/` }))).toMatchObject({ roles: ['CUSTOMER'] });
  for (const wrong of [`${at}/slash`, `${at}/liar`])
    await expect(verifier(wrong)(await tokenOf({ iss: wrong }))).rejects.toMatchObject(refusal('SERVICE_UNAVAILABLE'));
});

test('one person has one id, which is an id like any other; at another issuer it is another person', () => {
  expect(customerIdOf('https://id.example', '248289761001')).toBe('8f3b0914-4b68-560f-b738-c2884361fe1d');
  expect(isId(customerIdOf('https://id.example', '1'))).toBe(true);
  expect(customerIdOf('https://id.example', '1')).not.toBe(customerIdOf('https://id.example/', '1'));
});

test('roles come from claims by the table, and from nothing else', async () => {
  const table = 'groups=librarians:STAFF,realm_access.roles=drivers:COURIER,https://a.example/role=the boss:ADMIN';
  const rolesOf = async (claims: JWTPayload) =>
    (await verifier(at, { OIDC_ROLES: table })(await tokenOf(claims)))?.roles;

  expect(await rolesOf({ groups: ['readers', 'librarians'] })).toEqual(['CUSTOMER', 'STAFF']);
  expect(await rolesOf({ groups: 'librarians', realm_access: { roles: ['drivers'] } })).toEqual([
    'CUSTOMER',
    'STAFF',
    'COURIER',
  ]);
  expect(await rolesOf({ 'https://a.example/role': 'the boss' })).toEqual(['CUSTOMER', 'ADMIN']);
  for (const nothing of [
    {},
    { roles: ['ADMIN'] },
    { groups: { librarians: true } },
    { groups: 'librarian' },
    { realm_access: 'drivers' },
  ])
    expect(await rolesOf(nothing)).toEqual(['CUSTOMER']);
});

test('a superuser is who has the named e-mail address for certain', async () => {
  const rolesOf = async (email_verified: unknown) =>
    (await verifier(at, { SUPERUSER: 'A@example.test' })(await tokenOf({ email_verified })))?.roles;

  expect(await rolesOf(true)).toEqual(['CUSTOMER', 'ADMIN']);
  for (const uncertain of [undefined, false, 'true', 1]) expect(await rolesOf(uncertain)).toEqual(['CUSTOMER']);
});

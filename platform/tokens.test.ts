/** Access tokens, verified with keys that come by HTTP. */
import { randomUUID } from 'node:crypto';
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { eventually } from '../tests/client.ts';
import { type Handler, type Http, json, listen, text } from './http.ts';
import { createLog } from './log.ts';
import { createTokenVerifier, ownTokens, TOKEN_ALGORITHM, TOKEN_AUDIENCE, TOKEN_ISSUER } from './tokens.ts';

interface Key {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  jwk: JWK;
}

async function newKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(TOKEN_ALGORITHM, { crv: 'Ed25519' });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), alg: TOKEN_ALGORITHM, kid } };
}

const log = createLog('test', 'silent');
const [first, second] = await Promise.all([newKey('first'), newKey('second')]);
const anna = randomUUID();
const now = () => Math.floor(Date.now() / 1000);
const rightClaims = (): JWTPayload => ({
  iss: TOKEN_ISSUER,
  aud: TOKEN_AUDIENCE,
  sub: anna,
  exp: now() + 600,
  roles: ['CUSTOMER'],
});

/** What the issuer answers, and how often the last verifier has asked it. */
let answer: { status?: number; keys?: JWK[] };
let asked = 0;
let path = '';
let http: Http;
beforeAll(async () => {
  const keys: Handler = async (request, response) => {
    if (request.url === path) asked += 1;
    if (answer.status) return text(response, answer.status, 'no keys');
    json(response, 200, { keys: answer.keys });
  };
  http = await listen({ host: '127.0.0.1', port: 0, log, routes: { '/keys/*': keys }, notReady: async () => null });
});
afterAll(() => http.close());
beforeEach(() => {
  answer = { keys: [first.jwk] };
});

function verifier(options: { readEveryMs?: number; pauseMs?: number } = {}) {
  [path, asked] = [`/keys/${randomUUID()}`, 0];
  return createTokenVerifier(ownTokens(`http://127.0.0.1:${http.port}${path}`, { log, ...options }));
}
const signed = (key: Key, claims: JWTPayload = rightClaims(), header: Partial<JWTHeaderParameters> = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: key.kid, ...header }).sign(key.privateKey);
const refusal = (code: string) => ({ extensions: { code } });

test('a good token tells who asks, and what they may do', async () => {
  const verify = verifier();
  const token = await signed(first, { ...rightClaims(), roles: ['STAFF', 'CUSTOMER', 'KING'] });

  const viewer = await verify(`Bearer ${token}`);

  expect(viewer).toMatchObject({ customerId: anna, roles: ['CUSTOMER', 'STAFF'] });
  expect(await verify(undefined)).toBeNull();
});

const without = (claim: keyof JWTPayload) => {
  const { [claim]: _, ...rest } = rightClaims();
  return signed(first, rest);
};
const withSharedSecret = (secret: string) =>
  new SignJWT(rightClaims()).setProtectedHeader({ alg: 'HS256', kid: first.kid }).sign(Buffer.from(secret));

test.each<[string, () => string | Promise<string>]>([
  ['has expired', () => signed(first, { ...rightClaims(), exp: now() - 10 })],
  ['is of another issuer', () => signed(first, { ...rightClaims(), iss: 'another' })],
  ['is for another audience', () => signed(first, { ...rightClaims(), aud: 'another' })],
  ['is not valid yet', () => signed(first, { ...rightClaims(), nbf: now() + 60 })],
  ['never expires', () => without('exp')],
  ['is about nobody', () => without('sub')],
  ['is about somebody without an id', () => signed(first, { ...rightClaims(), sub: 'anna' })],
  ['is not signed', () => new UnsecuredJWT(rightClaims()).encode()],
  [
    'is signed with the public key, as it is published, for a secret',
    () => withSharedSecret(JSON.stringify(first.jwk)),
  ],
  [
    'is signed with the public key, as PEM, for a secret',
    async () => withSharedSecret(await exportSPKI(first.publicKey)),
  ],
  ['names a key that there is not', () => signed(second)],
  ['names a key and is signed with another', () => signed(second, rightClaims(), { kid: first.kid })],
  [
    'was altered',
    async () => (await signed(first)).replace(/\.[^.]+\./, `.${btoa('{"sub":"1"}').replaceAll('=', '')}.`),
  ],
  ['is none', () => 'a password'],
])('a token that %s is refused', async (_, token) => {
  const verify = verifier();
  expect(await verify(`Bearer ${await signed(first)}`)).toMatchObject({ customerId: anna });

  await expect(verify(`Bearer ${await token()}`)).rejects.toMatchObject(refusal('UNAUTHENTICATED'));
});

test('while the keys cannot be read a token is neither good nor bad', async () => {
  const token = await signed(first);
  for (const away of [{ status: 503 }, { status: 200 }]) {
    answer = away;
    await expect(verifier()(`Bearer ${token}`)).rejects.toMatchObject(refusal('SERVICE_UNAVAILABLE'));
  }

  answer = { status: 503 };
  const verify = verifier();
  await expect(verify(`Bearer ${token}`)).rejects.toMatchObject(refusal('SERVICE_UNAVAILABLE'));
  answer = { keys: [first.jwk] };
  expect(await verify(`Bearer ${token}`)).toMatchObject({ customerId: anna });
  await expect(verify(`Bearer ${token}x`)).rejects.toMatchObject(refusal('UNAUTHENTICATED'));
});

test('a new key is good at once where it was published before it signs, and soon where it was not', async () => {
  answer = { keys: [first.jwk, second.jwk] };
  expect(await verifier()(`Bearer ${await signed(second)}`)).toMatchObject({ customerId: anna });

  answer = { keys: [first.jwk] };
  const verify = verifier({ pauseMs: 0 });
  expect(await verify(`Bearer ${await signed(first)}`)).toMatchObject({ customerId: anna });
  answer = { keys: [second.jwk, first.jwk] };
  expect(await verify(`Bearer ${await signed(second)}`)).toMatchObject({ customerId: anna });
});

test('a key that was withdrawn is refused after the next reading, also in a token that was good before', async () => {
  const verify = verifier({ readEveryMs: 20 });
  const token = await signed(first);
  expect(await verify(`Bearer ${token}`)).toMatchObject({ customerId: anna });

  answer = { keys: [second.jwk] };

  await eventually(
    () => verify(`Bearer ${token}`).catch((error) => error.extensions.code),
    (code) => code === 'UNAUTHENTICATED',
  );
});

test('an issuer that is away signs nobody out', async () => {
  const verify = verifier({ readEveryMs: 20 });
  expect(await verify(`Bearer ${await signed(first)}`)).toMatchObject({ customerId: anna });

  answer = { status: 503 };
  const before = asked;
  await eventually(
    () => asked - before,
    (times) => times >= 3,
  );

  expect(await verify(`Bearer ${await signed(first)}`)).toMatchObject({ customerId: anna });
});

test('keys that somebody makes up do not send us to the issuer each time', async () => {
  const verify = verifier();
  await verify(`Bearer ${await signed(first)}`);

  for (let n = 0; n < 50; n++) {
    const token = await signed(second, rightClaims(), { kid: `made up ${n}` });
    await expect(verify(`Bearer ${token}`)).rejects.toMatchObject(refusal('UNAUTHENTICATED'));
  }

  expect(asked).toBe(1);
});

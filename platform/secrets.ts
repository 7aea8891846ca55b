/** Secrets that a machine makes, so that nobody has to invent or type them. */
import { randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { TOKEN_ALGORITHM } from './tokens.ts';

/** 256 bits, in letters that need no quoting in a URL. */
export const randomSecret = (): string => randomBytes(32).toString('hex');

/** For the sandbox's bank alone, in the form of Stripe's. */
export const randomStripeKey = (): string => `sk_test_sandbox_${randomSecret()}`;

/** JSON Web Key Set with one private Ed25519 key. */
export async function makeTokenKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair(TOKEN_ALGORITHM, { crv: 'Ed25519', extractable: true });
  const key = await exportJWK(privateKey);
  return JSON.stringify({
    keys: [{ ...key, kid: await calculateJwkThumbprint(key), alg: TOKEN_ALGORITHM, use: 'sig' }],
  });
}

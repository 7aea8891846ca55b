/** What nobody has to invent or type: made once for a data folder, kept in it, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { TOKEN_ALGORITHM } from '#platform/tokens.ts';
import { type Owner, owners } from './services.ts';

export interface Secrets {
  postgresPassword: string;
  /** Of each service's own role. */
  databasePasswords: Record<Owner, string>;
  natsPassword: string;
  routerKey: string;
  /** JSON Web Key Set with one private Ed25519 key. */
  tokenKeys: string;
  carrierKey: string;
  carrierWebhookSecret: string;
  stripeSecretKey: string;
}

/** The secrets in `file`; what it lacks is made and stored in it. */
export async function keepSecrets(file: string): Promise<Secrets> {
  const stored: Partial<Secrets> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const fresh = await makeSecrets();
  const secrets = {
    ...fresh,
    ...stored,
    databasePasswords: { ...fresh.databasePasswords, ...stored.databasePasswords },
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file); // never half a file
  return secrets;
}

async function makeSecrets(): Promise<Secrets> {
  return {
    postgresPassword: random(),
    databasePasswords: Object.fromEntries(owners.map((owner) => [owner, random()])) as Record<Owner, string>,
    natsPassword: random(),
    routerKey: random(),
    tokenKeys: await makeTokenKeys(),
    carrierKey: random(),
    carrierWebhookSecret: random(),
    stripeSecretKey: `sk_test_sandbox_${random()}`,
  };
}

async function makeTokenKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair(TOKEN_ALGORITHM, { crv: 'Ed25519', extractable: true });
  const key = await exportJWK(privateKey);
  return JSON.stringify({
    keys: [{ ...key, kid: await calculateJwkThumbprint(key), alg: TOKEN_ALGORITHM, use: 'sig' }],
  });
}

/** 256 bits, in letters that need no quoting in a URL. */
const random = () => randomBytes(32).toString('hex');

/** What nobody has to invent or type: made once for a data folder, kept in it, readable by its owner alone. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { makeTokenKeys, randomSecret, randomStripeKey } from '#platform/secrets.ts';
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
    postgresPassword: randomSecret(),
    databasePasswords: Object.fromEntries(owners.map((owner) => [owner, randomSecret()])) as Record<Owner, string>,
    natsPassword: randomSecret(),
    routerKey: randomSecret(),
    tokenKeys: await makeTokenKeys(),
    carrierKey: randomSecret(),
    carrierWebhookSecret: randomSecret(),
    stripeSecretKey: randomStripeKey(),
  };
}

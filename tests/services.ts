/** The servers of the test run, for one test file. */
import { randomUUID } from 'node:crypto';
import { readConfig } from '#platform/config.ts';
import { provision, serviceUrl } from '#platform/provision.ts';

/** URL of a new, empty database, entered as the role that owns it, as a service enters its own. `label` shows in its name. */
export async function createDatabase(label = 'test'): Promise<string> {
  const { DATABASE_URL } = readConfig(['DATABASE_URL']);
  const name = `${label}_${randomUUID().slice(0, 8)}`;
  await provision(DATABASE_URL, { [name]: name });
  return serviceUrl(DATABASE_URL, name, name);
}

/** URL of the run's nats-server. Its streams are shared: a test file that needs them for itself starts a system. */
export const natsUrl = (): string => readConfig(['NATS_URL']).NATS_URL;

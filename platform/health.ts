/** What the probes of an orchestrator are told: whether the database answers, and whether something hangs. */
import type { NatsConnection } from 'nats';
import { Client } from 'pg';
import type { Consuming } from './consume.ts';
import { reasonOf } from './errors.ts';

const TIMEOUT_MS = 2000;
/** Far above any batch and any sweep: a try that takes so long waits for something that does not come. */
const HANGS_MS = 60_000;

export interface DatabaseProbe {
  /** Null when it answers. */
  whyAway(): Promise<string | null>;
  close(): Promise<void>;
}

/** On a connection of its own: under load the pool has none to spare, and a service that is busy is not away. */
export function probeDatabase(url: string): DatabaseProbe {
  let client: Client | undefined;
  let asking: Promise<string | null> | undefined;

  async function connect(): Promise<Client> {
    const fresh = new Client({ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS });
    fresh.on('error', () => forget(fresh));
    await fresh.connect();
    return fresh;
  }

  function forget(broken: Client | undefined): void {
    if (client === broken) client = undefined;
    void broken?.end().catch(() => {}); // it is broken
  }

  async function ask(): Promise<string | null> {
    try {
      client ??= await connect();
      await client.query('SELECT');
      return null;
    } catch (error) {
      forget(client);
      return `the database does not answer: ${reasonOf(error)}`;
    }
  }

  return {
    whyAway() {
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    async close() {
      await client?.end().catch(() => {}); // it may be broken
    },
  };
}

/** Which consumer hangs although database and NATS answer, so that nothing but a new process would help. */
export async function whyHung(
  consumers: ReadonlyMap<string, Consuming>,
  database: DatabaseProbe,
  nats: NatsConnection | null,
): Promise<string | null> {
  const hung = [...consumers].find(([, { busyMs }]) => busyMs() > HANGS_MS);
  if (!hung || !nats || nats.isClosed() || (await database.whyAway())) return null;
  const [name] = hung;
  return (await answers(nats)) ? `the consumer ${name} hangs` : null;
}

const answers = (nats: NatsConnection): Promise<boolean> =>
  Promise.race([
    nats.flush().then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), TIMEOUT_MS).unref()),
  ]);

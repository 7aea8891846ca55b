/** What the probes of an orchestrator are told: whether the database answers, and whether something hangs. */
import type { NatsConnection } from 'nats';
import { Client } from 'pg';
import type { Consuming } from './consume.ts';
import { reasonOf } from './errors.ts';

const TIMEOUT_MS = 2000;
/** A batch of a hundred events, each a second on a disk that stalls, is slow and not hung: to restart it would not help. */
const HANGS_MS = 300_000;

export interface DatabaseProbe {
  /** Null when it answers. */
  whyAway(): Promise<string | null>;
  /** Of one statement that takes a moment. @throws when it takes longer, or the database is away */
  rows<Row extends object>(statement: string, values: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** On a connection of its own: under load the pool has none to spare, and a service that is busy is not away. */
export function probeDatabase(url: string): DatabaseProbe {
  let connecting: Promise<Client> | undefined;
  let asking: Promise<string | null> | undefined;

  async function connect(): Promise<Client> {
    const fresh = new Client({ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS });
    const own = connecting;
    fresh.on('error', () => forget(own));
    await fresh.connect();
    return fresh;
  }

  function forget(broken: Promise<Client> | undefined): void {
    if (connecting === broken) connecting = undefined;
    void broken?.then((client) => client.end()).catch(() => {}); // it is broken
  }

  async function rows<Row extends object>(statement: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      connecting ??= connect();
      return (await (await connecting).query<Row>(statement, [...values])).rows;
    } catch (error) {
      forget(connecting);
      throw error;
    }
  }

  const ask = (): Promise<string | null> =>
    rows('SELECT', []).then(
      () => null,
      (error: unknown) => `the database does not answer: ${reasonOf(error)}`,
    );

  return {
    rows,
    whyAway() {
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    async close() {
      await connecting?.then((client) => client.end()).catch(() => {}); // it may be broken
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

/** What a judge reads: every database, the bank's and the courier's included, and the broker, around all wires. */
import type { NatsConnection } from 'nats';
import { Client } from 'pg';
import { connectOnce } from '#platform/nats.ts';
import { type Owner, owners } from '../../local/services.ts';
import type { Cluster } from './cluster.ts';

export interface Sources extends Record<Owner, Client> {
  nats: NatsConnection;
}

/** @throws when one of them does not answer. */
export async function withSources<T>(
  { databaseUrls, natsUrl }: Cluster,
  work: (sources: Sources) => Promise<T>,
): Promise<T> {
  const clients = owners.map((owner) => {
    const client = new Client({ connectionString: databaseUrls[owner], connectionTimeoutMillis: 3000 });
    client.on('error', () => {}); // its next question is told
    return { owner, client };
  });
  let nats: NatsConnection | undefined;
  try {
    await Promise.all(clients.map(({ client }) => client.connect()));
    nats = await connectOnce({ natsUrl });
    const databases = Object.fromEntries(clients.map(({ owner, client }) => [owner, client]));
    return await work({ ...(databases as Record<Owner, Client>), nats }); // of all owners
  } finally {
    await Promise.all([nats?.close(), ...clients.map(({ client }) => client.end().catch(() => {}))]);
  }
}

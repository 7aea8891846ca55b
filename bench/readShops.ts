/** What is behind the gateways of `reads`: subgraphs that cost as little as they can, or the shop's own with their databases. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeTokenKeys, randomSecret } from '#platform/secrets.ts';
import { freePort } from '../local/ports.ts';
import { type Environment, launchProcess } from '../local/services.ts';
import { createTokenIssuer } from '../subgraphs/customer/sessions.ts';
import { type System, startSystem } from '../tests/system.ts';
import { cpuMsOf } from './cpu.ts';
import { installRivals, rivalNamed } from './rivals.ts';

export interface ReadShop {
  /** Of our router. */
  environment: Environment;
  /** Of the rivals; without a key where nobody looks at signatures. */
  rivalEnvironment: Environment;
  /** Of so many members of staff. */
  tokens: string[];
  /** What the subgraphs have done since they began, where that is known. */
  use?(): Promise<{ cpuMs: number; asked: number }>;
  stop(): Promise<void>;
}

export async function openStaticShop(clients: number): Promise<ReadShop> {
  await installRivals();
  const urls = {
    BOOK_URL: `http://127.0.0.1:${await freePort()}/graphql`,
    RENTAL_URL: `http://127.0.0.1:${await freePort()}/graphql`,
    DELIVERY_URL: `http://127.0.0.1:${await freePort()}/graphql`,
    CUSTOMER_URL: 'http://127.0.0.1:9/graphql', // nobody asks it for anything
  };
  const subgraphs = launchProcess(rivalNamed('subgraphs.mjs'), { environment: urls, onLine: () => {} });
  await subgraphs.ready;

  const issuer = await createTokenIssuer(await makeTokenKeys());
  const keys = createServer((_, response) => response.end(JSON.stringify(issuer.jwks))).listen(0, '127.0.0.1');
  await once(keys, 'listening');
  const { port } = keys.address() as AddressInfo; // of a TCP server
  const expiresAt = new Date(Date.now() + 3_600_000);

  return {
    environment: { ...urls, ROUTER_KEY: randomSecret(), JWKS_URL: `http://127.0.0.1:${port}/` },
    rivalEnvironment: urls,
    tokens: await Promise.all(
      Array.from({ length: clients }, () => issuer.sign({ id: randomUUID(), roles: ['STAFF'] }, expiresAt)),
    ),
    async use() {
      const response = await fetch(urls.BOOK_URL);
      return { cpuMs: cpuMsOf(subgraphs.pid), asked: Number(await response.text()) };
    },
    async stop() {
      keys.close();
      await subgraphs.stop();
    },
  };
}

/** All of the shop, with so many rentals, each with its parcel. */
export async function openRealShop(clients: number, rentals: number): Promise<ReadShop> {
  const system = await startSystem();
  try {
    await fill(system, rentals);
    const { router } = system.environments;
    return {
      environment: router,
      rivalEnvironment: router,
      tokens: await Promise.all(
        Array.from({ length: clients }, () => system.tokenOf(randomUUID(), { roles: ['STAFF'] })),
      ),
      stop: system.stop,
    };
  } catch (error) {
    await system.stop();
    throw error;
  }
}

/** Of titles of the demo catalogue, in states in which nobody works on them. */
async function fill(system: System, count: number): Promise<void> {
  const books = await system.query<{ id: string }>('book', 'SELECT id FROM book');
  const rows = Array.from({ length: count }, (_, number) => ({
    id: randomUUID(),
    customer_id: randomUUID(),
    book_id: books[number % books.length]?.id,
    delivery_id: randomUUID(),
    minutes_ago: number,
  }));
  const given = `jsonb_to_recordset($1) AS row(id uuid, customer_id uuid, book_id uuid, delivery_id uuid, minutes_ago int)`;
  const when = `now() - minutes_ago * interval '1 minute'`;
  const values = [JSON.stringify(rows)];
  await system.query(
    'rental',
    `WITH row AS (SELECT * FROM ${given}), customer AS (INSERT INTO customer (id) SELECT customer_id FROM row)
     INSERT INTO rental (id, customer_id, idempotency_key, fingerprint, book_id, quantity, total_amount, currency, payment_method, status,
       holds, out_for_delivery, return_requested, inspected, requested_at, changed_at, closed_at, renewals, version)
     SELECT id, customer_id, id, '', book_id, 1, 4500, 'KRW', 'pm_card_visa', 'CLOSED', 0, false, true, true, ${when}, ${when}, ${when}, 0, 9
     FROM row`,
    values,
  );
  await system.query(
    'delivery',
    `INSERT INTO delivery (id, rental_id, customer_id, book_id, quantity, direction, status, carrier_asked, attempts, created_at, heard_at, version)
     SELECT delivery_id, id, customer_id, book_id, 1, 'OUTBOUND', 'DELIVERED', true, 1, ${when}, ${when}, 5 FROM ${given}`,
    values,
  );
}

/** What is behind the gateways of `live`: Customer, whose subscription they serve, and Rental, whose relay brings the events. */
import type { Pool } from 'pg';
import { freePort } from '../local/ports.ts';
import { type Environment, launchService, owners, services, wiringOf } from '../local/services.ts';
import { createTokenIssuer } from '../subgraphs/customer/sessions.ts';
import { eventually } from '../tests/client.ts';
import { newOrder, type Order, prepare } from './orders.ts';
import { openPool, type Servers } from './servers.ts';
import { forEach, makeSecrets } from './wiring.ts';

const PATIENCE_MS = 120_000;

export interface LiveShop {
  /** Of the router. */
  environment: Environment;
  /** Rental's database, where changes begin. */
  pool: Pool;
  /** Customer's database. */
  history: Pool;
  /** Orders of so many customers, each after so many events, all of them in the order history. */
  newOrders(count: number, events?: number): Promise<Order[]>;
  /** Waits until the order history was told so many events of these orders. */
  told(orders: readonly Order[], events: number): Promise<unknown>;
  tokensOf(orders: readonly Pick<Order, 'customerId'>[]): Promise<string[]>;
  stop(): Promise<void>;
}

export async function openLiveShop(servers: Servers): Promise<LiveShop> {
  const secrets = await makeSecrets();
  const databaseUrls = await forEach(owners, (owner) => servers.createDatabase(owner));
  const environments = wiringOf({
    ports: await forEach(services, freePort),
    host: '127.0.0.1',
    routerUrl: '',
    databaseUrls,
    natsUrl: servers.natsUrl,
    secrets,
  });
  const running = (['customer', 'rental'] as const).map((service) =>
    launchService(service, { environment: environments[service], onLine: () => {} }),
  );
  await Promise.all(running.map(({ ready }) => ready));
  const issuer = await createTokenIssuer(secrets.tokenKeys);
  const expiresAt = new Date(Date.now() + 3 * 3600_000);
  const [pool, history] = [openPool(databaseUrls.rental, 32), openPool(databaseUrls.customer, 2)];

  const told = (orders: readonly Order[], events: number) =>
    eventually(
      () => entriesOf(history, orders),
      (entries) => entries === events,
      PATIENCE_MS,
    );

  return {
    environment: environments.router,
    pool,
    history,
    told,
    async newOrders(count, events = 1) {
      const orders = Array.from({ length: count }, newOrder);
      await prepare(pool, orders, events);
      await told(orders, count * events);
      await servers.checkpoint();
      return orders;
    },
    tokensOf: (orders) =>
      Promise.all(orders.map(({ customerId: id }) => issuer.sign({ id, roles: ['CUSTOMER'] }, expiresAt))),
    async stop() {
      await Promise.all([pool.end(), history.end()]);
      await Promise.all(running.map((service) => service.stop()));
    },
  };
}

async function entriesOf(history: Pool, orders: readonly Order[]): Promise<number> {
  const { rows } = await history.query<{ entries: number }>(
    'SELECT coalesce(sum(last), 0)::int AS entries FROM order_log WHERE customer_id = ANY($1)',
    [orders.map(({ customerId }) => customerId)],
  );
  return rows[0]?.entries ?? 0;
}

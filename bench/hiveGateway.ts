/** Hive Gateway, the rival of our router in `live`. */
import type { Running } from '../local/running.ts';
import { launchInspected } from '../tests/inspect.ts';
import { installRivals, rivalNamed } from './rivals.ts';

export interface HiveOptions {
  port: number;
  /** For `memoryOf` of inspect.ts. */
  inspectPort: number;
  /** GraphQL address of the customer subgraph. */
  customerUrl: string;
  routerKey: string;
}

/** Resolves when it takes sockets at `ws://127.0.0.1:<port>/graphql`. */
export async function startHiveGateway({ port, inspectPort, customerUrl, routerKey }: HiveOptions): Promise<Running> {
  await installRivals();
  const environment = { HOST: '127.0.0.1', PORT: String(port), CUSTOMER_URL: customerUrl, ROUTER_KEY: routerKey };
  const gateway = launchInspected(rivalNamed('hive.mjs'), { environment, onLine: () => {}, inspectPort });
  await gateway.ready;
  return gateway;
}

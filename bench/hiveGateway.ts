/** Hive Gateway, the rival of our router: installed beside the project on first use, run as a process of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Running } from '../local/running.ts';
import { launchInspected } from '../tests/inspect.ts';
import { say } from './table.ts';

const FOLDER = join(import.meta.dirname, 'rivals');

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
  await install();
  const environment = { HOST: '127.0.0.1', PORT: String(port), CUSTOMER_URL: customerUrl, ROUTER_KEY: routerKey };
  const gateway = launchInspected(join(FOLDER, 'hive.mjs'), { environment, onLine: () => {}, inspectPort });
  await gateway.ready;
  return gateway;
}

/** npm writes that file when everything else is in its place. */
async function install(): Promise<void> {
  if (existsSync(join(FOLDER, 'node_modules/.package-lock.json'))) return;
  say('Installing Hive Gateway in bench/rivals (once)');
  await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', FOLDER]);
}

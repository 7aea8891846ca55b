/** `npm run migrate`: the databases made new enough for this version, before or while its services start. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readConfig } from '#platform/config.ts';
import { type DatabaseContent, migrateDatabase, whyUnreachable } from '#platform/database.ts';
import { reasonOf } from '#platform/errors.ts';
import { createLog } from '#platform/log.ts';
import { provision } from '#platform/provision.ts';
import { serviceDatabase } from '#platform/serviceDatabase.ts';
import { sandboxDatabase } from '../sandbox/database.ts';
import { bookDatabase } from '../subgraphs/book/database.ts';
import { customerDatabase } from '../subgraphs/customer/database.ts';
import { deliveryDatabase } from '../subgraphs/delivery/database.ts';
import { rentalDatabase } from '../subgraphs/rental/database.ts';
import { Complaint, print, runCommand } from './command.ts';

const HELP = `npm run migrate

Applies to the database of each service the migrations that it lacks. Services that run with MIGRATE=off wait for that, and those of
the version before go on serving meanwhile. Running it again, or twice at once, does no harm; a database that is newer stays as it is.

The environment names the databases: BOOK_DATABASE_URL, RENTAL_DATABASE_URL, DELIVERY_DATABASE_URL, CUSTOMER_DATABASE_URL, and
SANDBOX_DATABASE_URL where there is a sandbox. With ADMIN_DATABASE_URL, a server entered as an account that may create roles and
databases, those that are missing are made first, each owned by a role of the same name with the password of its URL.

Exit code: 0 when all are new enough, 2 when it could not be done.`;

/** A server that starts beside this one is there by then. */
const WAIT_FOR_SERVER_MS = 60_000;
const LOOK_AGAIN_MS = 500;

const databases = {
  BOOK_DATABASE_URL: serviceDatabase(bookDatabase),
  RENTAL_DATABASE_URL: serviceDatabase(rentalDatabase),
  DELIVERY_DATABASE_URL: serviceDatabase(deliveryDatabase),
  CUSTOMER_DATABASE_URL: serviceDatabase(customerDatabase),
  SANDBOX_DATABASE_URL: sandboxDatabase,
} as const satisfies Record<string, DatabaseContent>;
type Place = keyof typeof databases;
const places = Object.keys(databases) as Place[];

await runCommand(async () => {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const config = readConfig([...places, 'ADMIN_DATABASE_URL']);
  const given = places.flatMap((place) => (config[place] ? [[place, config[place]] as const] : []));
  if (config.ADMIN_DATABASE_URL) await makeMissing(config.ADMIN_DATABASE_URL, given);
  for (const [place, url] of given) await migrate(place, url);
  return 0;
});

async function makeMissing(adminUrl: string, given: (readonly [Place, string])[]): Promise<void> {
  await untilReachable('ADMIN_DATABASE_URL', adminUrl);
  const passwords = given.map(([place, url]) => {
    const { username, password, pathname } = new URL(url);
    const [role, database] = [decodeURIComponent(username), decodeURIComponent(pathname.slice(1))];
    if (role !== database || !password)
      throw new Complaint(`${place} must have a password, and one name for role and database, to be made here.`);
    return [database, decodeURIComponent(password)];
  });
  await provision(adminUrl, Object.fromEntries(passwords));
}

async function migrate(place: Place, url: string): Promise<void> {
  await untilReachable(place, url);
  const log = createLog('migrate', 'silent');
  const applied = await migrateDatabase({ ...databases[place], url, log }).catch((error: unknown) => {
    throw new Complaint(`${place}: a migration failed, and nothing of it was kept: ${reasonOf(error)}`);
  });
  print(`${nameOf(url)}: ${applied.length ? `applied ${applied.join(', ')}` : 'new enough'}`);
}

/** @throws Complaint naming the setting when the database cannot be entered within the time */
async function untilReachable(setting: Place | 'ADMIN_DATABASE_URL', url: string): Promise<void> {
  const until = performance.now() + WAIT_FOR_SERVER_MS;
  for (let reason = await whyUnreachable(url); reason; reason = await whyUnreachable(url)) {
    if (performance.now() > until) throw new Complaint(`${setting}: ${reason}`);
    await sleep(LOOK_AGAIN_MS);
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

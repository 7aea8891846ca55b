/** Which system a tool works on: the one that `npm start` runs on this machine, or the one that the environment names. */
import { Client } from 'pg';
import { givenSettings, readConfig } from '#platform/config.ts';
import { reasonOf } from '#platform/errors.ts';
import { connectOnce } from '#platform/nats.ts';
import { runningSystem } from '#platform/runningSystem.ts';
import { Complaint } from './command.ts';
import { type Service, type Sources, services } from './services.ts';

/** For --help. */
export const WHICH_SYSTEM = `The system is the one that "npm start" runs on this machine (RENTABOOK_DATA names its folder), unless the
environment names the databases: BOOK_DATABASE_URL, RENTAL_DATABASE_URL, DELIVERY_DATABASE_URL, CUSTOMER_DATABASE_URL,
SANDBOX_DATABASE_URL where there is a sandbox, and NATS_URL, with NATS_CREDENTIALS where that needs them.`;

const settingOf = {
  book: 'BOOK_DATABASE_URL',
  rental: 'RENTAL_DATABASE_URL',
  delivery: 'DELIVERY_DATABASE_URL',
  customer: 'CUSTOMER_DATABASE_URL',
} as const satisfies Record<Service, string>;

/** URL of one service's database. @throws Complaint when nothing runs here and the environment does not name it. */
export function databaseUrlOf(service: Service): string {
  const setting = settingOf[service];
  const url = givenSettings()[setting] ? readConfig([setting])[setting] : running()?.[service]?.DATABASE_URL;
  if (!url) throw nothingRuns();
  return url;
}

/** URLs of everything that a system keeps its books in. */
export interface Places extends Record<Service, string> {
  sandbox?: string | undefined;
  nats: string;
  natsCredentials?: string | undefined;
}

/** Connects to everything, for reading. @throws Complaint with the one that does not answer. */
export async function openSources(places: Places): Promise<Sources & { close(): Promise<void> }> {
  const opened: { end(): Promise<void> }[] = [];
  const close = async () => void (await Promise.allSettled(opened.map((one) => one.end())));
  try {
    const open = async (what: string, url: string) => {
      const client = await openForReading(what, url);
      opened.push(client);
      return client;
    };
    const [book, rental, delivery, customer, sandbox, nats] = await Promise.all([
      open("Book's database", places.book),
      open("Rental's database", places.rental),
      open("Delivery's database", places.delivery),
      open("Customer's database", places.customer),
      places.sandbox ? open("the sandbox's database", places.sandbox) : undefined,
      connectOnce({ natsUrl: places.nats, natsCredentials: places.natsCredentials }).catch((error: unknown) => {
        throw new Complaint(`NATS at ${hostOf(places.nats)} does not answer (${reasonOf(error)}).`);
      }),
    ]);
    opened.push({ end: () => nats.close() });
    return { book, rental, delivery, customer, sandbox, nats, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws Complaint when nothing runs here and the environment names nothing, ConfigError when it names only a part. */
export function findPlaces(): Places {
  const given = givenSettings();
  if (services.some((service) => given[settingOf[service]])) {
    const config = readConfig([
      ...services.map((service) => settingOf[service]),
      'SANDBOX_DATABASE_URL',
      'NATS_URL',
      'NATS_CREDENTIALS',
    ]);
    return {
      book: config.BOOK_DATABASE_URL,
      rental: config.RENTAL_DATABASE_URL,
      delivery: config.DELIVERY_DATABASE_URL,
      customer: config.CUSTOMER_DATABASE_URL,
      sandbox: config.SANDBOX_DATABASE_URL,
      nats: config.NATS_URL,
      natsCredentials: config.NATS_CREDENTIALS,
    };
  }
  const { book, rental, delivery, customer, sandbox } = running() ?? {};
  if (!book?.NATS_URL || !rental || !delivery || !customer) throw nothingRuns();
  return {
    book: book.DATABASE_URL,
    rental: rental.DATABASE_URL,
    delivery: delivery.DATABASE_URL,
    customer: customer.DATABASE_URL,
    sandbox: sandbox?.DATABASE_URL,
    nats: book.NATS_URL,
  };
}

const running = () => runningSystem(readConfig(['RENTABOOK_DATA']).RENTABOOK_DATA);

const nothingRuns = () =>
  new Complaint(
    `Start the system first (npm start): none is running on the data in ${readConfig(['RENTABOOK_DATA']).RENTABOOK_DATA}, and the environment names no databases.`,
  );

/** A connection that cannot write, whatever is sent through it. Its statements may take long. */
const openForReading = (what: string, url: string): Promise<Client> =>
  openDatabase(what, url, '-c default_transaction_read_only=on -c statement_timeout=600000');

/** @throws Complaint when the database does not answer. */
export async function openDatabase(what: string, url: string, options = '-c statement_timeout=10000'): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'rentabook operate',
    options,
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {}); // it never began
    throw new Complaint(`${what} at ${hostOf(url)} does not answer (${reasonOf(error)}).`);
  }
}

const hostOf = (url: string): string => new URL(url).host;

/** The people of the installed shop, what they follow, and what its books must say of it afterwards. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import type { Role } from '#platform/tokens.ts';
import type { Owner } from '../../local/services.ts';
import { createTokenIssuer } from '../../subgraphs/customer/sessions.ts';
import { askDatabase } from '../askDatabase.ts';
import { addBook, type Client, clientOf, eventually, idOf, signIn } from '../client.ts';
import { runCommand } from '../command.ts';
import { type Follower, follow } from '../followers.ts';
import { beginningOf, changesOf } from '../live.ts';
import { kubectl } from './cluster.ts';
import type { Names, Place } from './place.ts';

const PASSWORD = 'a long enough password';
/** For thousands of held requests on a machine that still does other things. */
const QUIET_MS = 300_000;

const SIGN_UP = 'mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken userErrors { code message } } }';
const SET_ROLES =
  'mutation ($id: ID!, $roles: [Role!]!) { setRoles(customerId: $id, roles: $roles) { userErrors { code } } }';

/** An account with this address, made where there is none, and a session of it that begins now. */
export async function signInAs(url: string, email: string): Promise<Client> {
  const { signUp } = await clientOf(url).data(SIGN_UP, { input: { email, password: PASSWORD, name: 'A Person' } });
  return signUp.accessToken ? clientOf(url, signUp.accessToken) : signIn(url, email, PASSWORD);
}

export const rolesOf = ({ token }: Client): Role[] => decodeJwt<{ roles: Role[] }>(token ?? '').roles;

/** Staff, by the hand of somebody who has ADMIN. */
export async function staffOf(url: string, superuser: string): Promise<Client> {
  const [admin, person] = [await signInAs(url, superuser), await signInAs(url, 'staff@shop.test')];
  await admin.data(SET_ROLES, { id: idOf(person), roles: ['CUSTOMER', 'STAFF'] satisfies Role[] });
  return signInAs(url, 'staff@shop.test');
}

/** Titles with so many copies each. */
export const addBooks = (staff: Client, titles: number, copies: number): Promise<string[]> =>
  Promise.all(Array.from({ length: titles }, () => addBook(staff, copies)));

/** Customers with a token for an hour, signed with the key of the release: to hash the passwords of hundreds takes longer than most steps. */
export async function crowdOf(place: Place, { namespace, release }: Names, count: number): Promise<Client[]> {
  const secret = await kubectl(
    'get',
    'secret',
    '-n',
    namespace,
    `${release}-made`,
    '-o',
    'jsonpath={.data.TOKEN_KEYS}',
  );
  const issuer = await createTokenIssuer(Buffer.from(secret, 'base64').toString());
  const until = new Date(Date.now() + 3_600_000);
  const tokens = Array.from({ length: count }, () =>
    issuer.sign({ id: randomUUID(), roles: ['CUSTOMER'] as Role[] }, until),
  );
  return (await Promise.all(tokens)).map((token) => clientOf(place.url, token));
}

export const followAll = (url: string, customers: Client[]): Follower[] =>
  customers.map((customer) => follow('WebSocket', url, customer.token ?? '', beginningOf(idOf(customer))));

interface Books {
  query<Row>(owner: Owner, sql: string, values?: unknown[]): Promise<Row[]>;
}

const inBooks = <T>(place: Place, work: (books: Books) => Promise<T>): Promise<T> =>
  place.reached(({ databaseUrl }) =>
    work({ query: (owner, sql, values = []) => askDatabase(databaseUrl(owner), sql, values) }),
  );

/** Resolves when every request is decided and Customer has heard of it. */
export const whenQuiet = (place: Place): Promise<unknown> =>
  inBooks(place, ({ query }) =>
    eventually(
      async () => {
        const [open] = await query<{ count: number }>(
          'rental',
          "SELECT count(*)::int FROM rental WHERE status IN ('REQUESTED', 'ON_HOLD')",
        );
        const [owed] = await query<{ count: number }>('rental', 'SELECT count(*)::int FROM rental');
        const [heard] = await query<{ count: number }>(
          'customer',
          "SELECT count(*)::int FROM customer_order WHERE status NOT IN ('REQUESTED', 'ON_HOLD')",
        );
        return { open: open?.count, unheard: (owed?.count ?? 0) - (heard?.count ?? 0) };
      },
      ({ open, unheard }) => open === 0 && unheard === 0,
      QUIET_MS,
    ),
  );

export interface Following {
  reconnects: number;
  changes: number;
  /** Followers who were told something else than what is in their customer's log, in their order. */
  wrong: string[];
}

/** Waits until each follower has been told as much as there is, and compares. Sends them away. */
export async function judge(place: Place, customers: Client[], followers: Follower[]): Promise<Following> {
  const logs = await inBooks(place, (books) =>
    Promise.all(customers.map((customer) => changesOf(books, idOf(customer)))),
  );
  await eventually(
    () => followers.every((follower, n) => follower.told().length >= (logs[n]?.length ?? 0)),
    Boolean,
    30_000,
  ).catch(() => {}); // what they were not told shows below
  await Promise.all(followers.map((follower) => follower.stop()));
  const wrong = followers.flatMap((follower, n) => {
    const [told = [], log = []] = [follower.told(), logs[n] ?? []].map((all) =>
      all.map(({ cursor, status }) => `${cursor} ${status}`),
    );
    if (told.join() === log.join() && !follower.faults.length) return [];
    const missing = log.filter((change) => !told.includes(change)).length;
    const doubled = told.length - new Set(told).size;
    return [
      `told ${told.length} of ${log.length}, ${missing} missing, ${doubled} doubled ${follower.faults.join(' ')}`,
    ];
  });
  return {
    reconnects: followers.reduce((sum, { reconnects }) => sum + reconnects - 1, 0), // the last one was ours
    changes: logs.reduce((sum, { length }) => sum + length, 0),
    wrong,
  };
}

/** Copies of each of these titles that rentals hold. */
export const lentOf = (place: Place, bookIds: string[]): Promise<Record<string, number>> =>
  inBooks(place, async ({ query }) => {
    const rows = await query<{ book_id: string; copies: number }>(
      'rental',
      `SELECT book_id, sum(quantity)::int AS copies FROM rental
       WHERE book_id = ANY($1) AND status NOT IN ('REQUESTED', 'ON_HOLD', 'REJECTED', 'CANCELLED') GROUP BY book_id`,
      [bookIds],
    );
    return Object.fromEntries(rows.map(({ book_id, copies }) => [book_id, copies]));
  });

/** `npm run reconcile`: its last words, and whether the services' books agree. */
export const reconcile = (place: Place): Promise<{ agree: boolean; said: string }> =>
  place.reached(async ({ databaseUrl, natsUrl }) => {
    const owners = ['book', 'rental', 'delivery', 'customer', 'sandbox'] as const;
    const settings = Object.fromEntries(
      owners.map((owner) => [`${owner.toUpperCase()}_DATABASE_URL`, databaseUrl(owner)]),
    );
    const file = join(import.meta.dirname, '../../operate/reconcile.ts');
    const { code, stdout, stderr } = await runCommand(file, { ...settings, NATS_URL: natsUrl });
    return { agree: code === 0, said: code === 0 ? (stdout.trim().split('\n').at(-1) ?? '') : `${stdout}${stderr}` };
  });

/**
 * How often somebody may try a password. An attempt is counted before the password is looked at, so that guesses sent together
 * count as well, and for unknown accounts alike; in the database, for all replicas. Why these numbers: docs/decisions/0008-accounts.md.
 */
import { createHash } from 'node:crypto';
import { type EntityManager, query } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import { networkOf } from '#platform/network.ts';

const WINDOW_MINUTES = 15;
const OF_A_PAIR = 10;
const OF_AN_ACCOUNT = 100;
const OF_AN_ADDRESS = 100;

/** Of an account, or of none, from somewhere. */
export interface Attempt {
  emailKey: string;
  /** The address that it comes from. */
  client: string;
}

interface Tally {
  key: string;
  limit: number;
  whose: string;
}

/**
 * The narrowest first: a guess that it refuses is none, and counts against nobody else. So a stranger closes an account to their
 * own address, and to the owner only from ten addresses at once.
 */
function talliesOf({ emailKey, client }: Attempt): [Tally, Tally, Tally] {
  const network = networkOf(client);
  return [
    { key: hash('pair', emailKey, network), limit: OF_A_PAIR, whose: 'for this account from your network' },
    { key: hash('address', network), limit: OF_AN_ADDRESS, whose: 'from your network' },
    { key: hash('account', emailKey), limit: OF_AN_ACCOUNT, whose: 'for this account' },
  ];
}

/** @throws Refusal TOO_MANY_ATTEMPTS that says when to come again */
export async function countAttempt(em: EntityManager, attempt: Attempt): Promise<void> {
  const counted: string[] = [];
  for (const { key, limit, whose } of talliesOf(attempt)) {
    if (await count(em, key, limit)) {
      counted.push(key);
      continue;
    }
    await takeOff(em, counted); // refused, it was no guess
    const minutes = await minutesLeft(em, key);
    const when = minutes > 1 ? `in ${minutes} minutes` : 'in a minute';
    throw new Refusal('TOO_MANY_ATTEMPTS', `There were too many attempts ${whose}; try again ${when}.`);
  }
}

/** The password was right: what came before it is forgotten, and it counts for nothing, or the honest many behind one address would add up. */
export async function forgiveAttempt(em: EntityManager, attempt: Attempt): Promise<void> {
  const [pair, ...totals] = talliesOf(attempt);
  await takeOff(
    em,
    totals.map(({ key }) => key),
  );
  await query(em, 'DELETE FROM attempt WHERE key_hash = $1', [pair.key]);
  await query(
    em,
    `DELETE FROM attempt WHERE key_hash IN (
       SELECT key_hash FROM attempt WHERE since < ${WINDOW_START} ORDER BY since LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
  );
}

const WINDOW = `interval '${WINDOW_MINUTES} minutes'`;
const WINDOW_START = `now() - ${WINDOW}`;

/** One more, unless there are as many as may be; in one statement, so that of many at once no more get through. */
async function count(em: EntityManager, key: string, limit: number): Promise<boolean> {
  const rows = await query(
    em,
    `INSERT INTO attempt AS known VALUES ($1, 1, now())
     ON CONFLICT (key_hash) DO UPDATE SET
       attempts = CASE WHEN known.since < ${WINDOW_START} THEN 1 ELSE known.attempts + 1 END,
       since = CASE WHEN known.since < ${WINDOW_START} THEN now() ELSE known.since END
     WHERE known.attempts < $2 OR known.since < ${WINDOW_START}
     RETURNING key_hash`,
    [key, limit],
  );
  return rows.length > 0;
}

/** One by one: two statements that lock several rows each could wait for one another. */
async function takeOff(em: EntityManager, keys: string[]): Promise<void> {
  for (const key of keys)
    await query(em, 'UPDATE attempt SET attempts = attempts - 1 WHERE key_hash = $1 AND attempts > 0', [key]);
}

async function minutesLeft(em: EntityManager, key: string): Promise<number> {
  const [left] = await query<{ minutes: number }>(
    em,
    `SELECT ceil(extract(epoch FROM since + ${WINDOW} - now()) / 60)::int AS minutes FROM attempt WHERE key_hash = $1`,
    [key],
  );
  return left?.minutes ?? 1;
}

/** Neither e-mail addresses nor where people are stand in the table. */
const hash = (...parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

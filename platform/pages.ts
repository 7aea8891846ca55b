/** Cursor pages as the GraphQL Cursor Connections specification has them: forward only, bounded, by keyset. */
import { badUserInput } from './errors.ts';
import { isId } from './ids.ts';

export interface PageArgs {
  first: number;
  after?: string | null;
}

/** The ordering columns of a row, first to last; what a cursor holds. */
export type Keys = (string | number)[];

export interface Connection<T> {
  edges: { cursor: string; node: T }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

const MAX_PAGE = 100;

/** PostgreSQL's types of ordering columns; a cursor is the client's to forge, so each key is checked before it is sent there. */
const isOf = {
  uuid: isId,
  timestamptz: (key) => typeof key === 'string' && !Number.isNaN(Date.parse(key)),
  text: (key) => typeof key === 'string' && key.isWellFormed() && !key.includes('\0'),
  int: (key) => Number.isInteger(key) && Math.abs(Number(key)) < 2 ** 31,
  bigint: (key) => Number.isSafeInteger(key),
} satisfies Record<string, (key: string | number) => boolean>;
type KeyType = keyof typeof isOf;

/** Checked bounds: ask the database for `limit` rows after `keys`. @throws BAD_USER_INPUT for a size outside 1 to 100, or a cursor that is none of this list. */
export function pageOf({ first, after }: PageArgs, types: readonly KeyType[]): { limit: number; keys: Keys | null } {
  if (first < 1 || first > MAX_PAGE) throw badUserInput(`"first" must be from 1 to ${MAX_PAGE}, not ${first}.`);
  const limit = first + 1; // one more tells whether there is a next page
  if (after === null || after === undefined) return { limit, keys: null };
  const keys = decode(after);
  const fits = keys?.length === types.length && types.every((type, place) => isOf[type](keys[place] ?? ''));
  if (!fits) throw badUserInput('"after" is not a cursor of this list.');
  return { limit, keys };
}

/** Makes the connection from up to `first + 1` rows. */
export function connectionOf<T>(rows: T[], { first, after }: PageArgs, keysOf: (row: T) => Keys): Connection<T> {
  const edges = rows.slice(0, first).map((node) => ({ cursor: encode(keysOf(node)), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: Boolean(after),
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

const encode = (keys: Keys): string => Buffer.from(JSON.stringify(keys)).toString('base64url');

function decode(cursor: string): Keys | null {
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const plain = Array.isArray(keys) && keys.every((key) => typeof key === 'string' || typeof key === 'number');
    return plain ? (keys as Keys) : null; // just checked
  } catch {
    return null;
  }
}

const YEAR_MINUTES = 365 * 24 * 60;

/** The instant so many minutes ago, for filters such as `stuckForMinutes`. @throws BAD_USER_INPUT for less than none or more than ten years. */
export function minutesAgo(minutes: number): Date {
  if (minutes < 0 || minutes > 10 * YEAR_MINUTES)
    throw badUserInput(`${minutes} is no number of minutes to look back.`);
  return new Date(Date.now() - minutes * 60_000);
}

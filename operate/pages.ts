/** Tables of any size, read in short statements in the order of an id, and laid side by side across databases. */
import type { Client } from 'pg';

/** 2,000 rows at a time: a statement of some milliseconds, whose snapshot holds up no vacuum. */
export const PAGE = 2000;

export interface Row {
  id: string;
}

export interface Table {
  client: Client;
  /** A SELECT whose first column is `id`, up to its WHERE, with an AND at the end where it has conditions of its own. */
  select: string;
  /** What `id` is made of: a column, or an expression that has an index. */
  key: string;
  /** A GROUP BY, where a row is made of several. */
  group?: string;
  /** Less than any id. */
  before?: string;
}

const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** All rows in the order of their ids, or only those of the given ids. */
export async function* rowsOf<R extends Row>(
  { client, select, key, group = '', before = NO_UUID }: Table,
  only: string[] | null,
): AsyncGenerator<R, void, undefined> {
  if (only) {
    const ids = [...new Set(only)].sort();
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE);
      yield* (await client.query<R>(`${select} ${key} = ANY($1) ${group} ORDER BY ${key}`, [page])).rows;
    }
    return;
  }
  for (let after = before; ; ) {
    const { rows } = await client.query<R>(`${select} ${key} > $1 ${group} ORDER BY ${key} LIMIT ${PAGE}`, [after]);
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.id;
  }
}

type Side = AsyncGenerator<Row, void, undefined>;
type RowOf<S> = S extends AsyncGenerator<infer R, void, undefined> ? R : never;

/** For each id that any side has, in order: what each of them has under it. Every side has an id once, in order. */
export async function* sideBySide<S extends Record<string, Side>>(
  sides: S,
): AsyncGenerator<{ id: string } & { [N in keyof S]: RowOf<S[N]> | undefined }> {
  const heads = await Promise.all(
    Object.entries(sides).map(async ([name, side]) => ({ name, side, row: (await side.next()).value })),
  );
  for (;;) {
    const ids = heads.flatMap(({ row }) => (row ? [row.id] : []));
    const [id] = ids.sort();
    if (id === undefined) return;
    const found: Record<string, unknown> = { id };
    for (const head of heads) {
      if (head.row?.id !== id) continue;
      found[head.name] = head.row;
      head.row = (await head.side.next()).value;
    }
    yield found as { id: string } & { [N in keyof S]: RowOf<S[N]> | undefined }; // one entry at most for each side
  }
}

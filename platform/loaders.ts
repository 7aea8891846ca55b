/** Rows asked for one by one, read in one statement: the gateway does not merge entity references, so a list would cost a query a row. */
import type { EntityClass } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { EntityManager } from './database.ts';
import { isId } from './ids.ts';

export interface LoaderOptions {
  /** Whether a row is kept once it is read: for one request, not for what goes on. */
  cache: boolean;
}

/** Of what goes on: so many rows at once, however many ask. */
const MAX_BATCH = 500;

/** The row of each id, or null where there is none or the id is malformed. One loader per request; without a cache it may be shared. */
export function rowsById<T extends { id: string }>(
  em: () => EntityManager,
  entity: EntityClass<T>,
  options: LoaderOptions = { cache: true },
): DataLoader<string, T | null> {
  return new DataLoader(
    async (ids) => {
      const wanted = ids.filter(isId);
      const rows = wanted.length ? await em().find(entity, { id: { $in: wanted } } as never) : []; // every T has an id
      const found = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => found.get(id) ?? null);
    },
    { ...options, maxBatchSize: MAX_BATCH },
  );
}

/** All rows that belong to each owner, in `order`. */
export function rowsByOwner<T extends object, K extends keyof T & string>(
  em: () => EntityManager,
  entity: EntityClass<T>,
  owner: K,
  order: { [field in keyof T]?: 'asc' | 'desc' },
  options: LoaderOptions = { cache: true },
): DataLoader<string, T[]> {
  return new DataLoader(
    async (ids) => {
      const where = { [owner]: { $in: ids.filter(isId) } } as never; // `owner` is a field of T, and so are the keys of `order`
      const rows = await em().find(entity, where, { orderBy: order as never });
      const groups = Map.groupBy(rows, (row) => String(row[owner]));
      return ids.map((id) => groups.get(id) ?? []);
    },
    { ...options, maxBatchSize: MAX_BATCH },
  );
}

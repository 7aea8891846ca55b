/** Rows asked for one by one, read in one statement: the gateway does not merge entity references, so a list would cost a query a row. */
import type { EntityClass } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { EntityManager } from './database.ts';
import { isId } from './ids.ts';

/** The row of each id, or null where there is none or the id is malformed. One loader per request. */
export function rowsById<T extends { id: string }>(
  em: EntityManager,
  entity: EntityClass<T>,
): DataLoader<string, T | null> {
  return new DataLoader(async (ids) => {
    const wanted = ids.filter(isId);
    const rows = wanted.length ? await em.find(entity, { id: { $in: wanted } } as never) : []; // every T has an id
    const found = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => found.get(id) ?? null);
  });
}

/** All rows that belong to each owner, in `order`. */
export function rowsByOwner<T extends object, K extends keyof T & string>(
  em: EntityManager,
  entity: EntityClass<T>,
  owner: K,
  order: { [field in keyof T]?: 'asc' | 'desc' },
): DataLoader<string, T[]> {
  return new DataLoader(async (ids) => {
    const where = { [owner]: { $in: ids.filter(isId) } } as never; // `owner` is a field of T, and so are the keys of `order`
    const rows = await em.find(entity, where, { orderBy: order as never });
    const groups = Map.groupBy(rows, (row) => String(row[owner]));
    return ids.map((id) => groups.get(id) ?? []);
  });
}

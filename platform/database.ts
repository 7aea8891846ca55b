/** One database per service, one way into it: MikroORM for entities, its Kysely and plain SQL for the statements that must be fast. */
import { FlushMode, raw } from '@mikro-orm/core';
import { type Migration, Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import { Client, type Pool, type PoolClient } from 'pg';
import { codeOf } from './errors.ts';
import type { Log } from './log.ts';

export type Orm = MikroORM;
export type { EntityManager } from '@mikro-orm/postgresql';

export interface DatabaseOptions {
  url: string;
  entities: NonNullable<Options['entities']>;
  /** In the order they were written. A name is kept in the database and never changes. */
  migrations: { name: string; class: new (...args: ConstructorParameters<typeof Migration>) => Migration }[];
  log: Log;
  /** Connections at most. */
  pool?: number;
}

/** Connected, with every migration applied. @throws when the database cannot be reached or a migration fails. */
export async function openDatabase({ url, entities, migrations, log, pool = 10 }: DatabaseOptions): Promise<Orm> {
  const orm = await MikroORM.init({
    clientUrl: url,
    entities,
    extensions: [Migrator],
    migrations: { migrationsList: migrations, tableName: 'migration', snapshot: false },
    pool: { min: 0, max: pool },
    driverOptions: {
      connectionTimeoutMillis: 3000,
      statement_timeout: 10_000,
      idle_in_transaction_session_timeout: 10_000,
      onPoolCreated: (pool: Pool) => pool.on('connect', prepareStatements),
    },
    logger: (message) => log.debug(message),
  });
  await migrate(orm, url);
  return orm;
}

/**
 * Their result changes with the table: PostgreSQL refuses such a prepared statement after a column was added. The pattern is
 * wider than that: it leaves out what multiplies, or names all columns of an array, as well.
 */
const EVERY_COLUMN = /[\s.]\*/;

/**
 * Statements with parameters are those of `query`, a fixed set: each is planned once for a connection, not each time. (What
 * MikroORM makes has its values written out, and is planned anew.)
 */
function prepareStatements(client: PoolClient): void {
  const send = client.query.bind(client) as (...args: unknown[]) => unknown; // one of pg's many ways to call it
  const prepared = (text: unknown, values: unknown, ...rest: unknown[]) =>
    typeof text === 'string' && Array.isArray(values) && values.length && !EVERY_COLUMN.test(text)
      ? send({ name: nameOf(text), text, values }, ...rest)
      : send(text, values, ...rest);
  Object.assign(client, { query: prepared });
}

const names = new Map<string, string>();
function nameOf(text: string): string {
  const name = names.get(text) ?? `s${names.size + 1}`;
  names.set(text, name);
  return name;
}

/** Replicas that start together take turns: an advisory lock on a connection of its own, gone with it. */
async function migrate(orm: Orm, url: string): Promise<void> {
  const lock = new Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  await lock.connect();
  try {
    await lock.query("SELECT pg_advisory_lock(hashtext('rentabook migrations'))");
    await orm.migrator.up();
  } finally {
    await lock.end();
  }
}

/** Three tries outlast any deadlock seen. */
const TRIES = 3;

/** Does the work again from the start after a deadlock or a serialization failure: until then it must have had no effect. */
export async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === TRIES || !['40P01', '40001'].includes(codeOf(error))) throw error;
    }
  }
}

/**
 * Runs the work in one transaction, with an identity map of its own; a conflict with another one starts it again. With
 * FlushMode.COMMIT changes are written at its end alone, and queries before that do not see them.
 */
export const transaction = <T>(
  em: EntityManager,
  work: (em: EntityManager) => Promise<T>,
  flushMode: FlushMode = FlushMode.AUTO,
): Promise<T> => retryConflicts(() => em.fork({ flushMode }).transactional(work, { flushMode }));

/** One statement with `$1`, `$2` … in it, inside the transaction of `em` if it has one. Answers the rows as the driver gives them. */
export async function query<Row>(em: EntityManager, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  const { rows } = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, [...values]));
  return rows;
}

/** So many milliseconds from now by the database's clock, which all replicas share, to be stored in a column of an entity. */
export const databaseTime = (ms = 0): Date => raw(`clock_timestamp() + ? * interval '1 ms'`, [ms]) as unknown as Date; // MikroORM takes it in place of the value

/**
 * No answer from the database (08, 57P, a code of Node's), or one that cannot do anything just now (53: disk full, too many
 * connections; 58: its disk fails; 57014: a statement that took too long, or waited so for a lock; 25P03: this process was paused), says nothing about the work: such a failure is waited out, not counted.
 */
export const databaseIsAway = (error: unknown): boolean =>
  /^(08|53|57P|57014|58|25P03|E[A-Z]+$)/.test(codeOf(error)) ||
  (error instanceof Error &&
    !codeOf(error) &&
    /connection terminated|timeout exceeded when trying to connect/i.test(error.message));

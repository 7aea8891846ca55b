/** One database per service, one way into it: MikroORM for entities, its Kysely and plain SQL for the statements that must be fast. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityName, FlushMode, raw } from '@mikro-orm/core';
import { type Migration, Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import { Client, type Pool, type PoolClient } from 'pg';
import { codeOf, reasonOf } from './errors.ts';
import type { Log } from './log.ts';

export type Orm = MikroORM;
export type { EntityManager } from '@mikro-orm/postgresql';

/** What is in a database: tables as MikroORM knows them, and how they came about. */
export interface DatabaseContent {
  entities: NonNullable<Options['entities']>;
  /** In the order they were written. A name is kept in the database and never changes. */
  migrations: { name: string; class: new (...args: ConstructorParameters<typeof Migration>) => Migration }[];
}

export interface DatabaseOptions extends DatabaseContent {
  url: string;
  log: Log;
  /** Connections at most. */
  pool?: number;
  /** Apply the migrations; otherwise they are waited for. */
  migrate?: boolean;
}

/**
 * Connected, with a schema that has every migration, and may have newer ones. Waits for the database, and for migrations that
 * are not its own to apply, as long as it takes. @throws when a migration fails.
 */
export async function openDatabase({ migrate = true, ...options }: DatabaseOptions): Promise<Orm> {
  const { url, migrations, log } = options;
  await untilReachable(url, log);
  const orm = await connectOrm(options);
  if (!migrate) await untilMigrated(orm, migrations, log);
  else if (await missingMigration(orm, migrations)) await migrateDatabase(options); // an index of many rows takes longer than a service's statement may
  return orm;
}

/**
 * Applies the migrations that are missing, one service at a time and beside services that serve: a lock that is not to be had
 * within half a second is waited for anew, so that nobody waits behind this for long. Answers their names. @throws when one fails
 */
export async function migrateDatabase(options: Omit<DatabaseOptions, 'migrate' | 'pool'>): Promise<string[]> {
  const orm = await connectOrm(options, { statement_timeout: 0, lock_timeout: LOCK_WAIT_MS });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await applyMigrations(orm, options.url);
      } catch (error) {
        if (attempt === LOCK_TRIES || codeOf(error) !== LOCK_NOT_AVAILABLE) throw error;
        await sleep(LOCK_PAUSE_MS);
      }
    }
  } finally {
    await orm.close();
  }
}

const LOCK_NOT_AVAILABLE = '55P03';
const LOCK_WAIT_MS = 500;
const LOCK_PAUSE_MS = 1000;
const LOCK_TRIES = 120;

function connectOrm({ url, entities, migrations, log, pool = 10 }: DatabaseOptions, timeouts = SERVING): Promise<Orm> {
  return MikroORM.init({
    clientUrl: url,
    entities,
    extensions: [Migrator],
    // Each in a transaction of its own: an index that is built beside those who serve can have none around it.
    migrations: { migrationsList: migrations, tableName: 'migration', snapshot: false, allOrNothing: false },
    pool: { min: 0, max: pool },
    driverOptions: {
      connectionString: url, // MikroORM takes it apart and loses what it says of TLS
      connectionTimeoutMillis: POOL_WAIT_MS,
      ...timeouts,
      idle_in_transaction_session_timeout: 10_000,
      onPoolCreated: (pool: Pool) =>
        pool.on('connect', (client) => {
          prepareStatements(client);
          if (timeouts === SERVING) cutWhenSilent(client);
        }),
    },
    logger: (message) => log.debug(message),
  });
}

/** For a connection, also one of the pool that is in use: below the router's patience of 10 s, above a stall of a busy machine. */
const POOL_WAIT_MS = 8000;
const SERVING = { statement_timeout: 10_000, lock_timeout: 0 };
const WAIT_MS = 500;
const TELL_EVERY_MS = 60_000;

/** Tells at once what is waited for, and each minute again. */
async function waitFor(reasonToWait: () => Promise<string | null>, log: Log): Promise<void> {
  let tellAt = 0;
  for (let reason = await reasonToWait(); reason; reason = await reasonToWait()) {
    if (performance.now() >= tellAt) {
      log.warn(reason);
      tellAt = performance.now() + TELL_EVERY_MS;
    }
    await sleep(WAIT_MS);
  }
}

const untilReachable = (url: string, log: Log): Promise<void> => waitFor(() => whyUnreachable(url), log);

/** Why the database cannot be entered, in a sentence without the password; null when it can. */
export async function whyUnreachable(url: string): Promise<string | null> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  client.on('error', () => {}); // it has answered already
  try {
    await client.connect();
    return null;
  } catch (error) {
    const { host, pathname } = new URL(url);
    return `The database ${pathname.slice(1)} at ${host} cannot be entered: ${reasonOf(error)}.`;
  } finally {
    await client.end().catch(() => {}); // it may never have begun
  }
}

const untilMigrated = (orm: Orm, migrations: DatabaseOptions['migrations'], log: Log): Promise<void> =>
  waitFor(async () => {
    const missing = await missingMigration(orm, migrations);
    return missing ? `The schema is older than this version needs: the migration ${missing.name} is missing.` : null;
  }, log);

async function missingMigration(orm: Orm, migrations: DatabaseOptions['migrations']) {
  const applied = await appliedMigrations(orm);
  return migrations.find(({ name }) => !applied.includes(name));
}

async function appliedMigrations(orm: Orm): Promise<string[]> {
  try {
    return (await query<{ name: string }>(orm.em, 'SELECT name FROM migration')).map(({ name }) => name);
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE || databaseIsAway(error)) return [];
    throw error;
  }
}
const UNDEFINED_TABLE = '42P01';

/**
 * A server that went away without a word is waited for by TCP for a quarter of an hour. No statement takes longer than ten
 * seconds, and no connection is kept idle for longer.
 */
function cutWhenSilent(client: PoolClient): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection; // pg's types do not tell of it
  stream.setTimeout(SILENT_MS, () => stream.destroy(new Error('Connection terminated: the database says nothing')));
}
const SILENT_MS = 12_000;

/** Their result changes with the table: PostgreSQL refuses such a prepared statement after a column was added. */
const EVERY_COLUMN = /(\bSELECT(\s+DISTINCT)?|\bRETURNING|,)\s*\*|\.\*/i;

/**
 * Statements with parameters are those of `query`: each is planned once for a connection, not each time. (What MikroORM makes
 * has its values written out, and is planned anew.)
 */
function prepareStatements(client: PoolClient): void {
  const send = client.query.bind(client) as (...args: unknown[]) => unknown; // one of pg's many ways to call it
  const prepared = (text: unknown, values: unknown, ...rest: unknown[]) =>
    typeof text === 'string' && Array.isArray(values) && values.length && !EVERY_COLUMN.test(text)
      ? send({ name: nameOf(text), text, values }, ...rest)
      : send(text, values, ...rest);
  Object.assign(client, { query: prepared });
}

/** A connection keeps what it has planned for as long as it lives, and a statement that is made of what people ask has many texts. */
const MOST_PREPARED = 300;
const names = new Map<string, string>();

/** Undefined: to be planned each time. */
function nameOf(text: string): string | undefined {
  if (!names.has(text) && names.size < MOST_PREPARED) names.set(text, `s${names.size + 1}`);
  return names.get(text);
}

/** Replicas that start together take turns: an advisory lock on a connection of its own, gone with it. Answers the names. */
async function applyMigrations(orm: Orm, url: string): Promise<string[]> {
  const lock = new Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  lock.on('error', () => {}); // what comes of it the migrations tell, on a connection of theirs
  await lock.connect();
  try {
    await waitForTurn(lock);
    return (await orm.migrator.up()).map(({ name }) => name);
  } finally {
    await lock.end();
  }
}

/** By asking again: who waits inside a statement holds a snapshot, and an index that is built CONCURRENTLY waits for that. */
async function waitForTurn(lock: Client): Promise<void> {
  const ask = async () => {
    const { rows } = await lock.query("SELECT pg_try_advisory_lock(hashtext('rentabook migrations')) AS mine");
    return rows[0].mine;
  };
  while (!(await ask())) await sleep(TURN_MS);
}
const TURN_MS = 100;

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

/** The columns of an entity's table, of that name in the statement: for one that answers whole rows and is to be planned once. */
export const columnsOf = (em: EntityManager, entity: EntityName<object>, table: string): string =>
  em
    .getMetadata(entity)
    .props.flatMap(({ fieldNames }) => fieldNames.map((name) => `${table}.${name}`))
    .join(', ');

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

/** How a service comes to its database: what it waits for, and what it makes of the URL. */
import { Migration } from '@mikro-orm/migrations';
import { pino } from 'pino';
import { eventually } from '../tests/client.ts';
import { createDatabase } from '../tests/services.ts';
import { openWire } from '../tests/wire.ts';
import { databaseIsAway, migrateDatabase, openDatabase, query, whyUnreachable } from './database.ts';
import { createLog } from './log.ts';
import { OutboxRow } from './outbox.ts';

class First extends Migration {
  override up(): void {
    this.addSql('CREATE TABLE thing (id int PRIMARY KEY)');
  }
}
class Second extends Migration {
  override up(): void {
    this.addSql('ALTER TABLE thing ADD colour text');
  }
}
class Broken extends Migration {
  override up(): void {
    this.addSql('ALTER TABLE thing ADD size text');
    this.addSql('ALTER TABLE nothing ADD size text');
  }
}
class Mended extends Migration {
  override up(): void {
    this.addSql('ALTER TABLE thing ADD size text');
  }
}

class Index extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('CREATE INDEX CONCURRENTLY thing_colour ON thing (colour)');
  }
}

const first = { name: 'first', class: First };
const second = { name: 'second', class: Second };
const log = createLog('test', 'silent');
const older = { entities: [OutboxRow], migrations: [first], log };
const newer = { entities: [OutboxRow], migrations: [first, second], log };

/** A log whose lines are kept. */
function keptLog() {
  const lines: string[] = [];
  return { lines, log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line).msg) }) };
}

test('a service that does not migrate waits until its schema is new enough, and serves at a newer one', async () => {
  const url = await createDatabase('schema');
  const kept = keptLog();
  await migrateDatabase({ ...older, url });

  const opening = openDatabase({ ...newer, url, migrate: false, log: kept.log });
  await eventually(
    async () => kept.lines,
    (lines) => lines.length > 0,
  );
  const before = await openDatabase({ ...older, url, migrate: false });
  expect(await migrateDatabase({ ...newer, url })).toEqual(['second']);

  const orm = await opening;
  expect(kept.lines).toEqual(['The schema is older than this version needs: the migration second is missing.']);
  await before.close();
  const again = await openDatabase({ ...older, url, migrate: false }); // as after a rollback to the older version
  await Promise.all([orm.close(), again.close()]);
});

test('the older version finds nothing to do in a newer schema, and changes nothing', async () => {
  const url = await createDatabase('schema');
  await migrateDatabase({ ...newer, url });

  expect(await migrateDatabase({ ...older, url })).toEqual([]);
  const orm = await openDatabase({ ...older, url });
  expect(await query(orm.em.fork(), 'SELECT colour FROM thing')).toEqual([]);
  await orm.close();
});

test('of a migration that fails nothing is kept, and the next try begins with it', async () => {
  const url = await createDatabase('schema');
  await migrateDatabase({ ...older, url });

  const broken = { ...older, migrations: [first, second, { name: 'broken', class: Broken }], url };
  await expect(migrateDatabase(broken)).rejects.toThrow('relation "nothing" does not exist');
  const mended = { ...broken, migrations: [first, second, { name: 'broken', class: Mended }] };
  expect(await migrateDatabase(mended)).toEqual(['broken']); // the column of the first try is not there
});

test('a migration waits for a lock a moment at a time, and those who serve go on meanwhile', async () => {
  const url = await createDatabase('schema');
  const serving = await openDatabase({ ...older, url });
  const reading = serving.em.fork();
  await reading.begin();
  await query(reading, 'SELECT FROM thing'); // a lock that the migration needs for itself

  const migrating = migrateDatabase({ ...newer, url });
  await eventually(
    () => query(serving.em.fork(), "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'colour'"),
    (waiting) => waiting.length > 0,
  );
  await query(serving.em.fork(), 'SELECT FROM thing'); // it stands in line behind the migration, and not for long
  await reading.commit();

  expect(await migrating).toEqual(['second']);
  await serving.close();
});

test('two who migrate at once take turns, also where an index is built beside those who serve', async () => {
  const url = await createDatabase('schema');
  const migrations = [first, second, { name: 'index', class: Index }];
  const migrate = () => migrateDatabase({ ...newer, migrations, url });

  const applied = await Promise.all([migrate(), migrate(), migrate()]);

  expect(applied.sort((one, other) => one.length - other.length)).toEqual([[], [], ['first', 'second', 'index']]);
});

test('a statement with values is planned once for a connection, but for one that answers every column', async () => {
  const url = await createDatabase('planned');
  const orm = await openDatabase({ ...older, url, pool: 1 });
  const every = [
    'SELECT * FROM thing WHERE id > $1',
    'SELECT DISTINCT * FROM thing WHERE id > $1',
    'SELECT thing.* FROM thing WHERE id > $1',
    'SELECT 1 AS one, * FROM thing WHERE id > $1',
    'UPDATE thing SET id = id WHERE id > $1 RETURNING *',
  ];
  const once = 'SELECT count(*) * 2 AS twice FROM thing WHERE id > $1 * 2';
  try {
    for (const statement of [...every, once]) await query(orm.em, statement, [0]);

    await migrateDatabase({ ...newer, url });

    for (const statement of every) expect(await query(orm.em, statement, [0])).toEqual([]); // of another shape now
    expect(await query(orm.em, once, [0])).toEqual([{ twice: '0' }]);
    expect(await query(orm.em, 'SELECT statement FROM pg_prepared_statements')).toContainEqual({ statement: once });
  } finally {
    await orm.close();
  }
});

test('a connection does not keep more and more statements, however many people think of', async () => {
  const orm = await openDatabase({ ...older, url: await createDatabase('many_texts'), pool: 1 });
  try {
    for (let nth = 0; nth < 400; nth++) await query(orm.em, `SELECT ${nth} + $1::int AS sum`, [1]);
    const [kept] = await query<{ count: number }>(orm.em, 'SELECT count(*)::int AS count FROM pg_prepared_statements');
    expect(kept?.count).toBeLessThanOrEqual(300);
    expect(await query(orm.em, 'SELECT 399 + $1::int AS sum', [1])).toEqual([{ sum: 400 }]);
  } finally {
    await orm.close();
  }
});

test('the connections of a service are made as its URL says, TLS and all', async () => {
  const url = new URL(await createDatabase('schema'));
  url.searchParams.set('application_name', 'told by the URL');

  const orm = await openDatabase({ ...older, url: url.href });

  const [row] = await query(orm.em.fork(), "SELECT current_setting('application_name') AS name");
  expect(row).toEqual({ name: 'told by the URL' });
  await orm.close();
  url.searchParams.set('sslmode', 'verify-full');
  expect(await whyUnreachable(url.href)).toMatch(/^The database schema_\w+ at 127.0.0.1:\d+ cannot be entered: .*SSL/);
});

test('a service waits for its database, and says for which without its password', async () => {
  const url = await createDatabase('schema');
  const wire = await openWire(url);
  await wire.close();
  const kept = keptLog();
  const away = new URL(wire.url);

  const opening = openDatabase({ ...older, url: away.href, log: kept.log });
  await eventually(
    async () => kept.lines,
    (lines) => lines.length > 0,
  );

  expect(kept.lines).toEqual([
    `The database ${away.pathname.slice(1)} at ${away.host} cannot be entered: connect ECONNREFUSED ${away.host}.`,
  ]);
  const back = await openWire(url, Number(away.port));
  await (await opening).close();
  await back.close();
});

test('that no connection came free in time says nothing about the work, also where MikroORM tells of it', async () => {
  const url = await createDatabase('crowded');
  const orm = await openDatabase({ ...older, url, pool: 1 });
  const taken = Promise.withResolvers<void>();
  const taking = orm.em.transactional(async (em) => {
    await query(em, 'SELECT 1');
    taken.resolve();
    await eventually(
      () => refused,
      (error) => error !== undefined,
    );
  });
  let refused: unknown;
  try {
    await taken.promise;
    refused = await orm.em
      .fork()
      .findOne(OutboxRow, { eventId: 'none' })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ message: 'timeout exceeded when trying to connect' });
    expect(databaseIsAway(refused)).toBe(true);
  } finally {
    refused ??= null;
    await taking;
    await orm.close();
  }
});

test('a server that goes away without a word is given up, and the next statement finds it again', async () => {
  const wire = await openWire(await createDatabase('schema'));
  const orm = await openDatabase({ ...older, url: wire.url });
  void wire.hold('toClient', 'nothing more');

  await expect(query(orm.em.fork(), "SELECT 'nothing more' AS heard")).rejects.toThrow(/terminated/);

  expect(await query(orm.em.fork(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await orm.close();
  await wire.close();
});

/** The audit log of one service, on a real database: nothing of it changes, and its pages tell all of it once. */
import { randomUUID } from 'node:crypto';
import { createDatabase } from '../tests/services.ts';
import { audit, auditOf } from './audit.ts';
import { type Orm, openDatabase, query, transaction } from './database.ts';
import { createLog } from './log.ts';
import { platformMigrations } from './migrations.ts';
import { OutboxRow } from './outbox.ts';
import { openServiceDatabase } from './serviceDatabase.ts';
import type { Role, Viewer } from './tokens.ts';

const log = createLog('test', 'silent');
let orm: Orm;
beforeAll(async () => {
  orm = await openServiceDatabase({ url: await createDatabase('audit'), entities: [], migrations: [], log });
});
afterAll(() => orm?.close());

const viewer = (...roles: Role[]): Viewer => ({ customerId: randomUUID(), roles, expiresAt: new Date() });
const staff = viewer('CUSTOMER', 'STAFF');
const book = () => ({ type: 'Book', id: randomUUID() });
const did = (subject = book(), who = staff, action = 'addCopies') =>
  transaction(orm.em, async (em) => audit(em, who, action, subject, { count: 3 }));
const read = async (asked: Partial<Parameters<ReturnType<typeof auditOf>>[0]>) =>
  (await auditOf(() => orm.em.fork())({ limit: 100, before: null, ...asked })).entries;

test('an entry says who did what to what, by which roles', async () => {
  const subject = book();
  await did(subject);

  expect(await read({ subjectId: subject.id })).toEqual([
    {
      id: expect.any(String),
      occurredAt: expect.stringMatching(/^20\d\d-.*Z$/),
      action: 'addCopies',
      actorId: staff.customerId,
      roles: ['CUSTOMER', 'STAFF'],
      subjectType: 'Book',
      subjectId: subject.id,
      details: { count: 3 },
    },
  ]);
});

test('what is rolled back was not done', async () => {
  const subject = book();

  const work = transaction(orm.em, async (em) => {
    audit(em, staff, 'addCopies', subject, {});
    await em.flush();
    throw new Error('the power fails');
  });

  await expect(work).rejects.toThrow('the power fails');
  expect(await read({ subjectId: subject.id })).toEqual([]);
});

test.each([
  ['changed', "UPDATE audit SET action = 'nothing'"],
  ['changed, be it none of them', "UPDATE audit SET action = 'nothing' WHERE false"],
  ['removed', 'DELETE FROM audit'],
  ['removed all at once', 'TRUNCATE audit'],
  ['written over', 'INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET roles = $1'],
])('no entry can be %s', async (_, statement) => {
  const subject = book();
  await did(subject);
  const values = statement.includes('$1') ? [['CUSTOMER']] : [];

  await expect(query(orm.em.fork(), statement, values)).rejects.toThrow('only ever added to');

  expect(await read({ subjectId: subject.id })).toHaveLength(1);
});

test('a database of before gets the log, and keeps what it has', async () => {
  const url = await createDatabase('audit');
  const migrations = platformMigrations.slice(0, 3);
  const before = await openDatabase({ url, entities: [OutboxRow], migrations, log });
  await query(before.em.fork(), "INSERT INTO relay VALUES ('BOOK', 'yesterday')");
  await before.close();

  const after = await openServiceDatabase({ url, entities: [], migrations: [], log });
  try {
    await transaction(after.em, async (em) => audit(em, staff, 'addBook', book(), {}));
    expect(await query(after.em.fork(), 'SELECT stream FROM relay')).toEqual([{ stream: 'BOOK' }]);
  } finally {
    await after.close();
  }
});

test('page after page tells each entry once, the newest first, though many are of one instant', async () => {
  const actor = viewer('COURIER');
  await transaction(orm.em, async (em) => {
    for (let n = 0; n < 25; n++) audit(em, actor, 'recordTrackingEvent', book(), { n });
  });
  await did(book(), actor);
  const { customerId: actorId } = actor;

  const seen = [];
  for (let page = await read({ actorId, limit: 4 }); page.length; ) {
    seen.push(...page);
    page = await read({ actorId, limit: 4, before: page.at(-1) ?? null });
  }

  expect(new Set(seen.map(({ id }) => id)).size).toBe(26);
  expect(seen).toEqual(await read({ actorId }));
  expect(seen[0]?.action).toBe('addCopies');
});

test('entries are found by who, what, about what and when', async () => {
  const [actor, subject] = [viewer('ADMIN'), book()];
  const action = `action-${randomUUID()}`;
  await did(subject, actor, action);
  const [entry] = await read({ actorId: actor.customerId });
  const at = entry?.occurredAt ?? '';
  const later = new Date(Date.parse(at) + 1).toISOString();

  for (const filter of [{ action }, { subjectId: subject.id }, { action, from: at, to: later }])
    expect(await read(filter)).toEqual([entry]);
  for (const other of [
    { action, to: at },
    { action, from: later },
    { action, actorId: staff.customerId },
  ])
    expect(await read(other)).toEqual([]);
  expect(await read({ actorId: 'no id at all' })).toEqual([]);
});

test('a page as large as can be fits into a message of NATS', async () => {
  const actor = viewer('STAFF');
  const fields = ['x'.repeat(3900)];
  await transaction(orm.em, async (em) => {
    for (let n = 0; n < 101; n++) audit(em, actor, 'updateBook', book(), { fields });
  });
  const tooLarge = transaction(orm.em, async (em) =>
    audit(em, actor, 'updateBook', book(), { fields: ['x'.repeat(4000)] }),
  );

  const page = await read({ actorId: actor.customerId, limit: 101 });

  expect(JSON.stringify(page).length).toBeLessThan(500_000);
  await expect(tooLarge).rejects.toThrow(/check constraint/);
});

test('a page of a long log is read from an index, whatever is asked for', async () => {
  await query(
    orm.em.fork(),
    `INSERT INTO audit SELECT gen_random_uuid(), now() - n * interval '1 second', 'action' || n % 5, gen_random_uuid(), '{STAFF}', 'Book',
       gen_random_uuid(), '{}' FROM generate_series(1, 20000) n`,
  );
  await query(orm.em.fork(), 'ANALYZE audit');
  const plan = async (where: string) => {
    const rows = await query<{ 'QUERY PLAN': string }>(
      orm.em.fork(),
      `EXPLAIN SELECT * FROM audit WHERE ${where} ORDER BY occurred_at DESC, id DESC LIMIT 101`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  };

  expect(await plan('true')).toContain('audit_newest');
  expect(await plan(`(occurred_at, id) < (now(), '${randomUUID()}')`)).toContain('audit_newest');
  expect(await plan(`actor_id = '${randomUUID()}'`)).toContain('audit_by_actor');
  expect(await plan(`subject_id = '${randomUUID()}'`)).toContain('audit_by_subject');
  expect(await plan("action = 'inspectCopy'")).toContain('audit_by_action');
});

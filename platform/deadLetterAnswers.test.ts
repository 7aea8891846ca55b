/** What a service tells of its dead letters, and does about them, on a real database. */
import { randomUUID } from 'node:crypto';
import { createDatabase } from '../tests/services.ts';
import { type Orm, query } from './database.ts';
import { deadLettersOf, dropIn, replayIn } from './deadLetterAnswers.ts';
import { createLog } from './log.ts';
import { openServiceDatabase } from './serviceDatabase.ts';

const log = createLog('test', 'silent');
let orm: Orm;
beforeAll(async () => {
  orm = await openServiceDatabase({ url: await createDatabase('letters'), entities: [], migrations: [], log });
});
beforeEach(() => sql('TRUNCATE dead_letter, parked, applied'));
afterAll(() => orm?.close());

const em = () => orm.em.fork();
const sql = <Row = object>(text: string, values: unknown[] = []): Promise<Row[]> => query<Row>(em(), text, values);
const actor = { customerId: randomUUID(), roles: ['ADMIN' as const] };
const auditOf = (subject: string) => sql('SELECT action, details FROM audit WHERE subject_id = $1', [subject]);

async function bury(
  aggregate: string | null,
  { message = '{}', reason = 'It could not be done' } = {},
): Promise<string> {
  const [letter] = await sql<{ id: string }>(
    `INSERT INTO dead_letter (consumer, aggregate, version, message, reason) VALUES ('one', $1, $2, $3, $4) RETURNING id`,
    [aggregate, aggregate && 4, message, reason],
  );
  return letter?.id ?? '';
}

test('page after page tells each letter once, the oldest first, though many are of one instant', async () => {
  await sql(`INSERT INTO dead_letter (consumer, message, reason, since)
    SELECT 'one', n::text, 'It is no event', timestamptz '2026-01-01' + n / 10 * interval '1 ms' FROM generate_series(1, 25) n`);
  await sql("UPDATE dead_letter SET dropped_at = now(), dropped_because = 'So be it' WHERE message = '7'");

  const seen = [];
  for (let after = null; ; after = seen.at(-1) ?? null) {
    const { letters } = await deadLettersOf(em)({ limit: 4, after });
    if (!letters.length) break;
    seen.push(...letters);
  }

  expect(new Set(seen.map(({ message }) => message)).size).toBe(24);
  expect(seen).toEqual((await deadLettersOf(em)({ limit: 100, after: null })).letters);
  expect(seen.map(({ since }) => since)).toEqual(seen.map(({ since }) => since).sort());
});

test.each([
  ['letters', 'x'],
  ['signs that are escaped', '\u0001'],
  ['Korean', '책'],
  ['what takes two units', '📖'],
])('a page as large as can be fits into a message of NATS: %s', async (_, sign) => {
  await sql(
    `INSERT INTO dead_letter (consumer, message, reason) SELECT 'one', repeat($1, 300000), repeat($1, 300000) FROM generate_series(1, 101)`,
    [sign],
  );

  const page = await deadLettersOf(em)({ limit: 101, after: null });

  expect(page.letters).toHaveLength(101);
  expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1_000_000);
  const [{ message } = { message: '' }] = page.letters;
  expect(message).toMatch(/…$/);
  expect(message.isWellFormed()).toBe(true);
});

test('an event goes back, and it is written down who did so', async () => {
  const id = await bury('rental-1');

  const answer = await replayIn(em)({ id, actor });

  expect(answer).toMatchObject({ outcome: 'WAITING', letter: { id, event: 'rental-1:4' } });
  expect(await sql('SELECT version FROM parked')).toEqual([{ version: 4 }]);
  expect(await auditOf(id)).toEqual([
    { action: 'replayDeadLetter', details: { consumer: 'one', event: 'rental-1:4' } },
  ]);
  expect(await replayIn(em)({ id, actor })).toMatchObject({ outcome: 'REFUSED', code: 'NOT_FOUND' });
});

test('of two who replay one at once, one does, and the other is told that there is none any more', async () => {
  const id = await bury('rental-1');

  const answers = await Promise.all([replayIn(em)({ id, actor }), replayIn(em)({ id, actor })]);

  expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['REFUSED', 'WAITING']);
  expect(await auditOf(id)).toHaveLength(1);
});

test('what is no event is dropped for a reason, which is not in the audit log', async () => {
  const id = await bury(null, { message: 'not even JSON' });
  expect(await replayIn(em)({ id, actor })).toMatchObject({ outcome: 'REFUSED', code: 'NOT_ALLOWED_IN_STATE' });

  const answer = await dropIn(em)({ id, reason: 'A test of the broker', actor });

  expect(answer).toMatchObject({ outcome: 'DROPPED', letter: { id, event: null, message: 'not even JSON' } });
  expect(await sql('SELECT dropped_because AS because FROM dead_letter')).toEqual([
    { because: 'A test of the broker' },
  ]);
  expect(await auditOf(id)).toEqual([{ action: 'dropDeadLetter', details: { consumer: 'one' } }]);
  expect(await dropIn(em)({ id, reason: 'Again', actor })).toMatchObject({ outcome: 'REFUSED', code: 'NOT_FOUND' });
});

test('an event is not dropped', async () => {
  const id = await bury('rental-1');

  const answer = await dropIn(em)({ id, reason: 'It is in the way', actor });

  expect(answer).toMatchObject({ outcome: 'REFUSED', code: 'NOT_ALLOWED_IN_STATE' });
  expect(await auditOf(id)).toEqual([]);
  expect((await deadLettersOf(em)({ limit: 1, after: null })).letters).toHaveLength(1);
});

/** The command as a person runs it, beside a service's database. */
import { randomUUID } from 'node:crypto';
import { query } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { bookDatabase } from '../subgraphs/book/database.ts';
import { customerDatabase } from '../subgraphs/customer/database.ts';
import { runCommand } from '../tests/command.ts';
import { createDatabase } from '../tests/services.ts';

const log = createLog('test', 'silent');
const BOOKS = 150; // more than a batch

test('every book is told of once more, as it is, with its next version', async () => {
  const url = await createDatabase('republish');
  const orm = await openServiceDatabase({ ...bookDatabase, url, log });
  const rows = <Row>(sql: string, values: unknown[] = []) => query<Row>(orm.em.fork(), sql, values);
  const republish = (...args: string[]) =>
    runCommand('operate/republish.ts', { BOOK_DATABASE_URL: url }, 'book', ...args);
  const COUNTS = 'SELECT id, title, available, reserved, "out", inspecting, status FROM book ORDER BY id';
  try {
    await rows(
      `INSERT INTO book (id, title, authors, tags, status, fee_amount, fee_currency, available, reserved, "out", inspecting, popularity,
         search_title, search_text, facets, version)
       SELECT gen_random_uuid(), 'Book ' || n, '{}', '{}', CASE WHEN n = 1 THEN 'WITHDRAWN' ELSE 'LISTED' END, 4500, 'KRW', n, 1, 0, 0, 0, '', '', '{}', n
       FROM generate_series(1, ${BOOKS}) AS n`,
    );
    const before = await rows(COUNTS);

    const all = await republish();
    const [middle] = await rows<{ id: string }>(`SELECT id FROM book ORDER BY id OFFSET ${BOOKS - 11} LIMIT 1`);
    const rest = await republish('--after', middle?.id ?? '');

    expect(all).toMatchObject({ code: 0, stdout: expect.stringMatching(`${BOOKS} books told of\\.\n$`) });
    expect(rest).toMatchObject({ code: 0, stdout: expect.stringMatching('10 books told of\\.\n$') });
    expect(await rows(COUNTS)).toEqual(before);
    const [told] = await rows(
      `SELECT count(*)::int AS events, count(DISTINCT event_id)::int AS versions, min(payload->>'type') AS type,
         count(*) FILTER (WHERE payload->'data'->>'status' = 'WITHDRAWN')::int AS withdrawn FROM outbox`,
    );
    expect(told).toMatchObject({ events: BOOKS + 10, versions: BOOKS + 10, type: 'rentabook.book.saved.v1' });
    const wrong = await rows(
      `SELECT FROM book WHERE version <> (SELECT max((payload->>'aggregateversion')::int) FROM outbox WHERE aggregate = 'book-' || book.id)
         OR substr(title, 6)::int NOT IN (version - 1, version - 2)`,
    );
    expect(wrong).toEqual([]);
  } finally {
    await orm.close();
  }
});

test('every customer is told of once more, with no word about who it is', async () => {
  const url = await createDatabase('republish');
  const orm = await openServiceDatabase({ ...customerDatabase, url, log });
  const rows = <Row>(sql: string, values: unknown[] = []) => query<Row>(orm.em.fork(), sql, values);
  const id = randomUUID();
  try {
    await rows(
      `INSERT INTO customer (id, email, email_key, name, password_hash, roles, created_at, version)
       VALUES ($1, 'reader@example.test', 'reader@example.test', 'A Reader', '', '{CUSTOMER,STAFF}', now(), 3)`,
      [id],
    );

    const { code } = await runCommand('operate/republish.ts', { CUSTOMER_DATABASE_URL: url }, 'customer');

    expect(code).toBe(0);
    expect(await rows(`SELECT event_id, payload->'data' AS data FROM outbox`)).toEqual([
      { event_id: `customer-${id}:4`, data: { customerId: id, roles: ['CUSTOMER', 'STAFF'], change: 'DETAILS' } },
    ]);
  } finally {
    await orm.close();
  }
});

test.each([
  [[], /^Say what to tell of again: book or customer\. See --help\.\n$/],
  [['rental'], /^Say what to tell of again: book or customer\. See --help\.\n$/],
  [['book', '--after', 'x'], /^"x" is not an id\.\n$/],
  [['customer'], /^Start the system first \(npm start\)/],
])('%j is answered in one sentence', async (args, sentence) => {
  const ended = await runCommand('operate/republish.ts', {}, ...args);
  expect(ended).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) });
});

test("a database that is not the service's is left alone", async () => {
  const ended = await runCommand('operate/republish.ts', { BOOK_DATABASE_URL: await createDatabase('other') }, 'book');
  expect(ended).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^The database at .* is not the one of book\.\n$/),
  });
});

test('--help tells how it is used', async () => {
  const ended = await runCommand('operate/republish.ts', {}, '--help');
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^npm run republish/) });
});

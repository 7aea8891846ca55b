/** Told by a real mail server and a real program behind the webhook, on a real database. */
import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Arrived } from '#platform/apply.ts';
import { query, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { superusersOf } from '#platform/superuser.ts';
import { eventually } from '../../tests/client.ts';
import { CustomerSubgraph, Rental } from '../../tests/customerSubgraph.ts';
import { arrived } from '../../tests/events.ts';
import { eraseMe } from './erasure.ts';
import { startTelling, tellDue, wishDueSoon, wishToTell } from './notifications.ts';
import type { Channel, Notifier } from './notifier.ts';
import { notifiersOf } from './notifiers.ts';
import { exportMyData } from './personalData.ts';

const SECRET = 'the secret between the shop and its program';
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const KRW = { amount: 4500, currency: 'KRW' };

const lines: string[] = [];
const log = createLog('test', 'debug', { write: (line) => void lines.push(line) });

let service: CustomerSubgraph;
const toClose: (() => Promise<void>)[] = [];
beforeAll(async () => {
  service = await CustomerSubgraph.open();
});
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
  await query(service.orm.em, 'DELETE FROM notification');
  await query(service.orm.em, 'DELETE FROM customer_order');
});
afterAll(() => service?.close());

interface Mail {
  to: string[];
  headers: string;
  text: string;
}

/** A mail server, which may have said no with a code; on the port of one before it, or on a free one. */
async function openMailbox({ port = 0, no = {} as { recipient?: number; sender?: number } } = {}) {
  const mails: Mail[] = [];
  const passwords: string[] = [];
  const error = (responseCode: number) => Object.assign(new Error('<reader@example.test>: no'), { responseCode });
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authMethods: ['PLAIN'],
    authOptional: true,
    allowInsecureAuth: true,
    onAuth({ password }, _, done) {
      passwords.push(String(password));
      done(null, { user: 'shop' });
    },
    disableReverseLookup: true,
    closeTimeout: 100,
    onMailFrom: (_, __, done) => done(no.sender ? error(no.sender) : null),
    onRcptTo: (_, __, done) => done(no.recipient ? error(no.recipient) : null),
    onData(stream, { envelope }, done) {
      let raw = '';
      stream.on('data', (chunk: Buffer) => (raw += chunk));
      stream.on('end', () => {
        const [headers = '', ...body] = raw.split('\r\n\r\n');
        const text = body.join('\n\n').replace(/=\r\n/g, '').replaceAll('=22', '"').replaceAll('\r\n', '\n');
        mails.push({
          to: envelope.rcptTo.map(({ address }) => address),
          headers: headers.replace(/\r\n\s+/g, ' '),
          text,
        });
        done(null);
      });
    },
  });
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  toClose.push(close);
  return { mails, passwords, close, port: (server.server.address() as AddressInfo).port };
}

interface Call {
  headers: IncomingHttpHeaders;
  body: string;
}

/** The program behind the webhook; it answers with `status` as it is then. */
async function openProgram(answer = { status: 204, headers: {} as Record<string, string> }) {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk));
    request.on('end', () => {
      calls.push({ headers: request.headers, body });
      response.writeHead(answer.status, answer.headers).end('reader@example.test is what it says');
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  toClose.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { calls, answer, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/told` };
}

const nothing = {
  SMTP_URL: undefined,
  SMTP_FROM: undefined,
  NOTIFY_WEBHOOK_URL: undefined,
  NOTIFY_WEBHOOK_SECRET: undefined,
};
const byMail = (port: number, password = ''): Notifier[] =>
  notifiersOf({ ...nothing, SMTP_URL: `smtp://${password}127.0.0.1:${port}`, SMTP_FROM: 'A Shop <shop@example.test>' });
const byWebhook = (url: string): Notifier[] =>
  notifiersOf({ ...nothing, NOTIFY_WEBHOOK_URL: url, NOTIFY_WEBHOOK_SECRET: SECRET });

/** Rounds of every notifier until there is nothing due at the moment. */
async function round(notifiers: Notifier[]): Promise<void> {
  for (const notifier of notifiers)
    while (await tellDue({ em: () => service.orm.em.fork(), notifier }, new AbortController().signal, log));
}

interface Row {
  channel: Channel;
  kind: string;
  status: string;
  attempts: number;
}
const rowsOf = (customerId: string) =>
  query<Row>(
    service.orm.em,
    'SELECT channel, kind, status, attempts FROM notification WHERE customer_id = $1 ORDER BY created_at, channel',
    [customerId],
  );
const statusesOf = async (customerId: string) => (await rowsOf(customerId)).map(({ kind, status }) => [kind, status]);

/** What waits for its next attempt is due at once. */
const hurry = () =>
  query(service.orm.em, `UPDATE notification SET next_attempt_at = clock_timestamp() - interval '1 s'`);

async function newReader(): Promise<{ customerId: string; email: string }> {
  const customerId = randomUUID();
  const email = `${customerId.slice(0, 8)}@example.test`;
  await query(
    service.orm.em,
    `INSERT INTO customer (id, email, email_key, name, roles, created_at, version) VALUES ($1, $2, $2, 'A Reader', '{CUSTOMER}', $3, 1)`,
    [customerId, email, new Date()],
  );
  return { customerId, email };
}

async function newBook(title: string) {
  const id = randomUUID();
  await query(service.orm.em, 'INSERT INTO book (id, title) VALUES ($1, $2)', [id, title]);
  return id;
}

const MAIL: Channel[] = ['MAIL'];

async function tell(channels: Channel[], ...events: Arrived[]): Promise<void> {
  for (const event of events) expect(await service.tell(event, channels)).toBe('applied');
}

const accepted = (rental: Rental) => [
  rental.did('rental.requested', { total: null }),
  rental.did('rental.accepted', { total: KRW }),
];
const onLoan = (rental: Rental, dueAt: Date) => [
  ...accepted(rental),
  rental.did('rental.shipped'),
  rental.did('rental.loan_started', { dueAt: dueAt.toISOString() }),
];
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

/** An entry of the waitlist, its events by turns. */
function newEntry(customerId: string, bookId: string) {
  const id = randomUUID();
  let version = 0;
  const entry = { entryId: id, customerId, bookId };
  return {
    id,
    did: (type: 'waitlist.joined' | 'waitlist.fulfilled' | 'waitlist.expired' | 'waitlist.left') =>
      arrived(type, { id, version: ++version }, entry),
    offered: (expiresAt: Date) =>
      arrived('waitlist.offered', { id, version: ++version }, { ...entry, expiresAt: expiresAt.toISOString() }),
  };
}

const refundOf = (rental: Rental, customerId: string, bookId: string) =>
  arrived(
    'payment.refunded',
    { id: rental.id, version: 1 },
    { rentalId: rental.id, customerId, bookId, quantity: 1, amount: KRW },
  );

test('each kind is told once by mail, a twice delivered event included', async () => {
  const { mails, port } = await openMailbox();
  const notifiers = byMail(port);
  const { customerId, email } = await newReader();
  const bookId = await newBook('The Lantern');
  const rental = new Rental(customerId, { bookId });
  const entry = newEntry(customerId, bookId);
  const told = async (...events: Arrived[]) => {
    await tell(MAIL, ...events);
    for (const event of events) expect(await service.tell(event, MAIL)).toBe('duplicate');
    await round(notifiers);
  };

  await told(...accepted(rental));
  await told(rental.did('rental.shipped'));
  await told(rental.did('rental.loan_started', { dueAt: inDays(1).toISOString() }));
  expect(await wishDueSoon(service.orm.em, MAIL, new Date())).toBe(1);
  expect(await wishDueSoon(service.orm.em, MAIL, new Date())).toBe(0);
  await round(notifiers);
  await told(rental.did('rental.overdue'));
  await told(entry.did('waitlist.joined'), entry.offered(inDays(2)));
  await told(refundOf(rental, customerId, bookId));
  const feeId = randomUUID();
  const fee = { rentalId: rental.id, customerId, bookId, quantity: 1, feeId, kind: 'LOST', amount: KRW } as const;
  await told(arrived('fee.refunded', { id: feeId, version: 1 }, fee));
  await hurry();
  await round(notifiers);

  expect(mails.map(({ headers }) => /^Subject: (.*?):? /m.exec(headers)?.[1])).toEqual([
    'Accepted',
    'On',
    'Due',
    'Overdue',
    'Set',
    'Refunded',
    'Refunded',
  ]);
  for (const { to } of mails) expect(to).toEqual([email]);
  expect(mails[2]?.headers).toContain(`Subject: Due on ${inDays(1).toISOString().slice(0, 10)}: The Lantern`);
  expect(mails[3]?.text).toContain('Your loan of "The Lantern" was due on');
  expect(mails[6]?.text).toContain('KRW 4,500 was refunded to you: the fee for a lost copy');
  expect(mails[0]?.headers).toMatch(/^From: A Shop <shop@example\.test>$/m);
  expect(mails[0]?.headers).toMatch(/^Message-ID: <[0-9a-f-]{36}@example\.test>$/m);
  expect(mails[0]?.headers).toMatch(/^Content-Type: text\/plain/m);
  expect(await statusesOf(customerId)).toHaveLength(7);
  expect(new Set((await rowsOf(customerId)).map(({ status }) => status))).toEqual(new Set(['SENT']));
});

test('by default nothing is written, and nobody is told', async () => {
  const { customerId } = await newReader();
  const bookId = await newBook('The Lantern');
  const [rental, entry] = [new Rental(customerId, { bookId }), newEntry(customerId, bookId)];

  await tell([], ...onLoan(rental, inDays(1)), rental.did('rental.overdue'), refundOf(rental, customerId, bookId));
  await tell([], entry.did('waitlist.joined'), entry.offered(inDays(2)), entry.did('waitlist.fulfilled'));

  expect(notifiersOf(nothing)).toEqual([]);
  expect(startTelling([], () => service.orm.em.fork(), log)).toEqual([]);
  expect(await rowsOf(customerId)).toEqual([]);
  expect(await query(service.orm.em, 'SELECT FROM offer WHERE id = $1', [entry.id])).toEqual([]);
});

test('what is no longer true when it is sent is dropped', async () => {
  const { mails, port } = await openMailbox();
  const { customerId } = await newReader();
  const bookId = await newBook('The Lantern');
  const [cancelled, shipped, renewed, returning] = Array.from({ length: 4 }, () => new Rental(customerId, { bookId }));
  const [taken, over, left] = Array.from({ length: 3 }, () => newEntry(customerId, bookId));
  if (!cancelled || !shipped || !renewed || !returning || !taken || !over || !left) throw new Error('four and three');

  await tell(MAIL, ...accepted(cancelled), cancelled.did('rental.cancelled', { from: 'ACCEPTED' }));
  await tell(
    MAIL,
    ...accepted(shipped),
    shipped.did('rental.shipped'),
    shipped.did('rental.cancelled', { from: 'SHIPPING' }),
  );
  await tell(MAIL, ...onLoan(renewed, inDays(1)), ...onLoan(returning, inDays(1)));
  await wishDueSoon(service.orm.em, MAIL, new Date());
  await tell(MAIL, renewed.did('rental.renewed', { dueAt: inDays(15).toISOString() }));
  await tell(MAIL, returning.did('rental.overdue'), returning.did('rental.returning'));
  await tell(MAIL, taken.offered(inDays(2)), over.offered(inDays(2)), left.offered(inDays(2)));
  await tell(MAIL, taken.did('waitlist.fulfilled'), over.did('waitlist.expired'), left.did('waitlist.left'));
  const nobody = new Rental(randomUUID(), { bookId });
  await tell(MAIL, ...accepted(nobody));
  await round(byMail(port));

  expect(mails).toEqual([]);
  const rows = await query<Row>(service.orm.em, 'SELECT kind, status FROM notification');
  expect(rows).toHaveLength(14);
  expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['DROPPED']));
});

test('what is heard of late is told once what came after it had time to be heard of', async () => {
  const { mails, port } = await openMailbox();
  const { customerId } = await newReader();
  const bookId = await newBook('The Lantern');
  const rental = new Rental(customerId, { bookId });
  await tell([], ...onLoan(rental, inDays(-2)));
  const overdue = rental.did('rental.overdue');
  overdue.event.time = new Date(Date.now() - HOUR_MS).toISOString(); // this service was away for an hour

  await tell(MAIL, overdue);
  await round(byMail(port));
  expect(await rowsOf(customerId)).toMatchObject([{ kind: 'OVERDUE', status: 'TODO', attempts: 0 }]);
  await tell(MAIL, rental.did('rental.returning'));
  await hurry();
  await round(byMail(port));

  expect(mails).toEqual([]);
  expect(await statusesOf(customerId)).toEqual([['OVERDUE', 'DROPPED']]);
});

test('a loan is told of once for each due date, two days before it', async () => {
  const { mails, port } = await openMailbox();
  const { customerId } = await newReader();
  const rental = new Rental(customerId, { bookId: await newBook('The Lantern') });
  const now = new Date();
  const [first, second] = [new Date(now.getTime() + 14 * DAY_MS), new Date(now.getTime() + 28 * DAY_MS)];
  const before = (due: Date, ms: number) => new Date(due.getTime() - ms);
  const soon = (at: Date) => wishDueSoon(service.orm.em, MAIL, at);
  await tell([], ...onLoan(rental, first));

  expect(await soon(before(first, 2 * DAY_MS + 1))).toBe(0);
  expect(await soon(before(first, 2 * DAY_MS))).toBe(1);
  await round(byMail(port));
  expect(await soon(before(first, DAY_MS))).toBe(0);
  await tell([], rental.did('rental.renewed', { dueAt: second.toISOString() }));
  expect(await soon(before(first, DAY_MS))).toBe(0);
  expect(await soon(before(second, DAY_MS))).toBe(1);
  await round(byMail(port));

  expect(mails).toHaveLength(2);
  expect(mails.map(({ headers }) => /^Subject: Due on (\S+):/m.exec(headers)?.[1])).toEqual(
    [first, second].map((due) => due.toISOString().slice(0, 10)),
  );
});

test('while the mail server is away it is tried again, and told once when it is back', async () => {
  const gone = await openMailbox();
  await gone.close();
  const { customerId } = await newReader();
  const rental = new Rental(customerId, { bookId: await newBook('The Lantern') });
  await tell(MAIL, ...accepted(rental));
  const workers = startTelling(byMail(gone.port), () => service.orm.em.fork(), log);
  await eventually(
    () => rowsOf(customerId),
    ([row]) => (row?.attempts ?? 0) > 1,
  );

  const { mails } = await openMailbox({ port: gone.port });
  await eventually(
    () => statusesOf(customerId),
    ([row]) => row?.[1] === 'SENT',
  );
  await Promise.all(workers.map((worker) => worker.stop()));

  expect(mails).toHaveLength(1);
});

test('a mail that was sent and not noted comes with the same Message-ID', async () => {
  const { mails, port } = await openMailbox();
  const { customerId } = await newReader();
  await tell(MAIL, ...accepted(new Rental(customerId, { bookId: await newBook('The Lantern') })));
  await round(byMail(port));

  await query(service.orm.em, `UPDATE notification SET status = 'TODO', next_attempt_at = clock_timestamp()`);
  await round(byMail(port));

  const ids = mails.map(({ headers }) => /^Message-ID: (.*)$/m.exec(headers)?.[1]);
  expect(ids).toEqual([ids[0], ids[0]]);
});

test('a recipient whom the server refuses is not tried again; a refused sender is', async () => {
  const [deaf, strict] = [await openMailbox({ no: { recipient: 550 } }), await openMailbox({ no: { sender: 550 } })];
  const { customerId } = await newReader();
  const bookId = await newBook('The Lantern');

  await tell(MAIL, ...accepted(new Rental(customerId, { bookId })));
  await round(byMail(strict.port));
  expect(await statusesOf(customerId)).toEqual([['ACCEPTED', 'TODO']]);
  await hurry();
  lines.length = 0;
  await round(byMail(deaf.port));
  await hurry();
  await round(byMail(deaf.port));

  expect(await rowsOf(customerId)).toEqual([{ channel: 'MAIL', kind: 'ACCEPTED', status: 'FAILED', attempts: 2 }]);
  expect(lines.map((line) => JSON.parse(line).reason).filter(Boolean)).toEqual(['SMTP 550 at RCPT TO']);
});

test.each([
  ['an address that is two', 'a@example.test, b@example.test'],
  ['an address with a header in it', 'a@example.test\r\nBcc: b@example.test'],
])('%s reaches nobody', async (_, email) => {
  const { mails, port } = await openMailbox();
  const { customerId } = await newReader();
  await query(service.orm.em, 'UPDATE customer SET email = $2 WHERE id = $1', [customerId, email]);
  await tell(MAIL, ...accepted(new Rental(customerId, { bookId: await newBook('The Lantern') })));
  await round(byMail(port));

  expect(mails).toEqual([]);
});

test('a title with a header in it stays a title', async () => {
  const { mails, port } = await openMailbox();
  const { customerId, email } = await newReader();
  const bookId = await newBook('The Lantern\r\nBcc: everybody@example.test\r\n\r\nBuy this');
  await tell(MAIL, ...accepted(new Rental(customerId, { bookId })));
  await round(byMail(port));

  expect(mails).toHaveLength(1);
  expect(mails[0]?.to).toEqual([email]);
  expect(mails[0]?.headers).toContain('Subject: Accepted: The Lantern Bcc: everybody@example.test Buy this');
  expect(mails[0]?.headers).not.toMatch(/^Bcc/m);
});

test('a password is not sent where the server has no TLS', async () => {
  const { mails, passwords, port } = await openMailbox();
  const { customerId } = await newReader();
  await tell(MAIL, ...accepted(new Rental(customerId, { bookId: await newBook('The Lantern') })));
  await round(byMail(port, 'shop:hunter2@'));

  expect([...passwords, ...mails]).toEqual([]);
  expect(await statusesOf(customerId)).toEqual([['ACCEPTED', 'TODO']]);
});

test('after three days of trying it is given up', async () => {
  const gone = await openMailbox();
  await gone.close();
  const { customerId } = await newReader();
  const rental = new Rental(customerId, { bookId: await newBook('The Lantern') });
  await tell(MAIL, ...accepted(rental));
  const age = (ms: number) =>
    query(service.orm.em, 'UPDATE notification SET created_at = $1', [new Date(Date.now() - ms)]).then(hurry);

  await age(3 * DAY_MS - 60_000);
  await round(byMail(gone.port));
  expect(await statusesOf(customerId)).toEqual([['ACCEPTED', 'TODO']]);
  await age(3 * DAY_MS + 1);
  await round(byMail(gone.port));
  expect(await statusesOf(customerId)).toEqual([['ACCEPTED', 'FAILED']]);
});

test('the webhook gets what a program needs, signed, and no address', async () => {
  const { calls, url } = await openProgram();
  const { customerId } = await newReader();
  const bookId = await newBook('The Lantern');
  const rental = new Rental(customerId, { bookId });
  await tell(['WEBHOOK'], ...onLoan(rental, inDays(1)));
  await query(service.orm.em, 'DELETE FROM notification');
  await wishDueSoon(service.orm.em, ['WEBHOOK'], new Date());
  await round(byWebhook(url));

  expect(calls).toHaveLength(1);
  const { headers, body } = calls[0] ?? { headers: {}, body: '' };
  const [, time, value] = /^t=(\d+),v=([0-9a-f]{64})$/.exec(String(headers['rentabook-signature'])) ?? [];
  expect(value).toBe(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
  expect(Math.abs(Date.now() - Number(time))).toBeLessThan(60_000);
  const told = JSON.parse(body);
  expect(told).toEqual({
    id: headers['idempotency-key'],
    kind: 'DUE_SOON',
    customerId,
    rentalId: rental.id,
    waitlistEntryId: null,
    bookId,
    title: 'The Lantern',
    dueAt: expect.any(String),
    expiresAt: null,
    refund: null,
    createdAt: expect.any(String),
    subject: expect.stringContaining('Due on'),
    text: expect.stringContaining('renew the loan'),
  });
});

test.each([
  [500, 'TODO'],
  [503, 'TODO'],
  [408, 'TODO'],
  [429, 'TODO'],
  [302, 'TODO'],
  [400, 'FAILED'],
  [410, 'FAILED'],
  [202, 'SENT'],
])('a program that answers %d leaves it %s', async (status, after) => {
  const elsewhere = await openProgram();
  const { calls, url } = await openProgram({ status, headers: { location: elsewhere.url } });
  const { customerId } = await newReader();
  await tell(['WEBHOOK'], ...accepted(new Rental(customerId, { bookId: await newBook('The Lantern') })));
  await round(byWebhook(url));

  expect(calls).toHaveLength(1);
  expect(elsewhere.calls).toEqual([]);
  expect(await statusesOf(customerId)).toEqual([['ACCEPTED', after]]);
});

test('with both channels the one that is down does not make the other tell twice', async () => {
  const { mails, port } = await openMailbox();
  const program = await openProgram({ status: 503, headers: {} });
  const notifiers = [...byMail(port), ...byWebhook(program.url)];
  const { customerId } = await newReader();
  await tell(['MAIL', 'WEBHOOK'], ...accepted(new Rental(customerId, { bookId: await newBook('The Lantern') })));

  await round(notifiers);
  program.answer.status = 200;
  await hurry();
  await round(notifiers);
  await hurry();
  await round(notifiers);

  expect(mails).toHaveLength(1);
  expect(program.calls).toHaveLength(2);
  expect(program.calls[0]?.headers['idempotency-key']).toBe(program.calls[1]?.headers['idempotency-key']);
  expect((await rowsOf(customerId)).map(({ status }) => status)).toEqual(['SENT', 'SENT']);
});

test('two senders at once tell each once', async () => {
  const { mails, port } = await openMailbox();
  const { customerId } = await newReader();
  const bookId = await newBook('The Lantern');
  for (let n = 0; n < 20; n++) await tell(MAIL, ...accepted(new Rental(customerId, { bookId })));

  await Promise.all([round(byMail(port)), round(byMail(port)), round(byMail(port))]);

  expect(mails).toHaveLength(20);
});

test('the same wish twice is one row', async () => {
  const { customerId } = await newReader();
  const wish = { kind: 'REFUNDED', subject: randomUUID(), occasion: 'once', customerId, bookId: randomUUID() } as const;
  for (let n = 0; n < 2; n++)
    await transaction(service.orm.em, (em) => wishToTell(em, ['MAIL', 'WEBHOOK'], wish, new Date(), new Date()));
  expect(await rowsOf(customerId)).toHaveLength(2);
});

test('what was told is exported, and goes when the account is erased', async () => {
  const { mails, port } = await openMailbox();
  const { customerId } = await newReader();
  const bookId = await newBook('The Lantern');
  const entry = newEntry(customerId, bookId);
  await tell(MAIL, ...accepted(new Rental(customerId, { bookId })), entry.offered(inDays(2)));
  await round(byMail(port));
  const others = async (subject: string) =>
    subject === 'rpc.rental.close' ? { closed: true } : { items: [], next: null, entries: [] };
  const ask = others as unknown as Parameters<typeof exportMyData>[1]; // plays Rental, Book and Delivery

  const { customer } = JSON.parse(await exportMyData(service.orm.em.fork(), ask, customerId));
  const times = { createdAt: expect.any(String), settledAt: expect.any(String) };
  expect(customer.notifications).toHaveLength(2);
  for (const kind of ['ACCEPTED', 'OFFER'])
    expect(customer.notifications).toContainEqual(
      expect.objectContaining({ channel: 'MAIL', kind, status: 'SENT', ...times }),
    );
  expect(customer.offers).toMatchObject([{ id: entry.id, status: 'OFFERED' }]);

  await tell(MAIL, ...accepted(new Rental(customerId, { bookId })));
  const nobody = superusersOf({ SUPERUSER: [], SUPERUSER_FILE: undefined });
  await eraseMe(service.orm.em.fork(), ask, nobody, customerId);
  await round(byMail(port));
  expect(await rowsOf(customerId)).toEqual([]);
  expect(await query(service.orm.em, 'SELECT FROM offer WHERE customer_id = $1', [customerId])).toEqual([]);
  expect(mails).toHaveLength(2);
});

test('nothing that is told, and no secret, was written to the log', () => {
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.join('')).not.toMatch(/example\.test|Lantern|hunter2|Hello|Accepted|A Reader/);
  expect(lines.join('')).not.toContain(SECRET);
});

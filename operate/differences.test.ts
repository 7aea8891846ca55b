/** Every rule on the books of a real system that has come to rest: silent as they are, and loud about each mistake in them. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { StringCodec } from 'nats';
import { addBook, type Client, eventually, rentalOf, requestRental, signIn, signUp } from '../tests/client.ts';
import { type System, startSystem } from '../tests/system.ts';
import { findDifferences, type Report, rules } from './differences.ts';
import { consumers, type Service, services } from './services.ts';
import { openSources } from './system.ts';

type Opened = Awaited<ReturnType<typeof openSources>>;

let system: System;
let sources: Opened;
/** A rental of each kind, by what it came to. */
const rentals: Record<string, string> = {};

beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '150' });
  const [staff, reader] = await Promise.all([signIn(system.url, 'staff@demo.test'), signUp(system.url)]);
  await makeHistory(staff, reader);
  sources = await openSources(placesOf(system));
  await eventually(
    () => findDifferences(sources, { settleMs: 0 }),
    ({ differences }) => differences.length === 0,
  );
  // Nothing moves any more: what is planted stays as it is.
  for (const part of ['router', ...services, 'sandbox'] as const) await system.pause(part);
}, 120_000);
afterAll(async () => {
  await sources?.close();
  await system?.stop();
});

function placesOf({ environments }: System) {
  const url = (of: Service | 'sandbox') => environments[of].DATABASE_URL ?? '';
  return {
    book: url('book'),
    rental: url('rental'),
    delivery: url('delivery'),
    customer: url('customer'),
    sandbox: url('sandbox'),
    nats: environments.book.NATS_URL ?? '',
  };
}

/** A loan, a rental that is over, one that was cancelled, one that was declined, one that is lost and paid for, and a copy that is offered. */
async function makeHistory(staff: Client, reader: Client): Promise<void> {
  const soughtId = await addBook(staff, 0);
  await reader.data('mutation ($id: ID!) { joinWaitlist(bookId: $id) { userErrors { message } } }', { id: soughtId });
  await staff.data('mutation ($id: ID!) { addCopies(input: { bookId: $id, count: 1 }) { userErrors { message } } }', {
    id: soughtId,
  });
  const bookId = await addBook(staff, 5);
  const rent = async (name: string, more: object = {}, title = bookId) => {
    const { rental, userErrors } = await requestRental(reader, title, more);
    if (!rental) throw new Error(`No rental: ${JSON.stringify(userErrors)}`);
    rentals[name] = rental.id;
    return rental.id as string;
  };
  const reaches = (id: string, status: string) =>
    eventually(
      () => rentalOf(reader, id),
      (rental) => rental.status === status && rental.pendingCompensations.length === 0,
    );

  const [lost, loan, closed, cancelled, declined] = await Promise.all([
    addBook(staff, 1).then((title) => rent('lost', {}, title)),
    rent('loan', { quantity: 2 }),
    rent('closed'),
    rent('cancelled').then(async (id) => {
      await reader.data('mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { userErrors { message } } }', {
        id,
      });
      return id;
    }),
    rent('declined', { paymentMethod: 'pm_card_chargeDeclined' }),
  ]);
  await Promise.all([reaches(cancelled, 'CANCELLED'), reaches(declined, 'REJECTED'), reaches(loan, 'ON_LOAN')]);

  await reaches(lost, 'ON_LOAN');
  await reader.data('mutation ($id: ID!) { reportRentalLost(rentalId: $id) { userErrors { message } } }', { id: lost });
  const { rental } = await reader.data('query ($id: ID!) { rental(id: $id) { fees { id } } }', { id: lost });
  await reader.data(
    'mutation ($id: ID!) { payFee(feeId: $id, paymentMethod: "pm_card_visa") { userErrors { message } } }',
    {
      id: rental.fees[0].id,
    },
  );
  await reaches(closed, 'ON_LOAN');
  await reader.data('mutation ($id: ID!) { returnRental(rentalId: $id) { userErrors { message } } }', { id: closed });
  await reaches(closed, 'RETURNED');
  await inspect(staff, bookId, closed);
  await reaches(closed, 'CLOSED');
}

async function inspect(staff: Client, bookId: string, rentalId: string): Promise<void> {
  type Copies = { edges: { node: { id: string; status: string; rental: { id: string } | null } }[] };
  const copies = await eventually(
    async () => {
      const { book } = await staff.data(
        'query ($id: ID!) { book(id: $id) { copies(first: 100) { edges { node { id status rental { id } } } } } }',
        { id: bookId },
      );
      return (book.copies as Copies).edges.filter(
        ({ node }) => node.status === 'INSPECTING' && node.rental?.id === rentalId,
      );
    },
    ({ length }) => length > 0,
  );
  for (const { node } of copies)
    await staff.data('mutation ($input: InspectCopyInput!) { inspectCopy(input: $input) { userErrors { message } } }', {
      input: { copyId: node.id, condition: 'GOOD' },
    });
}

const look = (options = {}): Promise<Report> => findDifferences(sources, { settleMs: 50, ...options });

/** Changes a service's books for as long as the work lasts. */
async function planted<T>(of: Service | 'sandbox', sql: string, work: () => Promise<T>): Promise<T> {
  const client = sources[of];
  if (!client) throw new Error(`There is no ${of}`);
  await client.query('BEGIN READ WRITE');
  try {
    const named = sql.replace(/:(\w+)/g, (whole, name) => (rentals[name] ? `'${rentals[name]}'` : whole));
    for (const statement of named.split('; ')) await client.query(statement);
    return await work();
  } finally {
    await client.query('ROLLBACK');
  }
}

test('books that agree are told as such, and every rule has something to look at', async () => {
  const { differences, rules: checked, leftOut } = await look();

  expect(differences).toEqual([]);
  expect(leftOut).toEqual([]);
  expect(checked.map(({ rule }) => rule)).toEqual(rules.map(({ name }) => name));
  const idle = ['unpublished', 'parked', 'dead-letters', 'failed-steps']; // which look for what should not be there
  for (const { rule, looked } of checked) if (!idle.includes(rule)) expect([rule, looked]).not.toEqual([rule, 0]);
});

test.each<[rule: string, of: Service | 'sandbox', sql: string, sentence: RegExp]>([
  [
    'stock-ledger',
    'book',
    'UPDATE book SET available = available + 1, inspecting = inspecting + 2 WHERE "out" = 2',
    /^Book .* counts 4 available, 0 reserved, 2 out, 2 inspecting; its ledger says 3 available, 0 reserved, 2 out, 0 inspecting\.$/,
  ],
  ['stock-ledger', 'book', "DELETE FROM stock_movement WHERE type = 'ISSUE'", /its ledger says/],
  [
    'stock-copies',
    'book',
    `UPDATE book_copy SET status = 'LOST' WHERE rental_id = :loan`,
    /of its copies 3 are on the shelf, 0 out, 0 inspecting\.$/,
  ],
  [
    'stock-reservations',
    'book',
    `UPDATE reservation SET status = 'RESERVED' WHERE id = :loan`,
    /counts 0 reserved and 2 out; its reservations hold 2 and have out 0, and 0 are offered\.$/,
  ],
  [
    'stock-reservations',
    'book',
    `UPDATE waitlist_entry SET status = 'LEFT', offer_expires_at = NULL WHERE status = 'OFFERED'`,
    /counts 1 reserved and 0 out; its reservations hold 0 and have out 0, and 0 are offered\.$/,
  ],
  [
    'waitlists',
    'book',
    `UPDATE waitlist_entry SET status = 'WAITING', offer_expires_at = NULL; UPDATE book SET available = 1, reserved = 0 WHERE reserved = 1`,
    /^1 wait for book .*, of which 1 are available\.$/,
  ],
  [
    'versions',
    'book',
    `UPDATE waitlist_entry SET version = 3`,
    /^waitlist-.* is at version 3; the outbox of book has 2 events of it, 1 to 2\.$/,
  ],
  [
    'reservations',
    'book',
    `UPDATE reservation SET status = 'RETURNED' WHERE id = :loan`,
    /is ON_LOAN, but its reservation is RETURNED\.$/,
  ],
  ['reservations', 'book', `UPDATE reservation SET quantity = 1 WHERE id = :loan`, /differ: quantity 2 and 1\.$/],
  ['reservations', 'book', `DELETE FROM reservation WHERE id = :loan`, /its reservation is missing\.$/],
  [
    'reservations',
    'book',
    `UPDATE reservation SET status = 'RESERVED' WHERE id = :cancelled`,
    /is CANCELLED and its release DONE, but its reservation is RESERVED\.$/,
  ],
  [
    'reservations',
    'book',
    `UPDATE reservation SET id = gen_random_uuid() WHERE id = :closed`,
    /^Reservation .*, which is RETURNED, has no rental\.$/,
  ],
  [
    'payments',
    'rental',
    `UPDATE payment SET status = 'AUTHORIZED', captured = 0 WHERE id = :loan`,
    /is ON_LOAN \(CAPTURE DONE\), but its payment is AUTHORIZED\.$/,
  ],
  [
    'payments',
    'rental',
    `UPDATE payment SET status = 'AUTHORIZED' WHERE id = :cancelled`,
    /but its payment is AUTHORIZED\.$/,
  ],
  [
    'payments',
    'rental',
    `UPDATE payment SET authorized = authorized + 1 WHERE id = :loan`,
    /is CAPTURED, with 9000 of 9001 captured\.$/,
  ],
  ['payments', 'rental', `UPDATE payment SET refunded = 1 WHERE id = :loan`, /with 1 of 9000 given back\.$/],
  [
    'payments',
    'rental',
    `UPDATE payment SET status = 'PARTIALLY_REFUNDED', refunded = captured WHERE id = :loan`,
    /is PARTIALLY_REFUNDED, with 9000 of 9000 given back\.$/,
  ],
  [
    'failed-steps',
    'rental',
    `UPDATE step SET status = 'FAILED', kind = 'PAYMENT_REFUND' WHERE rental_id = :loan`,
    /^The step PAYMENT_REFUND of rental .* has failed\.$/,
  ],
  [
    'failed-steps',
    'rental',
    'UPDATE fee SET dropped = true',
    /^Fee .* was paid, is not owed after all, and could not be given back\.$/,
  ],
  [
    'fees',
    'rental',
    `UPDATE fee SET status = 'OUTSTANDING' WHERE rental_id = :lost`,
    /^Fee .* is OUTSTANDING, but the bank has 22500 of 22500\.$/,
  ],
  [
    'fees',
    'sandbox',
    `UPDATE payment_intent SET amount_refunded = amount WHERE metadata->>'key' LIKE 'fee:%'`,
    /^Fee .* is PAID, but the bank has 0 of 22500\.$/,
  ],
  ['fees', 'rental', 'UPDATE fee SET id = gen_random_uuid()', /^The bank knows of fee .*, which does not exist\.$/],
  [
    'bank',
    'sandbox',
    `UPDATE payment_intent SET amount_received = amount_received - 1 WHERE metadata->>'rentalId' = :loan`,
    /captured 9000, the bank 8999\.$/,
  ],
  [
    'bank',
    'sandbox',
    `UPDATE payment_intent SET amount_refunded = 1000 WHERE metadata->>'rentalId' = :loan`,
    /gave back 0, the bank 1000\.$/,
  ],
  [
    'bank',
    'sandbox',
    `UPDATE payment_intent SET status = 'requires_capture' WHERE metadata->>'rentalId' = :cancelled`,
    /is VOIDED, but the bank has pi_.* requires_capture\.$/,
  ],
  [
    'bank',
    'sandbox',
    `UPDATE payment_intent SET metadata = metadata || '{"rentalId": "00000000-0000-4000-8000-000000000000", "key": "00000000-0000-4000-8000-000000000000"}' WHERE metadata->>'rentalId' = :closed`,
    /for rental 00000000-0000-4000-8000-000000000000, which does not exist\.$/,
  ],
  [
    'bank',
    'sandbox',
    `DELETE FROM payment_intent WHERE metadata->>'rentalId' = :loan`,
    /is CAPTURED, but the bank has no authorisation for it\.$/,
  ],
  [
    'bank',
    'sandbox',
    `INSERT INTO payment_intent SELECT id || '2', amount, amount_received, amount_refunded, currency, metadata, 'requires_capture', payment_method, charge_id, decline_code, created_at, canceled_at FROM payment_intent WHERE metadata->>'rentalId' = :loan`,
    /^The bank has 2 open or captured authorisations for rental/,
  ],
  [
    'parcels',
    'delivery',
    `DELETE FROM tracking_event; DELETE FROM delivery WHERE rental_id = :loan`,
    /is ON_LOAN, but it has no OUTBOUND parcel\.$/,
  ],
  [
    'parcels',
    'delivery',
    `UPDATE delivery SET status = 'CREATED', stop = NULL WHERE rental_id = :cancelled`,
    /is CANCELLED, but parcel .* is CREATED and nobody stops it\.$/,
  ],
  [
    'parcels',
    'delivery',
    `DROP INDEX delivery_outbound; UPDATE delivery SET rental_id = :loan WHERE rental_id = :cancelled`,
    /has 2 OUTBOUND parcels\.$/,
  ],
  [
    'parcels',
    'delivery',
    `UPDATE delivery SET rental_id = gen_random_uuid() WHERE rental_id = :loan`,
    /^Parcel .* is for rental .*, which does not exist\.$/,
  ],
  [
    'parcels',
    'delivery',
    `UPDATE delivery SET status = 'CREATED' WHERE rental_id = :closed AND direction = 'RETURN'`,
    /is CLOSED, but parcel .* is CREATED\.$/,
  ],
  [
    'parcels',
    'rental',
    `UPDATE rental SET return_requested = true WHERE id = :loan`,
    /is ON_LOAN, but no parcel brings it back, as the customer asked\.$/,
  ],
  [
    'orders',
    'customer',
    `UPDATE customer_order SET status = 'SHIPPING' WHERE id = :loan`,
    /is ON_LOAN, but the order is SHIPPING\.$/,
  ],
  ['orders', 'customer', `DELETE FROM customer_order WHERE id = :loan`, /is ON_LOAN, but no order\.$/],
  [
    'orders',
    'rental',
    `DELETE FROM step WHERE rental_id = :loan; DELETE FROM payment WHERE id = :loan; DELETE FROM rental WHERE id = :loan`,
    /^Order .*, which is ON_LOAN, has no rental\.$/,
  ],
  [
    'order-log',
    'customer',
    `DELETE FROM order_event WHERE aggregate = 'rental-' || :loan AND version = 2`,
    /has the versions 1, 3, 4 of rental-.*, which is at 4\.$/,
  ],
  [
    'order-log',
    'customer',
    `DELETE FROM order_event WHERE rental_id = :loan AND delivery_status IS NOT NULL`,
    /has nothing of delivery-.*, which is at version 5\.$/,
  ],
  [
    'order-log',
    'customer',
    `UPDATE order_event SET version = 3 WHERE aggregate = 'rental-' || :loan AND version = 2`,
    /has the versions 1, 3, 3, 4 of rental-/,
  ],
  [
    'log-numbers',
    'customer',
    'DELETE FROM order_event WHERE number = 2',
    /^The log of customer .* is at \d+, and has \d+ entries, 1 to \d+\.$/,
  ],
  [
    'versions',
    'rental',
    `UPDATE rental SET version = version + 1 WHERE id = :loan`,
    /is at version 5; the outbox of rental has 4 events of it, 1 to 4\.$/,
  ],
  [
    'versions',
    'rental',
    `DELETE FROM outbox WHERE event_id = 'rental-' || :loan || ':2'`,
    /has 3 events of it, 1 to 4\.$/,
  ],
  ['versions', 'delivery', `DELETE FROM outbox`, /the outbox of delivery has no event of it\.$/],
  [
    'unpublished',
    'book',
    `UPDATE outbox SET published_at = NULL, stream_seq = NULL, created_at = now() - interval '2 minutes' WHERE id = 1`,
    /is not published \(book, for minutes\)\.$/,
  ],
  [
    'stream',
    'rental',
    `DELETE FROM outbox WHERE stream_seq = 2`,
    /^RENTAL 2 is .*, which the outbox of rental does not have\.$/,
  ],
  [
    'stream',
    'rental',
    `UPDATE outbox SET stream_seq = 4000 WHERE stream_seq = 2`,
    /was published as RENTAL 4000, where the stream has nothing\.$/,
  ],
  [
    'stream',
    'rental',
    `UPDATE outbox SET published_at = NULL, stream_seq = NULL WHERE stream_seq = 2`,
    /is in the stream as RENTAL 2, but not published for the outbox\.$/,
  ],
  [
    'stream',
    'rental',
    `UPDATE outbox SET stream_seq = 5 - stream_seq WHERE stream_seq IN (2, 3)`,
    /was published as RENTAL 2, where the stream has /,
  ],
  [
    'stream',
    'rental',
    `UPDATE outbox SET stream_seq = 1 WHERE event_id = 'rental-' || :loan || ':4'`,
    /before an earlier version/,
  ],
  [
    'applied',
    'customer',
    `UPDATE applied SET version = 3 WHERE consumer = 'customer-rental' AND aggregate = 'rental-' || :loan`,
    /^customer-rental has applied rental-.* up to version 3 of 4\.$/,
  ],
  [
    'applied',
    'book',
    `DELETE FROM applied WHERE consumer = 'book-rental'`,
    /^book-rental has applied rental-.* up to version 0 of /,
  ],
  [
    'parked',
    'customer',
    `INSERT INTO parked VALUES ('customer-rental', 'rental-1', 7, '{}')`,
    /^1 parked events of rental-1, from version 7 on, wait beside customer-rental\.$/,
  ],
  [
    'dead-letters',
    'customer',
    `INSERT INTO dead_letter (consumer, aggregate, version, message, reason) VALUES ('customer-rental', 'rental-1', 7, '{}', 'no')`,
    /^customer-rental has given up on rental-1:7 \(dead letter .*\)\.$/,
  ],
])('%s: a mistake in the books of %s is told (%s)', async (rule, of, sql, sentence) => {
  const { differences } = await planted(of, sql, look);

  const told = differences.filter((one) => one.rule === rule).map((one) => one.sentence);
  expect(told).toContainEqual(expect.stringMatching(sentence));
});

test('what stands in a stream twice, or was written there by nobody of ours, is told', async () => {
  const { nats, book } = sources;
  const { rows } = await book.query('SELECT event_id, stream_seq FROM outbox ORDER BY id LIMIT 1');
  const strange = StringCodec().encode('{}');
  const manager = await nats.jetstreamManager();
  const { config } = await manager.streams.info('BOOK');
  await manager.streams.update('BOOK', { duplicate_window: 100_000_000 }); // nanoseconds: it forgets the ids
  const publish = (msgID: string) => nats.jetstream().publish('rentabook.book.saved.x', strange, { msgID });
  const again = await eventually(
    () => publish(rows[0].event_id),
    ({ duplicate }) => !duplicate,
  );
  const unknown = await publish(`book-${randomUUID()}:1`);

  try {
    const { differences } = await look();
    expect(differences.map(({ rule, sentence }) => [rule, sentence])).toEqual([
      ['stream', `${rows[0].event_id} is in the stream twice, as BOOK ${rows[0].stream_seq} and ${again.seq}.`],
      ['stream', expect.stringMatching(`^BOOK ${unknown.seq} is book-.*, which the outbox of book does not have\\.$`)],
    ]);
  } finally {
    await manager.streams.purge('BOOK', { seq: 1 });
    for (const { seq } of [again, unknown]) await manager.streams.deleteMessage('BOOK', seq);
    await manager.streams.update('BOOK', config);
  }
});

test('what is only under way is not told: it is right at the second look', async () => {
  const late = `UPDATE customer_order SET status = 'SHIPPING' WHERE id = :loan`;

  const report = await planted('customer', late, () =>
    look({
      onRule: (rule: string, look: number) => {
        if (look === 2 && rule === 'orders')
          void sources.customer.query(`UPDATE customer_order SET status = 'ON_LOAN' WHERE id = '${rentals.loan}'`);
      },
    }),
  );

  expect(report.differences).toEqual([]);
});

test('what differs in another way at each look is not told, but counted as under way', async () => {
  let version = 4;
  const moving = () =>
    void sources.rental.query(
      `UPDATE rental SET status = 'SHIPPING', version = ${++version} WHERE id = '${rentals.loan}'`,
    );

  const { differences, rules: checked } = await planted(
    'rental',
    `UPDATE rental SET status = 'SHIPPING' WHERE id = :loan`,
    () => look({ onRule: (rule: string) => rule === 'orders' && moving() }),
  );

  expect(differences.filter(({ rule }) => rule === 'orders')).toEqual([]);
  expect(checked.find(({ rule }) => rule === 'orders')).toMatchObject({ underWay: 1 });
});

test('without the sandbox its rules are left out, and said so', async () => {
  const { leftOut, rules: checked } = await findDifferences({ ...sources, sandbox: undefined }, { settleMs: 50 });

  expect(leftOut).toEqual(['bank', 'fees']);
  expect(checked).toHaveLength(rules.length - 2);
});

test('the consumers that are looked at are those that the services run', () => {
  const named = services.flatMap((service) =>
    [...readFileSync(`subgraphs/${service}/events.ts`, 'utf8').matchAll(/^ +name: '([a-z-]+)',$/gm)].map(
      ([, name]) => name,
    ),
  );
  expect(consumers.map(({ name }) => name).sort()).toEqual(named.sort());
});

/**
 * Two readers and one copy, over sixty days: real processes whose clock is moved by days. The sandbox courier takes a day from one scan
 * to the next, and longer where several days pass at once.
 */
import { addBook, type Client, clientOf, eventually, idOf, requestRental, signUp, stockOf } from './client.ts';
import { runCommand } from './command.ts';
import { type System, startSystem } from './system.ts';

let system: System;
let staff: Client;
let alice: Client;
let bora: Client;
let bookId: string;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: String(86_400_000) }, { moving: true });
  const year = { secondsToLive: 366 * 86_400 };
  const lasting = async (id: string, more: object = {}) =>
    clientOf(system.url, await system.tokenOf(id, { ...year, ...more }));
  alice = await lasting(idOf(await signUp(system.url)));
  bora = await lasting(idOf(await signUp(system.url)));
  staff = await lasting(idOf(await signUp(system.url)), { roles: ['CUSTOMER', 'STAFF'] });
  bookId = await addBook(staff, 1, { title: 'The Only Copy' });
}, 90_000);
afterAll(() => system?.stop());

const RENTAL = `query ($id: ID!) { rental(id: $id) {
  status dueAt renewals allowedActions rejection { code }
  payment { status captured { amount } refunded { amount } }
  fees { id kind status amount { amount } explanation copies daysLate cause }
  deliveries { direction status }
} }`;
const rentalOf = async (who: Client, id: string) => (await who.data(RENTAL, { id })).rental;

const reaches = (who: Client, id: string, status: string) =>
  eventually(
    () => rentalOf(who, id),
    (rental) => rental.status === status,
  );

/** The parcel's next scan, on the next day or so many later. */
async function nextScan(who: Client, id: string, status: string, days = 1): Promise<void> {
  system.passDays(days);
  await eventually(
    async () => (await rentalOf(who, id)).deliveries.at(-1).status,
    (seen) => seen === status,
  );
}

async function delivered(who: Client, id: string, status: string, daysEach = 1): Promise<void> {
  for (const scan of ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED']) await nextScan(who, id, scan, daysEach);
  await reaches(who, id, status);
}

const QUOTE =
  'query ($bookId: ID!) { rentalQuote(input: { bookId: $bookId }) { allowed reasons { code message } total { amount } loanDays } }';
const quote = async (who: Client) => (await who.data(QUOTE, { bookId })).rentalQuote;
const reasons = async (who: Client) => (await quote(who)).reasons.map(({ code }: { code: string }) => code);

/** `field` selects; without a mistake of the caller's. */
async function done(who: Client, field: string, selection: string) {
  const { done } = await who.data(`mutation { done: ${field} { ${selection} userErrors { code message } } }`);
  expect(done.userErrors).toEqual([]);
  return done;
}

const WAITLIST = '{ me { waitlist { id status position offerExpiresAt book { title } } } }';
const entryOf = async (who: Client) => (await who.data(WAITLIST)).me.waitlist[0];

const copyId = async (): Promise<string> =>
  (await staff.data('query ($id: ID!) { book(id: $id) { copies { edges { node { id } } } } }', { id: bookId })).book
    .copies.edges[0].node.id;

async function inspect(condition: string, status: string): Promise<void> {
  const id = await copyId();
  await eventually(
    async () =>
      (
        await staff.data(
          `mutation { inspectCopy(input: { copyId: "${id}", condition: ${condition} }) { copy { status } userErrors { code } } }`,
        )
      ).inspectCopy,
    ({ copy, userErrors }) => !userErrors.length && copy.status === status, // Book may learn of the return after Rental
  );
}

test('a reader keeps the only copy too long, the carrier takes weeks to bring it back, and the next in line rents it', async () => {
  expect(await quote(alice)).toEqual({ allowed: true, reasons: [], total: { amount: 4500 }, loanDays: 14 });
  const { rental: first } = await requestRental(alice, bookId);
  expect(first.status).toBe('ACCEPTED');

  // Bora wants it as well: there is none, so she waits for it.
  expect(await reasons(bora)).toEqual(['OUT_OF_STOCK']);
  expect((await requestRental(bora, bookId)).rental).toMatchObject({
    status: 'REJECTED',
    rejection: { code: 'OUT_OF_STOCK' },
  });
  await done(bora, `joinWaitlist(bookId: "${bookId}")`, 'entry { id }');
  expect(await entryOf(bora)).toMatchObject({ status: 'WAITING', position: 1, book: { title: 'The Only Copy' } });

  // Four days on the way, then two weeks to read.
  await nextScan(alice, first.id, 'CREATED', 0);
  await nextScan(alice, first.id, 'PICKED_UP');
  await delivered(alice, first.id, 'ON_LOAN');
  const loan = await rentalOf(alice, first.id);
  const days = (new Date(loan.dueAt).getTime() - system.now().getTime()) / 86_400_000;
  expect(Math.round(days)).toBe(14);
  expect(loan).toMatchObject({ payment: { status: 'CAPTURED', captured: { amount: 4500 } }, fees: [] });

  // No renewal while somebody waits, and it is not even offered.
  expect(loan.allowedActions).toEqual(['RETURN', 'REPORT_LOST']);
  const { renewRental } = await alice.data(
    `mutation { renewRental(rentalId: "${first.id}") { rental { renewals } userErrors { code message reason } } }`,
  );
  expect(renewRental).toEqual({
    rental: { renewals: 0 },
    userErrors: [{ code: 'POLICY_DENIED', message: '1 customer waits for this book.', reason: 'OTHERS_WAIT' }],
  });

  // Sixteen days later it is overdue, and Alice rents nothing more.
  system.passDays(14);
  expect((await rentalOf(alice, first.id)).status).toBe('ON_LOAN');
  system.passDays(2);
  await reaches(alice, first.id, 'OVERDUE');
  expect(await reasons(alice)).toContain('CUSTOMER_BLOCKED');
  const { me } = await alice.data('{ me { blocked } }');
  expect(me.blocked).toBe(true);

  // She sends it back; the carrier takes it two days later, and then a month to bring it.
  await done(alice, `returnRental(rentalId: "${first.id}")`, 'rental { id }');
  await nextScan(alice, first.id, 'CREATED', 0);
  await nextScan(alice, first.id, 'PICKED_UP', 2);
  await reaches(alice, first.id, 'RETURNING');
  await delivered(alice, first.id, 'RETURNED', 10);

  // It is damaged. The late fee is for the days until the carrier had it: not one for the month after.
  await inspect('DAMAGED', 'REPAIR');
  const closed = await reaches(alice, first.id, 'CLOSED');
  const { fees } = await eventually(
    () => rentalOf(alice, first.id),
    (rental) => rental.fees.length === 2,
  );
  expect(closed.payment).toMatchObject({ status: 'CAPTURED', refunded: { amount: 0 } });
  const [damage, late] = fees.toSorted((a: { kind: string }, b: { kind: string }) => (a.kind < b.kind ? -1 : 1));
  expect(damage).toMatchObject({ kind: 'DAMAGE', status: 'OUTSTANDING', amount: { amount: 4500 } });
  expect(damage).toMatchObject({ copies: 1, daysLate: null, cause: 'DAMAGED' });
  expect(late).toMatchObject({ kind: 'LATE', status: 'OUTSTANDING', amount: { amount: 5 * 450 } }); // the fifth day had begun
  expect(late).toMatchObject({ copies: 1, daysLate: 5, cause: null });
  expect(late.explanation).toMatch(
    /^Due on .*, picked up for the return on .*: 5 days late at 450 KRW a day, for 1 copy\.$/,
  );

  expect(
    await done(alice, `payFee(feeId: "${late.id}", paymentMethod: "pm_card_visa")`, 'fee { status }'),
  ).toMatchObject({
    fee: { status: 'PAID' },
  });
  expect(await done(staff, `waiveFee(feeId: "${damage.id}", reason: "It was old")`, 'fee { status }')).toMatchObject({
    fee: { status: 'WAIVED' },
  });

  // Repaired, it is set aside for Bora, who has waited; nobody else can have it.
  expect((await stockOf(staff, bookId)).inspecting).toBe(1);
  await inspect('GOOD', 'ON_SHELF');
  expect(await stockOf(staff, bookId)).toMatchObject({ available: 0, reserved: 1 });
  const offered = await entryOf(bora);
  expect(offered).toMatchObject({ status: 'OFFERED', position: null });
  expect(new Date(offered.offerExpiresAt).getTime() - system.now().getTime()).toBeLessThanOrEqual(48 * 3_600_000);
  expect(await reasons(alice)).toEqual(['OUT_OF_STOCK']);
  expect(await quote(bora)).toMatchObject({ allowed: true });

  system.passDays(1);
  const { rental: second } = await requestRental(bora, bookId);
  expect(second.status).toBe('ACCEPTED');
  expect(await entryOf(bora)).toMatchObject({ status: 'FULFILLED', offerExpiresAt: null });
  await nextScan(bora, second.id, 'CREATED', 0);
  await nextScan(bora, second.id, 'PICKED_UP');
  await delivered(bora, second.id, 'ON_LOAN');
  expect((await rentalOf(bora, second.id)).allowedActions).toEqual(['RENEW', 'RETURN', 'REPORT_LOST']);
  await done(bora, `renewRental(rentalId: "${second.id}")`, 'rental { renewals }');
  system.passDays(3);

  // What the readers were told, and what the shop made of it.
  const history = await alice.data(`{ order(rentalId: "${first.id}") { timeline { type status } } }`);
  expect(
    history.order.timeline
      .map(({ type }: { type: string }) => type)
      .filter((type: string) => type.startsWith('rental.')),
  ).toEqual([
    'rental.requested',
    'rental.accepted',
    'rental.shipped',
    'rental.loan_started',
    'rental.overdue',
    'rental.return_requested',
    'rental.returning',
    'rental.returned',
    'rental.closed',
  ]);
  const today = system.now().toISOString().slice(0, 10);
  const { dailyReport } = await staff.data(
    `{ dailyReport(date: "${today}") { overdue feesOutstanding { amount } copiesOwned stockTurn } }`,
  );
  expect(dailyReport).toMatchObject({ overdue: 0, feesOutstanding: { amount: 0 } });
  expect(dailyReport.stockTurn).toBe(2 / dailyReport.copiesOwned); // beside the demo's catalogue, which nobody has rented
  const { code, stdout } = await runCommand('operate/reconcile.ts', { RENTABOOK_DATA: system.folder });
  expect({ code, stdout: code ? stdout : '' }).toEqual({ code: 0, stdout: '' });
}, 120_000);

/** The days' reports, from rows whose times are set. */
import { randomUUID } from 'node:crypto';
import { transaction } from '#platform/database.ts';
import { openRentals, type Rentals, storeRental } from './fixture.ts';

let rentals: Rentals;
beforeAll(async () => {
  rentals = await openRentals();
});
afterAll(() => rentals?.close());

const FIELDS = `{ date requested rejected cancelled overdue captured { amount currency } feesPaid { amount currency }
  refunded { amount currency } revenue { amount currency } feesOutstanding { amount currency } }`;
const ask = (operation: string) => rentals.ask(randomUUID(), operation, {}, ['STAFF']);
const dayOf = async (date: string) => (await ask(`{ dailyReport(date: "${date}") ${FIELDS} }`)).dailyReport;
const daysOf = async (args: string) => (await ask(`{ dailyReports(${args}) ${FIELDS} }`)).dailyReports;
const datesOf = (days: { date: string }[]) => days.map(({ date }) => date);

test('many days at once are each as they are alone, the oldest first', async () => {
  await transaction(rentals.em(), async (em) => {
    const at = (instant: string) => new Date(instant);
    await storeRental(em, 'REJECTED', { requestedAt: at('2026-02-26T23:59:59.999Z') });
    await storeRental(em, 'CANCELLED', { requestedAt: at('2026-02-27T00:00:00Z') });
    const bought = { requestedAt: at('2026-02-28T12:00:00Z') };
    await storeRental(em, 'OVERDUE', bought, { capturedAt: at('2026-02-28T12:00:00Z') });
    await storeRental(em, 'LOST', bought, { capturedAt: at('2026-02-28T23:59:59.999Z') });
    const back = { capturedAt: at('2026-02-28T13:00:00Z'), refunded: 500, refundedAt: at('2026-03-01T00:00:00Z') };
    await storeRental(em, 'CLOSED', bought, back);
  });
  const rental = await rentals.rentalIn('CLOSED', { requestedAt: new Date('2026-03-02T00:00:00Z') });
  await rentals.feeIn(rental, 'PAID', { paidAt: new Date('2026-03-01T10:00:00Z') });
  await rentals.feeIn(rental, 'OUTSTANDING', { amount: 70 });
  const dates = ['2026-02-26', '2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02'];

  const days = await daysOf('days: 5, to: "2026-03-02"');

  expect(days).toEqual(await Promise.all(dates.map(dayOf)));
  const won = (amount: number) => ({ amount, currency: 'KRW' });
  const now = { overdue: 1, feesOutstanding: won(70) };
  const none = {
    requested: 0,
    rejected: 0,
    cancelled: 0,
    captured: won(0),
    feesPaid: won(0),
    refunded: won(0),
    revenue: won(0),
  };
  expect(days).toEqual([
    { ...none, date: '2026-02-26', ...now, requested: 1, rejected: 1 },
    { ...none, date: '2026-02-27', ...now, requested: 1, cancelled: 1 },
    { ...none, date: '2026-02-28', ...now, requested: 3, captured: won(13_500), revenue: won(13_500) },
    { ...none, date: '2026-03-01', ...now, feesPaid: won(900), refunded: won(500), revenue: won(400) },
    { ...none, date: '2026-03-02', ...now, requested: 1 },
  ]);
});

test('a fortnight up to today is the default, and a quarter of a year the most', async () => {
  const today = new Date().toISOString().slice(0, 10);

  const fortnight = datesOf((await ask('{ dailyReports { date } }')).dailyReports);

  expect(fortnight).toHaveLength(14);
  expect(fortnight.at(-1)).toBe(today);
  const quarter = datesOf(await daysOf('days: 92, to: "2024-03-31"'));
  expect([quarter.length, quarter[0], quarter.at(-1)]).toEqual([92, '2023-12-31', '2024-03-31']);
});

test.each([
  ['days: 0'],
  ['days: 93'],
  ['days: null'],
  ['to: "yesterday"'],
  ['to: "2026-02-30"'],
  ['to: "9999-01-01"'],
  ['to: "0000-01-01"'],
])('%s is refused', async (args) => {
  const refused = { errors: [expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })] };
  await expect(daysOf(args)).rejects.toMatchObject(refused);
});

/** Book's part of the daily report, by days in UTC, from a ledger whose times are set. */
import { query } from '#platform/database.ts';
import { createDatabase } from '../../tests/services.ts';
import { openShop, rentalOf, type Shop } from './fixture.ts';
import { createReserve } from './reserve.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(await createDatabase('book'));
});
afterAll(() => shop?.close());

const REPORT =
  'query ($of: [_Any!]!) { _entities(representations: $of) { ... on DailyReport { copiesOwned copiesIssued stockTurn } } }';
const of = (...dates: string[]) => ({ of: dates.map((date) => ({ __typename: 'DailyReport', date })) });
const reports = async (...dates: string[]) => (await shop.ask(REPORT, of(...dates), 'STAFF'))._entities;

/** All lines of the ledger that say "today" are of this time. */
async function at(instant: string, work: () => Promise<unknown>): Promise<void> {
  await work();
  const today = `UPDATE stock_movement SET occurred_at = $1 WHERE occurred_at > now() - interval '1 hour'`;
  await query(shop.em(), today, [instant]);
}

test('a day ends at midnight in UTC, and a year before its end begins the count of the turn', async () => {
  const reserve = createReserve(shop.em);
  const book = await shop.addTitle(0);
  const add = (count: number) => () =>
    shop.ask(
      `mutation ($id: ID!) { addCopies(input: { bookId: $id, count: ${count} }) { userErrors { code } } }`,
      { id: book.id },
      'STAFF',
    );
  const sent = (quantity: number) => async () => {
    const rental = rentalOf(book, quantity);
    await reserve(rental);
    await shop.parcelOf(rental, 'OUTBOUND')('delivery.picked_up');
    return rental;
  };
  await at('2024-01-01T00:00:00Z', add(6));
  await at('2024-03-09T23:59:59Z', sent(1)); // a day too early for the year that ends with 2025-03-09
  await at('2024-03-10T00:00:00Z', sent(1));
  await at('2025-03-09T23:59:59.999Z', sent(2));
  await at('2025-03-10T00:00:00Z', async () => {
    const rental = await sent(1)();
    await shop.parcelOf(rental, 'OUTBOUND')('delivery.lost');
  });

  expect(await reports('2023-12-31', '2024-01-01', '2025-03-09', '2025-03-10', '2025-03-11')).toEqual([
    { copiesOwned: 0, copiesIssued: 0, stockTurn: null },
    { copiesOwned: 6, copiesIssued: 0, stockTurn: 0 },
    { copiesOwned: 6, copiesIssued: 2, stockTurn: 3 / 6 },
    { copiesOwned: 5, copiesIssued: 1, stockTurn: 3 / 5 },
    { copiesOwned: 5, copiesIssued: 0, stockTurn: 3 / 5 },
  ]);
});

test('what is no day has no report, and customers see none', async () => {
  const none = { copiesOwned: null, copiesIssued: null, stockTurn: null };
  expect(await reports('2025-02-30', 'yesterday', '2025-3-9')).toEqual([none, none, none]);
  expect(await shop.errorsOf(REPORT, of('2025-03-09'), 'CUSTOMER')).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
});

/** Rows of a catalogue file as a browser sends them. What a row means is in importRows.test.ts and goodbooks.test.ts. */
import { query, transaction } from '#platform/database.ts';
import { eventually } from '../../tests/client.ts';
import { createDatabase } from '../../tests/services.ts';
import { addBook } from './catalogue.ts';
import { Book, StockMovement } from './entities.ts';
import { openShop, type Shop, staff } from './fixture.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(await createDatabase('import'));
});
beforeEach(() => query(shop.em(), 'TRUNCATE book, book_copy, stock_movement, waitlist_entry, outbox'));
afterAll(() => shop?.close());

const IMPORT = `mutation ($rows: [ImportRowInput!]!) {
  importBooks(input: { rows: $rows }) { results { line outcome remarks } userErrors { code path } }
}`;
const viewer = staff();
const importBooks = async (...rows: object[]) => (await shop.askAs(viewer, IMPORT, { rows })).importBooks;
const outcomesOf = ({ results }: { results: { outcome: string }[] }) => results.map(({ outcome }) => outcome);

const hungerGames = {
  line: 2,
  bookId: '1',
  isbn: '439023483',
  authors: 'Suzanne Collins',
  originalPublicationYear: '2008.0',
  title: 'The Hunger Games',
  languageCode: 'eng',
  ratingsCount: '4780653',
};
const entries = () =>
  query(shop.em(), "SELECT actor_id, details FROM audit WHERE action = 'importBooks' ORDER BY occurred_at");

test('each row has its outcome, in their order; a repetition changes nothing', async () => {
  const before = (await entries()).length;
  const rows = [
    { line: 7, bookId: 'x', title: 'Nobody knows which' },
    hungerGames,
    { line: 9, bookId: '5001', title: 'Ὀδύσσεια', isbn: '1400066124' },
  ];

  const first = await importBooks(...rows);
  const again = await importBooks(...rows);
  const updated = await importBooks({ ...hungerGames, title: 'The Hunger Games (1)' });

  expect(first).toEqual({
    results: [
      { line: 7, outcome: 'LEFT_OUT', remarks: ['book_id "x" is not a positive number'] },
      { line: 2, outcome: 'IMPORTED', remarks: [] },
      {
        line: 9,
        outcome: 'IMPORTED',
        remarks: ['isbn "1400066124" has a wrong check digit, so the book goes without it'],
      },
    ],
    userErrors: [],
  });
  expect(outcomesOf(again)).toEqual(['LEFT_OUT', 'UNCHANGED', 'UNCHANGED']);
  expect(outcomesOf(updated)).toEqual(['UPDATED']);
  expect(await shop.em().find(Book, {}, { orderBy: { sourceId: 'asc' } })).toEqual([
    expect.objectContaining({
      isbn: '9780439023481',
      title: 'The Hunger Games (1)',
      authors: ['Suzanne Collins'],
      publishedYear: 2008,
      language: 'en',
      popularity: 4780653,
      available: 20,
      version: 2,
    }),
    expect.objectContaining({ sourceId: 'goodbooks:5001', authors: [], isbn: null, available: 2, version: 1 }),
  ]);
  expect((await entries()).slice(before)).toEqual([
    { actor_id: viewer.customerId, details: { imported: 2, updated: 0, unchanged: 0, leftOut: 1 } },
    { actor_id: viewer.customerId, details: { imported: 0, updated: 1, unchanged: 0, leftOut: 0 } },
  ]);
  expect((await shop.em().find(StockMovement, {})).map(({ actor }) => actor)).toEqual([
    viewer.customerId,
    viewer.customerId,
  ]);
});

test('what somebody else registers meanwhile is known to an import that has waited for it', async () => {
  const rentalFee = { amount: 4000, currency: 'KRW' };
  let importing: ReturnType<typeof importBooks> | undefined;

  await transaction(shop.em(), async (em) => {
    await addBook(em, { sourceId: 'goodbooks:1', title: 'Hunger Games', authors: [], rentalFee }, 'KRW', null);
    importing = importBooks(hungerGames);
    await eventually(
      () => shop.waitingStatements(),
      (count) => count > 0,
    );
  });

  expect(await importing).toEqual({ results: [{ line: 2, outcome: 'UPDATED', remarks: [] }], userErrors: [] });
  expect(await shop.em().count(Book)).toBe(1);
});

test('a search after an import has nothing left to merge into its index', async () => {
  await importBooks(hungerGames);

  const [left] = await query(
    shop.em(),
    "SELECT gin_clean_pending_list('book_search')::int AS search, gin_clean_pending_list('book_facets')::int AS facets",
  );

  expect(left).toEqual({ search: 0, facets: 0 });
});

test('200 rows at once are taken, one more is refused as a whole, and none is nothing', async () => {
  const rows = Array.from({ length: 201 }, (_, place) => ({ line: place + 2, bookId: `${place + 1}`, title: 'T' }));

  expect(await importBooks(...rows)).toEqual({
    results: [],
    userErrors: [{ code: 'INVALID_INPUT', path: ['input', 'rows'] }],
  });
  expect(await importBooks()).toEqual({ results: [], userErrors: [] });
  expect(await shop.em().count(Book)).toBe(0);
  expect(outcomesOf(await importBooks(...rows.slice(1)))).toHaveLength(200);
});

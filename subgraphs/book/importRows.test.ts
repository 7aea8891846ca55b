import { query, transaction } from '#platform/database.ts';
import { createDatabase } from '../../tests/services.ts';
import { updateBook } from './catalogue.ts';
import { Book } from './entities.ts';
import { openShop, type Shop, staff, terms } from './fixture.ts';
import type { Row } from './goodbooks.ts';
import { createImport, type Report } from './importRows.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(await createDatabase('import'));
});
beforeEach(() => query(shop.em(), 'TRUNCATE book, book_copy, stock_movement, waitlist_entry, outbox'));
afterAll(() => shop?.close());

const hungerGames: Row = {
  book_id: '1',
  isbn: '439023483',
  authors: 'Suzanne Collins',
  original_publication_year: '2008.0',
  title: 'The Hunger Games',
  language_code: 'eng',
  ratings_count: '10',
};

/** Imports one file with these rows, which differ from the first one in so much. */
function importRows(...differences: Partial<Row>[]): Promise<Report[]> {
  const rows = differences.map((difference, place) => ({ line: place + 2, row: { ...hungerGames, ...difference } }));
  return createImport(shop.em(), 'KRW', null)(rows);
}
const books = () => shop.em().find(Book, {}, { orderBy: { sourceId: 'asc' } });

test('a book that staff registered is known by its ISBN; what the file says of it is taken over, what the shop decided stays', async () => {
  const book = await shop.addTitle(3, {
    title: 'Hunger Games',
    isbn: '9780439023481',
    tags: ['games'],
    language: 'fr',
  });

  expect(await importRows({ language_code: '' })).toEqual([{ line: 2, outcome: 'updated', remarks: [] }]);

  expect(await books()).toEqual([
    expect.objectContaining({
      id: book.id,
      sourceId: 'goodbooks:1',
      title: 'The Hunger Games',
      tags: ['games'],
      language: 'fr',
      feeAmount: 4500,
      available: 3,
      version: 2,
    }),
  ]);
});

test('a fee that staff have changed stays', async () => {
  await importRows({});
  const [book] = await books();
  const changes = { id: book?.id, rentalFee: { amount: 1, currency: 'KRW' } };
  await transaction(shop.em(), (em) => updateBook(em, changes, terms, staff()));

  expect(await importRows({})).toEqual([{ line: 2, outcome: 'unchanged', remarks: [] }]);
  expect(await books()).toEqual([expect.objectContaining({ feeAmount: 1, version: 2 })]);
});

test('new ratings are an update that nobody else has to hear of', async () => {
  await importRows({});
  expect(await importRows({ ratings_count: '11' })).toEqual([{ line: 2, outcome: 'updated', remarks: [] }]);
  expect(await books()).toEqual([expect.objectContaining({ popularity: 11, version: 1 })]);
});

test('an ISBN that another book has, in the file or in the shop, is left out', async () => {
  const inFile = await importRows({}, { book_id: '2' });
  const inShop = await importRows({ book_id: '3' });

  expect([...inFile, ...inShop]).toEqual([
    { line: 2, outcome: 'imported', remarks: [] },
    { line: 3, outcome: 'imported', remarks: ['ISBN 9780439023481 is on line 2 already, so the book goes without it'] },
    {
      line: 2,
      outcome: 'imported',
      remarks: ["ISBN 9780439023481 is another book's here, so the book goes without it"],
    },
  ]);
  expect((await books()).map(({ isbn }) => isbn)).toEqual(['9780439023481', null, null]);
});

/** A catalogue file, as staff bring it in. */
import type { Page } from 'playwright-core';
import type { Client } from '../client.ts';
import { type Visitor, violations } from './browser.ts';
import { signIn } from './people.ts';
import { openShop } from './shop.ts';

const shop = openShop();
let staff: Client;
let desk: Visitor;

beforeAll(async () => {
  staff = await shop.system.clientWith('STAFF');
  desk = await shop.visit('desktop');
  await signIn(desk.page, 'staff@demo.test');
});

const HEADER = 'book_id,isbn,authors,original_publication_year,title,language_code,ratings_count';
const row = (id: number, isbn = '') => `${id},${isbn},"An Author, Another",1999.0,Book number ${id},eng,${id}`;
const rows = (from: number, count: number) => Array.from({ length: count }, (_, place) => row(from + place));

async function choose(page: Page, name: string, lines: readonly string[]): Promise<void> {
  const file = { name, mimeType: 'text/csv', buffer: Buffer.from(`${[HEADER, ...lines].join('\n')}\n`) };
  await page.getByLabel('CSV file').setInputFiles(file);
  await page.getByText(`${name} has ${lines.length} rows.`).waitFor();
}

/** The numbers beside their names. */
const counts = async (page: Page): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      (await page.locator('.import .tile').all()).map(async (tile) => [
        await tile.locator('dt').textContent(),
        await tile.locator('dd').textContent(),
      ]),
    ),
  );
const remarks = async (page: Page): Promise<string[]> => page.locator('.part tbody tr').allInnerTexts();

test('a file is imported row by row, what is wrong in it is told, and the same file again changes nothing', async () => {
  const { page, shoot, complaints } = desk;
  const file = [
    ...rows(900_001, 250),
    'none,,A,2000,No number,eng,1',
    '900400,,short',
    row(900_401).replace('Book', 'B\0k'),
    row(900_001), // by then of another call
    row(900_500, '1234567890'),
    row(900_500),
    '900402,,A,99999,Late,eng,1',
    `900403,,${'x'.repeat(3000)},1999,Long,eng,1`,
    '900404,,A,1999,Counted,eng,1e99',
    '900405,,A,1999,"Open,eng,1',
  ];
  const said = [
    /^252\tLeft out\tbook_id "none" is not a positive number$/,
    /^253\tLeft out\tit has more or fewer columns than the header$/,
    /^254\tLeft out\tit is not UTF-8 text$/,
    /^256\tImported\tisbn "1234567890" has a wrong check digit, so the book goes without it$/,
    /^257\tLeft out\tbook_id 900500 is on line 256 already$/,
    /^258\tLeft out\tThe year must be 9999 or earlier.$/,
    /^259\tLeft out\tAn author must have at most 200 characters.$/,
    /^260\tImported\tratings_count "1e99" is not a number, so the book goes without it$/,
    /^261\tLeft out\ta quote is opened and never closed$/,
  ];
  await page.goto('/office/import');

  await choose(page, 'books.csv', file);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('The import is done.').waitFor();

  expect(await counts(page)).toEqual({ Imported: '252', Updated: '0', Unchanged: '1', 'Left out': '7' });
  await page.getByText('260 of 260 rows').waitFor();
  expect(await page.getByRole('progressbar').getAttribute('value')).toBe('260');
  expect(await remarks(page)).toEqual(said.map((line) => expect.stringMatching(line)));
  expect(await violations(page)).toEqual([]);
  await shoot('office-import-done');

  await page.getByRole('button', { name: 'Import another file' }).click();
  await choose(page, 'again.csv', file);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('The import is done.').waitFor();

  expect(await counts(page)).toEqual({ Imported: '0', Updated: '0', Unchanged: '253', 'Left out': '7' });
  expect(complaints).toEqual([]);
});

test('a row that the shop refuses with all that is sent beside it is left out alone', async () => {
  const { page } = desk;
  await page.route('**/graphql', (route) =>
    route.continue({ postData: (route.request().postData() ?? '').replaceAll('Book number 930007', '\\u0000') }),
  );
  await page.goto('/office/import');

  await choose(page, 'refused.csv', rows(930_001, 20));
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('The import is done.').waitFor();
  await page.unrouteAll({ behavior: 'wait' });

  expect(await counts(page)).toEqual({ Imported: '19', Updated: '0', Unchanged: '0', 'Left out': '1' });
  expect(await remarks(page)).toEqual(['8\tLeft out\tthe shop does not take it']);
});

test('an import that is left is over, though its last rows are still under way', async () => {
  const { page } = desk;
  const sent: string[] = [];
  const nextIsDone = Promise.withResolvers<void>();
  await page.route('**/graphql', async (route) => {
    const { query, variables } = route.request().postDataJSON();
    if (!query.includes('importBooks')) return route.continue();
    sent.push(variables.input.rows[0].title);
    if (sent.length === 1) await nextIsDone.promise;
    return route.continue();
  });
  await page.goto('/office/import');

  await choose(page, 'left.csv', rows(910_001, 500));
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Import another file' }).click();
  await choose(page, 'next.csv', rows(920_001, 2));
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('The import is done.').waitFor();
  const late = page.waitForResponse((answer) => answer.request().postData()?.includes('Book number 910001') ?? false);
  nextIsDone.resolve();
  await late;
  await page.unrouteAll({ behavior: 'wait' });

  expect(await counts(page)).toEqual({ Imported: '2', Updated: '0', Unchanged: '0', 'Left out': '0' });
  expect(sent).toEqual(['Book number 910001', 'Book number 920001']);
  const { books } = await staff.data('{ books(search: "910201") { edges { node { id } } } }');
  expect(books.edges).toEqual([]);
});

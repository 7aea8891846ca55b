/** The desk of the back office, where things come one upon the other. */
import type { Page } from 'playwright-core';
import { addBook, type Client } from '../client.ts';
import { signIn } from './people.ts';
import { openShop } from './shop.ts';

const shop = openShop();
let staff: Client;
let page: Page;

beforeAll(async () => {
  staff = await shop.system.clientWith('STAFF');
  ({ page } = await shop.visit('desktop'));
  await signIn(page, 'staff@demo.test');
});
afterEach(() => page.unrouteAll({ behavior: 'wait' }));

/** Answers to this operation take so long. */
const slow = (operation: string, ms: number) =>
  page.route('**/graphql', async (route) => {
    const { query } = route.request().postDataJSON();
    if (query.includes(operation)) await new Promise((resolve) => setTimeout(resolve, ms));
    await route.continue().catch(() => {}); // asked no more
  });

/** Barcodes of copies of a new book that wait for the desk. */
async function toInspect(title: string): Promise<string[]> {
  const bookId = await addBook(staff, 3, { title });
  const text = 'UPDATE book SET available = available - 3, inspecting = inspecting + 3 WHERE id = $1';
  await shop.system.query('book', text, [bookId]);
  const copies = await shop.system.query<{ barcode: string }>(
    'book',
    "UPDATE book_copy SET status = 'INSPECTING' WHERE book_id = $1 RETURNING barcode",
    [bookId],
  );
  return copies.map(({ barcode }) => barcode);
}

test('a copy that is scanned while another one is saved comes next, and none is passed over', async () => {
  const [first = '', second = '', third = ''] = await toInspect('Three on the desk');
  const desk = (barcode: string) => page.locator('.copy').getByText(barcode, { exact: true });
  const scan = async (barcode: string) => {
    await page.getByLabel('Barcode of a copy').fill(barcode);
    await page.keyboard.press('Enter');
  };
  await page.goto('/office/inspection');
  await slow('inspectCopy', 1000);

  await scan(first);
  await desk(first).waitFor();
  await page.keyboard.press('1');
  await page.keyboard.press('Enter');
  await scan(second);
  await desk(second).waitFor();

  await shop.system.query('book', "UPDATE book_copy SET status = 'OUT' WHERE barcode = $1", [second]);
  await page.keyboard.press('1');
  await page.keyboard.press('Enter');
  await scan(third);
  await page.getByText('Cannot inspect a copy that is OUT.').waitFor();
  await desk(second).waitFor();
  await scan(third);
  await desk(third).waitFor();

  const kept = await shop.system.query('book', 'SELECT barcode, status FROM book_copy WHERE barcode = $1', [first]);
  expect(kept).toEqual([{ barcode: first, status: 'ON_SHELF' }]);
});

test('a list of books that is asked for otherwise begins anew', async () => {
  await page.goto('/office/books?orderBy=NEWEST');
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('button', { name: 'Show more' }).waitFor({ state: 'detached' });

  await page.getByRole('navigation', { name: 'Back office' }).getByRole('link', { name: 'Books' }).click();

  await page.getByRole('button', { name: 'Show more' }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
});

test('the order that is shown is the one that holds: by title, and with words what fits best', async () => {
  const order = () => page.getByLabel('Order').inputValue();
  await page.goto('/office/books');
  expect(await order()).toBe('TITLE');

  await page.getByLabel('Title, author').fill('dune');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.waitForURL('**/office/books?search=dune');

  expect(await order()).toBe('RELEVANCE');
  await page.goto('/office/books?orderBy=RELEVANCE');
  expect(await order()).toBe('TITLE');
});

test('staff are told what only admins see', async () => {
  await page.goto('/office/dead-letters');

  await page.getByText('Only admins see this page.').waitFor();
});

test('a barcode that is none is told as it was typed and as it was read', async () => {
  await page.goto('/office/inspection');
  await page.getByLabel('Barcode of a copy').fill('뀨999999');
  await page.keyboard.press('Enter');

  await page.getByText('No such copy: 뀨999999 (RB999999)').waitFor();
});

test('answers that take longer than the pause between two questions are seen', async () => {
  await slow('Admission', 3000);

  await page.goto('/office');

  await page.getByText('New requests are settled at once.').waitFor();
});

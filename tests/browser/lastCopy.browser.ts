/** Two readers want the last copy, at once. */
import { addBook, stockOf } from '../client.ts';
import { type System, startSystem } from '../system.ts';
import { openBrowser, type Visitors } from './browser.ts';
import { fillAddress, signUp } from './people.ts';

let system: System;
let visitors: Visitors;

beforeAll(async () => {
  system = await startSystem();
  visitors = await openBrowser();
});
afterAll(async () => {
  await visitors?.close();
  await system?.stop();
});

test('one gets it, the other is told why not and what to do; both had pressed twice', async () => {
  const staff = await system.clientWith('STAFF');
  const bookId = await addBook(staff, 1);
  const readers = await Promise.all([visitors.visit(system.url, 'desktop'), visitors.visit(system.url, 'desktop')]);
  for (const { page } of readers) {
    await signUp(page, `/books/${bookId}/rent`);
    await fillAddress(page);
    await page.getByRole('button', { name: 'Go on to the payment' }).click();
    await page.getByRole('button', { name: /and rent$/ }).waitFor();
  }

  await Promise.all(readers.map(({ page }) => page.getByRole('button', { name: /and rent$/ }).dblclick()));

  const outcomes = await Promise.all(
    readers.map(async ({ page }) => {
      const accepted = page.getByText('It is set aside for you');
      const refused = page.getByRole('link', { name: 'Join the waitlist' });
      await accepted.or(refused).first().waitFor();
      return (await accepted.isVisible()) ? 'accepted' : 'refused';
    }),
  );
  await readers[outcomes.indexOf('refused')]?.shoot('last-copy-refused');
  expect(outcomes.toSorted()).toEqual(['accepted', 'refused']);
  expect(await stockOf(staff, bookId)).toMatchObject({ available: 0, owned: 1 });
  const rentals = await system.query<{ status: string }>('rental', 'SELECT status FROM rental WHERE book_id = $1', [
    bookId,
  ]);
  expect(rentals.map(({ status }) => status).toSorted()).toEqual([expect.not.stringMatching('REJECTED'), 'REJECTED']);
  expect(readers.flatMap(({ complaints }) => complaints)).toEqual([]);
});

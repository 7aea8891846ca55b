/** Two readers want the last copy, at once; another comes too late. */
import { addBook, eventually, stockOf } from '../client.ts';
import { fillAddress, signUp } from './people.ts';
import { openShop } from './shop.ts';

const shop = openShop();

test('one gets it, the other is told why not and what to do; both had pressed twice', async () => {
  const staff = await shop.system.clientWith('STAFF');
  const bookId = await addBook(staff, 1);
  const readers = await Promise.all([shop.visit('desktop'), shop.visit('desktop')]);
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
  const rentals = await shop.system.query<{ status: string }>(
    'rental',
    'SELECT status FROM rental WHERE book_id = $1',
    [bookId],
  );
  expect(rentals.map(({ status }) => status).toSorted()).toEqual([expect.not.stringMatching('REJECTED'), 'REJECTED']);
  expect(readers.flatMap(({ complaints }) => complaints)).toEqual([]);
});

test('who comes too late is told before an address is typed; the next copy is set aside, and paid while the page says so', async () => {
  const staff = await shop.system.clientWith('STAFF');
  const bookId = await addBook(staff, 0);
  const { page } = await shop.visit('desktop');
  await signUp(page, `/books/${bookId}/rent`);

  await page.getByRole('alert').getByRole('link', { name: 'Join the waitlist' }).waitFor();
  expect(await page.getByRole('button', { name: 'Go on to the payment' }).isDisabled()).toBe(true);
  await page.getByRole('link', { name: 'Join the waitlist' }).click();
  await page.getByRole('button', { name: 'Join the waitlist' }).click();
  await page.getByText('the next copy is yours').waitFor();
  const input = { bookId, count: 1, reason: 'bought' };
  await staff.data('mutation ($input: AddCopiesInput!) { addCopies(input: $input) { userErrors { code } } }', {
    input,
  });
  await eventually(
    async () => {
      await page.evaluate(`dispatchEvent(new Event('online'))`); // what is shown is read again
      return page.getByText('A copy is set aside for you').isVisible();
    },
    (offered) => offered,
  );
  expect(await page.locator('main').innerText()).not.toMatch(/Not in stock|All lent out|can be rented now/);

  await page.getByRole('link', { name: 'Rent this book' }).click();
  await fillAddress(page);
  await page.getByRole('button', { name: 'Go on to the payment' }).click();
  const said = page.getByRole('status').getByText('Checking the payment…');
  await page.route('/graphql', async (route) => {
    if (route.request().postData()?.includes('mutation RequestRental')) await said.waitFor();
    await route.continue();
  });
  await page.getByRole('button', { name: /and rent$/ }).click();
  await page.getByText('It is set aside for you').waitFor();
});

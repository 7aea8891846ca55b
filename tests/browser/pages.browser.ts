/** Long lists, which others add to while they are read. */
import { addBook, signIn as clientOf, eventually, requestRental } from '../client.ts';
import { signIn } from './people.ts';
import { openShop } from './shop.ts';

const shop = openShop({ SANDBOX_CARRIER_STEP_MS: '3600000' });

test('what comes in while a list is read on makes neither a gap nor a double', async () => {
  const staff = await clientOf(shop.system.url, 'staff@demo.test');
  const reader = await clientOf(shop.system.url, 'reader@demo.test');
  const bookId = await addBook(staff, 200);
  const rent = (count: number) => Promise.all(Array.from({ length: count }, () => requestRental(reader, bookId)));
  await rent(70);
  const { page } = await shop.visit('desktop');
  await signIn(page, 'staff@demo.test');
  await page.goto('/office/rentals');
  const links = page.locator('tbody th a');
  await links.first().waitFor();
  const onePage = await links.count();
  const shown = async () =>
    (await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))).map((href) =>
      href?.split('/').at(-1),
    );
  const newest = async (first: number) => {
    const { rentals } = await staff.data('query ($first: Int!) { rentals(first: $first) { edges { node { id } } } }', {
      first,
    });
    return rentals.edges.map(({ node }: { node: { id: string } }) => node.id);
  };
  await page.getByRole('button', { name: 'Show more' }).click();
  await eventually(
    () => links.count(),
    (count) => count === 2 * onePage,
  );

  await rent(3);
  await page.evaluate(`dispatchEvent(new Event('online'))`); // as when the reader's line was away: what is shown is read again

  const expected = await newest(2 * onePage);
  expect(await eventually(shown, (ids) => ids[0] === expected[0])).toEqual(expected);
});

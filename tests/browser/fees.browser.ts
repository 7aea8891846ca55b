/** Who owes something finds it without knowing of which order it is, and pays it. */
import { addBook, signIn as clientOf, eventually, rentalOf, requestRental } from '../client.ts';
import { violations } from './browser.ts';
import { signIn } from './people.ts';
import { openShop } from './shop.ts';

const shop = openShop({ SANDBOX_CARRIER_STEP_MS: '300' });

test('an unpaid fee of a past order stands above the open ones, and leads to where it is paid', async () => {
  const reader = await clientOf(shop.system.url, 'reader@demo.test');
  const bookId = await addBook(await shop.system.clientWith('STAFF'), 1, { title: '잃어버린 책' });
  const { rental } = await requestRental(reader, bookId);
  await eventually(
    () => rentalOf(reader, rental.id),
    ({ status }) => status === 'ON_LOAN',
  );
  await reader.data(`mutation { reportRentalLost(rentalId: "${rental.id}") { userErrors { code } } }`);
  const { page, shoot } = await shop.visit('phone');
  await signIn(page, 'reader@demo.test');

  await page.goto('/orders');
  const unpaid = page.getByRole('region', { name: '미납 요금' });
  await unpaid.getByText('잃어버린 책').waitFor();
  await page.getByText('진행 중인 주문이 없습니다.').waitFor();
  await shoot('unpaid-fees');
  expect(await violations(page)).toEqual([]);
  await unpaid.getByRole('link', { name: /결제하기/ }).click();
  await page.getByRole('button', { name: /결제하기/ }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /결제하기/ })
    .click();
  await page.getByText('납부 완료').waitFor();

  await page.getByRole('link', { name: '내 주문', exact: true }).click();
  await page.getByText('진행 중인 주문이 없습니다.').waitFor();
  expect(await unpaid.count()).toBe(0);

  await page.getByLabel('제목으로 찾기').fill('잃어버린');
  await page.getByRole('link', { name: '잃어버린 책' }).waitFor(); // among all orders, not only the open ones
});

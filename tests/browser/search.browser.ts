/** Finding a book, as somebody who has never been here. */
import { addBook, eventually } from '../client.ts';
import { openShop } from './shop.ts';

const shop = openShop();

test('a book is found by Hangul as one types, and nothing is asked of any other host', async () => {
  const { page, shoot, complaints } = await shop.visit('phone');

  await page.getByRole('searchbox').fill('윤동주');

  await page.getByRole('link', { name: /하늘과 바람과 별과 시/ }).waitFor();
  await shoot('search');
  expect(complaints).toEqual([]);
});

test('the way back from a book leads to the same place of the list, however far it was read', async () => {
  const { page } = await shop.visit('phone');
  const books = page.locator('.books > li');
  await page.getByRole('button', { name: '더 보기', exact: true }).click();
  await books.nth(47).waitFor();
  const far = books.nth(40).getByRole('link');
  await far.scrollIntoViewIfNeeded();
  const place = await page.evaluate<number>('scrollY');
  await far.click();
  await page.getByRole('heading', { name: '대여하기' }).waitFor();

  await page.goBack();

  await eventually(
    () => page.evaluate<number>('scrollY'),
    (now) => now === place,
  );
  expect(await books.count()).toBe(48);
});

test('a search can be undone: without its words, and without its filter, all books are there again', async () => {
  await addBook(await shop.system.clientWith('STAFF'), 0);
  const { page } = await shop.visit('phone');
  const search = page.getByRole('searchbox');
  const onlyAvailable = page.getByLabel('지금 대여할 수 있는 책만');
  const found = page.locator('.found');
  const foundIs = (wanted: (text: string) => boolean) => eventually(() => found.innerText(), wanted);
  const all = await foundIs((text) => text !== '');

  await search.fill('윤동주');
  await foundIs((text) => text === '1권');
  await search.fill('');
  await foundIs((text) => text === all);
  await onlyAvailable.check();
  await foundIs((text) => text !== all);
  await onlyAvailable.uncheck();
  await foundIs((text) => text === all);
});

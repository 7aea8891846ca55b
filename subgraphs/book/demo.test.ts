import { createDatabase } from '../../tests/services.ts';
import { makeDemoCatalogue } from './demo.ts';
import { Book } from './entities.ts';
import { expectSums, openShop, type Shop } from './fixture.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(await createDatabase('demo'));
});
afterAll(() => shop?.close());

test('an empty shop begins with sixty titles, twenty of them Korean, each told of once; a second start adds nothing', async () => {
  await Promise.all([makeDemoCatalogue(shop.em(), 'KRW'), makeDemoCatalogue(shop.em(), 'KRW')]);
  await makeDemoCatalogue(shop.em(), 'KRW');

  const books = await shop.em().find(Book, {});
  expect(books).toHaveLength(60);
  expect(
    books.filter(({ language, title }) => language === 'ko' && /^[\p{Script=Hangul} ]+$/u.test(title)),
  ).toHaveLength(20);
  expect(new Set(books.map(({ title }) => title)).size).toBe(60);
  for (const { id } of books) {
    const { available } = await expectSums(shop, id);
    expect(available).toBeGreaterThanOrEqual(2);
    expect(await shop.eventsOf(`book-${id}`)).toEqual(['book.saved']);
  }
});

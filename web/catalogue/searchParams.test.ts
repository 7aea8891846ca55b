import { changed, searchable, searchBy, wishOf } from './searchParams.ts';

const wish = (address: string) => wishOf(new URLSearchParams(address));

test('an address says what is searched for', () => {
  expect(wish('q=emma&available=1&author=Jane+Austen&from=-800&to=1900&order=TITLE')).toEqual({
    search: 'emma',
    filter: { available: true, author: 'Jane Austen', publishedFrom: -800, publishedTo: 1900 },
    orderBy: 'TITLE',
  });
});

test('what cannot be meant is left out of a search', () => {
  expect(wish('q=+&from=soon&to=99999&order=SIZE&colour=red')).toEqual({ filter: {}, orderBy: 'RELEVANCE' });
  expect(wish(`q=${'a'.repeat(300)}`).search).toHaveLength(200);
});

test('a filter is set, and taken out by an empty value', () => {
  const address = new URLSearchParams('q=emma&tag=novel');

  expect(changed(address, { tag: ' ', language: 'en ' }).toString()).toBe('q=emma&language=en');
  expect(searchBy('author', 'Ὅμηρος & co')).toBe(`/?author=${encodeURIComponent('Ὅμηρος')}+%26+co`);
});

test.each([
  ['ㅈ', ''],
  ['전쟁과 ㅍ', '전쟁과'],
  ['전쟁과 평화', '전쟁과 평화'],
  ['emma ', 'emma'],
])('of %j the letters that are no syllable yet are not searched for', (typed, searched) => {
  expect(searchable(typed)).toBe(searched);
});

import { bookIn, type Row } from './goodbooks.ts';

const row = (more: Partial<Row> = {}): Row => ({
  book_id: '1',
  isbn: '439023483',
  authors: 'Suzanne Collins',
  original_publication_year: '2008.0',
  title: 'The Hunger Games (The Hunger Games, #1)',
  language_code: 'eng',
  ratings_count: '4780653',
  ...more,
});
const inputOf = (more: Partial<Row>) => bookIn(row(more), 'KRW')?.input;

test('a row becomes what addBook takes', () => {
  expect(bookIn(row(), 'KRW')).toEqual({
    input: {
      isbn: '9780439023481',
      sourceId: 'goodbooks:1',
      title: 'The Hunger Games (The Hunger Games, #1)',
      authors: ['Suzanne Collins'],
      publishedYear: 2008,
      language: 'en',
      rentalFee: { amount: 4000, currency: 'KRW' },
      copies: 20,
    },
    popularity: 4780653,
    remarks: [],
  });
});

test.each([
  ['439023483', '9780439023481'],
  ['043965548X', '9780439655484'],
  ['1400066124', null],
  ['', null],
])('the ISBN of "%s" is %s: leading zeros come back, a wrong one is left out', (isbn, expected) => {
  expect(inputOf({ isbn })?.isbn).toBe(expected);
});

test('what is left out is told, what is empty is not', () => {
  const wrong = row({ isbn: '1400066124', original_publication_year: 'long ago', language_code: 'en_US' });
  expect(bookIn(wrong, 'KRW')?.remarks).toEqual([
    'isbn "1400066124" has a wrong check digit, so the book goes without it',
    'original_publication_year "long ago" is not a year, so the book goes without it',
    'language_code "en_US" is not a language, so the book goes without it',
  ]);
  const empty = row({ isbn: '', original_publication_year: '', language_code: '', ratings_count: '' });
  expect(bookIn(empty, 'KRW')).toMatchObject({ popularity: 0, remarks: [] });
});

test.each([
  ['eng', 'en'],
  ['en-US', 'en'],
  ['fre', 'fr'],
  ['ger', 'de'],
  ['per', 'fa'],
  ['fil', 'fil'],
])('the language %s is %s', (code, language) => {
  expect(inputOf({ language_code: code })?.language).toBe(language);
});

test('authors are separated by a comma and a blank, years before Christ are negative', () => {
  expect(
    inputOf({ authors: 'Homer, Robert Fagles, J.R.R. Tolkien', original_publication_year: '-750.0' }),
  ).toMatchObject({
    authors: ['Homer', 'Robert Fagles', 'J.R.R. Tolkien'],
    publishedYear: -750,
  });
});

test.each([
  ['100', 20, 4000],
  ['101', 8, 3500],
  ['1000', 8, 3500],
  ['5000', 4, 3000],
  ['5001', 2, 2500],
])('rank %s has %i copies for %i each', (rank, copies, amount) => {
  expect(inputOf({ book_id: rank })).toMatchObject({ copies, rentalFee: { amount } });
});

test.each(['', '0', '-3', 'x', '1e3', '9999999999'])('a row whose book_id is "%s" is no book', (id) => {
  expect(bookIn(row({ book_id: id }), 'KRW')).toBeNull();
});

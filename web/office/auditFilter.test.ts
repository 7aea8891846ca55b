import { auditFilterOf, subjectPath } from './auditFilter.ts';

test('a filter is what the address says, and days are whole', () => {
  const filter = auditFilterOf(new URLSearchParams('service=BOOK&action=addBook&from=2026-11-01&to=2026-11-01'));

  expect(filter).toMatchObject({ service: 'BOOK', action: 'addBook' });
  expect(Date.parse(String(filter.to)) - Date.parse(String(filter.from))).toBe(86_400_000);
});

test('what is no service or no day is left out', () => {
  expect(auditFilterOf(new URLSearchParams('service=BANK&from=yesterday&to=2026-11'))).toEqual({});
});

test('an entry leads to what it is about', () => {
  expect(subjectPath('Rental', 'r', {})).toBe('/rentals/r');
  expect(subjectPath('Fee', 'f', { rentalId: 'r' })).toBe('/rentals/r');
  expect(subjectPath('BookCopy', 'c', { bookId: 'b' })).toBe('/books/b');
  expect(subjectPath('WaitlistEntry', 'w', {})).toBeNull();
});

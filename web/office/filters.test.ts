import { addressOf, deliveryFilterOf, rentalFilterOf } from './filters.ts';

test('an address says which rentals are meant', () => {
  const address = new URLSearchParams('status=OVERDUE&status=ON_LOAN&overdue=1&bookId=b1&stuckForMinutes=30');

  expect(rentalFilterOf(address)).toEqual({
    status: ['ON_LOAN', 'OVERDUE'],
    overdue: true,
    bookId: 'b1',
    customerId: undefined,
    stuckForMinutes: 30,
  });
});

test('what no list knows is left out of the filter', () => {
  const address = new URLSearchParams('status=EATEN&direction=UP&stuckForMinutes=-3');

  expect(deliveryFilterOf(address)).toEqual({ status: undefined, direction: undefined, stuckForMinutes: undefined });
});

test('a form becomes an address without what was left empty', () => {
  const form = new FormData();
  for (const status of ['LOST', 'STOPPED']) form.append('status', status);
  form.append('bookId', '  ');
  form.append('stuckForMinutes', ' 5 ');

  expect(addressOf(form).toString()).toBe('status=LOST&status=STOPPED&stuckForMinutes=5');
});

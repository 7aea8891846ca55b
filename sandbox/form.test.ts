import { parseForm } from './form.ts';

test('a form with fields one level deep becomes an object', () => {
  expect(parseForm('amount=4500&metadata[rentalId]=r-1&metadata[key]=a%26b&expand[0]=latest_charge')).toEqual({
    amount: '4500',
    metadata: { rentalId: 'r-1', key: 'a&b' },
    expand: { 0: 'latest_charge' },
  });
});

test('a field named like a part of every object stays a field', () => {
  const form = parseForm('__proto__[polluted]=yes');

  expect(Object.keys(form)).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

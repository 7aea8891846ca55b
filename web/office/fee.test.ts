import { asTyped, minorUnits } from './fee.ts';

test('people type amounts as they are written; the API has minor units', () => {
  expect(minorUnits('4500', 'KRW')).toBe(4500);
  expect(minorUnits(' 4,500 ', 'KRW')).toBe(4500);
  expect(minorUnits('４５００', 'KRW')).toBe(4500);
  expect(minorUnits('4.50', 'USD')).toBe(450);
  expect(minorUnits('4.5', 'USD')).toBe(450);
  expect(minorUnits('4', 'USD')).toBe(400);
  expect(minorUnits('0.07', 'USD')).toBe(7);
});

test('what is no amount of the currency is none', () => {
  for (const text of ['', 'free', '-1', '4,50', '4.50', '1e3', '3000000000'])
    expect(minorUnits(text, 'KRW')).toBeNull();
  expect(minorUnits('4.505', 'USD')).toBeNull();
});

test('what stands in the input is read as the same amount', () => {
  expect(asTyped({ amount: 450, currency: 'USD' })).toBe('4.50');
  expect(asTyped({ amount: 4500, currency: 'KRW' })).toBe('4500');
  for (const amount of [0, 7, 70, 4500, 2_147_483_647])
    for (const currency of ['KRW', 'USD', 'BHD'])
      expect(minorUnits(asTyped({ amount, currency }), currency)).toBe(amount);
});

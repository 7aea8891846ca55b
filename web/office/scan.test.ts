import { scanned } from './scan.ts';

test('a scan is read without the space around it, in capitals', () => {
  expect(scanned(' rb000123\t')).toBe('RB000123');
});

test('a scan typed while the input method writes Hangul is the same scan', () => {
  expect(scanned('뀨000123')).toBe('RB000123');
  expect(scanned('ㄲㅠ000123')).toBe('RB000123');
  expect(scanned('ㅅㄱ-한글7')).toBe('TR-GKSRMF7');
});

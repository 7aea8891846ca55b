import { asTyped, scanned } from './scan.ts';

test('a scan is read without the space around it, in capitals', () => {
  expect(scanned(' rb000123\t')).toBe('RB000123');
});

test('a scan typed while the input method writes Hangul is the same scan', () => {
  expect(scanned('뀨000123')).toBe('RB000123');
  expect(scanned('ㄲㅠ000123')).toBe('RB000123');
  expect(scanned('ㅅㄱ-한글7')).toBe('TR-GKSRMF7');
});

test('what was typed is told beside what it was read as, where that is something else', () => {
  expect(asTyped(' rb000123\t')).toBe('RB000123');
  expect(asTyped('뀨000123')).toBe('뀨000123 (RB000123)');
});

import { shown, typedText } from './text.ts';

test.each([
  ['zero-width spaces', '\u200B\u200B'],
  ['a joiner between spaces', ' \u200D '],
  ['a byte order mark', '\uFEFF'],
  ['control characters', '\u0007\u001B'],
  ['marks that stand on nothing', '\u0301'],
  ['fillers of Hangul', '\u3164\u115F\uFFA0'],
  ['an empty Braille pattern', '\u2800'],
  ['an override alone', '\u202E'],
])('%s are no text', (_, text) => {
  expect(shown(text)).toBe('');
  expect(typedText.min(1, 'Nothing is seen.').safeParse(text).error?.issues).toEqual([
    expect.objectContaining({ message: 'Nothing is seen.' }),
  ]);
});

test.each(['1984', '!', '한강', '👩‍🚀', 'می‌خواهم', 'é', '₩'])('%s is a text, and stays as it is', (text) => {
  expect(shown(` ${text} `)).toBe(text);
});

test('what turns the writing direction is removed', () => {
  expect(shown('\u202Eevil\u202C \u2067name\u2069')).toBe('evil name');
});

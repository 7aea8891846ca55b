/**
 * What a scanner typed. It presses keys, so where the input method is set to Hangul, RB arrives as 뀨: the keys are read back from
 * the letters (the two-set layout, KS X 5002).
 */
const leads = 'r R s e E f a q Q t T d w W c z x v g'.split(' ');
const vowels = 'k o i O j p u P h hk ho hl y n nj np nl b m ml l'.split(' ');
const tails = 'r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g'.split(' ');

/** The first letter of each in Unicode, in the same order. */
const layout = [
  { first: 0x1100, keys: leads },
  { first: 0x1161, keys: vowels },
  { first: 0x11a8, keys: tails },
];

export const scanned = (text: string): string => [...text.trim().normalize('NFKD')].map(keyOf).join('').toUpperCase();

/** What was typed, for people, and what it was read as where that is something else. */
export function asTyped(text: string): string {
  const code = scanned(text);
  return code === text.trim().toUpperCase() ? code : `${text.trim()} (${code})`;
}

function keyOf(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  for (const { first, keys } of layout) {
    const key = keys[code - first];
    if (key) return key;
  }
  return letter;
}

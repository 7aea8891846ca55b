/** Korean or English: the reader's choice, else the browser's. Dates, money and plurals are Intl's. */
import { ofBrowser } from '../client/storage.ts';
import { createStore, useStore } from '../client/store.ts';

const languages = ['ko', 'en'] as const;
export type Language = (typeof languages)[number];

const KEY = 'rentabook.language';

const language = createStore<Language>(chosen() ?? preferred());
tell(language.get());

export const useLanguage = (): Language => useStore(language);

export function chooseLanguage(next: Language): void {
  ofBrowser.setItem(KEY, next);
  language.set(next);
  tell(next);
}

/**
 * The words of a part of the page, in both languages; the compiler sees to it that none is missing. A word that needs a number
 * or a name is a function.
 */
export function wordsOf<Words>(words: { en: Words; ko: NoInfer<Words> }): () => Words {
  return () => words[useLanguage()];
}

/** `plural(n, { one: 'a copy', other: `${n} copies` })`, for English; Korean has one form. */
export function plural(count: number, forms: { one: string; other: string }): string {
  return forms[englishPlural.select(count) === 'one' ? 'one' : 'other'];
}
const englishPlural = new Intl.PluralRules('en');

function chosen(): Language | undefined {
  const kept = ofBrowser.getItem(KEY);
  return languages.find((one) => one === kept);
}

/** The first one of the browser's that there is. */
function preferred(): Language {
  for (const tag of navigator.languages) {
    const found = languages.find((one) => tag.toLowerCase().split('-')[0] === one);
    if (found) return found;
  }
  return 'en';
}

function tell(next: Language): void {
  document.documentElement.lang = next;
}

addEventListener('storage', ({ key }) => {
  const kept = chosen();
  if (key !== KEY || !kept) return;
  language.set(kept);
  tell(kept);
});

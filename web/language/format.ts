/** Money, times and numbers in the reader's language and time zone. */
import { type Language, useLanguage } from './language.ts';

interface Money {
  amount: number;
  currency: string;
}

const locales: Record<Language, string> = { en: 'en-GB', ko: 'ko-KR' };

/** Each of Intl's is made when it is first needed: all of them at once take a slow phone 0.15 s before anything is painted. */
function formatsOf(language: Language) {
  const locale = locales[language];
  const date = once(() => new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }));
  const time = once(() => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }));
  const clock = once(() => new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }));
  const relative = once(() => new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }));
  const number = once(() => new Intl.NumberFormat(locale));
  const list = once(() => new Intl.ListFormat(locale, { type: 'conjunction' }));
  const day = once(() => new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric', timeZone: 'UTC' }));
  const country = once(() => new Intl.DisplayNames(locale, { type: 'region' }));
  const languageName = once(() => new Intl.DisplayNames(locale, { type: 'language' }));
  const collator = once(() => new Intl.Collator(locale));
  const monies = new Map<string, Intl.NumberFormat>();
  return {
    /** Amounts are minor units; Intl knows how many a currency has. */
    money({ amount, currency }: Money): string {
      const format = monies.get(currency) ?? new Intl.NumberFormat(locale, { style: 'currency', currency });
      monies.set(currency, format);
      const { maximumFractionDigits: digits = 0 } = format.resolvedOptions();
      return format.format(amount / 10 ** digits);
    },
    date: (instant: string): string => date().format(new Date(instant)),
    time: (instant: string): string => time().format(new Date(instant)),
    clock: (instant: string): string => clock().format(new Date(instant)),
    /** Of a day of a report, such as 2026-10-31, which is in UTC. */
    day: (isoDay: string): string => day().format(new Date(`${isoDay}T00:00:00Z`)),
    ago(instant: string, now = Date.now()): string {
      const seconds = (Date.parse(instant) - now) / 1000;
      const unit = units.find(({ seconds: length }) => Math.abs(seconds) >= length) ?? SECOND;
      return relative().format(Math.trunc(seconds / unit.seconds), unit.name);
    },
    number: (value: number): string => number().format(value),
    list: (items: readonly string[]): string => list().format(items),
    country: (code: string): string => nameIn(country(), code),
    language: (code: string): string => nameIn(languageName(), code),
    /** Sorts words. */
    compare: (a: string, b: string): number => collator().compare(a, b),
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What is no code at all, as an address may have it, stands as it is. */
function nameIn(names: Intl.DisplayNames, code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

const SECOND = { name: 'second', seconds: 1 } as const;
const units = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3600 },
  { name: 'minute', seconds: 60 },
  SECOND,
] as const;

const formats = { en: formatsOf('en'), ko: formatsOf('ko') };

export const useFormat = (): (typeof formats)['en'] => formats[useLanguage()];

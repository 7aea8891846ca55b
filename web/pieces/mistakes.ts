/** What the browser finds wrong with a field, in the reader's language and to stay: its own bubble has another language, and goes away. */
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
type Kind = 'missing' | 'unchosen' | 'email' | 'short' | 'low' | 'high' | 'whole' | 'number' | 'date' | 'form';

export interface Mistake {
  kind: Kind;
  /** The number that it breaks, where there is one. */
  limit: number;
}

const useWords = wordsOf<Record<Kind, (limit: string) => string>>({
  en: {
    missing: () => 'Please fill this in.',
    unchosen: () => 'Please choose one.',
    email: () => 'Please give an e-mail address, such as name@example.com.',
    short: (limit) => `Please use at least ${limit} characters.`,
    low: (limit) => `Please give ${limit} or more.`,
    high: (limit) => `Please give ${limit} or less.`,
    whole: () => 'Please give a whole number.',
    number: () => 'Please give a number.',
    date: () => 'Please give a whole date.',
    form: () => 'Please check how this is written.',
  },
  ko: {
    missing: () => '입력해 주세요.',
    unchosen: () => '선택해 주세요.',
    email: () => '이메일 주소를 정확히 입력해 주세요. 예: name@example.com',
    short: (limit) => `${limit}자 이상 입력해 주세요.`,
    low: (limit) => `${limit} 이상으로 입력해 주세요.`,
    high: (limit) => `${limit} 이하로 입력해 주세요.`,
    whole: () => '정수로 입력해 주세요.',
    number: () => '숫자로 입력해 주세요.',
    date: () => '날짜를 정확히 입력해 주세요.',
    form: () => '형식에 맞게 입력해 주세요.',
  },
});

export function useMistakeWords(): (mistake: Mistake) => string {
  const words = useWords();
  const format = useFormat();
  return ({ kind, limit }) => words[kind](format.number(limit));
}

export const isControl = (target: EventTarget): target is Control =>
  target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;

/** Null where it is as it should be. */
export function mistakeOf(control: Control): Mistake | null {
  const { validity, value } = control;
  const limitOf = (name: string) => Number(control.getAttribute(name));
  const of = (kind: Kind, limit = 0): Mistake => ({ kind, limit });
  if (validity.valid) return null;
  if (validity.badInput) return of(control.type === 'number' ? 'number' : 'date');
  if (control instanceof HTMLSelectElement) return of('unchosen');
  if (!value.trim()) return of('missing');
  if (validity.typeMismatch) return of('email'); // no other type that is used here has a form
  if (validity.tooShort) return of('short', control.minLength);
  if (validity.rangeUnderflow) return of('low', limitOf('min'));
  if (validity.rangeOverflow) return of('high', limitOf('max'));
  if (validity.stepMismatch) return of('whole');
  return of('form');
}

/** Called at each of several in turn. */
export function focusFirstInvalid({ form }: Control): void {
  const first = [...(form?.elements ?? [])].find((element) => element.matches(':invalid:not(fieldset)'));
  if (first instanceof HTMLElement) first.focus();
}

/** What a new title and a changed one have in common, as text in inputs. */
import { wordsOf } from '../language/language.ts';
import { type Fault, Field, LongField } from '../pieces/form.tsx';
import { asTyped, minorUnits } from './fee.ts';

export const useBookWords = wordsOf({
  en: {
    title: 'Title',
    authors: 'Authors',
    authorsHint: 'One a line.',
    publisher: 'Publisher',
    tags: 'Tags',
    tagsHint: 'With commas between them.',
    rentalFee: 'Fee for a loan',
    noFee: (currency: string) => `This is not an amount in ${currency}.`,
  },
  ko: {
    title: '제목',
    authors: '저자',
    authorsHint: '한 줄에 한 명씩 입력해 주세요.',
    publisher: '출판사',
    tags: '태그',
    tagsHint: '쉼표로 구분해 주세요.',
    rentalFee: '1회 대여료',
    noFee: (currency: string) => `${currency} 금액이 아닙니다.`,
  },
});

interface Facts {
  title: string;
  authors: readonly string[];
  publisher: string | null;
  tags: readonly string[];
  rentalFee: { amount: number; currency: string };
}

export const bookFields = ['title', 'authors', 'publisher', 'tags', 'rentalFee'] as const;
export type BookField = (typeof bookFields)[number];
export type Typed = Record<BookField, string>;

export const typedOf = ({ title, authors, publisher, tags, rentalFee }: Facts): Typed => ({
  title,
  authors: authors.join('\n'),
  publisher: publisher ?? '',
  tags: tags.join(', '),
  rentalFee: asTyped(rentalFee),
});

/** What the API takes; `rentalFee` is null where what was typed is no amount. */
export const read = {
  title: (text: string) => text.trim(),
  authors: (text: string) => listIn(text, /\n/),
  publisher: (text: string) => text.trim() || null,
  tags: (text: string) => listIn(text, /[,\n]/),
  rentalFee(text: string, currency: string) {
    const amount = minorUnits(text, currency);
    return amount === null ? null : { amount, currency };
  },
};

const listIn = (text: string, between: RegExp): string[] => [
  ...new Set(
    text
      .split(between)
      .map((part) => part.trim())
      .filter(Boolean),
  ),
];

interface BookFieldsProps {
  typed: Typed;
  currency: string;
  change(field: BookField, text: string): void;
  at(field: BookField): Fault | string | undefined;
}

export function BookFields({ typed, currency, change, at }: BookFieldsProps) {
  const words = useBookWords();
  const own = (field: BookField) => ({
    label: words[field],
    value: typed[field],
    onChange: ({ target }: { target: { value: string } }) => change(field, target.value),
    error: at(field),
  });
  return (
    <>
      <Field {...own('title')} required />
      <LongField {...own('authors')} hint={words.authorsHint} required />
      <Field {...own('publisher')} />
      <Field {...own('tags')} hint={words.tagsHint} />
      <Field {...own('rentalFee')} label={`${words.rentalFee} (${currency})`} inputMode="decimal" required />
    </>
  );
}

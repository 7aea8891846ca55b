/** A new title, with its first copies. */
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useRead, useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, Field, typed, useFaults } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Loading, Problem } from '../pieces/states.tsx';
import { AddBookDocument, ShopCurrencyDocument } from './addBook.generated.ts';
import { BookFields, bookFields, read, type Typed, useBookWords } from './bookFields.tsx';

const useWords = wordsOf({
  en: {
    heading: 'Add a book',
    isbn: 'ISBN',
    isbnHint: '10 or 13 digits; hyphens do not matter.',
    publishedYear: 'Year of publication',
    language: 'Language',
    languageHint: 'A code, such as ko or en.',
    copies: 'Copies',
    add: 'Add it',
    back: 'All books',
  },
  ko: {
    heading: '도서 등록',
    isbn: 'ISBN',
    isbnHint: '10자리 또는 13자리 숫자입니다. 하이픈은 없어도 됩니다.',
    publishedYear: '출간 연도',
    language: '언어',
    languageHint: '언어 코드를 입력해 주세요. 예: ko, en',
    copies: '권수',
    add: '등록',
    back: '도서 목록',
  },
});

const NOTHING: Typed = { title: '', authors: '', publisher: '', tags: '', rentalFee: '' };
const names = [...bookFields, 'isbn', 'publishedYear', 'language', 'copies'];

export default function AddBook() {
  const words = useWords();
  const { data, loading, error, again } = useRead(ShopCurrencyDocument, {});
  const currency = data?.dailyReports?.[0]?.revenue.currency;
  return (
    <Page title={words.heading} aside={<Link href="/books">{words.back}</Link>}>
      {loading && <Loading />}
      <Problem error={error} again={again} />
      {currency && <AddBookForm currency={currency} />}
    </Page>
  );
}

function AddBookForm({ currency }: { currency: string }) {
  const words = useWords();
  const bookWords = useBookWords();
  const [, go] = useLocation();
  const { send, sending, error } = useSend(AddBookDocument);
  const [facts, setFacts] = useState(NOTHING);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [noFee, setNoFee] = useState<string>();
  const { at, rest } = useFaults(errors, names);

  async function add(given: Record<string, string>): Promise<void> {
    const rentalFee = read.rentalFee(facts.rentalFee, currency);
    setNoFee(rentalFee ? undefined : bookWords.noFee(currency));
    if (!rentalFee) return;
    const { isbn, language, publishedYear, copies } = given;
    const data = await send({
      input: {
        title: read.title(facts.title),
        authors: read.authors(facts.authors),
        publisher: read.publisher(facts.publisher),
        tags: read.tags(facts.tags),
        rentalFee,
        isbn: isbn ?? null,
        language: language ?? null,
        publishedYear: publishedYear ? Number(publishedYear) : null,
        copies: Number(copies ?? 0),
      },
    });
    if (!data) return;
    setErrors(data.addBook.userErrors);
    if (data.addBook.book) go(`/books/${data.addBook.book.id}`);
  }

  return (
    <form onSubmit={(event) => void add(typed(event))}>
      <Field name="isbn" label={words.isbn} hint={words.isbnHint} inputMode="numeric" error={at('isbn')} />
      <BookFields
        typed={facts}
        currency={currency}
        change={(field, text) => setFacts({ ...facts, [field]: text })}
        at={(field) => (field === 'rentalFee' ? (noFee ?? at(field)) : at(field))}
      />
      <Field
        name="publishedYear"
        label={words.publishedYear}
        type="number"
        min={-5000}
        max={9999}
        step={1}
        error={at('publishedYear')}
      />
      <Field
        name="language"
        label={words.language}
        hint={words.languageHint}
        pattern="[a-z]{2,3}"
        error={at('language')}
      />
      <Field
        name="copies"
        label={words.copies}
        type="number"
        min={0}
        max={1000}
        step={1}
        defaultValue={1}
        error={at('copies')}
      />
      <Faults of={rest} />
      <Problem error={error} />
      <Button type="submit" kind="main" busy={sending}>
        {words.add}
      </Button>
    </form>
  );
}

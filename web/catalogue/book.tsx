/** What is known of a book, and the way to have it. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { useAccount } from '../client/session.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Cover } from '../pieces/cover.tsx';
import { Page } from '../pieces/page.tsx';
import { Loading, Problem } from '../pieces/states.tsx';
import { Availability } from './availability.tsx';
import { BookDocument, BookForMeDocument, type BookQuery } from './book.generated.ts';
import { Lending } from './lending.tsx';
import { type FilterName, searchBy } from './searchParams.ts';
import './catalogue.css';

const useWords = wordsOf({
  en: {
    book: 'Book',
    unknown: 'There is no such book',
    home: 'Find a book',
    facts: 'About this book',
    authors: 'Authors',
    publisher: 'Publisher',
    year: 'Published',
    language: 'Language',
    tags: 'Tags',
    isbn: 'ISBN',
    yearOf: (year: number) => (year < 0 ? `${-year} BCE` : String(year)),
  },
  ko: {
    book: '책',
    unknown: '없는 책입니다',
    home: '책 찾기',
    facts: '책 정보',
    authors: '저자',
    publisher: '출판사',
    year: '출간',
    language: '언어',
    tags: '태그',
    isbn: 'ISBN',
    yearOf: (year: number) => (year < 0 ? `기원전 ${-year}년` : `${year}년`),
  },
});

export type Book = NonNullable<BookQuery['book']>;

/** Others rent, too: how many are left is looked at again. */
const LOOK_AGAIN_MS = 30_000;

export default function BookPage({ id }: { id: string }) {
  const words = useWords();
  const { data, loading, error, again } = useRead(BookDocument, { id }, { everyMs: LOOK_AGAIN_MS });
  const forMe = useForMe(id);
  const book = data?.book;
  if (loading || (error && !book))
    return <Page title={words.book}>{loading ? <Loading /> : <Problem error={error} again={again} />}</Page>;
  if (!book)
    return (
      <Page title={words.unknown}>
        <Link href="/">{words.home}</Link>
      </Page>
    );
  return (
    <Page title={book.title} aside={!forMe.offer && <Availability {...book} />}>
      <Problem error={error} again={again} />
      <div className="book">
        <Cover {...book} />
        <Lending book={book} forMe={forMe} />
        <Facts book={book} />
      </div>
    </Page>
  );
}

export type ForMe = ReturnType<typeof useForMe>;

/** What stands for or against this reader; an offer counts more than what is left for others. */
function useForMe(id: string) {
  const account = useAccount();
  const { data, error, again } = useRead(BookForMeDocument, { id }, { when: account !== null, everyMs: LOOK_AGAIN_MS });
  const place = data?.me?.waitlist?.find(
    ({ book, status }) => book.id === id && (status === 'WAITING' || status === 'OFFERED'),
  );
  const offer = place?.status === 'OFFERED' ? place.offerExpiresAt : null;
  return { data, error, again, place, offer };
}

function Facts({ book }: { book: Book }) {
  const words = useWords();
  const format = useFormat();
  const { authors, publisher, publishedYear, language, tags, isbn } = book;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">{words.facts}</h2>
      <dl className="facts">
        <Fact name={words.authors}>{authors.length > 0 && <Ways name="author" values={authors} />}</Fact>
        <Fact name={words.publisher}>{publisher && <Ways name="publisher" values={[publisher]} />}</Fact>
        <Fact name={words.year}>{publishedYear !== null && words.yearOf(publishedYear)}</Fact>
        <Fact name={words.language}>
          {language && <Ways name="language" values={[language]} say={format.language} />}
        </Fact>
        <Fact name={words.tags}>{tags.length > 0 && <Ways name="tag" values={tags} />}</Fact>
        <Fact name={words.isbn}>{isbn}</Fact>
      </dl>
    </section>
  );
}

/** Not there when nothing is known. */
function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface WaysProps {
  name: FilterName;
  values: readonly string[];
  say?(value: string): string;
}

/** To the other books that have the same. */
const Ways = ({ name, values, say = String }: WaysProps) => (
  <ul className="ways">
    {values.map((value) => (
      <li key={value}>
        <Link href={searchBy(name, value)}>{say(value)}</Link>
      </li>
    ))}
  </ul>
);

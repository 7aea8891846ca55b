/** Finds books as one types. */
import { useDeferredValue, useState } from 'react';
import { Link } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Cover } from '../pieces/cover.tsx';
import { Field } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, More, Problem } from '../pieces/states.tsx';
import { SearchBooksDocument } from './search.generated.ts';
import './catalogue.css';

const useWords = wordsOf({
  en: { title: 'Find a book', search: 'Title, author, publisher or ISBN', none: 'Nothing found.' },
  ko: { title: '책 찾기', search: '제목, 저자, 출판사 또는 ISBN', none: '찾은 책이 없습니다.' },
});

const PAGE = 24;

export function Search() {
  const words = useWords();
  const format = useFormat();
  const [text, setText] = useState('');
  const search = useDeferredValue(text.trim());
  const [after, setAfter] = useState<string>();
  const { data, loading, refreshing, error, again } = useRead(SearchBooksDocument, {
    first: PAGE,
    after,
    search: search || undefined,
    orderBy: search ? 'RELEVANCE' : 'POPULAR',
  });
  const books = data?.books;

  return (
    <Page title={words.title}>
      <Field
        label={words.search}
        type="search"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAfter(undefined);
        }}
      />
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {books?.edges.length === 0 && <Empty>{words.none}</Empty>}
      <ul className="books" aria-busy={refreshing}>
        {books?.edges.map(({ node: { id, title, authors, rentalFee } }) => (
          <li key={id}>
            <Link href={`/books/${id}`}>
              <Cover {...{ id, title, authors }} />
              <strong>{title}</strong>
              <span>{format.list(authors)}</span>
              <span>{format.money(rentalFee)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {books && <More pageInfo={books.pageInfo} busy={refreshing} show={setAfter} />}
    </Page>
  );
}

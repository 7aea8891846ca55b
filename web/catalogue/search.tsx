/** Finds books as one types. What is searched for is in the address, so a link or the back button leads to it again. */

import { useCallback } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import { Cover } from '../pieces/cover.tsx';
import { Button } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { Availability } from './availability.tsx';
import { Filters } from './filters.tsx';
import { SearchBooksDocument, type SearchBooksQuery } from './search.generated.ts';
import { SearchField } from './searchField.tsx';
import { changed, filterNames, wishOf } from './searchParams.ts';
import './catalogue.css';

const useWords = wordsOf({
  en: {
    title: 'Find a book',
    found: (count: number, text: string) => plural(count, { one: '1 book', other: `${text} books` }),
    none: 'No book matches.',
    other: 'Try fewer words, or another spelling.',
    clearFilters: 'Clear the filters',
    clearAll: 'Show all books',
  },
  ko: {
    title: '책 찾기',
    found: (_count: number, text: string) => `${text}권`,
    none: '조건에 맞는 책이 없습니다.',
    other: '검색어를 줄이거나 다르게 입력해 보세요.',
    clearFilters: '필터 모두 지우기',
    clearAll: '전체 책 보기',
  },
});

const PAGE = 24;
const noFilters = Object.fromEntries(filterNames.map((name) => [name, '']));

export function Search() {
  const words = useWords();
  const format = useFormat();
  const query = useSearch();
  const params = new URLSearchParams(query);
  const change = useChange();
  const books = usePages(SearchBooksDocument, { first: PAGE, ...wishOf(params) }, ({ books }) => books);
  const { first, nodes } = books;
  const filtered = filterNames.some((name) => params.has(name));

  return (
    <Page title={words.title}>
      <SearchField q={params.get('q') ?? ''} search={(q) => change({ q }, { replace: true })} />
      <Filters params={params} books={nodes} change={change} />
      <p role="status" className="found">
        {first && (nodes.length ? words.found(first.totalCount, format.number(first.totalCount)) : words.none)}
      </p>
      <List
        of={books}
        none={
          <>
            <p>{words.other}</p>
            {filtered && <Button onClick={() => change(noFilters)}>{words.clearFilters}</Button>}{' '}
            <Button onClick={() => change({ ...noFilters, q: '' })}>{words.clearAll}</Button>
          </>
        }
      >
        {(nodes) => (
          <ul className="books">
            {nodes.map((book) => (
              <Found key={book.id} book={book} />
            ))}
          </ul>
        )}
      </List>
    </Page>
  );
}

type Book = NonNullable<SearchBooksQuery['books']>['edges'][number]['node'];

function Found({ book: { id, title, authors, rentalFee, status, stock } }: { book: Book }) {
  const format = useFormat();
  return (
    <li>
      <Link href={`/books/${id}`}>
        <Cover {...{ id, title, authors }} />
        <strong>{title}</strong>
        <span className="authors">{format.list(authors)}</span>
        <span>{format.money(rentalFee)}</span>
        <span>
          <Availability status={status} stock={stock} />
        </span>
      </Link>
    </li>
  );
}

/** Changes the address; typing replaces it, everything else can be undone by the back button. */
function useChange() {
  const [, go] = useLocation();
  return useCallback(
    (values: Record<string, string>, options?: { replace: boolean }) => {
      const next = changed(new URLSearchParams(location.search), values).toString();
      if (next !== location.search.slice(1)) go(next ? `/?${next}` : '/', options);
    },
    [go],
  );
}

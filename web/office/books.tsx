/** The catalogue as staff see it: withdrawn titles, too, and how many copies are where. */

import type { FormEvent } from 'react';
import { Link, useSearchParams } from 'wouter';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Button, Choice, Field, Tick, typed } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { OfficeBooksDocument, type OfficeBooksQuery } from './books.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Books',
    add: 'Add a book',
    import: 'Import a file',
    search: 'Title, author, publisher, tag or ISBN',
    orderBy: 'Order',
    orders: { RELEVANCE: 'Best match', TITLE: 'Title', NEWEST: 'Newest', POPULAR: 'Most popular' },
    author: 'Author',
    publisher: 'Publisher',
    tag: 'Tag',
    language: 'Language',
    languageHint: 'Such as ko',
    from: 'Published from',
    to: 'until',
    available: 'Only with copies available',
    more: 'More filters',
    find: 'Find',
    none: 'No book fits.',
    book: 'Book',
    fee: 'Fee',
    owned: 'Owned',
    onShelf: 'Available',
    reserved: 'Reserved',
    out: 'Out',
    inspecting: 'In inspection',
    withdrawn: 'Withdrawn',
  },
  ko: {
    title: '도서',
    add: '도서 등록',
    import: '파일 가져오기',
    search: '제목, 저자, 출판사, 태그 또는 ISBN',
    orderBy: '정렬',
    orders: { RELEVANCE: '관련도순', TITLE: '제목순', NEWEST: '최신순', POPULAR: '인기순' },
    author: '저자',
    publisher: '출판사',
    tag: '태그',
    language: '언어',
    languageHint: '예: ko',
    from: '출간 연도(부터)',
    to: '출간 연도(까지)',
    available: '대여 가능한 책만',
    more: '상세 조건',
    find: '검색',
    none: '조건에 맞는 책이 없습니다.',
    book: '도서',
    fee: '대여료',
    owned: '보유',
    onShelf: '대여 가능',
    reserved: '예약',
    out: '대여 중',
    inspecting: '검수 중',
    withdrawn: '대여 중지',
  },
});

const PAGE = 50;
const orders = ['RELEVANCE', 'TITLE', 'NEWEST', 'POPULAR'] as const;
const texts = ['author', 'publisher', 'tag', 'language'] as const;

export default function Books() {
  const words = useWords();
  const [params, setParams] = useSearchParams();
  const address = params.toString();
  return (
    <Page
      title={words.title}
      aside={
        <div className="buttons">
          <Link href="/import" className="button quiet">
            {words.import}
          </Link>
          <Link href="/books/new" className="button main">
            {words.add}
          </Link>
        </div>
      }
    >
      <Filters
        key={`filters ${address}`}
        params={params}
        choose={(event) => setParams(chosenIn(typed(event), params))}
      />
      <FoundBooks key={address} params={params} />
    </Page>
  );
}

function FoundBooks({ params }: { params: URLSearchParams }) {
  const words = useWords();
  const asked = askedFor(params);
  const books = usePages(OfficeBooksDocument, { first: PAGE, ...asked }, ({ books }) => books);
  return (
    <List of={books} none={words.none}>
      {(nodes) => <Table of={nodes} />}
    </List>
  );
}

/** What the address asks for; the filters stay when it is sent to somebody else. */
function askedFor(params: URLSearchParams) {
  const year = (name: string) => Number.parseInt(params.get(name) ?? '', 10) || undefined;
  const filter = {
    ...Object.fromEntries(texts.map((name) => [name, params.get(name) ?? undefined])),
    publishedFrom: year('from'),
    publishedTo: year('to'),
    available: params.has('available') || undefined,
  };
  const search = params.get('search') ?? undefined;
  const orderBy = orders.find((order) => order === params.get('orderBy'));
  const usual = search ? 'RELEVANCE' : 'TITLE'; // without words nothing matches best
  return { search, filter, orderBy: orderBy && (search || orderBy !== 'RELEVANCE') ? orderBy : usual } as const;
}

/** An order that nobody chose is not asked for: with other words it may be another one. */
function chosenIn(chosen: Record<string, string>, before: URLSearchParams): Record<string, string> {
  const { orderBy, ...others } = chosen;
  const isChosen = orderBy === before.get('orderBy') || orderBy !== askedFor(before).orderBy;
  return isChosen ? chosen : others;
}

function Filters({ params, choose }: { params: URLSearchParams; choose(event: FormEvent<HTMLFormElement>): void }) {
  const words = useWords();
  const given = (name: string) => params.get(name) ?? undefined;
  const narrowed = [...texts, 'from', 'to'].some((name) => params.has(name));
  return (
    <form className="searching" onSubmit={choose}>
      <Field name="search" type="search" label={words.search} defaultValue={given('search')} />
      <Choice name="orderBy" label={words.orderBy} defaultValue={askedFor(params).orderBy}>
        {orders.map((order) => (
          <option key={order} value={order}>
            {words.orders[order]}
          </option>
        ))}
      </Choice>
      <Button type="submit" kind="main">
        {words.find}
      </Button>
      <Tick name="available" label={words.available} defaultChecked={params.has('available')} />
      <details open={narrowed}>
        <summary>{words.more}</summary>
        <div className="searching">
          {texts.map((name) => (
            <Field
              key={name}
              name={name}
              label={words[name]}
              defaultValue={given(name)}
              hint={name === 'language' ? words.languageHint : undefined}
            />
          ))}
          <Field name="from" label={words.from} inputMode="numeric" pattern="-?\d{1,4}" defaultValue={given('from')} />
          <Field name="to" label={words.to} inputMode="numeric" pattern="-?\d{1,4}" defaultValue={given('to')} />
        </div>
      </details>
    </form>
  );
}

type Book = NonNullable<OfficeBooksQuery['books']>['edges'][number]['node'];

function Table({ of: books }: { of: readonly Book[] }) {
  const words = useWords();
  const format = useFormat();
  const counts = ['owned', 'available', 'reserved', 'out', 'inspecting'] as const;
  const heads = { ...words, available: words.onShelf };
  return (
    <div className="table">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.book}</th>
            <th scope="col" className="number">
              {words.fee}
            </th>
            {counts.map((count) => (
              <th key={count} scope="col" className="number">
                {heads[count]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {books.map(({ id, title, authors, status, rentalFee, stock }) => (
            <tr key={id}>
              <th scope="row" className="entry">
                <Link href={`/books/${id}`}>{title}</Link>{' '}
                {status === 'WITHDRAWN' && <span className="badge over">{words.withdrawn}</span>}
                <small>{format.list(authors)}</small>
              </th>
              <td className="number">{format.money(rentalFee)}</td>
              {counts.map((count) => (
                <td key={count} className="number">
                  {format.number(stock[count])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

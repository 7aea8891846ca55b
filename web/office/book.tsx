/** One title: what is known of it, its copies, and what happened to them. */
import { useState } from 'react';
import { Link } from 'wouter';
import { useRead, useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, Problem } from '../pieces/states.tsx';
import { OfficeBookDocument, type OfficeBookFactsFragment, UpdateBookDocument } from './book.generated.ts';
import { ChangeCopies, Copies } from './copies.tsx';
import { EditBook } from './editBook.tsx';
import { Facts } from './facts.tsx';
import { Ledger } from './ledger.tsx';

const useWords = wordsOf({
  en: {
    loading: 'Book',
    none: 'There is no such book.',
    all: 'All books',
    shop: 'As readers see it',
    listed: 'Listed',
    withdrawn: 'Withdrawn',
    withdraw: 'Withdraw the title',
    list: 'List it again',
    status: 'Status',
    isbn: 'ISBN',
    sourceId: 'Imported as',
    year: 'Year',
    language: 'Language',
    stock: 'Stock',
    owned: 'Owned',
    available: 'Available',
    reserved: 'Reserved',
    out: 'Out',
    inspecting: 'In inspection or repair',
    waiting: 'On the waitlist',
    edit: 'Change',
  },
  ko: {
    loading: '도서',
    none: '없는 책입니다.',
    all: '도서 목록',
    shop: '회원 화면에서 보기',
    listed: '대여 가능',
    withdrawn: '대여 중지',
    withdraw: '이 책의 대여 중지',
    list: '대여 다시 시작',
    status: '상태',
    isbn: 'ISBN',
    sourceId: '가져온 번호',
    year: '출간 연도',
    language: '언어',
    stock: '재고',
    owned: '보유',
    available: '대여 가능',
    reserved: '예약',
    out: '대여 중',
    inspecting: '검수·수선 중',
    waiting: '대기 인원',
    edit: '정보 수정',
  },
});

const REFRESH_MS = 30_000;

export default function BookPage({ id }: { id: string }) {
  const words = useWords();
  const { data, loading, error, again } = useRead(OfficeBookDocument, { id }, { everyMs: REFRESH_MS });
  const book = data?.book;

  return (
    <Page title={book?.title ?? words.loading} aside={<Link href="/books">{words.all}</Link>}>
      {loading && <Loading />}
      <Problem error={error} again={again} />
      {data && !book && !error && <Empty>{words.none}</Empty>}
      {book && (
        <>
          <Known of={book} />
          <Stock of={book} />
          <div className="pair">
            <section className="card" aria-labelledby="edit">
              <h2 id="edit">{words.edit}</h2>
              <EditBook book={book} readAgain={again} />
            </section>
            <ChangeCopies book={book} />
          </div>
          <Copies bookId={id} stock={book.stock} />
          <Ledger bookId={id} stock={book.stock} />
        </>
      )}
    </Page>
  );
}

function Known({ of: book }: { of: OfficeBookFactsFragment }) {
  const words = useWords();
  const { send, sending, error } = useSend(UpdateBookDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { rest } = useFaults(errors, []);
  const isListed = book.status === 'LISTED';
  return (
    <>
      <Facts
        of={[
          [
            words.status,
            <span key="status" role="status" className={isListed ? 'badge' : 'badge over'}>
              {isListed ? words.listed : words.withdrawn}
            </span>,
          ],
          [words.isbn, book.isbn],
          [words.year, book.publishedYear],
          [words.language, book.language],
          [words.sourceId, book.sourceId],
        ]}
      />
      <Faults of={rest} />
      <Problem error={error} />
      <p className="buttons">
        <Link href={`~/books/${book.id}`} className="button quiet">
          {words.shop}
        </Link>
        <Button
          kind={isListed ? 'danger' : 'main'}
          busy={sending}
          onClick={async () => {
            const data = await send({ input: { id: book.id, status: isListed ? 'WITHDRAWN' : 'LISTED' } });
            setErrors(data?.updateBook.userErrors ?? []);
          }}
        >
          {isListed ? words.withdraw : words.list}
        </Button>
      </p>
    </>
  );
}

function Stock({ of: { stock, waitlist } }: { of: OfficeBookFactsFragment }) {
  const words = useWords();
  const format = useFormat();
  const tiles = [
    [words.owned, stock.owned],
    [words.available, stock.available],
    [words.reserved, stock.reserved],
    [words.out, stock.out],
    [words.inspecting, stock.inspecting],
    [words.waiting, waitlist.length],
  ] as const;
  return (
    <section aria-labelledby="stock">
      <h2 id="stock">{words.stock}</h2>
      <dl className="tiles">
        {tiles.map(([name, count]) => (
          <div key={name} className="tile">
            <dt>{name}</dt>
            <dd>{format.number(count)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

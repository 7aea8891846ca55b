/** Rents a book in two steps: where it is to go, and how it is paid. The step is in the address, so the back button leads to the first. */
import { useState } from 'react';
import { Link, Redirect, useLocation, useSearch } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Page } from '../pieces/page.tsx';
import { Loading, Problem } from '../pieces/states.tsx';
import { AddressStep } from './addressStep.tsx';
import { NEW, useDraft } from './draft.ts';
import { PaymentStep } from './paymentStep.tsx';
import { BookToRentDocument, type BookToRentQuery } from './rent.generated.ts';
import './rent.css';

const useWords = wordsOf({
  en: { title: 'Rent a book', unknown: 'There is no such book', home: 'Find a book' },
  ko: { title: '대여 신청', unknown: '없는 책입니다', home: '책 찾기' },
});

export type Book = NonNullable<BookToRentQuery['book']>;
export type SavedAddress = NonNullable<NonNullable<BookToRentQuery['me']>['addresses']>[number];

export default function Rent({ bookId }: { bookId: string }) {
  const words = useWords();
  const { data, loading, error, again } = useRead(BookToRentDocument, { id: bookId });
  if (data?.book) return <Steps book={data.book} saved={data.me?.addresses ?? []} />;
  if (loading || error)
    return <Page title={words.title}>{loading ? <Loading /> : <Problem error={error} again={again} />}</Page>;
  return (
    <Page title={words.unknown}>
      <Link href="/">{words.home}</Link>
    </Page>
  );
}

function Steps({ book, saved }: { book: Book; saved: readonly SavedAddress[] }) {
  const [, go] = useLocation();
  const paying = new URLSearchParams(useSearch()).get('step') === 'payment';
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { draft, change, forget } = useDraft(book.id);
  const firstStep = `/books/${book.id}/rent`;

  if (!paying)
    return (
      <AddressStep
        book={book}
        saved={saved}
        draft={draft}
        change={change}
        errors={errors}
        setErrors={setErrors}
        done={() => go(`${firstStep}?step=payment`)}
      />
    );
  if (!draft.deliverTo) return <Redirect to={firstStep} replace />;
  return (
    <PaymentStep
      book={book}
      draft={draft}
      change={change}
      address={draft.deliverTo}
      firstStep={firstStep}
      refused={(errors) => {
        setErrors(errors);
        // What is said against a saved address stands beside the fields, too.
        if (errors.some(({ path }) => path?.includes('deliverTo')))
          change({ chosen: NEW, address: { ...draft.deliverTo } });
        go(firstStep);
      }}
      done={(rentalId) => {
        forget();
        go(`/orders/${rentalId}`, { replace: true });
      }}
    />
  );
}

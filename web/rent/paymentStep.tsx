/** The second step: what it costs, and the card; then the request is sent. Until it is answered, sending again is the same request. */
import { type FormEvent, useRef, useState } from 'react';
import { Link } from 'wouter';
import { hasCode } from '../client/client.ts';
import type { RejectionCode } from '../client/enums.generated.ts';
import { newIdempotencyKey, useRead, useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { type Address, AddressLines } from '../pieces/addressLines.tsx';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Problem } from '../pieces/states.tsx';
import type { Draft } from './draft.ts';
import { PaymentChoice, type PaymentForm } from './paymentMethod.tsx';
import { Refused } from './refused.tsx';
import { QuoteRentalDocument, RequestRentalDocument } from './rent.generated.ts';
import type { Book } from './rent.tsx';
import { StepOf } from './steps.tsx';

const useWords = wordsOf({
  en: {
    title: 'Payment',
    copies: 'Copies',
    days: 'Loan',
    daysOf: (days: number) => plural(days, { one: '1 day from delivery on', other: `${days} days from delivery on` }),
    to: 'Goes to',
    change: 'Change the address or the copies',
    total: 'Total',
    pay: (total: string) => `Pay ${total} and rent`,
    rent: 'Rent',
    paying: 'Checking the payment…',
    lost: 'No answer has come, so it is not known whether the request has arrived. You may send it again: it stays one rental, and is paid once.',
    again: 'Send it again',
    known:
      'A request that you sent before has arrived, with other details. Look at your orders before you send another one.',
    orders: 'My orders',
  },
  ko: {
    title: '결제',
    copies: '권수',
    days: '대여 기간',
    daysOf: (days: number) => `배송 완료일부터 ${days}일`,
    to: '배송지',
    change: '배송지·권수 변경',
    total: '결제 금액',
    pay: (total: string) => `${total} 결제하고 대여하기`,
    rent: '대여하기',
    paying: '결제를 확인하고 있습니다…',
    lost: '응답을 받지 못해 신청이 접수되었는지 알 수 없습니다. 다시 보내셔도 한 번만 접수되고 한 번만 결제됩니다.',
    again: '다시 보내기',
    known: '앞서 보내신 신청이 다른 내용으로 이미 접수되었습니다. 새로 신청하기 전에 내 주문을 확인해 주세요.',
    orders: '내 주문',
  },
});

/** Others rent, too. */
const LOOK_AGAIN_MS = 15_000;

interface PaymentStepProps {
  book: Book;
  draft: Draft;
  change(part: Partial<Draft>): void;
  address: Address;
  firstStep: string;
  /** By what was said in the first step. */
  refused(errors: readonly UserError[]): void;
  done(rentalId: string): void;
}

export function PaymentStep({ book, draft, change, address, firstStep, refused, done }: PaymentStepProps) {
  const words = useWords();
  const format = useFormat();
  const { quantity, key, sent } = draft;
  const quoted = useRead(QuoteRentalDocument, { input: { bookId: book.id, quantity } }, { everyMs: LOOK_AGAIN_MS });
  const quote = quoted.data?.rentalQuote;
  const total = quote?.total && format.money(quote.total);
  const payment = useRef<PaymentForm>(null);
  const [paying, setPaying] = useState(false);
  const { send, sending, error } = useSend(RequestRentalDocument);
  const [rejection, setRejection] = useState<RejectionCode>();
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const lost = sent && !sending && !hasCode(error, ...notTaken);
  const known = errors.some(({ code }) => code === 'IDEMPOTENCY_CONFLICT');
  const { rest } = useFaults(errors, ['idempotencyKey']);

  async function request(): Promise<void> {
    setRejection(undefined);
    setErrors([]);
    const paymentMethod = await payment.current?.method();
    if (!paymentMethod) return;
    const input = { idempotencyKey: key, bookId: book.id, quantity, paymentMethod, deliverTo: address };
    change({ sent: true });
    const answer = (await send({ input }))?.requestRental;
    if (!answer) return; // `error` says why
    const { rental, userErrors } = answer;
    if (rental && rental.status !== 'REJECTED') return done(rental.id);
    change({ key: newIdempotencyKey(), sent: false });
    setRejection(rental?.rejection?.code);
    if (userErrors.some(ofFirstStep)) refused(userErrors);
    else setErrors(userErrors);
  }

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (paying) return;
    setPaying(true);
    await request().finally(() => setPaying(false));
  }

  return (
    <Page title={words.title}>
      <StepOf book={book} step="payment" />
      <form onSubmit={submit}>
        <dl className="summary">
          <dt>{words.copies}</dt>
          <dd>{format.number(quantity)}</dd>
          <dt>{words.to}</dt>
          <dd>
            <AddressLines {...address} />
            <Link href={firstStep}>{words.change}</Link>
          </dd>
          {quote && (
            <>
              <dt>{words.days}</dt>
              <dd>{words.daysOf(quote.loanDays)}</dd>
            </>
          )}
          {total && (
            <>
              <dt>{words.total}</dt>
              <dd className="total">{total}</dd>
            </>
          )}
        </dl>
        <Problem error={quoted.error} again={quoted.again} />
        {/* A card serves one wish: after an answer it is given anew. */}
        <PaymentChoice key={key} ref={payment} />
        <div role="alert">
          {rejection && <Refused code={rejection} bookId={book.id} copies={quantity} />}
          {!rejection &&
            !sent &&
            quote?.reasons.map(({ code }) => <Refused key={code} code={code} bookId={book.id} copies={quantity} />)}
          {known && (
            <p className="refused">
              {words.known} <Link href="/orders">{words.orders}</Link>
            </p>
          )}
          {lost && <p className="refused">{words.lost}</p>}
        </div>
        <Faults of={rest} />
        <Problem error={error} />
        <Button type="submit" kind="main" busy={paying || sending} disabled={quote?.allowed === false && !sent}>
          {lost ? words.again : total ? words.pay(total) : words.rent}
        </Button>
        <p role="status" className="paying">
          {paying && words.paying}
        </p>
      </form>
    </Page>
  );
}

/** Then the request has not come in: nothing is open. */
const notTaken = ['UNAUTHENTICATED', 'OVERLOADED', 'REQUEST_RATE_LIMITED', 'REQUEST_CONCURRENCY_LIMITED'];

const ofFirstStep = ({ path }: UserError): boolean =>
  Boolean(path?.includes('deliverTo') || path?.includes('quantity'));

/** What there is to pay, over all orders: a fee may be of one that is long past. */
import { Link } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { FeeReason } from '../pieces/feeReason.tsx';
import { Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { MyUnpaidFeesDocument, type MyUnpaidFeesQuery } from './unpaidFees.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Unpaid fees',
    untitled: 'A book',
    pay: (amount: string) => `Pay ${amount}`,
    payFor: (amount: string, title: string) => `Pay ${amount} for ${title}`,
  },
  ko: {
    title: '미납 요금',
    untitled: '책',
    pay: (amount: string) => `${amount} 결제하기`,
    payFor: (amount: string, title: string) => `${amount} 결제하기, ${title}`,
  },
});

export function UnpaidFees() {
  const words = useWords();
  const { data, error, again } = useRead(MyUnpaidFeesDocument, {});
  const fees = data?.me?.unpaidFees;
  if (!fees) return <Problem error={error} again={again} />;
  if (!fees.length) return null;
  return (
    <section aria-labelledby="unpaid">
      <h2 id="unpaid">{words.title}</h2>
      <ul className="orders">
        {fees.map((fee) => (
          <UnpaidFee key={fee.id} {...fee} />
        ))}
      </ul>
    </section>
  );
}

type Fee = NonNullable<NonNullable<MyUnpaidFeesQuery['me']>['unpaidFees']>[number];

/** It is paid where its order is shown. */
function UnpaidFee({ rental, ...fee }: Fee) {
  const words = useWords();
  const format = useFormat();
  const { feeKind, fee: statuses } = useStatusWords();
  const title = rental?.book?.title ?? words.untitled;
  const amount = format.money(fee.amount);
  return (
    <li className="card late">
      <strong>{title}</strong>
      <strong>{amount}</strong>
      <p>{feeKind[fee.kind]}</p>
      <FeeReason {...fee} />
      {fee.status === 'PENDING' && <p>{statuses.PENDING}</p>}
      {fee.status === 'OUTSTANDING' && rental && (
        <Link href={`/orders/${rental.id}`} className="button main" aria-label={words.payFor(amount, title)}>
          {words.pay(amount)}
        </Link>
      )}
    </li>
  );
}

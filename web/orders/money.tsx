/** What the order costs: its payment, what is still given back, and fees. */
import { useRef, useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Dialog } from '../pieces/dialog.tsx';
import { FeeReason } from '../pieces/feeReason.tsx';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { PaymentChoice, type PaymentForm } from '../rent/paymentMethod.tsx';
import { PayFeeDocument, type RentalFactsFragment } from './rental.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Payment',
    payment: {
      PENDING: (_amount: string) => 'Your card is being asked.',
      UNKNOWN: (_amount: string) => 'Your bank has not answered yet. We ask again; nothing is charged twice.',
      AUTHORIZED: (amount: string) => `${amount} are held on your card, and charged once the parcel leaves.`,
      DECLINED: (_amount: string) => 'Your card was declined. Nothing was charged.',
      CAPTURED: (amount: string) => `${amount} paid.`,
      PARTIALLY_REFUNDED: (amount: string) => `${amount} paid.`,
      REFUNDED: (amount: string) => `${amount} paid.`,
      VOIDED: (_amount: string) => 'Nothing was charged.',
    },
    refunded: (amount: string) => `${amount} paid back.`,
    owed: 'Still to be done',
    compensations: {
      STOCK_RELEASE: 'The book goes back on the shelf.',
      DELIVERY_STOP: 'The parcel is being stopped.',
      PAYMENT_VOID: 'The amount held on your card is being released.',
      PAYMENT_REFUND: 'Your money is being paid back.',
    },
    lateSoFar: (amount: string) => `Being late has come to ${amount} so far.`,
    fees: 'Fees',
    pay: (amount: string) => `Pay ${amount}`,
    close: 'Go back',
  },
  ko: {
    title: '결제',
    payment: {
      PENDING: (_amount: string) => '결제를 확인하고 있습니다.',
      UNKNOWN: (_amount: string) => '은행에서 아직 응답이 없어 다시 확인하고 있습니다. 중복으로 결제되지 않습니다.',
      AUTHORIZED: (amount: string) => `카드에 ${amount}이 승인되었으며, 책이 발송될 때 결제됩니다.`,
      DECLINED: (_amount: string) => '카드 결제가 거절되었습니다. 결제된 금액은 없습니다.',
      CAPTURED: (amount: string) => `${amount} 결제 완료`,
      PARTIALLY_REFUNDED: (amount: string) => `${amount} 결제 완료`,
      REFUNDED: (amount: string) => `${amount} 결제 완료`,
      VOIDED: (_amount: string) => '결제된 금액이 없습니다.',
    },
    refunded: (amount: string) => `${amount} 환불 완료`,
    owed: '처리 중',
    compensations: {
      STOCK_RELEASE: '책을 서가로 되돌리고 있습니다.',
      DELIVERY_STOP: '배송을 중단하고 있습니다.',
      PAYMENT_VOID: '카드 승인을 취소하고 있습니다.',
      PAYMENT_REFUND: '환불을 진행하고 있습니다.',
    },
    lateSoFar: (amount: string) => `지금까지의 연체료는 ${amount}입니다.`,
    fees: '요금',
    pay: (amount: string) => `${amount} 결제하기`,
    close: '돌아가기',
  },
});

export function MoneyOf({
  rental: { payment, fees, lateFeeSoFar, pendingCompensations },
}: {
  rental: RentalFactsFragment;
}) {
  const words = useWords();
  const format = useFormat();
  if (!payment && !fees.length && !lateFeeSoFar && !pendingCompensations.length) return null;
  const paid = payment && format.money(payment.captured.amount ? payment.captured : payment.authorized);
  return (
    <section className="card" aria-labelledby="money">
      <h2 id="money">{words.title}</h2>
      {payment && paid && !pendingCompensations.includes('PAYMENT_VOID') && (
        <p>{words.payment[payment.status](paid)}</p>
      )}
      {payment && payment.refunded.amount > 0 && <p>{words.refunded(format.money(payment.refunded))}</p>}
      {pendingCompensations.length > 0 && (
        <>
          <h3>{words.owed}</h3>
          <ul>
            {[...new Set(pendingCompensations)].map((one) => (
              <li key={one}>{words.compensations[one]}</li>
            ))}
          </ul>
        </>
      )}
      {lateFeeSoFar && (
        <p>
          <strong>{words.lateSoFar(format.money(lateFeeSoFar))}</strong>
        </p>
      )}
      {fees.length > 0 && (
        <>
          <h3>{words.fees}</h3>
          <ul className="fees">
            {fees.map((fee) => (
              <Fee key={fee.id} {...fee} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

type FeeProps = RentalFactsFragment['fees'][number];

function Fee(props: FeeProps) {
  const { id, kind, status, amount } = props;
  const words = useWords();
  const { feeKind, fee } = useStatusWords();
  const format = useFormat();
  const [paying, setPaying] = useState(false);
  return (
    <li>
      <strong>
        {feeKind[kind]}: {format.money(amount)}
      </strong>
      <FeeReason {...props} />
      <p role="status">{fee[status]}</p>
      {status === 'OUTSTANDING' && (
        <Button kind="main" onClick={() => setPaying(true)}>
          {words.pay(format.money(amount))}
        </Button>
      )}
      {paying && (
        <Dialog title={feeKind[kind]} close={() => setPaying(false)}>
          <Pay feeId={id} amount={format.money(amount)} close={() => setPaying(false)} />
        </Dialog>
      )}
    </li>
  );
}

function Pay({ feeId, amount, close }: { feeId: string; amount: string; close(): void }) {
  const words = useWords();
  const card = useRef<PaymentForm>(null);
  const { send, sending, error } = useSend(PayFeeDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { rest } = useFaults(errors, []);
  return (
    <form
      onSubmit={async (event) => {
        event.preventDefault();
        setErrors([]);
        const paymentMethod = await card.current?.method();
        if (!paymentMethod) return;
        const data = await send({ feeId, paymentMethod });
        if (!data) return;
        setErrors(data.payFee.userErrors);
        if (!data.payFee.userErrors.length) close();
      }}
    >
      <PaymentChoice ref={card} />
      <Faults of={rest} />
      <Problem error={error} />
      <p className="buttons">
        <Button onClick={close}>{words.close}</Button>
        <Button type="submit" kind="main" busy={sending}>
          {words.pay(amount)}
        </Button>
      </p>
    </form>
  );
}

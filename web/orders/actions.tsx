/** What the reader may do with the order now: what Rental allows, and nothing else. */

import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { RentalAction } from '../client/enums.generated.ts';
import { useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Confirm } from '../pieces/confirm.tsx';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import {
  CancelRentalDocument,
  RenewRentalDocument,
  type RentalFactsFragment,
  ReportRentalLostDocument,
  ReturnRentalDocument,
} from './rental.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'What you can do',
    actions: {
      CANCEL: 'Cancel the order',
      RENEW: 'Renew',
      RETURN: 'Return it',
      REPORT_LOST: 'Report it lost',
    },
    done: {
      CANCEL: () => 'The order is cancelled.',
      RENEW: (due: string) => `Renewed: it is now due on ${due}.`,
      RETURN: () => 'The return is booked: the courier comes to fetch the parcel.',
      REPORT_LOST: () => 'Reported as lost.',
    },
    cancel: 'Cancel this order?',
    lose: 'Report it lost?',
    nothingTaken: 'Nothing has been charged yet, and nothing will be.',
    released: (amount: string) => `${amount} that are held on your card are released once the parcel has been stopped.`,
    refunded: (amount: string) => `${amount} are paid back to your card once the parcel is back with us.`,
    cost: (copies: number) =>
      `You pay for ${plural(copies, { one: 'a new copy', other: `${copies} new copies` })}. What it comes to is shown under “Payment” as a fee. Whatever turns up later is paid back.`,
  },
  ko: {
    title: '주문 관리',
    actions: { CANCEL: '주문 취소', RENEW: '대여 연장', RETURN: '반납 신청', REPORT_LOST: '분실 신고' },
    done: {
      CANCEL: () => '주문이 취소되었습니다.',
      RENEW: (due: string) => `대여 기간이 연장되었습니다. 새 반납 예정일은 ${due}입니다.`,
      RETURN: () => '반납이 신청되었습니다. 택배 기사가 방문합니다.',
      REPORT_LOST: () => '분실 신고가 접수되었습니다.',
    },
    cancel: '주문을 취소할까요?',
    lose: '분실 신고를 할까요?',
    nothingTaken: '아직 결제된 금액이 없으며, 앞으로도 결제되지 않습니다.',
    released: (amount: string) => `배송이 중단되면 카드에 승인된 ${amount}의 승인이 취소됩니다.`,
    refunded: (amount: string) => `책이 서점으로 돌아오면 ${amount}을 카드로 환불해 드립니다.`,
    cost: (copies: number) =>
      `새 책 ${copies}권의 값을 내셔야 합니다. 금액은 ‘결제’에 요금으로 표시됩니다. 나중에 책을 찾으면 환불해 드립니다.`,
  },
});

export function Actions({ rental }: { rental: RentalFactsFragment }) {
  const words = useWords();
  const format = useFormat();
  const sends = {
    CANCEL: useAction(CancelRentalDocument, ({ cancelRental }) => cancelRental),
    RENEW: useAction(RenewRentalDocument, ({ renewRental }) => renewRental),
    RETURN: useAction(ReturnRentalDocument, ({ returnRental }) => returnRental),
    REPORT_LOST: useAction(ReportRentalLostDocument, ({ reportRentalLost }) => reportRentalLost),
  };
  const [asked, setAsked] = useState<RentalAction | null>(null);
  const [done, setDone] = useState<RentalAction | null>(null);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { rest } = useFaults(errors, []);
  const outcome = useRef<HTMLDivElement>(null);
  const busy = Object.values(sends).some(({ sending }) => sending);
  const error = Object.values(sends).find(({ error }) => error)?.error;

  // The button that was pressed may be gone.
  useEffect(() => {
    if (done || errors.length) outcome.current?.focus();
  }, [done, errors]);

  async function act(action: RentalAction) {
    const refusals = await sends[action].send(rental.id);
    setAsked(null);
    setDone(refusals?.length === 0 ? action : null);
    setErrors(refusals ?? []);
  }

  const allows = rental.allowedActions.length > 0;
  if (!allows && !done && !errors.length) return null;
  return (
    <section className="card order-wide" aria-label={words.title}>
      {allows && <h2>{words.title}</h2>}
      <div ref={outcome} tabIndex={-1}>
        <Faults of={rest} />
        <p role="status">{done && words.done[done](rental.dueAt ? format.date(rental.dueAt) : '')}</p>
      </div>
      <Problem error={error} />
      <p className="buttons">
        {rental.allowedActions.map((action) => (
          <Button
            key={action}
            kind={kinds[action]}
            busy={busy && asked === null}
            onClick={() => (action === 'CANCEL' || action === 'REPORT_LOST' ? setAsked(action) : act(action))}
          >
            {words.actions[action]}
          </Button>
        ))}
      </p>
      {asked && (
        <Confirm
          title={asked === 'CANCEL' ? words.cancel : words.lose}
          confirm={words.actions[asked]}
          busy={busy}
          go={() => act(asked)}
          close={() => setAsked(null)}
        >
          <p>{asked === 'CANCEL' ? <GivenBack {...rental} /> : words.cost(rental.quantity)}</p>
        </Confirm>
      )}
    </section>
  );
}

const kinds = { CANCEL: 'danger', RENEW: 'quiet', RETURN: 'main', REPORT_LOST: 'quiet' } as const;

function GivenBack({ payment, status }: RentalFactsFragment): ReactNode {
  const words = useWords();
  const format = useFormat();
  if (!payment || payment.authorized.amount === 0) return words.nothingTaken;
  return status === 'SHIPPING'
    ? words.refunded(format.money(payment.authorized))
    : words.released(format.money(payment.authorized));
}

interface Answer {
  userErrors: readonly UserError[];
}

/** Answers what stands against it; undefined when it could not be asked. The rental as it is now comes with the answer. */
function useAction<Data>(
  document: Parameters<typeof useSend<Data, { rentalId: string }>>[0],
  answerIn: (data: Data) => Answer,
) {
  const { send, sending, error } = useSend(document);
  return {
    sending,
    error,
    async send(rentalId: string): Promise<readonly UserError[] | undefined> {
      const data = await send({ rentalId });
      return data && answerIn(data).userErrors;
    },
  };
}

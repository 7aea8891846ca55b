/** The fees of a rental, and waiving them. */
import { useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { FeeReason } from '../pieces/feeReason.tsx';
import { Button } from '../pieces/form.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { ReasonDialog } from './reasonDialog.tsx';
import { type OfficeRentalPartsFragment, OfficeWaiveFeeDocument } from './rental.generated.ts';
import { Told } from './told.tsx';

const useWords = wordsOf({
  en: {
    fees: 'Fees',
    none: 'No fees.',
    waive: 'Waive',
    waiveIt: (kind: string, amount: string) => `Waive the fee: ${kind}, ${amount}`,
    waived: (kind: string, amount: string) => `Waived: ${kind}, ${amount}.`,
    text: 'The customer does not have to pay it. This cannot be taken back.',
  },
  ko: {
    fees: '요금',
    none: '청구된 요금이 없습니다.',
    waive: '면제',
    waiveIt: (kind: string, amount: string) => `요금 면제: ${kind}, ${amount}`,
    waived: (kind: string, amount: string) => `면제했습니다: ${kind}, ${amount}`,
    text: '회원이 이 요금을 내지 않아도 됩니다. 되돌릴 수 없습니다.',
  },
});

type Fees = OfficeRentalPartsFragment['fees'];

export function RentalFees({ fees }: { fees: Fees }) {
  const words = useWords();
  const status = useStatusWords();
  const format = useFormat();
  const [waiving, setWaiving] = useState<string>();
  const [done, setDone] = useState<string>();
  const { send, sending, error } = useSend(OfficeWaiveFeeDocument);
  const fee = fees.find(({ id }) => id === waiving);
  const nameOf = ({ kind, amount }: Fees[number]) => words.waiveIt(status.feeKind[kind], format.money(amount));

  return (
    <section className="card">
      <h2>{words.fees}</h2>
      <Told text={done} />
      {!fees.length && <p>{words.none}</p>}
      <ul className="fee-list">
        {fees.map((fee) => (
          <li key={fee.id}>
            <strong>
              {status.feeKind[fee.kind]} {format.money(fee.amount)}
            </strong>{' '}
            <span className={fee.status === 'OUTSTANDING' ? 'badge fault' : 'badge over'}>
              {status.fee[fee.status]}
            </span>
            <FeeReason {...fee} />
            {fee.copies !== null && (
              <p className="hint" lang="en">
                {fee.explanation}
              </p>
            )}
            <p>
              <time dateTime={fee.createdAt}>{format.time(fee.createdAt)}</time>
            </p>
            {fee.status === 'OUTSTANDING' && (
              <Button aria-label={nameOf(fee)} onClick={() => setWaiving(fee.id)}>
                {words.waive}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {fee && (
        <ReasonDialog
          title={nameOf(fee)}
          text={words.text}
          act={words.waive}
          needed
          sending={sending}
          error={error}
          send={async (reason = '') => {
            const errors = (await send({ feeId: fee.id, reason }))?.waiveFee.userErrors;
            if (errors?.length === 0) setDone(words.waived(status.feeKind[fee.kind], format.money(fee.amount)));
            return errors;
          }}
          close={() => setWaiving(undefined)}
        />
      )}
    </section>
  );
}

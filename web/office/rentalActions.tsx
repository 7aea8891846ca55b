/** What staff may do with a rental for the customer; the server says what goes. */

import { useState } from 'react';
import type { RentalAction } from '../client/enums.generated.ts';
import { useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { type UserError, useRefusal } from '../language/refusals.ts';
import { Confirm } from '../pieces/confirm.tsx';
import { Button, Faults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { ReasonDialog } from './reasonDialog.tsx';
import {
  OfficeCancelRentalDocument,
  OfficeRenewRentalDocument,
  type OfficeRentalPartsFragment,
  OfficeReportRentalLostDocument,
  OfficeReturnRentalDocument,
} from './rental.generated.ts';
import { Told } from './told.tsx';

const useWords = wordsOf({
  en: {
    act: {
      CANCEL: 'Cancel the rental',
      RENEW: 'Renew',
      RETURN: 'Book the return parcel',
      REPORT_LOST: 'Report lost',
    },
    cancelText: 'The customer gets the money back; what has gone out is called back.',
    lostText: 'The books will not come back. The customer is charged for each copy; what turns up later is given back.',
    cancelled: 'The rental is cancelled.',
    renewed: (until: string) => `Renewed until ${until}.`,
    returned: 'The return parcel is booked.',
    lost: 'The rental is lost, and its fees are raised.',
  },
  ko: {
    act: {
      CANCEL: '대여 취소',
      RENEW: '연장',
      RETURN: '반납 택배 접수',
      REPORT_LOST: '분실 신고',
    },
    cancelText: '회원에게 금액이 환불되고, 이미 발송된 책은 회수합니다.',
    lostText: '책이 돌아오지 않는 것으로 처리합니다. 권당 변상금이 청구되며, 나중에 책을 찾으면 환불됩니다.',
    cancelled: '대여를 취소했습니다.',
    renewed: (until: string) => `${until}까지 연장했습니다.`,
    returned: '반납 택배를 접수했습니다.',
    lost: '분실로 처리하고 변상금을 청구했습니다.',
  },
});

type Rental = Pick<OfficeRentalPartsFragment, 'id' | 'allowedActions'>;

export function RentalActions({ rental: { id, allowedActions } }: { rental: Rental }) {
  const words = useWords();
  const format = useFormat();
  const say = useRefusal();
  const [asking, setAsking] = useState<RentalAction>();
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [done, setDone] = useState<string>();
  const cancel = useSend(OfficeCancelRentalDocument);
  const renew = useSend(OfficeRenewRentalDocument);
  const bookReturn = useSend(OfficeReturnRentalDocument);
  const reportLost = useSend(OfficeReportRentalLostDocument);

  function conclude(userErrors: readonly UserError[], success: string): readonly UserError[] {
    setDone(userErrors.length ? undefined : success);
    return userErrors;
  }

  async function doRenew(): Promise<void> {
    const answer = (await renew.send({ rentalId: id }))?.renewRental;
    if (!answer) return;
    const until = answer.rental?.dueAt;
    setErrors(conclude(answer.userErrors, until ? words.renewed(format.date(until)) : words.act.RENEW));
  }

  async function doReturn(): Promise<void> {
    const answer = (await bookReturn.send({ rentalId: id }))?.returnRental;
    if (answer) setErrors(conclude(answer.userErrors, words.returned));
  }

  async function doReportLost(): Promise<void> {
    const answer = (await reportLost.send({ rentalId: id }))?.reportRentalLost;
    if (!answer) return;
    setErrors(conclude(answer.userErrors, words.lost));
    setAsking(undefined);
  }

  const buttons: Record<RentalAction, { press(): void; busy: boolean; danger?: true }> = {
    RENEW: { press: doRenew, busy: renew.sending },
    RETURN: { press: doReturn, busy: bookReturn.sending },
    CANCEL: { press: () => setAsking('CANCEL'), busy: false, danger: true },
    REPORT_LOST: { press: () => setAsking('REPORT_LOST'), busy: false, danger: true },
  };

  return (
    <>
      <Told text={done} />
      <Faults of={errors.map(say)} />
      <Problem error={renew.error ?? bookReturn.error} />
      {allowedActions.length > 0 && (
        <p className="buttons">
          {allowedActions.map((action) => {
            const { press, busy, danger } = buttons[action];
            return (
              <Button key={action} kind={danger ? 'danger' : 'quiet'} busy={busy} onClick={press}>
                {words.act[action]}
              </Button>
            );
          })}
        </p>
      )}
      {asking === 'CANCEL' && (
        <ReasonDialog
          title={words.act.CANCEL}
          text={words.cancelText}
          act={words.act.CANCEL}
          needed={false}
          sending={cancel.sending}
          error={cancel.error}
          send={async (reason) => {
            const answer = await cancel.send({ input: { rentalId: id, reason } });
            return answer && conclude(answer.cancelRental.userErrors, words.cancelled);
          }}
          close={() => setAsking(undefined)}
        />
      )}
      {asking === 'REPORT_LOST' && (
        <Confirm
          title={words.act.REPORT_LOST}
          confirm={words.act.REPORT_LOST}
          busy={reportLost.sending}
          go={doReportLost}
          close={() => setAsking(undefined)}
        >
          <p>{words.lostText}</p>
          <Problem error={reportLost.error} />
        </Confirm>
      )}
    </>
  );
}

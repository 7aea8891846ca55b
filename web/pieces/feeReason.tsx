/** What a fee is for. */
import { plural, wordsOf } from '../language/language.ts';

const useWords = wordsOf({
  en: {
    late: (days: number, copies: number) =>
      `${plural(days, { one: 'a day', other: `${days} days` })} late, ${plural(copies, { one: 'one copy', other: `${copies} copies` })}.`,
    causes: {
      DAMAGED: 'A copy came back damaged.',
      UNUSABLE: 'A copy came back so that it cannot be lent again.',
      MISSING: 'A copy was not in the parcel that came back.',
      REPORTED_LOST: 'A copy was reported as lost.',
      NEVER_RETURNED: 'A copy did not come back in time and counts as lost.',
    },
    rental: 'The rental itself, which could not be charged in time.',
  },
  ko: {
    late: (days: number, copies: number) => `${days}일 연체, ${copies}권`,
    causes: {
      DAMAGED: '책이 파손되어 돌아왔습니다.',
      UNUSABLE: '책이 다시 대여할 수 없는 상태로 돌아왔습니다.',
      MISSING: '반납 택배에 책이 들어 있지 않았습니다.',
      REPORTED_LOST: '분실 신고된 책의 변상금입니다.',
      NEVER_RETURNED: '기한 안에 돌아오지 않아 분실로 처리된 책의 변상금입니다.',
    },
    rental: '카드 승인이 만료되어 결제되지 않은 대여료입니다.',
  },
});

interface FeeReasonProps {
  kind: 'LATE' | 'DAMAGE' | 'LOST' | 'RENTAL';
  copies: number | null;
  daysLate: number | null;
  cause: 'DAMAGED' | 'UNUSABLE' | 'MISSING' | 'REPORTED_LOST' | 'NEVER_RETURNED' | null;
  explanation: string;
}

/** An old fee has only the server's own sentence. */
export function FeeReason({ kind, copies, daysLate, cause, explanation }: FeeReasonProps) {
  const words = useWords();
  if (kind === 'RENTAL') return <p>{words.rental}</p>;
  if (cause) return <p>{words.causes[cause]}</p>;
  if (daysLate && copies) return <p>{words.late(daysLate, copies)}</p>;
  return <p lang="en">{explanation}</p>;
}

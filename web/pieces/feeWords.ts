/** What a fee is for. In English the server's own sentence is the best there is; in Korean it is told from the facts. */
import { useLanguage } from '../language/language.ts';

interface Fee {
  kind: 'LATE' | 'DAMAGE' | 'LOST' | 'RENTAL';
  explanation: string;
  copies: number | null;
  daysLate: number | null;
  cause: 'DAMAGED' | 'UNUSABLE' | 'MISSING' | 'REPORTED_LOST' | 'NEVER_RETURNED' | null;
}

const causes: Record<NonNullable<Fee['cause']>, string> = {
  DAMAGED: '책이 파손되어 돌아왔습니다.',
  UNUSABLE: '책이 다시 대여할 수 없는 상태로 돌아왔습니다.',
  MISSING: '반납 택배에 책이 들어 있지 않았습니다.',
  REPORTED_LOST: '책을 잃어버렸다고 신고되었습니다.',
  NEVER_RETURNED: '책이 오래 돌아오지 않아 분실로 처리되었습니다.',
};

export function useFeeWords(): (fee: Fee) => string {
  const language = useLanguage();
  return (fee) => (language === 'ko' ? inKorean(fee) : undefined) ?? fee.explanation;
}

/** An old fee has no facts. */
function inKorean({ kind, copies, daysLate, cause }: Fee): string | undefined {
  if (copies === null) return undefined;
  if (kind === 'LATE' && daysLate !== null) return `반납 기한이 ${daysLate}일 지났습니다(${copies}권).`;
  if (kind === 'RENTAL') return `결제 승인이 만료되어 대여료 ${copies}권분을 받지 못했습니다.`;
  return cause ? causes[cause] : undefined;
}

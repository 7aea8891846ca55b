/**
 * What the server says no to, in the reader's language. In English the server's own sentence is the best there is; in Korean it is
 * told by what was wrong (`reason`), else by the code and the field, else by the code alone.
 */
import { useLanguage } from './language.ts';

export interface UserError {
  code: string;
  message: string;
  path?: readonly string[] | null;
  reason?: string | null;
}

const korean: Record<string, string> = {
  NOT_FOUND: '찾을 수 없습니다.',
  INVALID_INPUT: '입력한 값을 확인해 주세요.',
  NOT_ALLOWED_IN_STATE: '지금 상태에서는 할 수 없습니다. 화면을 새로 확인해 주세요.',
  VERSION_CONFLICT: '그 사이에 다른 사람이 변경했습니다. 다시 확인해 주세요.',
  IDEMPOTENCY_CONFLICT: '같은 신청이 다른 내용으로 이미 접수되었습니다.',
  DUPLICATE: '이미 있습니다.',
  WOULD_BE_NEGATIVE: '남은 수량보다 많습니다.',
  POLICY_DENIED: '이용 규칙에 따라 할 수 없습니다.',
  PAYMENT_DECLINED: '결제가 거절되었습니다. 다른 결제 수단을 사용해 주세요.',
  INVALID_CREDENTIALS: '이메일 또는 비밀번호가 맞지 않습니다.',
  TOO_MANY_ATTEMPTS: '시도가 너무 많았습니다. 잠시 후 다시 시도해 주세요.',

  // requestRental and saveAddress
  'INVALID_INPUT name': '이름을 200자 이내로 입력해 주세요.',
  'INVALID_INPUT line1': '주소를 200자 이내로 입력해 주세요.',
  'INVALID_INPUT line2': '상세 주소는 200자까지 입력할 수 있습니다.',
  'INVALID_INPUT city': '시·도를 200자 이내로 입력해 주세요.',
  'INVALID_INPUT postalCode': '우편번호를 입력해 주세요.',
  'INVALID_INPUT country': '국가를 선택해 주세요.',
  'INVALID_INPUT phone': '전화번호는 200자까지 입력할 수 있습니다.',
  'INVALID_INPUT label': '주소의 이름을 입력해 주세요.',
  'INVALID_INPUT quantity': '권수는 1권부터 100권까지 고를 수 있습니다.',
  'INVALID_INPUT paymentMethod': '결제 수단을 확인해 주세요.',
  'POLICY_DENIED input': '더 저장할 수 없습니다. 쓰지 않는 주소를 먼저 지워 주세요.',

  // joinWaitlist
  'NOT_FOUND bookId': '없는 책입니다.',
  'POLICY_DENIED bookId': '지금 이 책에는 대기 신청을 할 수 없습니다. 바로 대여할 수 있는지 확인해 주세요.',
};

export function useRefusal(): (error: UserError) => string {
  const language = useLanguage();
  return (error) => (language === 'en' ? error.message : inKorean(error));
}

function inKorean({ code, path, reason, message }: UserError): string {
  const keys = [reason, `${code} ${path?.at(-1)}`, code];
  for (const key of keys) {
    const words = key && korean[key];
    if (words) return words;
  }
  return message;
}

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

const korean: Record<string, string | ((message: string) => string)> = {
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
  TOO_MANY_ATTEMPTS: (message) => `시도가 너무 많았습니다. ${/\d+/.exec(message)?.[0] ?? 1}분 후에 다시 시도해 주세요.`,

  // requestRental and saveAddress
  'INVALID_INPUT name': '이름은 1~200자로 입력해 주세요.',
  'INVALID_INPUT line1': '주소는 1~200자로 입력해 주세요.',
  'INVALID_INPUT line2': '상세 주소는 200자까지 입력할 수 있습니다.',
  'INVALID_INPUT city': '도시는 1~200자로 입력해 주세요.',
  'INVALID_INPUT postalCode': '우편번호를 입력해 주세요.',
  'INVALID_INPUT country': '국가를 선택해 주세요.',
  'INVALID_INPUT phone': '전화번호는 200자까지 입력할 수 있습니다.',
  'INVALID_INPUT label': '배송지 이름은 1~100자로 입력해 주세요.',
  'INVALID_INPUT quantity': '권수는 1권부터 100권까지 고를 수 있습니다.',
  'INVALID_INPUT paymentMethod': '결제 수단을 확인해 주세요.',

  // cancelRental, renewRental, returnRental, reportRentalLost, payFee and waiveFee
  OUT_FOR_DELIVERY: '배달 기사가 이미 출발하여 취소할 수 없습니다.',
  RENEWED_TOO_OFTEN: '연장할 수 있는 횟수를 모두 사용했습니다.',
  OTHERS_WAIT: '이 책을 기다리는 분이 있어 연장할 수 없습니다.',
  PAST_DUE: '반납 예정일이 지나 연장할 수 없습니다.',
  'NOT_FOUND rentalId': '없는 대여입니다.',
  'NOT_FOUND feeId': '없는 요금입니다.',

  // signUp, updateMe, changePassword and eraseMe
  'INVALID_INPUT email': '이메일 주소를 확인해 주세요.',
  'INVALID_INPUT password': '비밀번호는 8자 이상 200자 이내로 입력해 주세요.',
  'INVALID_INPUT new': '새 비밀번호는 8자 이상 200자 이내로 입력해 주세요.',
  'DUPLICATE email': '이미 가입된 이메일입니다.',
  'INVALID_CREDENTIALS current': '현재 비밀번호가 맞지 않습니다.',
  NAMED_FOR_ADMINISTRATION: '관리자로 지정된 이메일이라 변경하거나 탈퇴할 수 없습니다. 먼저 지정을 해제해 주세요.',
  ACCOUNT_ELSEWHERE: '이 서점의 계정은 다른 곳에서 관리합니다.',
  ACCOUNT_CLOSED: '탈퇴한 계정이라 대여할 수 없습니다.',

  // saveAddress, deleteAddress and leaveWaitlist
  TOO_MANY_ADDRESSES: '배송지는 50개까지 저장할 수 있습니다. 쓰지 않는 배송지를 먼저 삭제해 주세요.',
  'NOT_FOUND entryId': '이미 끝난 대기입니다.',

  // addBook, updateBook, addCopies, withdrawCopies and importBooks
  'INVALID_INPUT isbn': 'ISBN이 아닙니다. 숫자를 다시 확인해 주세요.',
  'INVALID_INPUT title': '제목은 1~500자로 입력해 주세요.',
  'INVALID_INPUT authors': '저자는 한 명당 200자 이내로, 100명까지 입력할 수 있습니다.',
  'INVALID_INPUT publisher': '출판사는 200자까지 입력할 수 있습니다.',
  'INVALID_INPUT publishedYear': '출간 연도는 -5000부터 9999까지 입력할 수 있습니다.',
  'INVALID_INPUT language': '언어 코드를 확인해 주세요. 예: ko, en',
  'INVALID_INPUT tags': '태그는 하나당 50자 이내로, 50개까지 입력할 수 있습니다.',
  'INVALID_INPUT amount': '대여료는 0 이상 20,000,000 이하로 입력해 주세요.',
  'INVALID_INPUT copies': '권수는 0권부터 1,000권까지 입력할 수 있습니다.',
  'INVALID_INPUT count': '한 번에 1권부터 1,000권까지 할 수 있습니다.',
  'INVALID_INPUT rows': '한 번에 200줄까지 보낼 수 있습니다.',
  'DUPLICATE isbn': '이 ISBN으로 등록된 책이 이미 있습니다.',
  'WOULD_BE_NEGATIVE count': '대여 가능한 책보다 많이 폐기할 수 없습니다.',
  'VERSION_CONFLICT expectedVersion': '그 사이에 이 책이 수정되었습니다.',

  // waiveFee, withdrawCopies and dropDeadLetter
  'INVALID_INPUT reason': '사유는 1~500자로 입력해 주세요.',

  // inspectCopy and receiveCopy
  'NOT_FOUND copyId': '등록되지 않은 책입니다.',
  'INVALID_INPUT note': '메모가 너무 깁니다. 짧게 줄여 주세요.',
  UNDER_REPAIR: '수선 중인 책은 양호, 사용감 있음, 재사용 불가로만 처리할 수 있습니다.',

  // recordTrackingEvent
  'NOT_FOUND deliveryId': '없는 배송입니다.',
  'INVALID_INPUT occurredAt': '스캔 시각은 미래일 수 없습니다.',
  'IDEMPOTENCY_CONFLICT idempotencyKey': '같은 요청이 다른 내용으로 이미 접수되었습니다.',

  // setRoles
  'NOT_FOUND customerId': '없는 회원이거나 탈퇴한 회원입니다.',
  'POLICY_DENIED roles': '관리자 권한은 여기서 줄 수 없습니다. 서점 설정 SUPERUSER에 지정된 이메일만 관리자가 됩니다.',

  // replayDeadLetter and dropDeadLetter
  'NOT_FOUND id': '없거나 이미 처리되었습니다. 목록을 새로 확인해 주세요.',
  'NOT_ALLOWED_IN_STATE id': '이벤트는 다시 처리만, 이벤트가 아닌 메시지는 삭제만 할 수 있습니다.',

  // joinWaitlist
  'NOT_FOUND bookId': '없는 책입니다.',
  NO_LONGER_LENT: '더 이상 대여하지 않는 책입니다.',
  COPIES_AVAILABLE: '지금 대여할 수 있는 책이 있습니다. 기다리지 말고 바로 신청해 주세요.',
};

export function useRefusal(): (error: UserError) => string {
  const language = useLanguage();
  return (error) => (language === 'en' ? error.message : inKorean(error));
}

function inKorean({ code, path, reason, message }: UserError): string {
  const field = path?.findLast((step) => !/^\d+$/.test(step)); // a path may lead into a list
  const keys = [reason, `${code} ${field}`, code];
  for (const key of keys) {
    const words = key && korean[key];
    if (words) return typeof words === 'string' ? words : words(message);
  }
  return message;
}

/** Why a rental is refused, and what one can do about it. */
import { Link } from 'wouter';
import type { RejectionCode } from '../client/enums.generated.ts';
import { wordsOf } from '../language/language.ts';
import { useStatusWords } from '../pieces/words.ts';

const useWords = wordsOf({
  en: {
    wait: 'Join the waitlist',
    fewer: 'Rent fewer copies, or join the waitlist',
    card: 'Nothing was charged. Try another card.',
    orders: 'See my orders',
    others: 'Find another book',
    again: 'Send it again.',
  },
  ko: {
    wait: '대기 신청하기',
    fewer: '권수를 줄이거나 대기 신청하기',
    card: '결제된 금액은 없습니다. 다른 카드로 다시 시도해 주세요.',
    orders: '내 주문 보기',
    others: '다른 책 찾기',
    again: '다시 신청해 주세요.',
  },
});

const ways: Record<RejectionCode, keyof ReturnType<typeof useWords>> = {
  OUT_OF_STOCK: 'wait',
  PAYMENT_DECLINED: 'card',
  BOOK_NOT_FOUND: 'others',
  BOOK_WITHDRAWN: 'others',
  CUSTOMER_BLOCKED: 'orders',
  LIMIT_REACHED: 'orders',
  HOLD_EXPIRED: 'again',
};

interface RefusedProps {
  code: RejectionCode;
  bookId: string;
  /** That were asked for. */
  copies: number;
}

export function Refused({ code, bookId, copies }: RefusedProps) {
  const words = useWords();
  const say = useStatusWords();
  const way = code === 'OUT_OF_STOCK' && copies > 1 ? 'fewer' : ways[code];
  const leads = {
    wait: `/books/${bookId}`,
    fewer: `/books/${bookId}`,
    orders: '/orders',
    others: '/',
    card: null,
    again: null,
  }[way];
  return (
    <p className="refused">
      {say.rejection[code]} {leads ? <Link href={leads}>{words[way]}</Link> : words[way]}
    </p>
  );
}

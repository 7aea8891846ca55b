/** How an order stands, in a plain sentence: what happens next, or what there is to do. */

import { Link } from 'wouter';
import type { RejectionCode } from '../client/enums.generated.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { returnIsBooked } from './entries.ts';
import type { OneOrderQuery } from './order.generated.ts';
import type { RentalFactsFragment } from './rental.generated.ts';

type Order = NonNullable<OneOrderQuery['order']>;

/** What is known of it; days as they are written. */
interface Facts {
  due: string;
  /** Whether a parcel for the return is booked. */
  booked: boolean;
  /** How many are before it and itself, as a number is written; empty where it is not known. */
  position: string;
  parcel: Order['deliveryStatus'];
}

const useWords = wordsOf<{
  next: Record<Order['status'], (facts: Facts) => string>;
  refused: Record<RejectionCode, string>;
  ways: { book: string; again: string; orders: string; find: string };
  asked: (when: string) => string;
}>({
  en: {
    next: {
      REQUESTED: () => 'We are checking stock and payment. That takes a moment.',
      ON_HOLD: ({ position }) =>
        `Your request is safe with us and waits for its turn${position && `: it is number ${position}`}. You need do nothing.`,
      ACCEPTED: () => 'It is set aside for you, and the parcel is being made ready.',
      SHIPPING: ({ parcel }) => {
        if (parcel === 'OUT_FOR_DELIVERY') return 'The courier is on the way to you.';
        if (parcel === 'FAILED') return 'The courier could not deliver it and will try again.';
        return 'The parcel is on its way to you.';
      },
      ON_LOAN: ({ due, booked }) =>
        booked
          ? `The return is booked. Give the parcel to the courier by ${due}.`
          : `Enjoy reading. Return it by ${due}.`,
      OVERDUE: ({ due, booked }) =>
        `It was due on ${due}. ${
          booked
            ? 'The return is booked: give the parcel to the courier, then the late fee stops.'
            : 'Return it: the late fee grows day by day until the courier has it.'
        }`,
      RETURNING: () => 'Thank you. It is on its way back to us.',
      RETURNED: () => 'It is back. We look it over, then the order is closed.',
      CLOSED: () => 'All is done. Thank you.',
      CANCELLED: () => 'This order was cancelled.',
      LOST: () => 'It counts as lost. What that means for your money is told under “Payment”.',
      REJECTED: () => 'We could not accept this order. Nothing was charged.',
    },
    refused: {
      OUT_OF_STOCK: 'There were not enough copies left. Nothing was charged. You can join the waitlist.',
      PAYMENT_DECLINED: 'Your payment was declined, and nothing was charged. Try again with another card.',
      BOOK_NOT_FOUND: 'There is no such book any more. Nothing was charged.',
      BOOK_WITHDRAWN: 'This book is no longer lent. Nothing was charged.',
      CUSTOMER_BLOCKED:
        'You have overdue books or unpaid fees. Return the books or pay the fees, then you can rent again.',
      LIMIT_REACHED: 'You have as many open orders as one account may have. Return a book first.',
      HOLD_EXPIRED: 'The request waited too long, for which we are sorry. Nothing was charged. Please try again.',
    },
    ways: { book: 'To the book', again: 'Rent it again', orders: 'To my orders', find: 'Find another book' },
    asked: (when) => `Ordered ${when}`,
  },
  ko: {
    next: {
      REQUESTED: () => '재고와 결제를 확인하고 있습니다. 잠시만 기다려 주세요.',
      ON_HOLD: ({ position }) =>
        `신청이 안전하게 접수되어 순서를 기다리고 있습니다${position && `(현재 ${position}번째)`}. 따로 하실 일은 없습니다.`,
      ACCEPTED: () => '책을 확보했습니다. 발송을 준비하고 있어요.',
      SHIPPING: ({ parcel }) => {
        if (parcel === 'OUT_FOR_DELIVERY') return '배달 기사가 책을 가지고 출발했습니다.';
        if (parcel === 'FAILED') return '배달하지 못했습니다. 택배사에서 다시 배달할 예정입니다.';
        return '책이 배송 중입니다.';
      },
      ON_LOAN: ({ due, booked }) =>
        booked
          ? `반납이 신청되었습니다. ${due}까지 택배 기사에게 책을 전달해 주세요.`
          : `즐겁게 읽으세요. ${due}까지 반납해 주세요.`,
      OVERDUE: ({ due, booked }) =>
        `반납 예정일(${due})이 지났습니다. ${
          booked
            ? '반납이 신청되었으니 택배 기사에게 책을 전달해 주세요. 전달하면 연체료가 더 늘지 않습니다.'
            : '반납해 주세요. 택배 기사에게 전달할 때까지 연체료가 매일 늘어납니다.'
        }`,
      RETURNING: () => '감사합니다. 책이 서점으로 돌아오고 있습니다.',
      RETURNED: () => '책이 도착했습니다. 상태를 확인한 뒤 대여를 완료합니다.',
      CLOSED: () => '모두 완료되었습니다. 이용해 주셔서 감사합니다.',
      CANCELLED: () => '취소된 주문입니다.',
      LOST: () => '분실 처리되었습니다. 비용은 아래 ‘결제’에서 확인해 주세요.',
      REJECTED: () => '주문을 접수하지 못했습니다. 결제된 금액은 없습니다.',
    },
    refused: {
      OUT_OF_STOCK: '남은 책이 부족해 접수하지 못했습니다. 결제된 금액은 없으며, 대기 신청을 하실 수 있습니다.',
      PAYMENT_DECLINED: '결제가 거절되어 접수하지 못했습니다. 다른 카드로 다시 신청해 주세요.',
      BOOK_NOT_FOUND: '더 이상 없는 책이라 접수하지 못했습니다. 결제된 금액은 없습니다.',
      BOOK_WITHDRAWN: '더 이상 대여하지 않는 책이라 접수하지 못했습니다. 결제된 금액은 없습니다.',
      CUSTOMER_BLOCKED:
        '연체된 책이나 미납 요금이 있어 접수하지 못했습니다. 책을 반납하거나 요금을 납부하면 다시 대여할 수 있습니다.',
      LIMIT_REACHED: '동시에 대여할 수 있는 권수를 넘어 접수하지 못했습니다. 먼저 다른 책을 반납해 주세요.',
      HOLD_EXPIRED: '대기 시간이 길어져 접수하지 못했습니다. 죄송합니다. 결제된 금액은 없으니 다시 신청해 주세요.',
    },
    ways: { book: '책 보기', again: '다시 대여하기', orders: '내 주문 보기', find: '다른 책 찾기' },
    asked: (when) => `${when} 주문`,
  },
});

/** Where a refusal is put right. */
const ways: Record<RejectionCode, 'book' | 'again' | 'orders' | 'find'> = {
  OUT_OF_STOCK: 'book',
  PAYMENT_DECLINED: 'again',
  BOOK_NOT_FOUND: 'find',
  BOOK_WITHDRAWN: 'find',
  CUSTOMER_BLOCKED: 'orders',
  LIMIT_REACHED: 'orders',
  HOLD_EXPIRED: 'again',
};

export function Now({ order, rental }: { order: Order; rental: RentalFactsFragment | null | undefined }) {
  const words = useWords();
  const format = useFormat();
  const { status, bookId, deliveryStatus: parcel, timeline, requestedAt } = order;
  const dueAt = rental?.dueAt ?? order.dueAt;
  const facts = {
    due: dueAt ? format.date(dueAt) : '',
    // The order learns of it a moment later than the rental.
    booked: returnIsBooked(timeline) || (rental?.status === status && !rental.allowedActions.includes('RETURN')),
    position: rental?.holdPosition ? format.number(rental.holdPosition) : '',
    parcel,
  };
  const why = status === 'REJECTED' ? rental?.rejection?.code : undefined;
  const way = why && ways[why];
  const addresses = { book: `/books/${bookId}`, again: `/books/${bookId}/rent`, orders: '/orders', find: '/' };
  return (
    <section className="card order-wide order-now">
      <p role="status">{why ? words.refused[why] : words.next[status](facts)}</p>
      {way && (
        <p>
          <Link href={addresses[way]}>{words.ways[way]}</Link>
        </p>
      )}
      <p>
        <small>{words.asked(format.time(requestedAt))}</small>
      </p>
    </section>
  );
}

/** Words that only the back office says. */
import { wordsOf } from '../language/language.ts';

export const useCopyWords = wordsOf({
  en: {
    status: {
      ON_SHELF: 'On the shelf',
      OUT: 'Out',
      INSPECTING: 'To be inspected',
      REPAIR: 'In repair',
      LOST: 'Lost',
      WITHDRAWN: 'Withdrawn',
    },
    condition: {
      GOOD: 'Good',
      WORN: 'Worn',
      DAMAGED: 'Damaged',
      UNUSABLE: 'Unusable',
      MISSING: 'Missing',
    },
  },
  ko: {
    status: {
      ON_SHELF: '서가',
      OUT: '대여 중',
      INSPECTING: '검수 대기',
      REPAIR: '수선 중',
      LOST: '분실',
      WITHDRAWN: '폐기',
    },
    condition: {
      GOOD: '양호',
      WORN: '사용감 있음',
      DAMAGED: '파손',
      UNUSABLE: '재사용 불가',
      MISSING: '없음',
    },
  },
});

export const useRoleWords = wordsOf({
  en: { CUSTOMER: 'Customer', STAFF: 'Staff', COURIER: 'Courier', ADMIN: 'Admin' },
  ko: { CUSTOMER: '회원', STAFF: '직원', COURIER: '배송원', ADMIN: '관리자' },
});

export const useServiceWords = wordsOf({
  en: { BOOK: 'Book', RENTAL: 'Rental', DELIVERY: 'Delivery', CUSTOMER: 'Customer' },
  ko: { BOOK: '도서', RENTAL: '대여', DELIVERY: '배송', CUSTOMER: '회원' },
});

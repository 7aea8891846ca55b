import { readConfig } from '#platform/config.ts';
import {
  againstCustomer,
  againstRenewal,
  againstTitle,
  damageFee,
  dueAfter,
  isBlocked,
  keptBefore,
  lateFee,
  lostBefore,
  overdueBefore,
  policyOf,
  policySettings,
  rentalFee,
  replacementFee,
} from './policy.ts';

const policy = {
  ...policyOf(readConfig(policySettings, {})),
  rentalsPerCustomer: 5,
  unpaidFeesLimit: 1000,
};
const standing = { open: 0, overdue: 0, unpaid: 0 };
const at = (instant: string) => new Date(instant);

test('a customer with an overdue rental, or too much unpaid, is blocked, and is told why', () => {
  expect(againstCustomer({ ...standing, overdue: 2 }, policy)).toEqual([
    { code: 'CUSTOMER_BLOCKED', message: '2 rentals are overdue.' },
  ]);
  expect(againstCustomer({ ...standing, unpaid: 1001 }, policy)).toEqual([
    { code: 'CUSTOMER_BLOCKED', message: 'Fees of 1001 KRW are unpaid, and at most 1000 may be.' },
  ]);
  expect(isBlocked({ ...standing, unpaid: 1000 }, policy)).toBe(false);
});

test('as many rentals as the limit says are let in, and not one more', () => {
  expect(againstCustomer({ ...standing, open: 4 }, policy)).toEqual([]);
  expect(againstCustomer({ ...standing, open: 5, overdue: 1 }, policy).map(({ code }) => code)).toEqual([
    'CUSTOMER_BLOCKED',
    'LIMIT_REACHED',
  ]);
});

test.each([
  [null, 'BOOK_NOT_FOUND', 'There is no such book.'],
  [{ status: 'WITHDRAWN' as const, available: 0 }, 'BOOK_WITHDRAWN', 'This book is no longer lent.'],
  [{ status: 'LISTED' as const, available: 1 }, 'OUT_OF_STOCK', '2 copies are wanted, and 1 can be had.'],
])('what Book would say of %j is said beforehand', (title, code, message) => {
  expect(againstTitle(title, 2, policy)).toEqual([{ code, message }]);
});

test('a loan is renewed until its due date, while nobody waits, as often as the policy says', () => {
  const loan = { renewals: 1, waiting: 0, dueAt: at('2026-03-10T12:00:00Z'), now: at('2026-03-10T12:00:00Z') };
  expect(againstRenewal(loan, policy)).toEqual([]);
  expect(againstRenewal({ ...loan, renewals: 2, waiting: 1, now: at('2026-03-10T12:00:01Z') }, policy)).toEqual([
    { reason: 'RENEWED_TOO_OFTEN', message: 'It was renewed 2 of at most 2 times.' },
    { reason: 'OTHERS_WAIT', message: '1 customer waits for this book.' },
    { reason: 'PAST_DUE', message: 'It was due on 2026-03-10.' },
  ]);
});

test('a loan is overdue after the grace period, and lost long after that', () => {
  const now = at('2026-03-20T00:00:00Z');
  expect(dueAfter(at('2026-02-20T10:00:00Z'), policy)).toEqual(at('2026-03-06T10:00:00Z'));
  expect(overdueBefore(now, policy)).toEqual(at('2026-03-19T00:00:00Z'));
  expect(lostBefore(now, policy)).toEqual(at('2026-01-18T00:00:00Z'));
  expect(keptBefore(now, policy)).toEqual(at('2026-01-19T00:00:00Z'));
});

describe('a late fee', () => {
  const loan = { quantity: 2, totalAmount: 9000, dueAt: at('2026-03-10T12:00:00Z') };
  const stopped = (instant: string) => lateFee({ ...loan, stoppedAt: at(instant) }, policy);

  test('is nothing within the grace period, and counts from the due date after it', () => {
    expect(stopped('2026-03-11T12:00:00Z')).toBeNull();
    expect(stopped('2026-03-11T12:00:01Z')).toEqual({
      amount: 1800, // 2 days begun, 10 % of 4500 a day, 2 copies
      explanation:
        'Due on 2026-03-10, picked up for the return on 2026-03-11: 2 days late at 450 KRW a day, for 2 copies.',
      copies: 2,
      daysLate: 2,
    });
  });

  test('does not grow above its cap', () => {
    expect(stopped('2026-12-01T00:00:00Z')).toMatchObject({
      amount: 18_000,
      explanation: expect.stringContaining('at most 9000 KRW'),
    });
  });
});

test('what is damaged, lost or could not be taken costs what the policy says, and tells why', () => {
  const loan = { quantity: 3, totalAmount: 1000 };
  expect(damageFee(loan, policy)).toEqual({
    amount: 333,
    explanation: 'One copy came back damaged: 100 % of its rental fee of 333 KRW.',
    copies: 1,
    cause: 'DAMAGED',
  });
  expect(replacementFee(loan, 'NEVER_RETURNED', policy)).toEqual({
    amount: 1667,
    explanation: 'One copy did not come back in time and counts as lost: 500 % of its rental fee of 333 KRW.',
    copies: 1,
    cause: 'NEVER_RETURNED',
  });
  expect(rentalFee(loan, policy)).toMatchObject({ amount: 1000, copies: 3 });
});

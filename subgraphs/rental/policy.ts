/**
 * The loan policy on one page: who may rent, how long, how often again, and what it costs when it does not go well. Pure
 * functions over facts; the shop's numbers are settings. Source: docs/decisions/0014-loan-policy.md.
 */
import type { Config } from '#platform/config.ts';
import type { UserErrorReason } from '#platform/errors.ts';
import type { FeeCause, RejectionCode } from './rental.ts';

export const policySettings = [
  'CURRENCY',
  'LOAN_DAYS',
  'RENEWALS',
  'GRACE_DAYS',
  'LOST_AFTER_DAYS',
  'RENTALS_PER_CUSTOMER',
  'UNPAID_FEES_LIMIT',
  'LATE_FEE_PERCENT',
  'LATE_FEE_CAP_PERCENT',
  'DAMAGE_FEE_PERCENT',
  'REPLACEMENT_FEE_PERCENT',
] as const;

export interface Policy {
  currency: string;
  loanDays: number;
  renewals: number;
  graceDays: number;
  lostAfterDays: number;
  rentalsPerCustomer: number;
  /** Minor units. */
  unpaidFeesLimit: number;
  /** In percent of what a copy costs for one loan: per day, at most, for damage, for a new one. */
  lateFeePercent: number;
  lateFeeCapPercent: number;
  damageFeePercent: number;
  replacementFeePercent: number;
}

export const policyOf = (config: Config<(typeof policySettings)[number]>): Policy => ({
  currency: config.CURRENCY,
  loanDays: config.LOAN_DAYS,
  renewals: config.RENEWALS,
  graceDays: config.GRACE_DAYS,
  lostAfterDays: config.LOST_AFTER_DAYS,
  rentalsPerCustomer: config.RENTALS_PER_CUSTOMER,
  unpaidFeesLimit: config.UNPAID_FEES_LIMIT,
  lateFeePercent: config.LATE_FEE_PERCENT,
  lateFeeCapPercent: config.LATE_FEE_CAP_PERCENT,
  damageFeePercent: config.DAMAGE_FEE_PERCENT,
  replacementFeePercent: config.REPLACEMENT_FEE_PERCENT,
});

/** How a customer stands. */
export interface Standing {
  open: number;
  overdue: number;
  /** Minor units. */
  unpaid: number;
}

/** A title as this customer could have it; null where there is none. */
interface Title {
  status: 'LISTED' | 'WITHDRAWN';
  available: number;
}

/** Why a request is refused. */
export interface Reason {
  code: RejectionCode;
  message: string;
}

/** Each rule answers why not, or null. */
type Rule<F> = (facts: F, policy: Policy) => string | null;

export const isBlocked = ({ overdue, unpaid }: Standing, { unpaidFeesLimit }: Policy): boolean =>
  overdue > 0 || unpaid > unpaidFeesLimit;

/** About the customer alone: held to at the request itself, since Rental knows all that they need. */
const customerRules: Partial<Record<RejectionCode, Rule<Standing>>> = {
  CUSTOMER_BLOCKED(standing, policy) {
    if (!isBlocked(standing, policy)) return null;
    const { overdue, unpaid } = standing;
    return overdue > 0
      ? `${counted(overdue, 'rental is', 'rentals are')} overdue.`
      : `Fees of ${unpaid} ${policy.currency} are unpaid, and at most ${policy.unpaidFeesLimit} may be.`;
  },
  LIMIT_REACHED: ({ open }, { rentalsPerCustomer }) =>
    open < rentalsPerCustomer ? null : `${open} rentals are open, and at most ${rentalsPerCustomer} may be.`,
};

/** About the title: decided by Book when the copies are asked for; here only to say beforehand what it would answer. */
const titleRules: Partial<Record<RejectionCode, Rule<{ title: Title | null; quantity: number }>>> = {
  BOOK_NOT_FOUND: ({ title }) => (title ? null : 'There is no such book.'),
  BOOK_WITHDRAWN: ({ title }) => (title?.status === 'WITHDRAWN' ? 'This book is no longer lent.' : null),
  OUT_OF_STOCK: ({ title, quantity }) =>
    title?.status === 'LISTED' && title.available < quantity
      ? `${counted(quantity, 'copy is', 'copies are')} wanted, and ${title.available} can be had.`
      : null,
};

/** What stands against a renewal. */
const renewalRules = {
  RENEWED_TOO_OFTEN: ({ renewals }, policy) =>
    renewals < policy.renewals ? null : `It was renewed ${renewals} of at most ${policy.renewals} times.`,
  OTHERS_WAIT: ({ waiting }) =>
    waiting ? `${counted(waiting, 'customer waits', 'customers wait')} for this book.` : null,
  PAST_DUE: ({ dueAt, now }) => (now <= dueAt ? null : `It was due on ${day(dueAt)}.`),
} satisfies Partial<Record<UserErrorReason, Rule<Renewal>>>;

interface Renewal {
  renewals: number;
  /** How many wait for the title. */
  waiting: number;
  dueAt: Date;
  now: Date;
}

function broken<N extends string, F>(
  rules: Partial<Record<N, Rule<F>>>,
  facts: F,
  policy: Policy,
): { name: N; message: string }[] {
  const names = Object.keys(rules) as N[]; // the keys are what the table was written with
  return names.flatMap((name) => {
    const message = rules[name]?.(facts, policy);
    return message ? [{ name, message }] : [];
  });
}

const reasons = <F>(rules: Partial<Record<RejectionCode, Rule<F>>>, facts: F, policy: Policy): Reason[] =>
  broken(rules, facts, policy).map(({ name: code, message }) => ({ code, message }));

/** Why this customer may rent nothing now; empty where they may. */
export const againstCustomer = (standing: Standing, policy: Policy): Reason[] =>
  reasons(customerRules, standing, policy);

/** Why this many copies of the title cannot be had now. */
export const againstTitle = (title: Title | null, quantity: number, policy: Policy): Reason[] =>
  reasons(titleRules, { title, quantity }, policy);

/** Why the loan cannot be renewed now; empty where it can. */
export const againstRenewal = (
  renewal: Renewal,
  policy: Policy,
): { reason: keyof typeof renewalRules; message: string }[] =>
  broken(renewalRules, renewal, policy).map(({ name: reason, message }) => ({ reason, message }));

const DAY_MS = 86_400_000;
const later = (instant: Date, days: number): Date => new Date(instant.getTime() + days * DAY_MS);
const earlier = (instant: Date, days: number): Date => later(instant, -days);

/** When a loan that begins, or is renewed, at this instant has to be back. */
export const dueAfter = (instant: Date, { loanDays }: Policy): Date => later(instant, loanDays);

/** What was due before these instants is overdue now, and lost. */
export const overdueBefore = (now: Date, { graceDays }: Policy): Date => earlier(now, graceDays);
export const lostBefore = (now: Date, { graceDays, lostAfterDays }: Policy): Date =>
  earlier(now, graceDays + lostAfterDays);
/** What was delivered before this instant although it was cancelled, and is not on its way back, is kept. */
export const keptBefore = (now: Date, { lostAfterDays }: Policy): Date => earlier(now, lostAfterDays);

/** What a fee is computed from. */
interface Loan {
  quantity: number;
  /** Minor units, of all copies. */
  totalAmount: number;
}

export interface FeeDue {
  /** Minor units. */
  amount: number;
  /** The facts it was computed from, in words. */
  explanation: string;
  /** The same for who has words of their own. */
  copies: number;
  daysLate?: number;
  cause?: FeeCause;
}

/** Rounded half up for one copy. */
const share = ({ totalAmount, quantity }: Loan, percent: number): number =>
  Math.round((totalAmount / quantity / 100) * percent);

/**
 * For every day begun after the due date, unless the grace period covers it. The clock stops when the carrier has the books: how long
 * it takes is not the reader's fault.
 */
export function lateFee(loan: Loan & { dueAt: Date; stoppedAt: Date }, policy: Policy): FeeDue | null {
  const { dueAt, stoppedAt, quantity } = loan;
  const { lateFeePercent, lateFeeCapPercent, currency } = policy;
  if (dueAt >= overdueBefore(stoppedAt, policy)) return null;
  const days = Math.ceil((stoppedAt.getTime() - dueAt.getTime()) / DAY_MS);
  const perDay = share(loan, lateFeePercent);
  const most = share(loan, lateFeeCapPercent);
  const each = Math.min(days * perDay, most);
  const cap = days * perDay > most ? `, at most ${most} ${currency}` : '';
  return {
    amount: each * quantity,
    explanation:
      `Due on ${day(dueAt)}, picked up for the return on ${day(stoppedAt)}: ${counted(days, 'day', 'days')} late at ` +
      `${perDay} ${currency} a day${cap}, for ${counted(quantity, 'copy', 'copies')}.`,
    copies: quantity,
    daysLate: days,
  };
}

export const damageFee = (loan: Loan, { damageFeePercent, currency }: Policy): FeeDue => ({
  amount: share(loan, damageFeePercent),
  explanation: `One copy came back damaged: ${damageFeePercent} % of its rental fee of ${share(loan, 100)} ${currency}.`,
  copies: 1,
  cause: 'DAMAGED',
});

const replacements = {
  UNUSABLE: 'came back in a state in which it cannot be lent again',
  MISSING: 'was not in the parcel that came back',
  REPORTED_LOST: 'was reported as lost',
  NEVER_RETURNED: 'did not come back in time and counts as lost',
} as const satisfies Partial<Record<FeeCause, string>>;

/** What one copy costs that has to be bought anew. */
export const replacementFee = (
  loan: Loan,
  cause: keyof typeof replacements,
  { replacementFeePercent, currency }: Policy,
): FeeDue => ({
  amount: share(loan, replacementFeePercent),
  explanation: `One copy ${replacements[cause]}: ${replacementFeePercent} % of its rental fee of ${share(loan, 100)} ${currency}.`,
  copies: 1,
  cause,
});

/** The rental's own price, where it could not be taken. */
export const rentalFee = ({ totalAmount, quantity }: Loan, { currency }: Policy): FeeDue => ({
  amount: totalAmount,
  explanation: `The payment of ${totalAmount} ${currency} for ${counted(quantity, 'copy', 'copies')} could not be taken: its authorisation had expired.`,
  copies: quantity,
});

const day = (instant: Date): string => instant.toISOString().slice(0, 10);
const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/**
 * The life of one rental and of its payment, as tables to read from top to bottom, and what each change leaves to be undone.
 * Pure: no clock, no database, no network. Source: docs/story.md, "A rental's life".
 */
import { Refusal } from '#platform/errors.ts';

/** Where each change takes a rental. A change that is missing from a row is not allowed there. */
const life = {
  REQUESTED: { accept: 'ACCEPTED', hold: 'ON_HOLD', reject: 'REJECTED', cancel: 'CANCELLED' },
  ON_HOLD: { resume: 'REQUESTED', expire: 'REJECTED', cancel: 'CANCELLED' },
  ACCEPTED: { ship: 'SHIPPING', cancel: 'CANCELLED', giveBack: 'CANCELLED' },
  SHIPPING: { deliver: 'ON_LOAN', cancel: 'CANCELLED', giveBack: 'CANCELLED', lose: 'LOST' },
  ON_LOAN: { requestReturn: 'ON_LOAN', startReturn: 'RETURNING' },
  RETURNING: { receive: 'RETURNED', resumeLoan: 'ON_LOAN', lose: 'LOST' },
  RETURNED: { close: 'CLOSED' },
  CLOSED: {},
  REJECTED: {},
  CANCELLED: {},
  LOST: {},
} as const;

type KeyOfAny<T> = T extends T ? keyof T : never;
export type RentalStatus = keyof typeof life;
export type Change = KeyOfAny<(typeof life)[RentalStatus]>;
export const rentalStatuses = Object.keys(life) as RentalStatus[]; // the keys are what the table was written with

/** The status after the change, or null where it does not apply (any more): an event may come twice, or after a cancel. */
export function after(status: RentalStatus, change: Change): RentalStatus | null {
  return (life[status] as Partial<Record<Change, RentalStatus>>)[change] ?? null;
}

const spoken: Partial<Record<Change, string>> = { cancel: 'cancel', requestReturn: 'return' };

/** What a person asks of a rental. `outForDelivery`: the courier is on the last way, so no stop can reach the parcel. */
interface Asked {
  status: RentalStatus;
  outForDelivery: boolean;
  returnRequested: boolean;
}

/** The same for a person who waits for the answer. @throws Refusal NOT_ALLOWED_IN_STATE, naming the state. */
export function afterOrRefuse(rental: Asked, change: 'cancel' | 'requestReturn'): RentalStatus {
  const next = after(rental.status, change);
  if (next && !(change === 'cancel' && tooLateToCancel(rental))) return next;
  const state = tooLateToCancel(rental) ? 'out for delivery' : rental.status;
  throw new Refusal('NOT_ALLOWED_IN_STATE', `Cannot ${spoken[change]} a rental that is ${state}.`);
}

const tooLateToCancel = ({ status, outForDelivery }: Asked): boolean => status === 'SHIPPING' && outForDelivery;

export type Action = 'CANCEL' | 'RETURN';

export function allowedActions(rental: Asked): Action[] {
  const actions: Action[] = [];
  if (after(rental.status, 'cancel') && !tooLateToCancel(rental)) actions.push('CANCEL');
  if (after(rental.status, 'requestReturn') && !rental.returnRequested) actions.push('RETURN');
  return actions;
}

export const isFinal = (status: RentalStatus): boolean => Object.keys(life[status]).length === 0;

/** Why a rental was refused. */
export const rejections = {
  OUT_OF_STOCK: 'There are not enough copies of this book left.',
  PAYMENT_DECLINED: 'The payment was declined.',
  BOOK_NOT_FOUND: 'There is no such book.',
  BOOK_WITHDRAWN: 'This book is no longer lent.',
  HOLD_EXPIRED: 'The request waited too long. Nothing was charged.',
} as const;
export type RejectionCode = keyof typeof rejections;

/** What settling asks; where one does not answer, nothing can be settled. */
export type Dependency = 'BOOK' | 'PAYMENT';
/** Why a rental waits. */
export type HoldReason = 'OVERLOAD' | Dependency;

/** Where each confirmation of the provider takes a payment; the same one twice is no change. */
const money = {
  PENDING: { authorize: 'AUTHORIZED', decline: 'DECLINED', lose: 'UNKNOWN', void: 'VOIDED' },
  UNKNOWN: { authorize: 'AUTHORIZED', decline: 'DECLINED', void: 'VOIDED' },
  AUTHORIZED: { capture: 'CAPTURED', void: 'VOIDED' },
  CAPTURED: { refund: 'REFUNDED' },
  DECLINED: {},
  VOIDED: {},
  REFUNDED: {},
} as const;
export type PaymentStatus = keyof typeof money;
export type PaymentChange = KeyOfAny<(typeof money)[PaymentStatus]>;
export const paymentStatuses = Object.keys(money) as PaymentStatus[]; // likewise

export function paymentAfter(status: PaymentStatus, change: PaymentChange): PaymentStatus | null {
  return (money[status] as Partial<Record<PaymentChange, PaymentStatus>>)[change] ?? null;
}

/**
 * What a rental has others do, as rows that are kept until it is confirmed. RELEASE and STOP are done by Book and Delivery
 * on the event; CAPTURE, VOID and REFUND by this service's sweeper.
 */
export const stepKinds = ['STOCK_RELEASE', 'DELIVERY_STOP', 'CAPTURE', 'PAYMENT_VOID', 'PAYMENT_REFUND'] as const;
export type StepKind = (typeof stepKinds)[number];
export type MoneyStep = 'CAPTURE' | 'PAYMENT_VOID' | 'PAYMENT_REFUND';

/** WAITING: an event of another service has to come first. */
export type StepStatus = 'WAITING' | 'TODO' | 'DONE' | 'FAILED';

/** What ends in CANCELLED or REJECTED owes. Money that may still be captured or in a parcel's way waits for the parcel. */
export function owedAfter(
  change: 'cancel' | 'giveBack' | 'reject' | 'expire',
  from: RentalStatus,
): { kind: StepKind; status: StepStatus }[] {
  const underWay = from === 'ACCEPTED' || from === 'SHIPPING';
  const moneyBack = from === 'SHIPPING' ? 'PAYMENT_REFUND' : 'PAYMENT_VOID';
  const stopping = change === 'cancel' && underWay;
  return [
    { kind: 'STOCK_RELEASE', status: 'WAITING' },
    ...(stopping ? [{ kind: 'DELIVERY_STOP', status: 'WAITING' } as const] : []),
    { kind: moneyBack, status: stopping ? 'WAITING' : 'TODO' },
  ];
}

const DAY_MS = 86_400_000;
export const dueAt = (deliveredAt: Date, loanDays: number): Date => new Date(deliveredAt.getTime() + loanDays * DAY_MS);

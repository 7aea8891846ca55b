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
  ON_LOAN: {
    renew: 'ON_LOAN',
    fallDue: 'OVERDUE',
    requestReturn: 'ON_LOAN',
    startReturn: 'RETURNING',
    reportLost: 'LOST',
  },
  OVERDUE: { giveUp: 'LOST', requestReturn: 'OVERDUE', startReturn: 'RETURNING', reportLost: 'LOST' },
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

export const rentalChanges = [...new Set(rentalStatuses.flatMap((status) => Object.keys(life[status])))] as Change[]; // likewise

/** The status after the change, or null where it does not apply (any more): an event may come twice, or after a cancel. */
export function after(status: RentalStatus, change: Change): RentalStatus | null {
  return (life[status] as Partial<Record<Change, RentalStatus>>)[change] ?? null;
}

/** What people may ask of a rental, and the change that it is. */
const commands = { CANCEL: 'cancel', RENEW: 'renew', RETURN: 'requestReturn', REPORT_LOST: 'reportLost' } as const;
export type Action = keyof typeof commands;
const actions = Object.keys(commands) as Action[]; // likewise
const spoken = { cancel: 'cancel', renew: 'renew', requestReturn: 'return', reportLost: 'report as lost' } as const;

/** `outForDelivery`: the courier is on the last way, so no stop can reach the parcel. */
interface Asked {
  status: RentalStatus;
  outForDelivery: boolean;
  returnRequested: boolean;
}

/** The same for a person who waits for the answer. @throws Refusal NOT_ALLOWED_IN_STATE, naming the state. */
export function afterOrRefuse(rental: Asked, change: (typeof commands)[Action]): RentalStatus {
  const next = after(rental.status, change);
  if (next && !(change === 'cancel' && tooLateToCancel(rental))) return next;
  const state = tooLateToCancel(rental) ? 'out for delivery' : rental.status;
  const reason = next ? 'OUT_FOR_DELIVERY' : undefined; // the status alone would let it go
  throw new Refusal('NOT_ALLOWED_IN_STATE', `Cannot ${spoken[change]} a rental that is ${state}.`, null, reason);
}

const tooLateToCancel = ({ status, outForDelivery }: Asked): boolean => status === 'SHIPPING' && outForDelivery;

/** What would be done now; `renewable`: whether the policy would renew it (policy.ts). */
export const allowedActions = (rental: Asked, renewable: boolean): Action[] =>
  actions.filter((action) => {
    if (action === 'RENEW' && !renewable) return false;
    if (action === 'CANCEL' && tooLateToCancel(rental)) return false;
    if (action === 'RETURN' && rental.returnRequested) return false;
    return after(rental.status, commands[action]) !== null;
  });

export const isFinal = (status: RentalStatus): boolean => Object.keys(life[status]).length === 0;
export const unfinished = rentalStatuses.filter((status) => !isFinal(status));
/** The reader has the books: nobody waits for that to end. */
export const lent = ['ON_LOAN', 'OVERDUE'] as const satisfies RentalStatus[];
/** What should be left by itself. */
export const moving = unfinished.filter((status) => !(lent as readonly RentalStatus[]).includes(status));

/** Why a rental was refused. */
export const rejections = {
  OUT_OF_STOCK: 'There are not enough copies of this book left.',
  PAYMENT_DECLINED: 'The payment was declined.',
  BOOK_NOT_FOUND: 'There is no such book.',
  BOOK_WITHDRAWN: 'This book is no longer lent.',
  CUSTOMER_BLOCKED: 'There are overdue rentals, or unpaid fees above the limit.',
  LIMIT_REACHED: 'There are as many open rentals already as one customer may have.',
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
  CAPTURED: { refundPart: 'PARTIALLY_REFUNDED', refund: 'REFUNDED' },
  PARTIALLY_REFUNDED: { refundPart: 'PARTIALLY_REFUNDED', refund: 'REFUNDED' },
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

export const feeKinds = ['LATE', 'DAMAGE', 'LOST', 'RENTAL'] as const;
export type FeeKind = (typeof feeKinds)[number];

/** What became of a copy that is paid for. */
export const feeCauses = ['DAMAGED', 'UNUSABLE', 'MISSING', 'REPORTED_LOST', 'NEVER_RETURNED'] as const;
export type FeeCause = (typeof feeCauses)[number];

/** What an inspection found of one copy, where it was not all well. */
export interface Finding {
  copyId: string;
  condition: 'DAMAGED' | 'UNUSABLE' | 'MISSING';
}

/** Where each change takes a fee. `drop`: it is not owed after all, because a lost copy turned up, say; what was paid is given back. */
const fees = {
  OUTSTANDING: { pay: 'PENDING', waive: 'WAIVED', drop: 'WAIVED' },
  PENDING: { confirm: 'PAID', decline: 'OUTSTANDING' },
  PAID: { refund: 'REFUNDED' },
  WAIVED: {},
  REFUNDED: {},
} as const;
export type FeeStatus = keyof typeof fees;
export type FeeChange = KeyOfAny<(typeof fees)[FeeStatus]>;
export const feeStatuses = Object.keys(fees) as FeeStatus[]; // likewise
/** What a customer still has to pay. */
export const unpaid = ['OUTSTANDING', 'PENDING'] as const satisfies FeeStatus[];

export function feeAfter(status: FeeStatus, change: FeeChange): FeeStatus | null {
  return (fees[status] as Partial<Record<FeeChange, FeeStatus>>)[change] ?? null;
}

/** The same for a person who waits for the answer. @throws Refusal NOT_ALLOWED_IN_STATE, naming the state. */
export function feeAfterOrRefuse<F extends { status: FeeStatus }>(fee: F, change: 'pay' | 'waive'): FeeStatus {
  const next = feeAfter(fee.status, change);
  if (next) return next;
  throw new Refusal('NOT_ALLOWED_IN_STATE', `Cannot ${change} a fee that is ${fee.status}.`).showing({ fee });
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

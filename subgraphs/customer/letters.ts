/**
 * What customers are told without asking: for each kind whether it is still true when it is sent, and the words. They are
 * made of what is known then, so a message that comes late says nothing that is over. Pure: no clock, no database, no network.
 */
import type { RentalStatus } from './customer.ts';

export type OfferStatus = 'OFFERED' | 'FULFILLED' | 'EXPIRED' | 'LEFT';

/** What was given back: a rental's payment, or a fee by its kind. */
export interface Refund {
  of: 'PAYMENT' | 'LATE' | 'DAMAGE' | 'LOST' | 'RENTAL';
  /** Minor units. */
  amount: number;
  currency: string;
}

/** What is known when it is sent. */
export interface Known {
  /** What tells this one from others of its kind about the same: of DUE_SOON the due date. */
  occasion: string;
  /** Null until the book's own event has come. */
  title: string | null;
  order: { status: RentalStatus; quantity: number; dueAt: Date | null } | null;
  offer: { status: OfferStatus; expiresAt: Date } | null;
  refund: Refund | null;
}

export interface Letter {
  subject: string;
  text: string;
}

const LONGEST_TITLE = 120;

/** On one line whatever it holds, since a subject is a header. */
function titleOf({ title }: Known): string {
  const line = (title ?? 'your book').replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE).toWellFormed()}…` : line;
}

function booksOf(known: Known): string {
  const name = known.title === null ? 'your book' : `"${titleOf(known)}"`;
  const quantity = known.order?.quantity ?? 1;
  return quantity === 1 ? name : `${quantity} copies of ${name}`;
}

const day = (date: Date | null | undefined): string => date?.toISOString().slice(0, 10) ?? '';
const minute = (date: Date | undefined): string =>
  date ? `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC` : '';

function moneyOf(refund: Refund | null): string {
  if (!refund) return '';
  const { amount, currency } = refund;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(amount / 10 ** digits).replace(/\s/g, ' ');
}

const refunded: Record<Refund['of'], string> = {
  PAYMENT: 'the payment',
  RENTAL: 'the rental fee',
  LATE: 'the late fee',
  DAMAGE: 'the fee for damage',
  LOST: 'the fee for a lost copy',
};

interface Notice {
  isTrue: (known: Known, now: Date) => boolean;
  subject: (known: Known) => string;
  /** Paragraphs. */
  text: (known: Known) => string[];
}

const notices = {
  ACCEPTED: {
    isTrue: ({ order }) => order?.status === 'ACCEPTED', // once it is SHIPPING, SHIPPED says more
    subject: (known) => `Accepted: ${titleOf(known)}`,
    text: (known) => [
      `Your request for ${booksOf(known)} was accepted, and the parcel is being made.`,
      'You will be told when it is on its way. Until it is out for delivery you can cancel the rental.',
    ],
  },
  SHIPPED: {
    isTrue: ({ order }) => order?.status === 'SHIPPING',
    subject: (known) => `On its way: ${titleOf(known)}`,
    text: (known) => [
      `The parcel with ${booksOf(known)} is on its way to you.`,
      'The loan begins when it arrives. You can follow the parcel in your order history.',
    ],
  },
  DUE_SOON: {
    isTrue: ({ order, occasion }, now) =>
      order?.status === 'ON_LOAN' && order.dueAt?.toISOString() === occasion && now < order.dueAt,
    subject: (known) => `Due on ${day(known.order?.dueAt)}: ${titleOf(known)}`,
    text: (known) => [
      `Your loan of ${booksOf(known)} is due on ${day(known.order?.dueAt)}.`,
      'To send it back, ask for the return, and hand the parcel to the courier by then. To keep it for longer, renew the loan: that is free, and possible while renewals are left and nobody waits for the book.',
    ],
  },
  OVERDUE: {
    isTrue: ({ order }) => order?.status === 'OVERDUE',
    subject: (known) => `Overdue: ${titleOf(known)}`,
    text: (known) => [
      `Your loan of ${booksOf(known)} was due on ${day(known.order?.dueAt)} and is overdue.`,
      'Please ask for the return now. The late fee grows each day until the courier has picked the parcel up. If you cannot find the book, report it as lost.',
    ],
  },
  OFFER: {
    isTrue: ({ offer }, now) => offer?.status === 'OFFERED' && now < offer.expiresAt,
    subject: (known) => `Set aside for you: ${titleOf(known)}`,
    text: (known) => [
      `A copy of ${booksOf(known)} is set aside for you until ${minute(known.offer?.expiresAt)}.`,
      'Rent it by then; after that it is offered to whoever waits next. If you do not want it any more, leave the waitlist.',
    ],
  },
  REFUNDED: {
    isTrue: () => true,
    subject: (known) => `Refunded: ${moneyOf(known.refund)} for ${titleOf(known)}`,
    text: (known) => [
      `${moneyOf(known.refund)} was refunded to you: ${refunded[known.refund?.of ?? 'PAYMENT']} for ${booksOf(known)}.`,
      'Until you see it in your account your bank may take a few days. You need not do anything.',
    ],
  },
} satisfies Record<string, Notice>;

export type NotificationKind = keyof typeof notices;
export const notificationKinds = Object.keys(notices) as NotificationKind[]; // the keys are what the table was written with

/** What to tell, or null when it is no longer true. */
export function letterFor(kind: NotificationKind, known: Known, now: Date): Letter | null {
  const notice: Notice = notices[kind];
  if (!notice.isTrue(known, now)) return null;
  return { subject: notice.subject(known), text: `${['Hello,', ...notice.text(known)].join('\n\n')}\n` };
}

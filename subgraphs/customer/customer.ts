/**
 * What a customer is told of an order: the status after each of the rental's events, the words for it, and the cursor that
 * says how far a reader has come. Pure: no clock, no database, no network.
 */

/** The rental's status after its event; null where the status stays. */
export const statusAfter = {
  'rental.requested': 'REQUESTED',
  'rental.held': 'ON_HOLD',
  'rental.resumed': 'REQUESTED',
  'rental.accepted': 'ACCEPTED',
  'rental.rejected': 'REJECTED',
  'rental.shipped': 'SHIPPING',
  'rental.loan_started': 'ON_LOAN',
  'rental.loan_resumed': 'ON_LOAN',
  'rental.renewed': null,
  'rental.overdue': 'OVERDUE',
  'rental.return_requested': null,
  'rental.returning': 'RETURNING',
  'rental.returned': 'RETURNED',
  'rental.closed': 'CLOSED',
  'rental.cancelled': 'CANCELLED',
  'rental.lost': 'LOST',
  'rental.kept': null,
} as const;
export type RentalEventType = keyof typeof statusAfter;
export type RentalStatus = NonNullable<(typeof statusAfter)[RentalEventType]>;

/** Nothing more comes. */
export const finalStatuses: RentalStatus[] = ['REJECTED', 'CLOSED', 'CANCELLED', 'LOST'];

/** The parcel's status after its event. */
export const deliveryStatusAfter = {
  'delivery.created': 'CREATED',
  'delivery.picked_up': 'PICKED_UP',
  'delivery.in_transit': 'IN_TRANSIT',
  'delivery.out_for_delivery': 'OUT_FOR_DELIVERY',
  'delivery.delivered': 'DELIVERED',
  'delivery.failed': 'FAILED',
  'delivery.stopped': 'STOPPED',
  'delivery.returned_to_sender': 'RETURNED_TO_SENDER',
  'delivery.lost': 'LOST',
} as const;
export type DeliveryEventType = keyof typeof deliveryStatusAfter;
export type Direction = 'OUTBOUND' | 'RETURN';
export type DeliveryStatus = (typeof deliveryStatusAfter)[DeliveryEventType];

const rejections: Record<string, string> = {
  OUT_OF_STOCK: 'There are not enough copies of this book left.',
  PAYMENT_DECLINED: 'The payment was declined.',
  BOOK_NOT_FOUND: 'There is no such book.',
  BOOK_WITHDRAWN: 'This book is no longer lent.',
  CUSTOMER_BLOCKED: 'The account has overdue rentals or unpaid fees.',
  LIMIT_REACHED: 'The account has as many rentals as it may have.',
  HOLD_EXPIRED: 'The request waited too long.',
};

/** What the words may need of an event's data. */
interface Details {
  quantity: number;
  dueAt?: string;
  code?: string;
}

const books = (quantity: number): string => (quantity === 1 ? 'the book' : 'the books');
const day = (instant = ''): string => instant.slice(0, 10);

const words: Record<RentalEventType, (details: Details) => string> = {
  'rental.requested': () => 'Your request has been received.',
  'rental.held': () => 'Your request is waiting for its turn.',
  'rental.resumed': () => 'Your request is being settled.',
  'rental.accepted': () => 'Your request was accepted; the parcel is being made.',
  'rental.rejected': ({ code = '' }) => `Your request was refused. ${rejections[code] ?? ''}`.trim(),
  'rental.shipped': () => 'The parcel is on its way.',
  'rental.loan_started': ({ dueAt, quantity }) => `The parcel has arrived; return ${books(quantity)} by ${day(dueAt)}.`,
  'rental.loan_resumed': ({ dueAt, quantity }) => `The return was stopped; return ${books(quantity)} by ${day(dueAt)}.`,
  'rental.renewed': ({ dueAt, quantity }) => `The loan was renewed; return ${books(quantity)} by ${day(dueAt)}.`,
  'rental.overdue': () => 'The books are overdue.',
  'rental.return_requested': () => 'You asked to return the books; a parcel is being arranged.',
  'rental.returning': () => 'The books are on their way back.',
  'rental.returned': () => 'The books are back and will be looked at.',
  'rental.closed': () => 'All is done. Thank you.',
  'rental.cancelled': () => 'The rental was cancelled.',
  'rental.lost': () => 'The books were lost.',
  'rental.kept': () => 'The books were delivered and did not come back, so nothing is refunded.',
};

export const messageOf = (type: RentalEventType, details: Details): string => words[type](details);

const scans: Record<DeliveryStatus, string> = {
  CREATED: 'was registered with the carrier',
  PICKED_UP: 'was picked up',
  IN_TRANSIT: 'is in transit',
  OUT_FOR_DELIVERY: 'is out for delivery',
  DELIVERED: 'was delivered',
  FAILED: 'could not be delivered; the carrier will try again',
  STOPPED: 'was stopped',
  RETURNED_TO_SENDER: 'was returned to the sender',
  LOST: 'was lost',
};

export const scanMessageOf = (status: DeliveryStatus, direction: Direction): string =>
  `${direction === 'OUTBOUND' ? 'The parcel' : 'The return parcel'} ${scans[status]}.`;

interface Entry {
  /** Null for a parcel scan. */
  status?: RentalStatus | null | undefined;
  occurredAt: Date;
  aggregate: string;
  version: number;
}

/**
 * The entries of one order, oldest first, each with the rental's status at that time. It is worked out here and not stored,
 * because a scan and the change that it brings about may become known in either order.
 */
export function timelineOf<T extends Entry>(entries: T[]): (T & { status: RentalStatus })[] {
  let status: RentalStatus = 'REQUESTED';
  return inTime(entries).map((entry) => {
    status = entry.status ?? status;
    return { ...entry, status };
  });
}

/**
 * The log's own order is that of arrival; this one is the same whatever arrived first. An aggregate's versions stay in order,
 * although the processes that wrote them may have had clocks that disagree.
 */
function inTime<T extends Entry>(entries: T[]): T[] {
  const latest = new Map<string, number>();
  const timed = entries
    .toSorted((a, b) => compare(a.aggregate, b.aggregate) || a.version - b.version)
    .map((entry) => {
      const at = Math.max(entry.occurredAt.getTime(), latest.get(entry.aggregate) ?? 0);
      latest.set(entry.aggregate, at);
      return { entry, at };
    });
  return timed.toSorted((a, b) => a.at - b.at).map(({ entry }) => entry); // a stable sort: ties stay by aggregate and version
}

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** The parcel that an order's `deliveryStatus` speaks of: the return once there is one, and of several the latest made. */
export function currentParcel<T extends { id: string; direction: Direction; since: Date }>(parcels: T[]): T | null {
  const later = (a: T, b: T) =>
    compare(a.direction, b.direction) || a.since.getTime() - b.since.getTime() || compare(a.id, b.id);
  return parcels.toSorted(later).at(-1) ?? null;
}

/** A position in a customer's log: after the entry of this number. */
export interface Position {
  customerId: string;
  number: number;
}

export const cursorOf = ({ customerId, number }: Position): string =>
  Buffer.from(`${customerId}:${number}`).toString('base64url');

/** The position that a cursor means, or null when it is none of ours. */
export function positionOf(cursor: string): Position | null {
  const [, customerId, number] =
    /^([0-9a-f-]{36}):(0|[1-9]\d{0,8})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return customerId && number ? { customerId, number: Number(number) } : null;
}

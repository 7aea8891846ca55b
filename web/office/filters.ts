/** Filters of lists as they stand in the address, `?status=ON_LOAN&status=OVERDUE&stuckForMinutes=30`; what no list knows is left out. */

import type { CopyStatus, DeliveryStatus, RentalStatus, Service } from '../client/enums.generated.ts';
import type { DeliveryFilter } from './deliveries.generated.ts';
import type { RentalFilter } from './rentals.generated.ts';

/** In the order of their life. */
export const rentalStatuses = [
  'REQUESTED',
  'ON_HOLD',
  'ACCEPTED',
  'SHIPPING',
  'ON_LOAN',
  'OVERDUE',
  'RETURNING',
  'RETURNED',
  'CLOSED',
  'REJECTED',
  'CANCELLED',
  'LOST',
] as const satisfies RentalStatus[];

export const deliveryStatuses = [
  'PENDING',
  'CREATED',
  'PICKED_UP',
  'IN_TRANSIT',
  'OUT_FOR_DELIVERY',
  'FAILED',
  'DELIVERED',
  'STOPPED',
  'RETURNED_TO_SENDER',
  'LOST',
] as const satisfies DeliveryStatus[];

export const directions = ['OUTBOUND', 'RETURN'] as const satisfies DeliveryFilter['direction'][];

/** What the inspection desk works on. */
export const deskStatuses = ['INSPECTING', 'REPAIR'] as const satisfies CopyStatus[];

export const services = ['BOOK', 'RENTAL', 'DELIVERY', 'CUSTOMER'] as const satisfies Service[];

export interface StuckFilter {
  status: RentalStatus[];
  stuckForMinutes: number;
}

/** These are left within seconds. */
export const unsettledFilter: StuckFilter = { status: ['REQUESTED', 'ON_HOLD', 'ACCEPTED'], stuckForMinutes: 10 };
/** These wait for a courier or the inspection desk, who have nights and weekends. */
export const unmovedDays = 3;
export const unmovedFilter: StuckFilter = {
  status: ['SHIPPING', 'ON_LOAN', 'OVERDUE', 'RETURNING', 'RETURNED'],
  stuckForMinutes: unmovedDays * 24 * 60,
};

export function rentalFilterOf(address: URLSearchParams): RentalFilter {
  return {
    status: statusesIn(address, rentalStatuses),
    overdue: address.has('overdue') || undefined,
    bookId: address.get('bookId') ?? undefined,
    customerId: address.get('customerId') ?? undefined,
    stuckForMinutes: minutesIn(address),
  };
}

export function deliveryFilterOf(address: URLSearchParams): DeliveryFilter {
  return {
    status: statusesIn(address, deliveryStatuses),
    direction: directions.find((one) => one === address.get('direction')),
    stuckForMinutes: minutesIn(address),
  };
}

/** What a form says, without what was left empty. */
export function addressOf(form: FormData): URLSearchParams {
  const entries = [...form].map(([name, value]) => [name, String(value).trim()]);
  return new URLSearchParams(entries.filter(([, value]) => value !== ''));
}

function statusesIn<Status extends string>(address: URLSearchParams, known: readonly Status[]): Status[] | undefined {
  const asked = address.getAll('status');
  const statuses = known.filter((status) => asked.includes(status));
  return statuses.length ? statuses : undefined;
}

const YEAR_MINUTES = 365 * 24 * 60;

function minutesIn(address: URLSearchParams): number | undefined {
  const text = address.get('stuckForMinutes') ?? '';
  return /^\d{1,6}$/.test(text) ? Math.min(Number(text), YEAR_MINUTES) : undefined;
}

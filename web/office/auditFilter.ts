/** The audit log's filters as they stand in the address, and the views of what an entry is about. */
import type { AuditFilter } from './auditLog.generated.ts';
import { services } from './filters.ts';

/** Days are the reader's own; `to` is the last one that is in. */
export function auditFilterOf(address: URLSearchParams): AuditFilter {
  const given = (name: string) => address.get(name) ?? undefined;
  return {
    service: services.find((service) => service === given('service')),
    action: given('action'),
    actorId: given('actor'),
    subjectId: given('subject'),
    from: startOf(given('from')),
    to: startOf(given('to'), 1),
  };
}

/** Midnight at the beginning of an ISO day, or of one of those after it. */
function startOf(day: string | undefined, daysLater = 0): string | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? '') ?? [];
  const start = new Date(Number(year), Number(month) - 1, Number(date) + daysLater);
  return Number.isNaN(start.getTime()) ? undefined : start.toISOString();
}

/** The way in the office; null where the thing has no view of its own. */
export function subjectPath(type: string, id: string, details: unknown): string | null {
  const { bookId, rentalId } = (details ?? {}) as { bookId?: string; rentalId?: string }; // a JSON object, by the API
  if (type === 'Book') return `/books/${id}`;
  if (type === 'BookCopy') return bookId ? `/books/${bookId}` : null;
  if (type === 'Rental') return `/rentals/${id}`;
  if (type === 'Fee') return rentalId ? `/rentals/${rentalId}` : null;
  if (type === 'Delivery') return `/deliveries/${id}`;
  if (type === 'Customer') return `/customers/${id}`;
  return type === 'DeadLetter' ? '/dead-letters' : null;
}

export const isJustId = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);

export const isInstant = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);

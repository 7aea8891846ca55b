/** What can be read from an order's timeline. Pure. */
interface Entry {
  type: string;
}

export type Direction = 'OUTBOUND' | 'RETURN';

/** The entries with the parcel that a scan is of: each begins with `delivery.created`, the first goes to the reader, all others come back. */
export function withParcels<T extends Entry>(entries: readonly T[]): (T & { direction: Direction | null })[] {
  let parcels = 0;
  return entries.map((entry) => {
    if (entry.type === 'delivery.created') parcels += 1;
    if (!entry.type.startsWith('delivery.')) return { ...entry, direction: null };
    return { ...entry, direction: parcels > 1 ? 'RETURN' : 'OUTBOUND' };
  });
}

/** Whether the reader has asked to send the books back, and that has not been stopped since. */
export function returnIsBooked(entries: readonly Entry[]): boolean {
  const last = (type: string) => entries.findLastIndex((entry) => entry.type === type);
  return last('rental.return_requested') > last('rental.loan_resumed');
}

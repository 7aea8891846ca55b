/**
 * The life of one parcel, as a table to read from top to bottom, what a scan means to it, and what is due at the carrier.
 * Pure: no clock, no database, no network. Source: docs/story.md, "The parcel".
 */

/** Where each status may lead. */
const life = {
  PENDING: ['CREATED', 'STOPPED'],
  CREATED: ['PICKED_UP', 'STOPPED'],
  PICKED_UP: ['IN_TRANSIT', 'STOPPED', 'LOST'],
  IN_TRANSIT: ['OUT_FOR_DELIVERY', 'STOPPED', 'LOST'],
  OUT_FOR_DELIVERY: ['DELIVERED', 'FAILED', 'STOPPED', 'LOST'],
  FAILED: ['OUT_FOR_DELIVERY', 'RETURNED_TO_SENDER', 'STOPPED', 'LOST'],
  DELIVERED: [],
  STOPPED: [],
  RETURNED_TO_SENDER: [],
  LOST: [],
} as const;

export type DeliveryStatus = keyof typeof life;
export const deliveryStatuses = Object.keys(life) as DeliveryStatus[]; // the keys are what the table was written with
/** What a parcel reaches; it begins as PENDING. */
export type Milestone = Exclude<DeliveryStatus, 'PENDING'>;

export const directions = ['OUTBOUND', 'RETURN'] as const;
export type Direction = (typeof directions)[number];

export const isFinal = (status: DeliveryStatus): boolean => life[status].length === 0;

/** A RETURN parcel that ended so has left the books with the reader: another one may fetch them. */
export const cameToNothing = (status: DeliveryStatus): boolean =>
  status === 'STOPPED' || status === 'RETURNED_TO_SENDER';

/** No carrier has it in hand yet. */
export const beforePickUp = ['PENDING', 'CREATED'] as const satisfies DeliveryStatus[];

/** The shortest way through the table, ending with `to`; null where there is none. */
function wayTo(from: DeliveryStatus, to: DeliveryStatus): Milestone[] | null {
  if (from === to) return null;
  const ways: Milestone[][] = life[from].map((next) => [next]);
  for (const way of ways) {
    const last = way.at(-1);
    if (!last || last === to) return way;
    for (const next of life[last]) if (!way.includes(next)) ways.push([...way, next]); // walked in its turn
  }
  return null;
}

/**
 * The milestones that a scan tells of, those that were skipped first. Null when the scan is only to be kept: it is older
 * than the last one applied, or no move of the table.
 */
export function milestonesOf(
  parcel: { status: DeliveryStatus; lastAppliedAt?: Date | null | undefined },
  scan: { status: DeliveryStatus; occurredAt: Date },
): Milestone[] | null {
  const { status, lastAppliedAt } = parcel;
  // CREATED is learnt from the carrier's answer: its first scan confirms that.
  if (!lastAppliedAt) return scan.status === 'CREATED' && status === 'CREATED' ? [] : wayTo(status, scan.status);
  return scan.occurredAt < lastAppliedAt ? null : wayTo(status, scan.status);
}

/** WANTED: the carrier does not know yet. ACCEPTED: it turns the parcel around. TOO_LATE: the parcel had arrived, or was lost. */
export const stops = ['WANTED', 'ACCEPTED', 'TOO_LATE'] as const;
export type Stop = (typeof stops)[number];

export type Duty = 'MAKE' | 'STOP' | 'TRACK';

/**
 * What is due at the carrier, if anything. One that was asked to make a parcel may have made it, although no answer came:
 * it is asked again by the same key, also when the parcel is to be stopped, since only a known parcel can be.
 */
export function dutyOf(parcel: {
  status: DeliveryStatus;
  carrierAsked: boolean;
  trackingNumber?: string | null | undefined;
  stop?: Stop | null | undefined;
}): Duty | null {
  const { status, carrierAsked, trackingNumber, stop } = parcel;
  if (isFinal(status)) return null;
  if (!trackingNumber) return carrierAsked || status === 'PENDING' ? 'MAKE' : null;
  return stop === 'WANTED' ? 'STOP' : 'TRACK';
}

/** The shop's end of every parcel. */
const SHOP = 'Rentabook';

/** Who stands on the label; `customer` is the name at the customer's end. */
export const labelOf = (direction: Direction, customer: string): { sender: string; recipient: string } =>
  direction === 'OUTBOUND' ? { sender: SHOP, recipient: customer } : { sender: customer, recipient: SHOP };

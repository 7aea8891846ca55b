/** What happens to a parcel here, each change with its events: it is wanted, scanned, stopped. Callers hold the row's lock. */
import { randomUUID } from 'node:crypto';
import { type FilterQuery, LockMode } from '@mikro-orm/core';
import { databaseTime, type EntityManager, query } from '#platform/database.ts';
import type { MicroBatchOptions } from '#platform/microBatches.ts';
import { publish } from '#platform/outbox.ts';
import type { CarrierReport } from './carrier.ts';
import {
  beforePickUp,
  type DeliveryStatus,
  type Direction,
  isFinal,
  type Milestone,
  milestonesOf,
} from './delivery.ts';
import { Delivery, TrackingEvent } from './entities.ts';

/** Parcels that change at the same time are written together: one at a time each took five round trips. */
export const CHANGES: MicroBatchOptions = { size: 64, inFlight: 1, gatherMs: 5 };

export const lockDelivery = (em: EntityManager, where: FilterQuery<Delivery>): Promise<Delivery | null> =>
  em.findOne(Delivery, where, { lockMode: LockMode.PESSIMISTIC_WRITE });

/** In the order of their ids: so does everybody who locks several. */
export const lockDeliveries = (em: EntityManager, ids: string[]): Promise<Delivery[]> =>
  em.find(Delivery, { id: { $in: ids } }, { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } });

/** What every event about a rental says. */
interface RentalFacts {
  rentalId: string;
  customerId: string;
  bookId: string;
  quantity: number;
}

/** A parcel that nobody has taken on yet; the worker in carrierWork.ts sees to that. */
export function wantParcel(
  em: EntityManager,
  { rentalId, customerId, bookId, quantity }: RentalFacts,
  direction: Direction,
  now: Date,
): Delivery {
  const delivery = em.create(Delivery, {
    id: randomUUID(),
    rentalId,
    customerId,
    bookId,
    quantity,
    direction,
    status: 'PENDING',
    carrierAsked: false,
    attempts: 0,
    createdAt: now,
    heardAt: now,
    version: 0,
  });
  delivery.nextAttemptAt = databaseTime();
  return delivery;
}

const WANT_FIRST = `
  INSERT INTO delivery (id, rental_id, customer_id, book_id, quantity, direction, status, carrier_asked, attempts, next_attempt_at, created_at, heard_at, version)
  VALUES ($1, $2, $3, $4, $5, 'OUTBOUND', 'PENDING', false, 0, clock_timestamp(), $6, $6, 0)
  ON CONFLICT (rental_id) WHERE direction = 'OUTBOUND' DO NOTHING`;

/** The OUTBOUND one, unless there is one. One statement: each rental has one, and a search and a unit of work around it took more. */
export async function wantFirstParcel(
  em: EntityManager,
  { rentalId, customerId, bookId, quantity }: RentalFacts,
  now: Date,
): Promise<void> {
  await query(em, WANT_FIRST, [randomUUID(), rentalId, customerId, bookId, quantity, now]);
}

const eventOf = {
  CREATED: 'delivery.created',
  PICKED_UP: 'delivery.picked_up',
  IN_TRANSIT: 'delivery.in_transit',
  OUT_FOR_DELIVERY: 'delivery.out_for_delivery',
  DELIVERED: 'delivery.delivered',
  FAILED: 'delivery.failed',
  STOPPED: 'delivery.stopped',
  RETURNED_TO_SENDER: 'delivery.returned_to_sender',
  LOST: 'delivery.lost',
} as const satisfies Record<Milestone, `delivery.${string}`>;

/** Moves the parcel to its next milestone and tells of it. */
export function reach(em: EntityManager, delivery: Delivery, milestone: Milestone, occurredAt: Date): void {
  const { rentalId, customerId, bookId, quantity, id: deliveryId, direction, trackingUrl = null } = delivery;
  delivery.status = milestone;
  if (isFinal(milestone)) delivery.nextAttemptAt = null;
  const facts = { rentalId, customerId, bookId, quantity, deliveryId, direction, trackingUrl };
  publish(em, delivery, eventOf[milestone], { ...facts, occurredAt: occurredAt.toISOString() });
}

/** What was seen of a parcel, by the carrier (then with its id) or by somebody here. */
export interface Seen {
  id?: string;
  status: DeliveryStatus;
  note: string | null;
  occurredAt: Date;
  idempotencyKey?: string | null;
}

/**
 * Keeps what is new of these scans, and applies what the table allows, of those as well that came before the parcel was
 * known. The same scan twice is nothing.
 */
export async function recordScans(em: EntityManager, delivery: Delivery, scans: Seen[], now: Date): Promise<void> {
  const { id: deliveryId, trackingNumber } = delivery;
  const kept = await em.find(TrackingEvent, { $or: [{ deliveryId }, ...(trackingNumber ? [{ trackingNumber }] : [])] });
  const waiting = kept.filter((event) => !event.deliveryId);
  // Kept while the carrier was asked and told the same.
  const double = waiting.filter(({ scanId }) => kept.some((event) => event.deliveryId && event.scanId === scanId));
  em.remove(double);
  const ids = new Set(kept.map(({ scanId }) => scanId));
  const fresh = scans.filter(({ id }) => !id || (!ids.has(id) && ids.add(id))).sort(byTime);
  const stored = fresh.map(({ id, ...scan }) =>
    em.create(TrackingEvent, { id: randomUUID(), scanId: id ?? null, ...scan, receivedAt: now, applied: false }),
  );
  const events = [...waiting.filter((event) => !double.includes(event)), ...stored];
  for (const event of events.sort(byTime)) applyScan(em, delivery, event, now);
}

/**
 * The same with all that the carrier has of a parcel, oldest first. Where its last word is that of a parcel's end, it counts however old it says it is: where one of
 * the carrier's clocks was set back, it would only be kept, and the parcel never come to its end.
 */
export async function recordWhole(em: EntityManager, delivery: Delivery, scans: Seen[], now: Date): Promise<void> {
  await recordScans(em, delivery, scans, now);
  await em.flush();
  const scanId = scans.at(-1)?.id;
  const last = scanId ? await em.findOne(TrackingEvent, { deliveryId: delivery.id, scanId, applied: false }) : null;
  // One that does not end it may be out of date: a later scan may have been reported while this was asked.
  if (!last || !isFinal(last.status) || !milestonesOf({ ...delivery, lastAppliedAt: last.occurredAt }, last)) return;
  delivery.lastAppliedAt = last.occurredAt;
  applyScan(em, delivery, last, now);
}

const byTime = (a: { occurredAt: Date }, b: { occurredAt: Date }): number =>
  a.occurredAt.getTime() - b.occurredAt.getTime();

function applyScan(em: EntityManager, delivery: Delivery, event: TrackingEvent, now: Date): void {
  const milestones = milestonesOf(delivery, event);
  const applied = milestones !== null;
  em.assign(event, { deliveryId: delivery.id, trackingNumber: null, applied });
  delivery.heardAt = now;
  if (!applied) return;
  for (const milestone of milestones) reach(em, delivery, milestone, event.occurredAt);
  delivery.lastAppliedAt = event.occurredAt;
  // The stop came too late: the books of a cancelled rental have to come back.
  const unwanted = delivery.direction === 'OUTBOUND' && delivery.stop;
  if (unwanted && delivery.status === 'DELIVERED') wantParcel(em, delivery, 'RETURN', now);
}

/** Keeps the carrier's scans of a parcel that is not known here, as they came. The same scan twice is nothing. */
export async function keepScans(em: EntityManager, { trackingNumber, scans }: CarrierReport, now: Date): Promise<void> {
  await query(
    em,
    `INSERT INTO tracking_event (id, tracking_number, scan_id, status, note, occurred_at, received_at, applied)
     SELECT gen_random_uuid(), $1, scan_id, status, note, occurred_at, $2, false
     FROM unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[]) AS scan(scan_id, status, note, occurred_at)
     ON CONFLICT DO NOTHING`,
    [
      trackingNumber,
      now,
      scans.map(({ id }) => id),
      scans.map(({ status }) => status),
      scans.map(({ note }) => note),
      scans.map(({ occurredAt }) => occurredAt),
    ],
  );
}

/** The parcel is not wanted any more. Where no carrier was asked it ends here; else the worker asks the carrier to stop it. */
export function stopParcel(em: EntityManager, delivery: Delivery, now: Date): void {
  if (delivery.status === 'DELIVERED') {
    wantParcel(em, delivery, 'RETURN', now); // too late
  } else if (delivery.status === 'PENDING' && !delivery.carrierAsked) {
    reach(em, delivery, 'STOPPED', now);
  } else if (!isFinal(delivery.status)) {
    delivery.stop = 'WANTED';
    delivery.attempts = 0;
    delivery.nextAttemptAt = databaseTime();
  }
}

/** Nobody waits for the books any more. A RETURN parcel that the carrier has in hand is left to arrive. */
export async function giveUpReturn(em: EntityManager, rentalId: string, now: Date): Promise<void> {
  const back = await lockDelivery(em, { rentalId, direction: 'RETURN', status: { $in: beforePickUp } });
  if (back) stopParcel(em, back, now);
}

/** What the courier does with a parcel: takes it on, moves it along one scan at a time, turns it around when it is told to. */
import { createHash, randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import type { Share } from '#platform/microBatches.ts';
import { address } from '#schema/requests.ts';
import { Parcel, Scan } from './entities.ts';

/** Each status, what a reader of the scan is told, and which one follows by itself. */
const journey = {
  CREATED: { note: 'The label is printed.', next: 'PICKED_UP' },
  PICKED_UP: { note: 'The courier has the parcel.', next: 'IN_TRANSIT' },
  IN_TRANSIT: { note: 'At the sorting centre.', next: 'OUT_FOR_DELIVERY' },
  OUT_FOR_DELIVERY: { note: 'On the van.', next: 'DELIVERED' },
  DELIVERED: { note: 'Handed over.', next: null },
  STOPPED: { note: 'Stopped, and back with the sender.', next: null },
  FAILED: { note: 'Nobody was there.', next: null },
  RETURNED_TO_SENDER: { note: 'Could not be handed over, and is back with the sender.', next: null },
  LOST: { note: 'Cannot be found.', next: null },
} as const;

export type ParcelStatus = keyof typeof journey;
/** Then nothing happens to it any more; one that is FAILED can still be stopped. */
const ends: ParcelStatus[] = ['DELIVERED', 'STOPPED', 'RETURNED_TO_SENDER', 'LOST'];

/** What befalls a parcel whose address asks for it, instead of the step that would follow. */
const mishaps: Record<string, Partial<Record<ParcelStatus, ParcelStatus>>> = {
  lost: { IN_TRANSIT: 'LOST' },
  failed: { OUT_FOR_DELIVERY: 'FAILED' },
  returned: { OUT_FOR_DELIVERY: 'FAILED', FAILED: 'RETURNED_TO_SENDER' },
};

/** Both parcels of a rental have one address: a word alone is for the RETURN, so that the books have come first. */
const MISHAP = /^sandbox: (outbound )?(\w+)$/i;

function nextOf({ status, stopKey, booking }: Parcel): ParcelStatus | null {
  if (ends.includes(status)) return null;
  if (stopKey) return 'STOPPED';
  const [, outbound, word = ''] = MISHAP.exec(booking?.address.line2 ?? '') ?? [];
  const mishap = booking?.direction === (outbound ? 'OUTBOUND' : 'RETURN') ? mishaps[word.toLowerCase()] : undefined;
  return mishap?.[status] ?? journey[status].next;
}

/** From the label to the door. */
const STEPS = 4;
/** Moved in one transaction. */
const BATCH = 200;

export const bookingSchema = z.strictObject({
  key: z.string().min(1).max(200),
  /** The shop's own, printed on the label. */
  reference: z.string().min(1).max(200),
  direction: z.enum(['OUTBOUND', 'RETURN']),
  sender: z.string().max(500),
  recipient: z.string().max(500),
  /** Where an OUTBOUND parcel goes; where a RETURN parcel is picked up. */
  address,
});
export type Booking = z.infer<typeof bookingSchema>;

/** Something that cannot be done for this parcel; the code is for programs. */
export class CourierRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The parcel of this key, made now if there is none yet. @throws CourierRefusal KEY_REUSED when it was booked with other particulars. */
export async function bookParcel(share: Share, booking: Booking, origin: string, stepMs: number): Promise<Parcel> {
  const parcel = await share(booking.key, async (em) => {
    // Two bookings by one key at once: the second waits here, and finds the first's parcel.
    await query(em, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [booking.key]);
    return (await em.findOne(Parcel, { key: booking.key })) ?? newParcel(em, booking, origin, stepMs);
  });
  if (['', fingerprintOf(booking)].includes(parcel.fingerprint)) return parcel;
  throw new CourierRefusal(409, 'KEY_REUSED', 'This key belongs to a parcel with other particulars.');
}

function newParcel(em: EntityManager, booking: Booking, origin: string, stepMs: number): Parcel {
  const now = new Date();
  const trackingNumber = trackingNumberOf(booking.key);
  const parcel = em.create(Parcel, {
    trackingNumber,
    key: booking.key,
    booking,
    fingerprint: fingerprintOf(booking),
    trackingUrl: `${origin}/track/${trackingNumber}`,
    estimatedAt: new Date(now.getTime() + STEPS * stepMs),
    status: 'CREATED',
    scans: 0,
    nextScanAt: null,
    stopKey: null,
    reportAttempts: 0,
    reportAfter: now,
  });
  scan(em, parcel, 'CREATED', stepMs, now);
  return parcel;
}

/** Its parts come in the order of their schema. */
const fingerprintOf = (booking: Booking): string =>
  createHash('sha256').update(JSON.stringify(booking)).digest('base64url');

/** Hard to guess from another one, and the same if it has to be made again. */
const trackingNumberOf = (key: string): string =>
  `SB${createHash('sha256').update(key).digest('hex').slice(0, 14).toUpperCase()}`;

/** Before the pick-up it is stopped at once; later it turns around, and is back one step on. @throws CourierRefusal TOO_LATE */
export const stopParcel = (em: EntityManager, trackingNumber: string, key: string, stepMs: number): Promise<Parcel> =>
  transaction(em, async (em) => {
    const parcel = await em.findOne(Parcel, { trackingNumber }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!parcel) throw noSuchParcel(trackingNumber);
    if (parcel.stopKey) return parcel; // asked again
    if (ends.includes(parcel.status)) throw new CourierRefusal(409, 'TOO_LATE', `The parcel is ${parcel.status}.`);

    const now = new Date();
    parcel.stopKey = key;
    if (parcel.status === 'CREATED') scan(em, parcel, 'STOPPED', stepMs, now);
    else parcel.nextScanAt = after(now, stepMs);
    return parcel;
  });

/** The parcel and its scans, oldest first. */
export async function findParcel(
  em: EntityManager,
  trackingNumber: string,
): Promise<{ parcel: Parcel; scans: Scan[] }> {
  const parcel = await em.findOne(Parcel, { trackingNumber });
  if (!parcel) throw noSuchParcel(trackingNumber);
  return { parcel, scans: await em.find(Scan, { trackingNumber }, { orderBy: { number: 'asc' } }) };
}

/** Gives each parcel whose time has come its next scan. Answers how many there were. */
export const moveParcels = (em: EntityManager, stepMs: number): Promise<number> =>
  transaction(em, async (em) => {
    const now = new Date();
    const due = await em.find(
      Parcel,
      { nextScanAt: { $lte: now } },
      { orderBy: { nextScanAt: 'asc' }, limit: BATCH, lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
    );
    for (const parcel of due) {
      const status = nextOf(parcel);
      if (status) scan(em, parcel, status, stepMs, now);
    }
    return due.length;
  });

function scan(em: EntityManager, parcel: Parcel, status: ParcelStatus, stepMs: number, now: Date): void {
  parcel.status = status;
  parcel.scans += 1;
  parcel.nextScanAt = nextOf(parcel) && after(now, stepMs);
  if (ends.includes(status)) parcel.booking = null;
  const { trackingNumber, scans: number } = parcel;
  const { note } = journey[status];
  em.create(Scan, { id: randomUUID(), trackingNumber, number, status, note, occurredAt: now, toReport: true });
}

const after = (now: Date, ms: number): Date => new Date(now.getTime() + ms);

const noSuchParcel = (trackingNumber: string) =>
  new CourierRefusal(404, 'NOT_FOUND', `There is no parcel ${trackingNumber}.`);

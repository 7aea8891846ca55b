/**
 * What is due at the carrier: parcels to be made, stopped, asked after. The row says what (`dutyOf`) and when. No
 * transaction is open while the carrier or Rental is asked, and what is asked may be asked again.
 */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { type Ask, NoAnswer } from '#platform/requestReply.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import { type Carrier, CarrierUnavailable, type NewParcel } from './carrier.ts';
import { type Duty, dutyOf, labelOf } from './delivery.ts';
import { Delivery } from './entities.ts';
import { lockDelivery, reach, recordScans } from './parcels.ts';

const AT_ONCE = 16;
const RENTAL_TIMEOUT_MS = 2000;
/** For the statements in between. */
const MARGIN_MS = 2000;

/** What was claimed by a process that died is due again after this: whoever lives has had its answers, or none, by then. */
export const claimMsFor = (carrierTimeoutMs: number): number => RENTAL_TIMEOUT_MS + 2 * carrierTimeoutMs + MARGIN_MS;

export interface Carrying {
  em: () => EntityManager;
  ask: Ask;
  carrier: Carrier;
  /** A parcel silent for so long is asked after. */
  pollMs: number;
  /** A parcel that was claimed and not seen to for so long is anybody's again. */
  claimMs: number;
}

interface Claimed {
  id: string;
  attempts: number;
  until: Date;
}

/** One round: claims what is due and does it. Answers how many there were. */
export async function sweepCarrier(carrying: Carrying, log: Log): Promise<number> {
  const due = await query<Claimed>(
    carrying.em(),
    `UPDATE delivery SET attempts = attempts + 1, next_attempt_at = now() + $2 * interval '1 ms' WHERE id IN (
       SELECT id FROM delivery WHERE next_attempt_at <= now() ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING id, attempts, next_attempt_at AS until`,
    [AT_ONCE, carrying.claimMs],
  );
  // crash point: delivery, claimed but not performed
  await Promise.all(due.map((claimed) => perform(carrying, claimed, log)));
  return due.length;
}

async function perform(carrying: Carrying, claimed: Claimed, log: Log): Promise<void> {
  const { id: deliveryId, attempts } = claimed;
  try {
    const delivery = await carrying.em().findOneOrFail(Delivery, { id: deliveryId });
    const duty = dutyOf(delivery);
    const next = duty ? await duties[duty](carrying, delivery) : null;
    await lookAgain(carrying.em(), claimed, next, 0);
  } catch (error) {
    const level = error instanceof CarrierUnavailable || error instanceof NoAnswer ? 'warn' : 'error';
    log[level]({ err: error, deliveryId, attempts }, 'a parcel was not seen to; its turn comes again');
    const next = new Date(Date.now() + retryDelayMs(attempts));
    await lookAgain(carrying.em(), claimed, next, attempts);
  }
}

/** Leaves the row alone where a cancel, or another process, has set a time of its own meanwhile. */
async function lookAgain(
  em: EntityManager,
  { id, until }: Claimed,
  next: Date | null,
  attempts: number,
): Promise<void> {
  await em.nativeUpdate(Delivery, { id, nextAttemptAt: until }, { nextAttemptAt: next, attempts });
}

/** Each answers when to look at the parcel again. @throws CarrierUnavailable, NoAnswer */
const duties: Record<Duty, (carrying: Carrying, delivery: Delivery) => Promise<Date>> = {
  async MAKE(carrying, delivery) {
    const parcel = await announce(carrying, delivery);
    if (!parcel) return new Date();
    // crash point: delivery, announced but not booked
    const { trackingNumber, trackingUrl, carrier, estimatedAt } = await carrying.carrier.createParcel(parcel);
    // crash point: delivery, booked but not written down
    await changed(carrying.em(), delivery.id, (em, delivery, now) => {
      if (delivery.trackingNumber) return; // another process had claimed it too
      em.assign(delivery, { trackingNumber, trackingUrl, carrier, estimatedAt, heardAt: now });
      if (delivery.status === 'PENDING') reach(em, delivery, 'CREATED', now);
    });
    return new Date();
  },

  async STOP(carrying, delivery) {
    const { id, trackingNumber } = tracked(delivery);
    const stop = await carrying.carrier.stop({ key: `${id}:stop`, trackingNumber });
    // crash point: delivery, stopped but not written down
    await changed(carrying.em(), id, (_, delivery) => {
      delivery.stop = stop;
    });
    return track(carrying, delivery); // before the pick-up it is stopped at once
  },

  async TRACK(carrying, delivery) {
    const silentUntil = delivery.heardAt.getTime() + carrying.pollMs;
    return Date.now() < silentUntil ? new Date(silentUntil) : track(carrying, delivery);
  },
};

/**
 * Writes down where the parcel goes and that the carrier will be asked: from then on a cancel has to stop it there.
 * Null when it is not wanted any more. @throws NoAnswer when Rental does not say where to.
 */
async function announce({ em, ask }: Carrying, { id, rentalId, address: known }: Delivery): Promise<NewParcel | null> {
  const address = known ?? (await ask('rpc.rental.address', { rentalId }, RENTAL_TIMEOUT_MS)).address;
  if (!address) throw new Error(`Rental has no address for rental ${rentalId}`);
  return changed(em(), id, (em, delivery) => {
    if (dutyOf(delivery) !== 'MAKE') return null;
    const { direction } = delivery;
    const label = labelOf(direction, address.name);
    em.assign(delivery, { ...label, address, carrierAsked: true });
    return { key: id, reference: id, direction, ...label, address };
  });
}

async function track({ em, carrier, pollMs }: Carrying, delivery: Delivery): Promise<Date> {
  const { id, trackingNumber } = tracked(delivery);
  const { scans } = await carrier.track(trackingNumber);
  await changed(em(), id, (em, delivery, now) => recordScans(em, delivery, scans, now));
  return new Date(Date.now() + pollMs);
}

/** One transaction under the row's lock. */
const changed = <T>(
  em: EntityManager,
  id: string,
  change: (em: EntityManager, delivery: Delivery, now: Date) => T | Promise<T>,
): Promise<T> =>
  transaction(em, async (em) => {
    const delivery = await lockDelivery(em, { id });
    if (!delivery) throw new Error(`Delivery ${id} is gone`);
    return change(em, delivery, new Date());
  });

function tracked({ id, trackingNumber }: Delivery): { id: string; trackingNumber: string } {
  if (!trackingNumber) throw new Error(`Delivery ${id} has no tracking number`);
  return { id, trackingNumber };
}

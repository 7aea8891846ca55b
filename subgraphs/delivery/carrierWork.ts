/**
 * What is due at the carrier: parcels to be made, stopped, asked after. The row says what (`dutyOf`) and when. No
 * transaction is open while the carrier or Rental is asked, and what is asked may be asked again.
 */
import { type EntityManager, query, retryConflicts } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { type Share, sharedTransactions } from '#platform/microBatches.ts';
import { type Ask, NoAnswer } from '#platform/requestReply.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import { CarrierRefused, CarrierUnavailable, type NewParcel } from './carrier.ts';
import type { GuardedCarrier } from './carrierBreaker.ts';
import { type Duty, dutyOf, labelOf } from './delivery.ts';
import { Delivery } from './entities.ts';
import { CHANGES, lockDeliveries, reach, recordWhole } from './parcels.ts';

const AT_ONCE = 16;
const RENTAL_TIMEOUT_MS = 2000;
/** For the statements in between. */
const MARGIN_MS = 2000;

/** What was claimed by a process that died is due again after this: whoever lives has had its answers, or none, by then. */
export const claimMsFor = (carrierTimeoutMs: number): number => RENTAL_TIMEOUT_MS + 2 * carrierTimeoutMs + MARGIN_MS;

export interface Carrying {
  em: () => EntityManager;
  ask: Ask;
  carrier: GuardedCarrier;
  /** A parcel silent for so long is asked after. */
  pollMs: number;
  /** A parcel that was claimed and not seen to for so long is anybody's again. */
  claimMs: number;
}

/** A round of it: what its parcels come to at the same time is written together. */
interface Round extends Carrying {
  share: Share;
}

/** One round: claims what is due, as far as the carrier may be asked, and does it. Answers how many there were. */
export async function sweepCarrier(carrying: Carrying, log: Log): Promise<number> {
  const room = carrying.carrier.room(AT_ONCE);
  if (!room) return 0;
  const em = carrying.em();
  const rows = await query<object>(
    em,
    `UPDATE delivery SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $2 * interval '1 ms' WHERE id IN (
       SELECT id FROM delivery WHERE next_attempt_at <= clock_timestamp() ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING *`,
    [room, carrying.claimMs],
  );
  // crash point: delivery, claimed but not performed
  const claimed = rows.map((row) => em.map(Delivery, row));
  const round = { ...carrying, share: sharedTransactions(carrying.em, CHANGES, lockDeliveries) };
  const looks = await Promise.all(claimed.map((delivery) => perform(round, delivery, log)));
  await lookAgain(em, looks);
  return rows.length;
}

/** When to look at a parcel again; null when there is nothing to look for. */
interface Look {
  delivery: Delivery;
  inMs: number | null;
  attempts: number;
}

async function perform(round: Round, delivery: Delivery, log: Log): Promise<Look> {
  const { id: deliveryId, attempts } = delivery;
  try {
    const duty = dutyOf(delivery);
    return { delivery, inMs: duty ? await duties[duty](round, delivery) : null, attempts: 0 };
  } catch (error) {
    const level = error instanceof CarrierUnavailable || error instanceof NoAnswer ? 'warn' : 'error';
    log[level]({ err: error, deliveryId, attempts }, 'a parcel was not seen to; its turn comes again');
    // That was no attempt of this parcel's own: it goes behind those that wait, and all go out when the carrier is back.
    if (error instanceof CarrierUnavailable && round.carrier.isOpen())
      return { delivery, inMs: 0, attempts: attempts - 1 };
    return { delivery, inMs: retryDelayMs(attempts), attempts };
  }
}

/** Leaves a row alone where a cancel, or another process, has set a time of its own meanwhile. */
async function lookAgain(em: EntityManager, looks: Look[]): Promise<void> {
  if (!looks.length) return;
  const write = () =>
    query(
      em,
      `WITH look AS (
       SELECT look.* FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::int[]) AS look(id, until, in_ms, attempts)
       JOIN delivery USING (id) WHERE next_attempt_at = until ORDER BY id FOR UPDATE OF delivery
     )
     UPDATE delivery SET next_attempt_at = clock_timestamp() + look.in_ms * interval '1 ms', attempts = look.attempts
     FROM look WHERE delivery.id = look.id`,
      [
        looks.map(({ delivery }) => delivery.id),
        looks.map(({ delivery }) => delivery.nextAttemptAt),
        looks.map(({ inMs }) => inMs),
        looks.map(({ attempts }) => attempts),
      ],
    );
  await retryConflicts(write); // the carrier's reports lock the same rows in an order of their own
}

/** Each answers in how many milliseconds to look at the parcel again. @throws CarrierUnavailable, NoAnswer */
const duties: Record<Duty, (round: Round, delivery: Delivery) => Promise<number>> = {
  async MAKE(round, delivery) {
    const parcel = await announce(round, delivery);
    if (!parcel) return 0;
    // crash point: delivery, announced but not booked
    const booked = await round.carrier.createParcel(parcel).catch((error) => refusedAs(round, delivery, error));
    if (!booked) return 0;
    const { trackingNumber, trackingUrl, carrier, estimatedAt } = booked;
    // crash point: delivery, booked but not written down
    return changed(round, delivery.id, async (em, delivery, now) => {
      if (delivery.trackingNumber) return 0; // another process had claimed it too
      em.assign(delivery, { trackingNumber, trackingUrl, carrier, estimatedAt, heardAt: now });
      if (delivery.status === 'PENDING') reach(em, delivery, 'CREATED', now);
      return delivery.stop === 'WANTED' ? 0 : round.pollMs;
    });
  },

  async STOP(round, delivery) {
    const { id, trackingNumber } = tracked(delivery);
    const stop = await round.carrier.stop({ key: `${id}:stop`, trackingNumber }).catch(async (error) => {
      if (error instanceof CarrierRefused) await track(round, delivery); // it may come to its end all the same
      throw error;
    });
    // crash point: delivery, stopped but not written down
    await changed(round, id, async (_, delivery) => {
      delivery.stop = stop;
    });
    return track(round, delivery); // before the pick-up it is stopped at once
  },

  async TRACK(round, delivery) {
    const silentMs = round.pollMs - (Date.now() - delivery.heardAt.getTime());
    return silentMs > 0 ? Math.min(silentMs, round.pollMs) : track(round, delivery);
  },
};

/** A parcel that the carrier refuses to take, and that is not wanted any more, is stopped: there is none. Else a person has to see to it. */
async function refusedAs(round: Round, { id }: Delivery, error: unknown): Promise<null> {
  if (!(error instanceof CarrierRefused)) throw error;
  const stopped = await changed(round, id, async (em, delivery, now) => {
    const over = delivery.stop === 'WANTED' && !delivery.trackingNumber && delivery.status === 'PENDING';
    if (over) reach(em, delivery, 'STOPPED', now);
    return over;
  });
  if (!stopped) throw error;
  return null;
}

/**
 * Writes down where the parcel goes and that the carrier will be asked: from then on a cancel has to stop it there.
 * Null when it is not wanted any more. @throws NoAnswer when Rental does not say where to.
 */
async function announce(round: Round, { id, rentalId, address: known }: Delivery): Promise<NewParcel | null> {
  const address = known ?? (await round.ask('rpc.rental.address', { rentalId }, RENTAL_TIMEOUT_MS)).address;
  if (!address) throw new Error(`Rental has no address for rental ${rentalId}`);
  return changed(round, id, async (em, delivery) => {
    if (dutyOf(delivery) !== 'MAKE') return null;
    const { direction } = delivery;
    const label = labelOf(direction, address.name);
    em.assign(delivery, { ...label, address, carrierAsked: true });
    return { key: id, reference: id, direction, ...label, address };
  });
}

async function track(round: Round, delivery: Delivery): Promise<number> {
  const { id, trackingNumber } = tracked(delivery);
  const { scans } = await round.carrier.track(trackingNumber);
  await changed(round, id, (em, delivery, now) => recordWhole(em, delivery, scans, now));
  return round.pollMs;
}

/** Under the row's lock, which all of the transaction have taken together: the entity is there. */
const changed = <T>(
  { share }: Round,
  id: string,
  change: (em: EntityManager, delivery: Delivery, now: Date) => Promise<T>,
): Promise<T> =>
  share(id, async (em) => {
    const delivery = await em.findOne(Delivery, { id });
    if (!delivery) throw new Error(`Delivery ${id} is gone`);
    return change(em, delivery, new Date());
  });

function tracked({ id, trackingNumber }: Delivery): { id: string; trackingNumber: string } {
  if (!trackingNumber) throw new Error(`Delivery ${id} has no tracking number`);
  return { id, trackingNumber };
}

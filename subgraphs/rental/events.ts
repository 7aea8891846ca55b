/** What Rental does when Book, Delivery and Customer act. "Too late" and "twice" are normal: the tables say no, and nothing happens. */
import type { Consumer } from '#platform/apply.ts';
import type { EntityManager } from '#platform/database.ts';
import { erasing } from '#platform/personalData.ts';
import type { DataOf } from '#schema/events.ts';
import { addStep, confirmStep, lockRental, move, owe, setSteps } from './changes.ts';
import { Book, type Rental } from './entities.ts';
import { dueAt } from './rental.ts';

export const bookConsumer: Consumer<'BOOK'> = {
  name: 'rental-book',
  stream: 'BOOK',
  locks: 'rentalId',
  handlers: {
    async 'book.saved'({ data }, em) {
      const { bookId: id, status, rentalFee } = data;
      await em.upsert(Book, { id, status, feeAmount: rentalFee.amount, feeCurrency: rentalFee.currency });
    },
    'book.withdrawn': 'ignore', // its book.saved says so too

    async 'stock.released'({ data }, em) {
      if (await lockRental(em, data.rentalId)) await confirmStep(em, data.rentalId, 'STOCK_RELEASE');
    },
    async 'stock.inspected'({ data }, em) {
      if (data.remaining > 0) return;
      const rental = await lockRental(em, data.rentalId);
      if (!rental) return; // not one of ours
      rental.inspected = true;
      close(em, rental);
    },
    'stock.reserved': 'ignore',
    'stock.refused': 'ignore',
    'stock.issued': 'ignore',
    'stock.received': 'ignore',
    'stock.written_off': 'ignore',
    'stock.found': 'ignore',
    'waitlist.joined': 'ignore',
    'waitlist.offered': 'ignore',
    'waitlist.fulfilled': 'ignore',
    'waitlist.expired': 'ignore',
    'waitlist.left': 'ignore',
  },
};

/** What every event about a parcel says. */
type ParcelEvent = { data: DataOf<'delivery.picked_up'> };
type When = (em: EntityManager, rental: Rental, data: DataOf<'delivery.picked_up'>) => Promise<void> | void;

/** Looks at the parcel's direction and has the rental's row locked. */
const parcel =
  (ways: { OUTBOUND?: When; RETURN?: When }) =>
  async ({ data }: ParcelEvent, em: EntityManager): Promise<void> => {
    const rental = await lockRental(em, data.rentalId);
    if (rental) await ways[data.direction]?.(em, rental, data);
  };

/** The parcel will not reach the reader: a cancelled rental gets its money back now, any other ends here. */
const cameBack: When = async (em, rental) => {
  const from = rental.status;
  if (from === 'CANCELLED') return parcelSettled(em, rental);
  if (move(em, rental, 'giveBack', 'rental.cancelled', { from: from as 'ACCEPTED' | 'SHIPPING' }))
    await owe(em, rental, 'giveBack', from); // no other status gives back
};

/** A cancelled rental's parcel is where it belongs: what waited for that is due. */
async function parcelSettled(em: EntityManager, rental: Rental): Promise<void> {
  await setSteps(em, rental.id, ['DELIVERY_STOP'], 'DONE');
  await setSteps(em, rental.id, ['PAYMENT_VOID', 'PAYMENT_REFUND'], 'TODO');
}

export const deliveryConsumer = (loanDays: number): Consumer<'DELIVERY'> => ({
  name: 'rental-delivery',
  stream: 'DELIVERY',
  locks: 'rentalId',
  handlers: {
    'delivery.created': 'ignore',
    'delivery.picked_up': parcel({
      OUTBOUND(em, rental) {
        if (move(em, rental, 'ship', 'rental.shipped', {})) addStep(em, rental.id, 'CAPTURE', 'TODO');
      },
      RETURN(em, rental) {
        move(em, rental, 'startReturn', 'rental.returning', {});
      },
    }),
    'delivery.in_transit': 'ignore',
    'delivery.out_for_delivery': parcel({
      OUTBOUND(_em, rental) {
        rental.outForDelivery = true;
      },
    }),
    'delivery.delivered': parcel({
      async OUTBOUND(em, rental, { occurredAt }) {
        // The stop came too late. Delivery makes a RETURN parcel by itself; the money waits for it.
        if (rental.status === 'CANCELLED') return setSteps(em, rental.id, ['DELIVERY_STOP'], 'DONE');
        const due = dueAt(new Date(occurredAt), loanDays);
        if (move(em, rental, 'deliver', 'rental.loan_started', { dueAt: due.toISOString() })) rental.dueAt = due;
      },
      async RETURN(em, rental) {
        if (rental.status === 'CANCELLED') {
          await setSteps(em, rental.id, ['STOCK_RELEASE'], 'DONE');
          return parcelSettled(em, rental);
        }
        if (move(em, rental, 'receive', 'rental.returned', {}) && rental.inspected) close(em, rental);
      },
    }),
    'delivery.failed': parcel({
      OUTBOUND(_em, rental) {
        rental.outForDelivery = false;
      },
    }),
    'delivery.stopped': parcel({
      OUTBOUND: cameBack,
      RETURN(em, rental) {
        rental.returnRequested = false;
        if (rental.dueAt) move(em, rental, 'resumeLoan', 'rental.loan_resumed', { dueAt: rental.dueAt.toISOString() });
      },
    }),
    'delivery.returned_to_sender': parcel({ OUTBOUND: cameBack }),
    'delivery.lost': parcel({
      async OUTBOUND(em, rental) {
        if (rental.status === 'CANCELLED') {
          await setSteps(em, rental.id, ['STOCK_RELEASE'], 'DONE'); // written off
          return parcelSettled(em, rental);
        }
        if (move(em, rental, 'lose', 'rental.lost', { by: 'CARRIER' }))
          addStep(em, rental.id, 'PAYMENT_REFUND', 'TODO');
      },
      RETURN(em, rental) {
        move(em, rental, 'lose', 'rental.lost', { by: 'CARRIER' });
      },
    }),
  },
});

function close(em: EntityManager, rental: Rental): void {
  if (move(em, rental, 'close', 'rental.closed', {})) rental.closedAt = new Date();
}

/** The key and the means of payment are the customer's own words, or the provider's name for them. */
const BLANK = `
  UPDATE rental SET deliver_to = NULL, cancel_reason = NULL, payment_method = '', fingerprint = '', idempotency_key = id::text
  WHERE customer_id = $1`;

export const customerConsumer = erasing({
  name: 'rental-customer',
  blank: BLANK,
});

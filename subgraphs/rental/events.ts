/** What Rental does when Book, Delivery and Customer act. "Too late" and "twice" are normal: the tables say no, and nothing happens. */
import type { Consumer } from '#platform/apply.ts';
import type { EntityManager } from '#platform/database.ts';
import { publish } from '#platform/outbox.ts';
import { erasing } from '#platform/personalData.ts';
import type { DataOf } from '#schema/events.ts';
import {
  addStep,
  confirmStep,
  dropFee,
  dropFees,
  factsOf,
  lockFees,
  lockPayment,
  lockRental,
  move,
  owe,
  setSteps,
} from './changes.ts';
import { Book, type Rental, Step, Waiting } from './entities.ts';
import { close } from './loans.ts';
import { dueAfter, type Policy } from './policy.ts';

export const bookConsumer = (policy: Policy): Consumer<'BOOK'> => ({
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
      const rental = await lockRental(em, data.rentalId);
      if (!rental) return; // not one of ours
      const { copyId, condition, remaining } = data;
      if (condition !== 'GOOD' && condition !== 'WORN')
        rental.findings = [...(rental.findings ?? []), { copyId, condition }];
      if (remaining > 0) return;
      rental.inspected = true;
      close(em, rental, policy);
    },
    async 'stock.found'({ data }, em) {
      const rental = await lockRental(em, data.rentalId);
      if (!rental) return; // not one of ours
      const lost = (await lockFees(em, rental.id)).filter(({ kind, dropped }) => kind === 'LOST' && !dropped);
      // Of copies that never came back nobody knows which is which: each that turns up is one of them.
      const fee = lost.find(({ copyId }) => copyId === data.copyId) ?? lost.find(({ copyId }) => !copyId);
      if (fee) dropFee(em, fee, rental);
      // It was missing at an inspection, and turned up before the last of them.
      rental.findings = (rental.findings ?? []).filter(
        ({ copyId, condition }) => copyId !== data.copyId || condition !== 'MISSING',
      );
    },
    'stock.reserved': 'ignore',
    'stock.refused': 'ignore',
    'stock.issued': 'ignore',
    'stock.received': 'ignore', // the parcel says so too
    'stock.written_off': 'ignore',

    async 'waitlist.joined'({ data }, em) {
      em.create(Waiting, { id: data.entryId, bookId: data.bookId });
    },
    'waitlist.offered': waitsNoMore,
    'waitlist.fulfilled': waitsNoMore,
    'waitlist.left': waitsNoMore,
    'waitlist.expired': 'ignore', // it was offered before
  },
});

/** A copy is set aside for them, or they want none any more. */
async function waitsNoMore({ data }: { data: DataOf<'waitlist.left'> }, em: EntityManager): Promise<void> {
  await em.nativeDelete(Waiting, { id: data.entryId });
}

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

/** What a cancelled rental had is back, or the carrier has lost it, which is no fault of the reader's. */
async function copiesSettled(em: EntityManager, rental: Rental): Promise<void> {
  await setSteps(em, rental.id, ['STOCK_RELEASE'], 'DONE');
  return parcelSettled(em, rental);
}

/** The books were written off, and the refund with them, while they were on their way. */
async function refundAfterAll(em: EntityManager, rental: Rental): Promise<void> {
  const { captured, refunded } = await lockPayment(em, rental.id);
  const known = await em.findOne(Step, { rentalId: rental.id, kind: 'PAYMENT_REFUND' });
  if (!known && captured > refunded) addStep(em, rental.id, 'PAYMENT_REFUND', 'TODO');
}

/** A cancelled rental's parcel is where it belongs: what waited for that is due. */
async function parcelSettled(em: EntityManager, rental: Rental): Promise<void> {
  await setSteps(em, rental.id, ['DELIVERY_STOP'], 'DONE');
  await setSteps(em, rental.id, ['PAYMENT_VOID', 'PAYMENT_REFUND'], 'TODO');
}

/** The reader has the books after all. The time that the carrier had them is given back: it is no fault of the reader's. */
const broughtBack: When = async (em, rental, { occurredAt }) => {
  const { dueAt, returnStartedAt } = rental;
  const carriedMs = returnStartedAt ? new Date(occurredAt).getTime() - returnStartedAt.getTime() : 0;
  rental.returnRequested = false;
  rental.returnStartedAt = null;
  if (rental.status === 'CANCELLED') return sendBackAgain(em, rental);
  if (rental.status !== 'RETURNING' || !dueAt) return;
  rental.dueAt = new Date(dueAt.getTime() + Math.max(carriedMs, 0));
  move(em, rental, 'resumeLoan', 'rental.loan_resumed', { dueAt: rental.dueAt.toISOString() });
};

/** What came although it was cancelled is to go back, unless it was written off meanwhile: the reader cannot ask for that. */
async function sendBackAgain(em: EntityManager, rental: Rental): Promise<void> {
  const release = await em.findOne(Step, { rentalId: rental.id, kind: 'STOCK_RELEASE' });
  if (release?.status === 'WAITING') publish(em, rental, 'rental.return_requested', factsOf(rental));
}

export const deliveryConsumer = (policy: Policy): Consumer<'DELIVERY'> => ({
  name: 'rental-delivery',
  stream: 'DELIVERY',
  locks: 'rentalId',
  handlers: {
    'delivery.created': 'ignore',
    'delivery.picked_up': parcel({
      OUTBOUND(em, rental) {
        if (move(em, rental, 'ship', 'rental.shipped', {})) addStep(em, rental.id, 'CAPTURE', 'TODO');
      },
      RETURN(em, rental, { occurredAt }) {
        rental.returnStartedAt = new Date(occurredAt);
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
        rental.deliveredAt = new Date(occurredAt);
        // The stop came too late. Delivery makes a RETURN parcel by itself; the money waits for it.
        if (rental.status === 'CANCELLED') return setSteps(em, rental.id, ['DELIVERY_STOP'], 'DONE');
        const due = dueAfter(rental.deliveredAt, policy);
        if (move(em, rental, 'deliver', 'rental.loan_started', { dueAt: due.toISOString() })) rental.dueAt = due;
      },
      async RETURN(em, rental) {
        if (rental.status === 'CANCELLED') {
          await refundAfterAll(em, rental);
          return copiesSettled(em, rental);
        }
        if (rental.status === 'LOST') return dropFees(em, rental, 'LOST'); // given up while it was on its way
        if (move(em, rental, 'receive', 'rental.returned', {})) close(em, rental, policy);
      },
    }),
    'delivery.failed': parcel({
      OUTBOUND(_em, rental) {
        rental.outForDelivery = false;
      },
    }),
    'delivery.stopped': parcel({
      OUTBOUND: cameBack,
      RETURN: broughtBack,
    }),
    'delivery.returned_to_sender': parcel({ OUTBOUND: cameBack, RETURN: broughtBack }),
    'delivery.lost': parcel({
      async OUTBOUND(em, rental) {
        if (rental.status === 'CANCELLED') return copiesSettled(em, rental);
        if (!move(em, rental, 'lose', 'rental.lost', { by: 'CARRIER' })) return;
        addStep(em, rental.id, 'PAYMENT_REFUND', 'TODO');
        await dropFees(em, rental, 'RENTAL');
      },
      async RETURN(em, rental) {
        if (rental.status === 'CANCELLED') return copiesSettled(em, rental);
        if (rental.status === 'LOST') return dropFees(em, rental, 'LOST'); // given up while it was on its way
        move(em, rental, 'lose', 'rental.lost', { by: 'CARRIER' });
      },
    }),
  },
});

/** The key and the means of payment are the customer's own words, or the provider's name for them. */
const BLANK = `
  WITH fees AS (UPDATE fee SET waiver = NULL, payment_method = NULL WHERE customer_id = $1)
  UPDATE rental SET deliver_to = NULL, cancel_reason = NULL, payment_method = '', fingerprint = '', idempotency_key = id::text
  WHERE customer_id = $1`;

export const customerConsumer = erasing({
  name: 'rental-customer',
  blank: BLANK,
});

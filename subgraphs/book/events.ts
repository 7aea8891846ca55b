/** What Book does when Rental, Delivery and Customer act. "Too late" and "twice" are normal: the table says no, and nothing happens. */
import type { Consumer } from '#platform/apply.ts';
import type { EntityManager } from '#platform/database.ts';
import { erasing } from '#platform/personalData.ts';
import type { DataOf } from '#schema/events.ts';
import { changeReservation, type RentalFacts, release } from './stock.ts';

export const rentalConsumer: Consumer<'RENTAL'> = {
  name: 'book-rental',
  stream: 'RENTAL',
  locks: 'bookId',
  handlers: {
    async 'rental.cancelled'({ data }, em) {
      // Once accepted there is a parcel: what became of it decides, and Delivery tells.
      if (data.from === 'REQUESTED' || data.from === 'ON_HOLD') await release(em, data);
    },
    'rental.rejected': ({ data }, em) => release(em, data),
    'rental.lost': ({ data }, em) => changeReservation(em, data, 'lose'),
    'rental.kept': ({ data }, em) => changeReservation(em, data, 'lose'),

    'rental.requested': 'ignore',
    'rental.held': 'ignore',
    'rental.resumed': 'ignore',
    'rental.accepted': 'ignore',
    'rental.shipped': 'ignore',
    'rental.loan_started': 'ignore',
    'rental.loan_resumed': 'ignore',
    'rental.renewed': 'ignore',
    'rental.overdue': 'ignore',
    'rental.return_requested': 'ignore',
    'rental.returning': 'ignore',
    'rental.returned': 'ignore',
    'rental.closed': 'ignore',
    'payment.authorized': 'ignore',
    'payment.declined': 'ignore',
    'payment.captured': 'ignore',
    'payment.voided': 'ignore',
    'payment.refunded': 'ignore',
    'fee.raised': 'ignore',
    'fee.paid': 'ignore',
    'fee.waived': 'ignore',
    'fee.refunded': 'ignore',
  },
};

type When = (em: EntityManager, rental: RentalFacts) => Promise<void>;

/** Looks at the parcel's direction. */
const parcel =
  (ways: { OUTBOUND?: When; RETURN?: When }) =>
  async ({ data }: { data: DataOf<'delivery.picked_up'> }, em: EntityManager): Promise<void> =>
    ways[data.direction]?.(em, data);

const issue: When = (em, rental) => changeReservation(em, rental, 'issue');
const receive: When = (em, rental) => changeReservation(em, rental, 'receive');
const lose: When = (em, rental) => changeReservation(em, rental, 'lose');

export const deliveryConsumer: Consumer<'DELIVERY'> = {
  name: 'book-delivery',
  stream: 'DELIVERY',
  locks: 'bookId',
  handlers: {
    'delivery.created': 'ignore',
    'delivery.picked_up': parcel({ OUTBOUND: issue }),
    'delivery.in_transit': 'ignore',
    'delivery.out_for_delivery': 'ignore',
    'delivery.delivered': parcel({ RETURN: receive }),
    'delivery.failed': 'ignore',
    'delivery.stopped': parcel({ OUTBOUND: release }),
    'delivery.returned_to_sender': parcel({ OUTBOUND: release }),
    'delivery.lost': parcel({ OUTBOUND: lose, RETURN: lose }),
  },
};

/** What staff remarked about their copies: the one thing in the ledger that ever changes. */
const BLANK = `
  UPDATE stock_movement SET reason = NULL FROM reservation
  WHERE reservation.customer_id = $1 AND rental_id = reservation.id AND rental_id IS NOT NULL AND reason IS NOT NULL`;

export const customerConsumer = erasing({
  name: 'book-customer',
  blank: BLANK,
});

/** What Book does when Rental, Delivery and Customer act. "Too late" and "twice" are normal: the table says no, and nothing happens. */
import type { Consumer } from '#platform/apply.ts';
import type { EntityManager } from '#platform/database.ts';
import { erasing } from '#platform/personalData.ts';
import type { DataOf } from '#schema/events.ts';
import { changeReservation, release } from './stock.ts';
import { leaveAll } from './waitlist.ts';

/** `offerMs`, here and below: how long a copy that comes back is set aside for who is next on the waitlist. */
export const rentalConsumer = (offerMs: number): Consumer<'RENTAL'> => ({
  name: 'book-rental',
  stream: 'RENTAL',
  locks: 'bookId',
  handlers: {
    async 'rental.cancelled'({ data }, em) {
      // Once accepted there is a parcel: what became of it decides, and Delivery tells.
      if (data.from === 'REQUESTED' || data.from === 'ON_HOLD') await release(em, data, offerMs);
    },
    'rental.rejected': ({ data }, em) => release(em, data, offerMs),
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
});

type ParcelFacts = DataOf<'delivery.picked_up'>;
type When = (em: EntityManager, parcel: ParcelFacts) => Promise<void>;

/** Looks at the parcel's direction. */
const parcel =
  (ways: { OUTBOUND?: When; RETURN?: When }) =>
  async ({ data }: { data: ParcelFacts }, em: EntityManager): Promise<void> =>
    ways[data.direction]?.(em, data);

const issue: When = (em, parcel) => changeReservation(em, parcel, 'issue', new Date(parcel.occurredAt));
const receive: When = (em, parcel) => changeReservation(em, parcel, 'receive', new Date(parcel.occurredAt));
const lose: When = (em, parcel) => changeReservation(em, parcel, 'lose');
const giveBack =
  (offerMs: number): When =>
  (em, parcel) =>
    release(em, parcel, offerMs);

export const deliveryConsumer = (offerMs: number): Consumer<'DELIVERY'> => ({
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
    'delivery.stopped': parcel({ OUTBOUND: giveBack(offerMs) }),
    'delivery.returned_to_sender': parcel({ OUTBOUND: giveBack(offerMs) }),
    'delivery.lost': parcel({ OUTBOUND: lose, RETURN: lose }),
  },
});

/** What staff remarked about their copies: the one thing in the ledger that ever changes. */
const BLANK = `
  UPDATE stock_movement SET reason = NULL FROM reservation
  WHERE reservation.customer_id = $1 AND rental_id = reservation.id AND rental_id IS NOT NULL AND reason IS NOT NULL`;

export const customerConsumer = (offerMs: number): Consumer<'CUSTOMER'> =>
  erasing({
    name: 'book-customer',
    blank: BLANK,
    leave: (em, customerId) => leaveAll(em, customerId, offerMs),
  });

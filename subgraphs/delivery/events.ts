/** What Delivery does when Rental and Customer act. */
import type { Consumer } from '#platform/apply.ts';
import { erasing } from '#platform/personalData.ts';
import { cameToNothing } from './delivery.ts';
import { Delivery } from './entities.ts';
import { giveUpReturn, lockDelivery, stopParcel, wantFirstParcel, wantParcel } from './parcels.ts';

export const rentalConsumer: Consumer<'RENTAL'> = {
  name: 'delivery-rental',
  stream: 'RENTAL',
  locks: 'rentalId',
  handlers: {
    // A cancel that came first has left a STOPPED row: then there is nothing to send.
    'rental.accepted': ({ data }, em) => wantFirstParcel(em, data, new Date()),
    async 'rental.cancelled'({ data }, em) {
      // What was never accepted has no parcel, and rental.accepted cannot follow: nobody waits for a stop.
      if (data.from === 'REQUESTED' || data.from === 'ON_HOLD') return;
      const now = new Date();
      const outbound = await lockDelivery(em, { rentalId: data.rentalId, direction: 'OUTBOUND' });
      stopParcel(em, outbound ?? wantParcel(em, data, 'OUTBOUND', now), now);
    },
    async 'rental.return_requested'({ data }, em) {
      const { rentalId } = data;
      const returns = await em.find(Delivery, { rentalId, direction: 'RETURN' });
      if (!returns.every(({ status }) => cameToNothing(status))) return; // one is under way, or was the last
      wantParcel(em, data, 'RETURN', new Date());
    },
    async 'rental.lost'({ data }, em) {
      if (data.by !== 'CARRIER') await giveUpReturn(em, data.rentalId, new Date());
    },
    async 'rental.kept'({ data }, em) {
      await giveUpReturn(em, data.rentalId, new Date());
    },

    'rental.requested': 'ignore',
    'rental.held': 'ignore',
    'rental.resumed': 'ignore',
    'rental.rejected': 'ignore',
    'rental.shipped': 'ignore',
    'rental.loan_started': 'ignore',
    'rental.loan_resumed': 'ignore',
    'rental.renewed': 'ignore',
    'rental.overdue': 'ignore',
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

/** Nothing of theirs is under way any more: Rental has seen to that. */
const BLANK = `
  WITH blanked AS (
    UPDATE delivery SET sender = NULL, recipient = NULL, address = NULL WHERE customer_id = $1 RETURNING id, tracking_number
  )
  UPDATE tracking_event scan SET note = NULL FROM blanked
  WHERE scan.delivery_id = blanked.id OR scan.tracking_number = blanked.tracking_number`;

export const customerConsumer = erasing({
  name: 'delivery-customer',
  blank: BLANK,
});

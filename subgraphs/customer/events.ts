/**
 * What Customer does when the others act: it keeps the order history. An order is moved by its rental's events alone and a
 * parcel by its own, each of which come in order, so it does not matter how those of several interleave.
 */
import { aggregateIn, type Consumer } from '#platform/apply.ts';
import { type EntityManager, query } from '#platform/database.ts';
import type { Event } from '#schema/events.ts';
import {
  type DeliveryEventType,
  deliveryStatusAfter,
  messageOf,
  type RentalEventType,
  scanMessageOf,
  statusAfter,
} from './customer.ts';
import { Book } from './entities.ts';
import { appendChange, appendScan } from './orderLog.ts';

const change =
  <T extends RentalEventType>(type: T) =>
  async (event: Event<RentalEventType>, em: EntityManager): Promise<void> => {
    const { rentalId, customerId, bookId, quantity } = event.data;
    await appendChange(em, {
      customerId,
      rentalId,
      bookId,
      quantity,
      aggregate: aggregateIn(event),
      version: event.aggregateversion,
      type,
      status: statusAfter[type] ?? null,
      message: messageOf(type, event.data),
      occurredAt: new Date(event.time),
      dueAt: 'dueAt' in event.data ? new Date(event.data.dueAt) : null,
    });
  };

export const rentalConsumer: Consumer<'RENTAL'> = {
  name: 'customer-rental',
  stream: 'RENTAL',
  locks: 'customerId',
  handlers: {
    'rental.requested': change('rental.requested'),
    'rental.held': change('rental.held'),
    'rental.resumed': change('rental.resumed'),
    'rental.accepted': change('rental.accepted'),
    'rental.rejected': change('rental.rejected'),
    'rental.shipped': change('rental.shipped'),
    'rental.loan_started': change('rental.loan_started'),
    'rental.loan_resumed': change('rental.loan_resumed'),
    'rental.renewed': change('rental.renewed'),
    'rental.overdue': change('rental.overdue'),
    'rental.return_requested': change('rental.return_requested'),
    'rental.returning': change('rental.returning'),
    'rental.returned': change('rental.returned'),
    'rental.closed': change('rental.closed'),
    'rental.cancelled': change('rental.cancelled'),
    'rental.lost': change('rental.lost'),
    'rental.kept': change('rental.kept'),
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

/** Writes the parcel's event to the log and moves the parcel. */
const scan =
  <T extends DeliveryEventType>(type: T) =>
  async (event: Event<DeliveryEventType>, em: EntityManager): Promise<void> => {
    const { rentalId, customerId, deliveryId: id, direction } = event.data;
    const occurredAt = new Date(event.data.occurredAt);
    const status = deliveryStatusAfter[type];
    await appendScan(em, {
      customerId,
      rentalId,
      aggregate: aggregateIn(event),
      version: event.aggregateversion,
      type,
      deliveryStatus: status,
      message: scanMessageOf(status, direction),
      occurredAt,
    });

    const trackingUrl = 'trackingUrl' in event.data ? event.data.trackingUrl : null;
    await query(em, MOVE_PARCEL, [id, rentalId, direction, status, occurredAt, trackingUrl]);
  };

const MOVE_PARCEL = `
  INSERT INTO parcel AS p (id, rental_id, direction, status, since, tracking_url) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (id) DO UPDATE SET status = excluded.status, tracking_url = coalesce(excluded.tracking_url, p.tracking_url)`;

export const deliveryConsumer: Consumer<'DELIVERY'> = {
  name: 'customer-delivery',
  stream: 'DELIVERY',
  locks: 'customerId',
  handlers: {
    'delivery.created': scan('delivery.created'),
    'delivery.picked_up': scan('delivery.picked_up'),
    'delivery.in_transit': scan('delivery.in_transit'),
    'delivery.out_for_delivery': scan('delivery.out_for_delivery'),
    'delivery.delivered': scan('delivery.delivered'),
    'delivery.failed': scan('delivery.failed'),
    'delivery.stopped': scan('delivery.stopped'),
    'delivery.returned_to_sender': scan('delivery.returned_to_sender'),
    'delivery.lost': scan('delivery.lost'),
  },
};

export const bookConsumer: Consumer<'BOOK'> = {
  name: 'customer-book',
  stream: 'BOOK',
  locks: 'bookId',
  handlers: {
    async 'book.saved'({ data }, em) {
      await em.upsert(Book, { id: data.bookId, title: data.title });
    },
    'book.withdrawn': 'ignore', // it keeps its title
    'stock.reserved': 'ignore',
    'stock.refused': 'ignore',
    'stock.released': 'ignore',
    'stock.issued': 'ignore',
    'stock.received': 'ignore',
    'stock.inspected': 'ignore',
    'stock.written_off': 'ignore',
    'stock.found': 'ignore',
    'waitlist.joined': 'ignore',
    'waitlist.offered': 'ignore',
    'waitlist.fulfilled': 'ignore',
    'waitlist.expired': 'ignore',
    'waitlist.left': 'ignore',
  },
};

/**
 * What Customer does when the others act: it keeps the order history. An order is moved by its rental's events alone and a
 * parcel by its own, each of which come in order, so it does not matter how those of several interleave. Where customers are
 * told by some channel, it also writes down what there is to tell; without one nothing of that is done.
 */
import { aggregateIn, type Consumer } from '#platform/apply.ts';
import { type EntityManager, query } from '#platform/database.ts';
import type { Event, EventType } from '#schema/events.ts';
import {
  type DeliveryEventType,
  deliveryStatusAfter,
  messageOf,
  type RentalEventType,
  scanMessageOf,
  statusAfter,
} from './customer.ts';
import { Book } from './entities.ts';
import type { NotificationKind, OfferStatus } from './letters.ts';
import { wishToTell } from './notifications.ts';
import type { Channel } from './notifier.ts';
import { appendChange, appendScan } from './orderLog.ts';

type Handler<T extends EventType> = (event: Event<T>, em: EntityManager) => Promise<void>;

const change =
  <T extends RentalEventType>(type: T): Handler<RentalEventType> =>
  async (event, em) => {
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

type Channels = readonly Channel[];

/** Without a channel there is nothing to do. */
const ifTold = <H>(channels: Channels, handler: H): H | 'ignore' => (channels.length ? handler : 'ignore');

/** Moves the order, and wishes to tell of it. */
const toldChange =
  (channels: Channels, kind: NotificationKind, type: RentalEventType): Handler<RentalEventType> =>
  async (event, em) => {
    await change(type)(event, em);
    const { rentalId: subject, customerId, bookId } = event.data;
    await wishToTell(
      em,
      channels,
      { kind, subject, occasion: event.id, customerId, bookId },
      new Date(event.time),
      new Date(),
    );
  };

const toldRefund =
  (channels: Channels): Handler<'payment.refunded' | 'fee.refunded'> =>
  async ({ id: occasion, time, data }, em) => {
    const { rentalId: subject, customerId, bookId, amount } = data;
    const refund = { of: 'kind' in data ? data.kind : ('PAYMENT' as const), ...amount };
    await wishToTell(
      em,
      channels,
      { kind: 'REFUNDED', subject, occasion, customerId, bookId, refund },
      new Date(time),
      new Date(),
    );
  };

export const rentalConsumer = (channels: Channels): Consumer<'RENTAL'> => ({
  name: 'customer-rental',
  stream: 'RENTAL',
  locks: 'customerId',
  handlers: {
    'rental.requested': change('rental.requested'),
    'rental.held': change('rental.held'),
    'rental.resumed': change('rental.resumed'),
    'rental.accepted': toldChange(channels, 'ACCEPTED', 'rental.accepted'),
    'rental.rejected': change('rental.rejected'),
    'rental.shipped': toldChange(channels, 'SHIPPED', 'rental.shipped'),
    'rental.loan_started': change('rental.loan_started'),
    'rental.loan_resumed': change('rental.loan_resumed'),
    'rental.renewed': change('rental.renewed'),
    'rental.overdue': toldChange(channels, 'OVERDUE', 'rental.overdue'),
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
    'payment.refunded': ifTold(channels, toldRefund(channels)),
    'fee.raised': 'ignore',
    'fee.paid': 'ignore',
    'fee.waived': 'ignore',
    'fee.refunded': ifTold(channels, toldRefund(channels)),
  },
});

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

const KEEP_OFFER = `
  INSERT INTO offer (id, customer_id, book_id, status, expires_at) VALUES ($1, $2, $3, 'OFFERED', $4)
  ON CONFLICT (id) DO UPDATE SET status = excluded.status, expires_at = excluded.expires_at`;

/** The offer is kept as it stands: whoever is told of it is told what is true then. */
const toldOffer =
  (channels: Channels): Handler<'waitlist.offered'> =>
  async ({ time, data }, em) => {
    const { entryId: subject, customerId, bookId, expiresAt } = data;
    await query(em, KEEP_OFFER, [subject, customerId, bookId, expiresAt]);
    await wishToTell(
      em,
      channels,
      { kind: 'OFFER', subject, occasion: subject, customerId, bookId },
      new Date(time),
      new Date(),
    );
  };

const endOffer =
  (status: OfferStatus): Handler<'waitlist.fulfilled' | 'waitlist.expired' | 'waitlist.left'> =>
  async ({ data }, em) => {
    await query(em, 'UPDATE offer SET status = $2 WHERE id = $1', [data.entryId, status]);
  };

export const bookConsumer = (channels: Channels): Consumer<'BOOK'> => ({
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
    'waitlist.offered': ifTold(channels, toldOffer(channels)),
    'waitlist.fulfilled': ifTold(channels, endOffer('FULFILLED')),
    'waitlist.expired': ifTold(channels, endOffer('EXPIRED')),
    'waitlist.left': ifTold(channels, endOffer('LEFT')),
  },
});

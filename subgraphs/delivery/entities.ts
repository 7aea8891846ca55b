import { defineEntity, p } from '@mikro-orm/core';
import type { Address } from '#schema/requests.ts';
import { deliveryStatuses, directions, stops } from './delivery.ts';

const DeliverySchema = defineEntity({
  name: 'Delivery',
  tableName: 'delivery',
  properties: {
    id: p.uuid().primary(),
    rentalId: p.uuid(),
    customerId: p.uuid(),
    bookId: p.uuid(),
    quantity: p.integer(),
    direction: p.enum(directions),
    status: p.enum(deliveryStatuses),
    sender: p.string().nullable(),
    recipient: p.string().nullable(),
    /** The customer's end, whatever the direction. */
    address: p.json<Address>().nullable(),
    carrier: p.string().nullable(),
    trackingNumber: p.string().nullable(),
    trackingUrl: p.string().nullable(),
    estimatedAt: p.datetime(3).nullable(),
    /** When the last applied scan happened. */
    lastAppliedAt: p.datetime(3).nullable(),
    /** Set before the carrier is asked for the first time: from then on a parcel may exist there. */
    carrierAsked: p.boolean(),
    /** Set when the rental is cancelled while a parcel may exist. */
    stop: p.enum(stops).nullable(),
    attempts: p.integer(),
    /** When something is due at the carrier; null when nothing is. Whoever takes it on moves it ahead. */
    nextAttemptAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    /** When there was news of the parcel, applied or not. */
    heardAt: p.datetime(3),
    version: p.integer(),
  },
});
export class Delivery extends DeliverySchema.class {}
DeliverySchema.setClass(Delivery);

const TrackingEventSchema = defineEntity({
  name: 'TrackingEvent',
  tableName: 'tracking_event',
  properties: {
    id: p.uuid().primary(),
    /** Order of arrival. */
    number: p.integer().autoincrement(),
    /** Null while the parcel of the tracking number is not known here; then the scan is nobody's yet. */
    deliveryId: p.uuid().nullable(),
    trackingNumber: p.string().nullable(),
    /** The carrier's own id of it; null for one entered by hand. */
    scanId: p.string().nullable(),
    /** Of the client that entered it by hand, if it gave one. */
    idempotencyKey: p.string().nullable(),
    status: p.enum(deliveryStatuses),
    note: p.string().nullable(),
    occurredAt: p.datetime(3),
    receivedAt: p.datetime(3),
    applied: p.boolean(),
  },
});
export class TrackingEvent extends TrackingEventSchema.class {}
TrackingEventSchema.setClass(TrackingEvent);

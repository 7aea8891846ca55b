import { defineEntity, p } from '@mikro-orm/core';
import type { Role } from '#platform/tokens.ts';
import type { DeliveryStatus, Direction, RentalStatus } from './customer.ts';
import type { NotificationKind, OfferStatus, Refund } from './letters.ts';
import type { Channel } from './notifier.ts';

const CustomerSchema = defineEntity({
  name: 'Customer',
  tableName: 'customer',
  properties: {
    id: p.uuid().primary(),
    email: p.string(),
    /** The same in lower case: unique, however it was typed. */
    emailKey: p.string(),
    name: p.string(),
    /** Null for an account of an outside provider. */
    passwordHash: p.string().nullable(),
    roles: p.array().$type<Role[]>(),
    createdAt: p.datetime(3),
    version: p.integer(),
  },
});
export class Customer extends CustomerSchema.class {}
CustomerSchema.setClass(Customer);

/** All that is left of an account: its id never comes back, whoever signs it in. */
const ErasedCustomerSchema = defineEntity({
  name: 'ErasedCustomer',
  tableName: 'erased_customer',
  properties: {
    id: p.uuid().primary(),
    version: p.integer(),
    erasedAt: p.datetime(3),
  },
});
export class ErasedCustomer extends ErasedCustomerSchema.class {}
ErasedCustomerSchema.setClass(ErasedCustomer);

const SavedAddressSchema = defineEntity({
  name: 'SavedAddress',
  tableName: 'saved_address',
  properties: {
    id: p.uuid().primary(),
    customerId: p.uuid(),
    label: p.string(),
    name: p.string(),
    line1: p.string().fieldName('line1'),
    line2: p.string().fieldName('line2').nullable(),
    city: p.string(),
    postalCode: p.string(),
    country: p.string(),
    phone: p.string().nullable(),
    isDefault: p.boolean(),
    createdAt: p.datetime(3),
  },
});
export class SavedAddress extends SavedAddressSchema.class {}
SavedAddressSchema.setClass(SavedAddress);

/**
 * A sign-in, whatever the number of refreshes: a refresh token is used once and gives way to the next, and the session knows
 * the hash of the current one.
 */
const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'session',
  properties: {
    id: p.uuid().primary(),
    customerId: p.uuid(),
    tokenHash: p.string(),
    expiresAt: p.datetime(3),
  },
});
export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session);

/** One rental as its customer sees it, by the events of the rental alone. */
const OrderSchema = defineEntity({
  name: 'Order',
  tableName: 'customer_order',
  properties: {
    /** The rental's. */
    id: p.uuid().primary(),
    customerId: p.uuid(),
    bookId: p.uuid(),
    quantity: p.integer(),
    status: p.string().$type<RentalStatus>(),
    statusSince: p.datetime(3),
    /** The entry in the customer's log that tells of this status. */
    changeNumber: p.integer(),
    requestedAt: p.datetime(3),
    dueAt: p.datetime(3).nullable(),
  },
});
export class Order extends OrderSchema.class {}
OrderSchema.setClass(Order);

/** An entry in the numbered log of one customer's orders; never changed. Written by orderLog.ts alone. */
const OrderEventSchema = defineEntity({
  name: 'OrderEvent',
  tableName: 'order_event',
  properties: {
    customerId: p.uuid().primary(),
    /** Counts from 1 without a gap, in the order in which the entries became visible. */
    number: p.integer().primary(),
    rentalId: p.uuid(),
    aggregate: p.string(),
    version: p.integer(),
    type: p.string(),
    /** Of the rental after its event; null for a scan, which may become known before or after the change that it brings about. */
    status: p.string().$type<RentalStatus>().nullable(),
    previousStatus: p.string().$type<RentalStatus>().nullable(),
    /** Of the parcel after its event; null for the rental's own. */
    deliveryStatus: p.string().$type<DeliveryStatus>().nullable(),
    message: p.string(),
    occurredAt: p.datetime(3),
  },
});
export class OrderEvent extends OrderEventSchema.class {}
OrderEventSchema.setClass(OrderEvent);

/** Where a parcel is, by its own events alone. */
const ParcelSchema = defineEntity({
  name: 'Parcel',
  tableName: 'parcel',
  properties: {
    id: p.uuid().primary(),
    rentalId: p.uuid(),
    direction: p.string().$type<Direction>(),
    status: p.string().$type<DeliveryStatus>(),
    trackingUrl: p.string().nullable(),
    /** When its first event happened. */
    since: p.datetime(3),
  },
});
export class Parcel extends ParcelSchema.class {}
ParcelSchema.setClass(Parcel);

/** What the history shows of a book. */
const BookSchema = defineEntity({
  name: 'Book',
  tableName: 'book',
  properties: {
    id: p.uuid().primary(),
    title: p.string(),
  },
});
export class Book extends BookSchema.class {}
BookSchema.setClass(Book);

/** A copy that is set aside for somebody who waits, by the events of the waitlist; kept only while customers are told of it. */
const OfferSchema = defineEntity({
  name: 'Offer',
  tableName: 'offer',
  properties: {
    /** The waitlist entry's. */
    id: p.uuid().primary(),
    customerId: p.uuid(),
    bookId: p.uuid(),
    status: p.string().$type<OfferStatus>(),
    expiresAt: p.datetime(3),
  },
});
export class Offer extends OfferSchema.class {}
OfferSchema.setClass(Offer);

/** What a customer is to be told, or was, by one channel. */
const NotificationSchema = defineEntity({
  name: 'Notification',
  tableName: 'notification',
  properties: {
    /** The message's, by which whoever gets it twice can tell. */
    id: p.uuid().primary(),
    channel: p.string().$type<Channel>(),
    kind: p.string().$type<NotificationKind>(),
    /** The rental's id, or the waitlist entry's. */
    subject: p.uuid(),
    /** One row for each channel, kind, subject and occasion. */
    occasion: p.string(),
    customerId: p.uuid(),
    bookId: p.uuid(),
    refund: p.json<Refund>().nullable(),
    /** DROPPED: it was no longer true when it was to be sent. */
    status: p.string().$type<'TODO' | 'SENT' | 'DROPPED' | 'FAILED'>(),
    attempts: p.integer(),
    nextAttemptAt: p.datetime(3),
    createdAt: p.datetime(3),
    settledAt: p.datetime(3).nullable(),
  },
});
export class Notification extends NotificationSchema.class {}
NotificationSchema.setClass(Notification);

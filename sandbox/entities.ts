import { defineEntity, p } from '@mikro-orm/core';
import type { Booking, ParcelStatus } from './parcels.ts';
import type { IntentStatus } from './payments.ts';

/** Stripe's PaymentIntent, with the one charge that its latest confirm made. */
const IntentSchema = defineEntity({
  name: 'Intent',
  tableName: 'payment_intent',
  properties: {
    id: p.string().primary(),
    /** Minor units, as are all amounts. */
    amount: p.integer(),
    amountReceived: p.integer(),
    amountRefunded: p.integer(),
    currency: p.string(),
    metadata: p.json<Record<string, string>>(),
    status: p.string().$type<IntentStatus>(),
    paymentMethod: p.string().nullable(),
    chargeId: p.string().nullable(),
    /** Why the latest charge failed; null when it succeeded, or there is none. */
    declineCode: p.string().nullable(),
    createdAt: p.datetime(3),
    canceledAt: p.datetime(3).nullable(),
  },
});
export class Intent extends IntentSchema.class {}
IntentSchema.setClass(Intent);

const RefundSchema = defineEntity({
  name: 'Refund',
  tableName: 'refund',
  properties: {
    id: p.string().primary(),
    intentId: p.string(),
    amount: p.integer(),
    createdAt: p.datetime(3),
  },
});
export class Refund extends RefundSchema.class {}
RefundSchema.setClass(Refund);

/** A request that was carried out, and what it was answered. */
const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    key: p.string().primary(),
    /** Hash of the request: the key is good for this one only. */
    fingerprint: p.string(),
    status: p.integer(),
    body: p.json<object>(),
    createdAt: p.datetime(3),
  },
});
export class IdempotencyKey extends IdempotencyKeySchema.class {}
IdempotencyKeySchema.setClass(IdempotencyKey);

/** A message for the webhook, kept until it is taken. */
const BankEventSchema = defineEntity({
  name: 'BankEvent',
  tableName: 'bank_event',
  properties: {
    id: p.string().primary(),
    type: p.string(),
    object: p.json<object>(),
    createdAt: p.datetime(3),
    /** Failed attempts to send it, and when the next one may be made. */
    attempts: p.integer(),
    sendAfter: p.datetime(3),
  },
});
export class BankEvent extends BankEventSchema.class {}
BankEventSchema.setClass(BankEvent);

const ParcelSchema = defineEntity({
  name: 'Parcel',
  tableName: 'parcel',
  properties: {
    trackingNumber: p.string().primary(),
    key: p.string(),
    /** Until the journey has ended: then it is forgotten whose parcel it was. */
    booking: p.json<Booking>().nullable(),
    /** Hash of it: the key is good for this one only. */
    fingerprint: p.string(),
    trackingUrl: p.string(),
    estimatedAt: p.datetime(3),
    status: p.string().$type<ParcelStatus>(),
    /** How many scans it has. */
    scans: p.integer(),
    /** Null when nothing comes by itself. */
    nextScanAt: p.datetime(3).nullable(),
    /** Key of the stop that turned it around. */
    stopKey: p.string().nullable(),
    /** Failed attempts in a row to report its scans, and when the next one may be made. */
    reportAttempts: p.integer(),
    reportAfter: p.datetime(3),
  },
});
export class Parcel extends ParcelSchema.class {}
ParcelSchema.setClass(Parcel);

const ScanSchema = defineEntity({
  name: 'Scan',
  tableName: 'scan',
  properties: {
    id: p.uuid().primary(),
    trackingNumber: p.string(),
    /** 1, 2, 3 … within a parcel. */
    number: p.integer(),
    status: p.string().$type<ParcelStatus>(),
    note: p.string(),
    occurredAt: p.datetime(3),
    toReport: p.boolean(),
  },
});
export class Scan extends ScanSchema.class {}
ScanSchema.setClass(Scan);

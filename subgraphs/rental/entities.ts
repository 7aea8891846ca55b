import { defineEntity, p } from '@mikro-orm/core';
import type { Address } from '#schema/requests.ts';
import {
  type Finding,
  feeCauses,
  feeKinds,
  feeStatuses,
  type HoldReason,
  paymentStatuses,
  type RejectionCode,
  rentalStatuses,
  type StepStatus,
  stepKinds,
} from './rental.ts';

const RentalSchema = defineEntity({
  name: 'Rental',
  tableName: 'rental',
  properties: {
    id: p.uuid().primary(),
    customerId: p.uuid(),
    idempotencyKey: p.string(),
    /** Hash of the input, so that the same key with other input is noticed. */
    fingerprint: p.string(),
    bookId: p.uuid(),
    quantity: p.integer(),
    /** Minor units; null until the book's fee is known. */
    totalAmount: p.integer().nullable(),
    currency: p.string(),
    paymentMethod: p.string(),
    deliverTo: p.json<Address>().nullable(),
    status: p.enum(rentalStatuses),
    rejection: p.string().$type<RejectionCode>().nullable(),
    holdReason: p.string().$type<HoldReason>().nullable(),
    /** Turn in the queue of held requests; within a turn, in order of arrival (the column `number`). */
    round: p.integer().nullable(),
    /** While REQUESTED: until then one process settles this rental, and nobody else may. */
    leaseUntil: p.datetime(3).nullable(),
    /** While ON_HOLD: not resumed before. */
    retryAt: p.datetime(3).nullable(),
    /** When it was held for the first time; kept when it is resumed. */
    heldSince: p.datetime(3).nullable(),
    /** How often it was held because something did not answer; the pause before the next attempt grows with it. */
    holds: p.integer(),
    outForDelivery: p.boolean(),
    returnRequested: p.boolean(),
    /** When the carrier took the return parcel: the late clock stops there. Null again when the return was stopped. */
    returnStartedAt: p.datetime(3).nullable(),
    /** What the inspections found so far, where it was not all well. */
    findings: p.json<Finding[]>().nullable(),
    /** Every copy's inspection has ended; this may be known before the parcel's arrival is. */
    inspected: p.boolean(),
    cancelReason: p.string().nullable(),
    requestedAt: p.datetime(3),
    changedAt: p.datetime(3),
    acceptedAt: p.datetime(3).nullable(),
    /** When the parcel reached the reader. */
    deliveredAt: p.datetime(3).nullable(),
    dueAt: p.datetime(3).nullable(),
    closedAt: p.datetime(3).nullable(),
    renewals: p.integer(),
    version: p.integer(),
  },
});
export class Rental extends RentalSchema.class {}
RentalSchema.setClass(Rental);

/** One payment for each rental, under the rental's id. Amounts are minor units of its currency. */
const PaymentSchema = defineEntity({
  name: 'Payment',
  tableName: 'payment',
  properties: {
    id: p.uuid().primary(),
    status: p.enum(paymentStatuses),
    /** The provider's name for it; stored before anything is authorised. */
    intentId: p.string().nullable(),
    currency: p.string(),
    authorized: p.integer(),
    captured: p.integer(),
    refunded: p.integer(),
    declineCode: p.string().nullable(),
    capturedAt: p.datetime(3).nullable(),
    refundedAt: p.datetime(3).nullable(),
    version: p.integer(),
  },
});
export class Payment extends PaymentSchema.class {}
PaymentSchema.setClass(Payment);

/** What a rental costs beside its price, each for a reason of its own. Amounts are minor units. */
const FeeSchema = defineEntity({
  name: 'Fee',
  tableName: 'fee',
  properties: {
    id: p.uuid().primary(),
    rentalId: p.uuid(),
    customerId: p.uuid(),
    kind: p.enum(feeKinds),
    status: p.enum(feeStatuses),
    amount: p.integer(),
    currency: p.string(),
    explanation: p.string(),
    /** Null in fees of before there was this column, like the next two. */
    copies: p.integer().nullable(),
    /** Of a LATE one. */
    daysLate: p.integer().nullable(),
    /** Of one for a single copy. */
    cause: p.enum(feeCauses).nullable(),
    /** The copy it is for, where an inspection found out; null for a copy that never came back. */
    copyId: p.uuid().nullable(),
    /** It is not owed after all: whatever is still paid is given back. */
    dropped: p.boolean(),
    waiver: p.string().nullable(),
    /** Of the payments that were tried: each is a new one for the provider. */
    attempt: p.integer(),
    paymentMethod: p.string().nullable(),
    /** The provider's name for the latest of them. */
    intentId: p.string().nullable(),
    declineCode: p.string().nullable(),
    /** When something is due at the provider; null when nothing is. Whoever takes it on moves it ahead. */
    nextAttemptAt: p.datetime(3).nullable(),
    tries: p.integer(),
    createdAt: p.datetime(3),
    paidAt: p.datetime(3).nullable(),
    refundedAt: p.datetime(3).nullable(),
    version: p.integer(),
  },
});
export class Fee extends FeeSchema.class {}
FeeSchema.setClass(Fee);

/** Something that a rental still has to have done, kept until it is confirmed. */
const StepSchema = defineEntity({
  name: 'Step',
  tableName: 'step',
  properties: {
    rentalId: p.uuid().primary(),
    kind: p.enum(stepKinds).primary(),
    status: p.string().$type<StepStatus>(),
    attempts: p.integer(),
    /** Made by the database, whose clock all replicas share; so that a step is due at once. */
    nextAttemptAt: p.datetime(3).defaultRaw('clock_timestamp()'),
    /** Since when it is owed, or since when nothing else has to come first: for the operator. */
    owedSince: p.datetime(3).defaultRaw('now()'),
  },
});
export class Step extends StepSchema.class {}
StepSchema.setClass(Step);

/** What Rental has to know of a book to decide by itself: copied from Book's events. */
const BookSchema = defineEntity({
  name: 'Book',
  tableName: 'book',
  properties: {
    id: p.uuid().primary(),
    status: p.string().$type<'LISTED' | 'WITHDRAWN'>(),
    feeAmount: p.integer(),
    feeCurrency: p.string(),
  },
});
export class Book extends BookSchema.class {}
BookSchema.setClass(Book);

/** Who waits for a title, copied from Book's events: nothing but that they do. */
const WaitingSchema = defineEntity({
  name: 'Waiting',
  tableName: 'waiting',
  properties: {
    /** The entry's in the waitlist. */
    id: p.uuid().primary(),
    bookId: p.uuid(),
  },
});
export class Waiting extends WaitingSchema.class {}
WaitingSchema.setClass(Waiting);

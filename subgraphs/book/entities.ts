import { defineEntity, p } from '@mikro-orm/core';
import type { AnswerOf } from '#schema/requests.ts';
import { copyStatuses, type MovementType, reservationStatuses, type StockBucket, waitlistStatuses } from './book.ts';

const BookSchema = defineEntity({
  name: 'Book',
  tableName: 'book',
  properties: {
    id: p.uuid().primary(),
    /** ISBN-13, digits only. */
    isbn: p.string().nullable(),
    sourceId: p.string().nullable(),
    title: p.string(),
    authors: p.array(),
    publisher: p.string().nullable(),
    publishedYear: p.integer().nullable(),
    language: p.string().nullable(),
    tags: p.array(),
    status: p.string().$type<'LISTED' | 'WITHDRAWN'>(),
    /** Minor units. */
    feeAmount: p.integer(),
    feeCurrency: p.string(),
    available: p.integer(),
    reserved: p.integer(),
    out: p.integer(),
    inspecting: p.integer(),
    /** How often it was rated in the catalogue it was imported from. */
    popularity: p.integer(),
    // What searches read, in SQL: see book.ts. Nobody else needs it, so it is not loaded.
    searchTitle: p.string().lazy(),
    searchText: p.string().lazy(),
    facets: p.array().lazy(),
    /** Of the catalogue entry; stock is told of by the reservations' events. */
    version: p.integer(),
  },
});
export class Book extends BookSchema.class {}
BookSchema.setClass(Book);

const BookCopySchema = defineEntity({
  name: 'BookCopy',
  tableName: 'book_copy',
  properties: {
    id: p.uuid().primary(),
    bookId: p.uuid(),
    barcode: p.string(),
    status: p.enum(copyStatuses),
    statusSince: p.datetime(3),
    /** The rental it is out for, in inspection for, or was lost by. */
    rentalId: p.uuid().nullable(),
  },
});
export class BookCopy extends BookCopySchema.class {}
BookCopySchema.setClass(BookCopy);

/** What one rental has of a title, under the rental's id. RELEASED also where nothing ever was reserved: a reserve that comes later is refused. */
const ReservationSchema = defineEntity({
  name: 'Reservation',
  tableName: 'reservation',
  properties: {
    id: p.uuid().primary(),
    customerId: p.uuid(),
    bookId: p.uuid(),
    quantity: p.integer(),
    status: p.enum(reservationStatuses),
    /** What whoever asks to reserve is told, however often. */
    answer: p.json<AnswerOf<'rpc.book.reserve'>>(),
    /** By the scans: when the copies went out, and when they were back. */
    issuedAt: p.datetime(3).nullable(),
    returnedAt: p.datetime(3).nullable(),
    version: p.integer(),
  },
});
export class Reservation extends ReservationSchema.class {}
ReservationSchema.setClass(Reservation);

/** A customer's place on a title's waitlist; the column `number` has their order. */
const WaitlistEntrySchema = defineEntity({
  name: 'WaitlistEntry',
  tableName: 'waitlist_entry',
  properties: {
    id: p.uuid().primary(),
    bookId: p.uuid(),
    customerId: p.uuid(),
    status: p.enum(waitlistStatuses),
    joinedAt: p.datetime(3),
    /** While it is OFFERED. */
    offerExpiresAt: p.datetime(3).nullable(),
    version: p.integer(),
  },
});
export class WaitlistEntry extends WaitlistEntrySchema.class {}
WaitlistEntrySchema.setClass(WaitlistEntry);

/** One line of the ledger; never changed, but for its remark when the customer is erased. */
const StockMovementSchema = defineEntity({
  name: 'StockMovement',
  tableName: 'stock_movement',
  properties: {
    /** In the order of the changes of a book. */
    id: p.bigint('number').primary().autoincrement(),
    bookId: p.uuid(),
    type: p.string().$type<MovementType>(),
    from: p.string().fieldName('from_bucket').$type<StockBucket>(),
    to: p.string().fieldName('to_bucket').$type<StockBucket>(),
    quantity: p.integer(),
    /** Where it was about one copy only. */
    copyId: p.uuid().nullable(),
    rentalId: p.uuid().nullable(),
    reason: p.string().nullable(),
    actor: p.string().nullable(),
    occurredAt: p.datetime(3),
  },
});
export class StockMovement extends StockMovementSchema.class {}
StockMovementSchema.setClass(StockMovement);

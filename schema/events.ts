/**
 * Every event that crosses a service border, and nothing else: the contract between publishers and consumers, who share
 * these types, never each other's code. Checked at both ends; published as AsyncAPI 3 in asyncapi.json.
 * Events carry ids and facts, no names, addresses or e-mails. Adding an optional field is fine; anything else is a new version.
 */
import { z } from 'zod';

const id = z.uuid();
const money = z.object({ amount: z.int().min(0), currency: z.string().length(3) });
const instant = z.iso.datetime();

/** What every event about a rental says. */
const rental = { rentalId: id, customerId: id, bookId: id, quantity: z.int().min(1) };
/** `occurredAt` is the scan's time, which may be well before the event's. */
const parcel = { ...rental, deliveryId: id, direction: z.enum(['OUTBOUND', 'RETURN']), occurredAt: instant };
const entry = { entryId: id, customerId: id, bookId: id };
const payment = { ...rental, amount: money };
const fee = { ...rental, feeId: id, kind: z.enum(['LATE', 'DAMAGE', 'LOST', 'RENTAL']), amount: money };

export const eventSchemas = {
  'book.saved': z.object({
    bookId: id,
    isbn: z.string().nullable(),
    sourceId: z.string().nullable(),
    title: z.string(),
    authors: z.array(z.string()),
    publisher: z.string().nullable(),
    publishedYear: z.int().nullable(),
    language: z.string().nullable(),
    tags: z.array(z.string()),
    status: z.enum(['LISTED', 'WITHDRAWN']),
    rentalFee: money,
  }),
  'book.withdrawn': z.object({ bookId: id }),

  'stock.reserved': z.object(rental),
  'stock.refused': z.object({ ...rental, reason: z.enum(['OUT_OF_STOCK', 'BOOK_NOT_FOUND', 'BOOK_WITHDRAWN']) }),
  /** `quantity` is 0 where nothing was reserved: for a tombstone and for a refused reservation. */
  'stock.released': z.object({ ...rental, quantity: z.int().min(0) }),
  'stock.issued': z.object(rental),
  'stock.received': z.object(rental),
  /** One copy's inspection; `remaining` copies of this rental are still to be inspected. */
  'stock.inspected': z.object({
    ...rental,
    copyId: id,
    condition: z.enum(['GOOD', 'WORN', 'DAMAGED', 'UNUSABLE', 'MISSING']),
    remaining: z.int().min(0),
  }),
  'stock.written_off': z.object(rental),
  /** A copy that this rental had lost is here after all. */
  'stock.found': z.object({ ...rental, copyId: id }),

  'waitlist.joined': z.object(entry),
  'waitlist.offered': z.object({ ...entry, expiresAt: instant }),
  'waitlist.fulfilled': z.object(entry),
  'waitlist.expired': z.object(entry),
  'waitlist.left': z.object(entry),

  'rental.requested': z.object({ ...rental, total: money.nullable() }),
  'rental.held': z.object({ ...rental, reason: z.enum(['OVERLOAD', 'BOOK', 'PAYMENT']) }),
  'rental.resumed': z.object(rental),
  'rental.accepted': z.object({ ...rental, total: money }),
  'rental.rejected': z.object({
    ...rental,
    code: z.enum([
      'OUT_OF_STOCK',
      'PAYMENT_DECLINED',
      'BOOK_NOT_FOUND',
      'BOOK_WITHDRAWN',
      'CUSTOMER_BLOCKED',
      'LIMIT_REACHED',
      'HOLD_EXPIRED',
    ]),
  }),
  'rental.shipped': z.object(rental),
  'rental.loan_started': z.object({ ...rental, dueAt: instant }),
  'rental.loan_resumed': z.object({ ...rental, dueAt: instant }),
  'rental.renewed': z.object({ ...rental, dueAt: instant }),
  'rental.overdue': z.object(rental),
  'rental.return_requested': z.object(rental),
  'rental.returning': z.object(rental),
  'rental.returned': z.object(rental),
  'rental.closed': z.object(rental),
  /** `from` is the status the cancel met: it says what there is to undo. */
  'rental.cancelled': z.object({ ...rental, from: z.enum(['REQUESTED', 'ON_HOLD', 'ACCEPTED', 'SHIPPING']) }),
  'rental.lost': z.object({ ...rental, by: z.enum(['CUSTOMER', 'CARRIER', 'AGE']) }),
  /** A cancelled rental was delivered all the same, and its books never came back: they are written off, and no refund is owed. */
  'rental.kept': z.object(rental),

  'payment.authorized': z.object(payment),
  'payment.declined': z.object({ ...payment, declineCode: z.string() }),
  'payment.captured': z.object(payment),
  'payment.voided': z.object(payment),
  'payment.refunded': z.object(payment),

  'fee.raised': z.object(fee),
  'fee.paid': z.object(fee),
  'fee.waived': z.object(fee),
  'fee.refunded': z.object(fee),

  'delivery.created': z.object({ ...parcel, trackingUrl: z.string().nullable() }),
  'delivery.picked_up': z.object(parcel),
  'delivery.in_transit': z.object(parcel),
  'delivery.out_for_delivery': z.object(parcel),
  'delivery.delivered': z.object(parcel),
  'delivery.failed': z.object(parcel),
  'delivery.stopped': z.object(parcel),
  'delivery.returned_to_sender': z.object(parcel),
  'delivery.lost': z.object(parcel),

  /** `change` says what was done; the roles are the whole of what others may know. */
  'customer.saved': z.object({
    customerId: id,
    roles: z.array(z.enum(['CUSTOMER', 'STAFF', 'COURIER', 'ADMIN'])),
    change: z.enum(['REGISTERED', 'DETAILS', 'PASSWORD', 'ADDRESSES', 'ROLES']),
  }),
  'customer.erased': z.object({ customerId: id }),
} satisfies Record<string, z.ZodType>;

export type EventType = keyof typeof eventSchemas;
export type DataOf<T extends EventType> = z.infer<(typeof eventSchemas)[T]>;
export const eventTypes = Object.keys(eventSchemas) as EventType[]; // the keys are what the table was written with

/** One stream per service, so each has one writer; the contexts are the first words of its event names. */
export const streams = {
  BOOK: ['book', 'stock', 'waitlist'],
  RENTAL: ['rental', 'payment', 'fee'],
  DELIVERY: ['delivery'],
  CUSTOMER: ['customer'],
} as const;
export type Stream = keyof typeof streams;

type ContextOf<T extends EventType> = T extends `${infer C}.${string}` ? C : never;
export type EventTypeOf<S extends Stream> = {
  [T in EventType]: ContextOf<T> extends (typeof streams)[S][number] ? T : never;
}[EventType];

/** A CloudEvents 1.0 JSON envelope, with this project's extensions in lower case as CloudEvents wants them. */
export interface Event<T extends EventType = EventType> {
  specversion: '1.0';
  /** `<aggregate>-<id>:<version>`, also the Nats-Msg-Id. */
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  aggregateversion: number;
  correlationid?: string | undefined;
  causationid?: string | undefined;
  traceparent?: string | undefined;
  data: DataOf<T>;
}

const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.string().regex(/^[a-z]+-[0-9a-f-]{36}:[1-9][0-9]*$/),
  source: z.string(),
  type: z.string().regex(/^rentabook\.[a-z]+\.[a-z_]+\.v[1-9][0-9]*$/),
  subject: z.string(),
  time: instant,
  datacontenttype: z.literal('application/json'),
  aggregateversion: z
    .int()
    .min(1)
    .max(2 ** 31 - 1), // PostgreSQL's int
  correlationid: z.string().optional(),
  causationid: z.string().optional(),
  traceparent: z.string().optional(),
  data: z.looseObject({}),
});

const VERSION = 'v1';
export const wireType = (type: EventType): string => `rentabook.${type}.${VERSION}`;
export const subjectOf = (type: EventType, aggregateId: string): string => `rentabook.${type}.${aggregateId}`;
export const contextOf = (type: EventType): string => type.slice(0, type.indexOf('.'));

/** The kind of thing an event is about, the first part of its id: a stock event is about a rental's reservation. */
export const aggregateOf = (type: EventType): string => (contextOf(type) === 'stock' ? 'reservation' : contextOf(type));

/** What an arriving message turned out to be. */
export type Parsed =
  | { kind: 'event'; type: EventType; event: Event }
  /** Well-formed, but of a type or major version that this build does not know: for a newer replica. */
  | { kind: 'unknown'; event: Event }
  /** `event` where at least the envelope can be read, so that it is known what it was about. */
  | { kind: 'unparsable'; reason: string; event?: Event };

const typesOnTheWire = new Map(eventTypes.map((type) => [wireType(type), type]));

/** Made once: zod compiles a schema when it is used first, and one for each event took an eighth of Book's CPU under load. */
const looseSchemas = Object.fromEntries(
  eventTypes.map((type) => [type, (eventSchemas[type] as z.ZodObject).loose()]),
) as Record<EventType, z.ZodObject>; // one of each

/** Reads a message as an event; never throws. */
export function parseEvent(text: string): Parsed {
  const outer = envelope.safeParse(parseJson(text));
  if (!outer.success) return { kind: 'unparsable', reason: z.prettifyError(outer.error) };
  const event = outer.data as Event; // `data` is checked next, by its type
  const type = typesOnTheWire.get(event.type);
  if (!type) return { kind: 'unknown', event };
  const data = looseSchemas[type].safeParse(event.data);
  if (!data.success) return { kind: 'unparsable', reason: z.prettifyError(data.error), event };
  return { kind: 'event', type, event };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the envelope's check says what is wrong
  }
}

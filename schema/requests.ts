/**
 * Requests between services (NATS request-reply), with both sides' shapes. Subjects are `rpc.<service>.<verb>`, never
 * below `rentabook.`: a stream would answer them. Asking twice gives the same answer and has no further effect.
 */
import { z } from 'zod';

const id = z.uuid();
const money = z.object({ amount: z.int().min(0), currency: z.string().length(3) });

export const address = z.object({
  name: z.string(),
  line1: z.string(),
  line2: z.string().nullable(),
  city: z.string(),
  postalCode: z.string(),
  country: z.string().length(2),
  phone: z.string().nullable(),
});
export type Address = z.infer<typeof address>;

/** Where a page of the audit log ended: the next entries are older. */
const auditPosition = z.object({ occurredAt: z.iso.datetime(), id });

/** The next entries of a service's own audit log, newest first: in parts, one for each service, so that the whole is as complete as each. */
const audit = {
  ask: z.object({
    limit: z.int().min(1).max(101),
    before: auditPosition.nullable(),
    actorId: z.string().nullish(),
    action: z.string().nullish(),
    subjectId: z.string().nullish(),
    from: z.iso.datetime().nullish(),
    to: z.iso.datetime().nullish(),
  }),
  answer: z.object({
    entries: z.array(
      auditPosition.extend({
        action: z.string(),
        actorId: id,
        roles: z.array(z.string()),
        subjectType: z.string(),
        subjectId: id,
        details: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
};

/** The next of what a service holds about a customer, whole rows in the order of their ids, for them to take away. */
const personal = {
  ask: z.object({ customerId: id, after: id.nullable() }),
  answer: z.object({ items: z.array(z.looseObject({ id })), next: id.nullable() }),
};

export const requests = {
  /** Sets copies aside for a rental, or says why not. */
  'rpc.book.reserve': {
    ask: z.object({ rentalId: id, customerId: id, bookId: id, quantity: z.int().min(1) }),
    answer: z.discriminatedUnion('outcome', [
      z.object({ outcome: z.literal('RESERVED'), fee: money }),
      z.object({ outcome: z.literal('REFUSED'), reason: z.enum(['OUT_OF_STOCK', 'BOOK_NOT_FOUND', 'BOOK_WITHDRAWN']) }),
      /** The rental was cancelled or rejected before: nothing is reserved for it any more. */
      z.object({ outcome: z.literal('RELEASED') }),
    ]),
  },
  /** What this customer could have of a title now, an offer of their own included; null where there is no such book. */
  'rpc.book.quote': {
    ask: z.object({ bookId: id, customerId: id }),
    answer: z.object({
      book: z.object({ status: z.enum(['LISTED', 'WITHDRAWN']), fee: money, available: z.int().min(0) }).nullable(),
    }),
  },
  'rpc.book.ping': { ask: z.object({}), answer: z.object({}) },
  'rpc.book.audit': audit,
  'rpc.book.export': personal,
  'rpc.rental.audit': audit,
  'rpc.rental.export': personal,
  'rpc.delivery.audit': audit,
  'rpc.delivery.export': personal,
  /**
   * Closes a customer's account to new rentals, for good, unless something is open: then that is named (the first of it), and
   * nothing has changed.
   */
  'rpc.rental.close': {
    ask: z.object({ customerId: id }),
    answer: z.discriminatedUnion('closed', [
      z.object({ closed: z.literal(true) }),
      z.object({
        closed: z.literal(false),
        open: z.array(z.object({ kind: z.enum(['RENTAL', 'FEE']), id, status: z.string() })),
      }),
    ]),
  },
  /** Where a rental's parcel goes; null when the rental is unknown or its address erased. */
  'rpc.rental.address': {
    ask: z.object({ rentalId: id }),
    answer: z.object({ address: address.nullable() }),
  },
} satisfies Record<`rpc.${string}.${string}`, { ask: z.ZodType; answer: z.ZodType }>;

export type RequestSubject = keyof typeof requests;
export type AskOf<S extends RequestSubject> = z.infer<(typeof requests)[S]['ask']>;
export type AnswerOf<S extends RequestSubject> = z.infer<(typeof requests)[S]['answer']>;

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

/** One that a service has given up on, as it may be shown. A long text ends with `…`. */
const deadLetter = z.object({
  id,
  consumer: z.string(),
  /** Null for a message that is no event. */
  event: z.string().nullable(),
  reason: z.string(),
  since: z.iso.datetime(),
  behind: z.int().min(0),
  message: z.string(),
});

/** The next of a service's dead letters, the oldest first. */
const deadLetters = {
  ask: z.object({
    limit: z.int().min(1).max(101),
    after: z.object({ since: z.iso.datetime(), id }).nullable(),
  }),
  answer: z.object({ letters: z.array(deadLetter) }),
};

/** By whom, for the audit log. */
const actor = z.object({ customerId: id, roles: z.array(z.enum(['CUSTOMER', 'STAFF', 'COURIER', 'ADMIN'])) });

/** What has become of a dead letter, or why nothing was done. */
const fate = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('REFUSED'),
    code: z.enum(['NOT_FOUND', 'NOT_ALLOWED_IN_STATE']),
    message: z.string(),
  }),
  z.object({ outcome: z.enum(['APPLIED', 'WAITING', 'DEAD', 'DROPPED']), letter: deadLetter }),
]);

/** Done once: whoever asks again is told that there is none any more. One that is dead again is another. */
const replayDeadLetter = { ask: z.object({ id, actor }), answer: fate };
const dropDeadLetter = { ask: z.object({ id, reason: z.string(), actor }), answer: fate };

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
  'rpc.book.deadLetters': deadLetters,
  'rpc.book.dropDeadLetter': dropDeadLetter,
  'rpc.book.export': personal,
  'rpc.book.replayDeadLetter': replayDeadLetter,
  'rpc.rental.audit': audit,
  'rpc.rental.deadLetters': deadLetters,
  'rpc.rental.dropDeadLetter': dropDeadLetter,
  'rpc.rental.export': personal,
  'rpc.rental.replayDeadLetter': replayDeadLetter,
  'rpc.delivery.audit': audit,
  'rpc.delivery.deadLetters': deadLetters,
  'rpc.delivery.dropDeadLetter': dropDeadLetter,
  'rpc.delivery.export': personal,
  'rpc.delivery.replayDeadLetter': replayDeadLetter,
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

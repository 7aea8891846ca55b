/**
 * What Stripe's messages lead to. A message is a bell, not the truth: it may come twice, late, before or after any other, so what it
 * says is never written down as what is. It makes us ask Stripe, by the same keys as ever. Why so: docs/decisions/0012-stripe-webhooks.md.
 */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { isId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import { dropFee, lockFees, lockPayment, lockRental } from './changes.ts';
import type { Rental } from './entities.ts';
import { applyRefund } from './money.ts';
import type { KnownPayment, PaymentProvider } from './paymentProvider.ts';
import { type MoneyStep, type PaymentStatus, paymentAfter } from './rental.ts';

/** RING: what is open for this rental is due at once. REFUND: money may have gone back that nobody here has sent. */
type Meaning = 'RING' | 'REFUND';

const meanings = new Map<string, Meaning>([
  ['payment_intent.amount_capturable_updated', 'RING'],
  ['payment_intent.succeeded', 'RING'],
  ['payment_intent.payment_failed', 'RING'],
  ['payment_intent.canceled', 'RING'],
  ['charge.refunded', 'REFUND'],
  ['refund.created', 'REFUND'],
  ['refund.updated', 'REFUND'],
  ['refund.failed', 'REFUND'],
]);

/** Undefined for messages that lead to nothing. */
export const meaningOf = (type: string): Meaning | undefined => meanings.get(type);

/** What a message came to. The last two may change while the rest of the story arrives; after `PATIENCE` they stand. */
type Outcome =
  | 'APPLIED'
  /** Nothing was open, or all of it was known. */
  | 'NO_CHANGE'
  /** It is about none of this shop's payments for rentals. */
  | 'NOT_OURS'
  /** A part of a fee was given back: nothing here can say that, so a person has to. `npm run reconcile` tells of it. */
  | 'FEE_IN_PART'
  | 'UNKNOWN_RENTAL'
  /** Given back, and not known here to have been taken. */
  | 'NOT_CAPTURED';
const mayChange = (outcome: Outcome): boolean => outcome === 'UNKNOWN_RENTAL' || outcome === 'NOT_CAPTURED';
const PATIENCE = '1 hour';

const AT_ONCE = 16;

interface Hearing {
  em: () => EntityManager;
  provider: PaymentProvider;
  /** A message that was claimed by a process that died is due again after so long. */
  claimMs: number;
}

interface Message {
  id: string;
  type: string;
  intentId: string | null;
  rentalId: string | null;
  key: string | null;
  attempts: number;
  old: boolean;
}

/** One round: claims messages that are due and does what they lead to. Answers how many there were. */
export async function applyStripeEvents(hearing: Hearing, log: Log): Promise<number> {
  const due = await query<Message>(
    hearing.em(),
    `UPDATE stripe_event SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $2 * interval '1 ms' WHERE id IN (
       SELECT id FROM stripe_event WHERE outcome IS NULL AND next_attempt_at <= clock_timestamp()
       ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING id, type, intent_id AS "intentId", rental_id AS "rentalId", key, attempts, received_at < clock_timestamp() - $3::interval AS old`,
    [AT_ONCE, hearing.claimMs, PATIENCE],
  );
  await Promise.all(
    due.map((message) =>
      apply(hearing, message, log).catch((error: unknown) =>
        log.error(
          { err: error, stripeEventId: message.id },
          'a message of Stripe was not seen to; its turn comes again',
        ),
      ),
    ),
  );
  return due.length;
}

/** Long enough to look into a complaint; Stripe itself shows an event for thirty days. */
const KEPT = '90 days';

/** One round: forgets messages that were done with long ago. Answers how many. */
export async function forgetStripeEvents(em: EntityManager): Promise<number> {
  const rows = await query(
    em,
    `DELETE FROM stripe_event WHERE id IN (
       SELECT id FROM stripe_event WHERE outcome IS NOT NULL AND received_at < clock_timestamp() - $1::interval
       ORDER BY received_at LIMIT 200 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [KEPT],
  );
  return rows.length;
}

/** The effect and its note in one transaction; whatever the provider has to be asked is asked before. */
type Effect = (em: EntityManager) => Promise<Outcome>;

async function apply(hearing: Hearing, message: Message, log: Log): Promise<void> {
  const meaning = meaningOf(message.type);
  const effect = meaning && (await effects[meaning](hearing, message));
  const outcome = await transaction(hearing.em(), async (em) => {
    const outcome = effect ? await effect(em) : null;
    const final = outcome && (message.old || !mayChange(outcome)) ? outcome : null;
    await note(em, message, final);
    return final;
  });
  if (outcome && mayChange(outcome))
    log.warn({ stripeEventId: message.id, intentId: message.intentId, outcome }, 'a message of Stripe led to nothing');
}

/** Null means that there is no answer yet. */
const effects: Record<Meaning, (hearing: Hearing, message: Message) => Promise<Effect | null>> = {
  async RING(_, { rentalId, key }) {
    return (em) => ring(em, rentalId, key);
  },
  async REFUND({ provider }, { intentId }) {
    const payment = intentId ? await provider.look(intentId) : { status: 'MISSING' as const };
    if (payment.status === 'UNKNOWN') return null;
    return async (em) => (payment.status === 'KNOWN' ? takeDown(em, { ...payment, intentId }) : 'NOT_OURS');
  },
};

const mayBeCaptured: PaymentStatus[] = ['PENDING', 'UNKNOWN', 'AUTHORIZED'];
const moneySteps: MoneyStep[] = ['CAPTURE', 'PAYMENT_VOID', 'PAYMENT_REFUND'];

/** What waits for its next attempt waits no longer. Nothing is asked here: whoever does the step or drains the hold does. */
async function ring(em: EntityManager, rentalId: string | null, key: string | null): Promise<Outcome> {
  if (!rentalId) return 'NOT_OURS';
  if (!(await query(em, 'SELECT id FROM rental WHERE id = $1', [rentalId])).length) return 'UNKNOWN_RENTAL';
  const feeId = feeIn(key);
  if (feeId) return (await ringFee(em, feeId)) ? 'APPLIED' : 'NO_CHANGE';
  const held = await query(
    em,
    `UPDATE rental SET retry_at = clock_timestamp()
     WHERE id = $1 AND status = 'ON_HOLD' AND hold_reason = 'PAYMENT' AND retry_at > clock_timestamp() RETURNING id`,
    [rentalId],
  );
  const steps = await query(
    em,
    `UPDATE step SET next_attempt_at = clock_timestamp()
     WHERE rental_id = $1 AND kind = ANY($2) AND status = 'TODO' AND next_attempt_at > clock_timestamp() RETURNING kind`,
    [rentalId, moneySteps],
  );
  return held.length || steps.length ? 'APPLIED' : 'NO_CHANGE';
}

/** A fee's payments have keys of their own, `fee:<id>:<attempt>`. */
function feeIn(key: string | null): string | null {
  const [, id] = /^fee:([^:]+):\d+$/.exec(key ?? '') ?? [];
  return isId(id) ? id : null;
}

async function ringFee(em: EntityManager, id: string): Promise<boolean> {
  const rows = await query(
    em,
    `UPDATE fee SET next_attempt_at = clock_timestamp() WHERE id = $1 AND next_attempt_at > clock_timestamp() RETURNING id`,
    [id],
  );
  return rows.length > 0;
}

interface Books extends KnownPayment {
  intentId: string | null;
}

/** Brings the shop up to what the provider's books say was given back, by whomever. */
async function takeDown(em: EntityManager, books: Books): Promise<Outcome> {
  const { rentalId, key } = books;
  const feeId = feeIn(key);
  if (!isId(rentalId) || !(feeId || key === rentalId)) return 'NOT_OURS';
  const rental = await lockRental(em, rentalId);
  if (!rental) return 'UNKNOWN_RENTAL';
  return feeId ? takeDownFee(em, rental, feeId, books) : takeDownPayment(em, rental, books);
}

/** What is known here to have been given back never comes back from there. */
async function takeDownPayment(em: EntityManager, rental: Rental, books: Books): Promise<Outcome> {
  const payment = await lockPayment(em, rental.id);
  if (payment.intentId !== books.intentId) return 'NOT_OURS';
  if (books.captured > 0 && mayBeCaptured.includes(payment.status)) {
    await ring(em, rental.id, books.key); // it is done, and not noted yet
    return 'NOT_CAPTURED';
  }
  const refunded = Math.min(books.refunded, payment.captured);
  if (refunded <= payment.refunded || !paymentAfter(payment.status, 'refund')) return 'NO_CHANGE';
  applyRefund(em, payment, rental, refunded);
  return 'APPLIED';
}

/** A fee is paid whole or not: given back in full it is not owed after all, and the sweeper finds that nothing is left to give back. */
async function takeDownFee(em: EntityManager, rental: Rental, id: string, books: Books): Promise<Outcome> {
  const fee = (await lockFees(em, rental.id)).find((one) => one.id === id);
  if (fee?.intentId !== books.intentId) return 'NOT_OURS';
  if (fee.status === 'PENDING') {
    await ringFee(em, id);
    return 'NOT_CAPTURED';
  }
  if (fee.status !== 'PAID') return 'NO_CHANGE';
  if (books.refunded < fee.amount) return books.refunded > 0 ? 'FEE_IN_PART' : 'NO_CHANGE';
  if (fee.dropped) return 'NO_CHANGE';
  dropFee(em, fee, rental);
  return 'APPLIED';
}

/** Without an outcome it comes again. */
async function note(em: EntityManager, { id, attempts }: Message, outcome: Outcome | null): Promise<void> {
  await query(
    em,
    `UPDATE stripe_event SET outcome = $2, next_attempt_at = clock_timestamp() + $3 * interval '1 ms'
     WHERE id = $1 AND outcome IS NULL`,
    [id, outcome, retryDelayMs(attempts)],
  );
}

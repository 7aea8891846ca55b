/**
 * The one path from REQUESTED to an outcome: stock, then payment, then one transaction. The mutation and the drainer both
 * take it, each under the rental's lease, so it never runs twice at once for a rental; and every question it asks has the
 * same answer however often it is asked, so it may be cut off anywhere and start again. Source: docs/story.md, "The one path".
 */
import { databaseTime, type EntityManager, query, transaction } from '#platform/database.ts';
import { type Ask, NoAnswer } from '#platform/requestReply.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import type { AnswerOf } from '#schema/requests.ts';
import { type Admission, highestRounds, readGate, roundAfter } from './admission.ts';
import { factsOf, lockPayment, lockRental, move, movePayment, owe } from './changes.ts';
import type { Rental } from './entities.ts';
import type { Outages } from './outages.ts';
import type { ConfirmResult, PaymentProvider } from './paymentProvider.ts';
import { type Dependency, paymentAfter, type RejectionCode } from './rental.ts';
import type { Leased, SettleWrites } from './settleWrites.ts';

export interface Settling {
  em: () => EntityManager;
  ask: Ask;
  provider: PaymentProvider;
  outages: Outages;
  admission: Admission;
  writes: SettleWrites;
  bookTimeoutMs: number;
  leaseMs: number;
  /** Told when a rental is no longer being settled: there is room for another. */
  freed: () => void;
}

/** Book is asked once and the provider twice. A lease that has run out means that its holder is gone, or hangs. */
export const leaseMsFor = (bookTimeoutMs: number, paymentTimeoutMs: number): number =>
  bookTimeoutMs + 2 * paymentTimeoutMs + 3000;

/**
 * Brings a rental whose lease the caller holds to its outcome, or on hold. Answers it as it was accepted, or null where something
 * else has become of it. @throws on a fault; the drainer then comes again.
 */
export async function settle(settling: Settling, rental: Leased): Promise<Rental | null> {
  const startedAt = performance.now();
  try {
    const { answered, accepted } = await settleNow(settling, rental);
    if (answered) settling.admission.observe(performance.now() - startedAt);
    return accepted;
  } finally {
    settling.freed();
  }
}

interface Settled {
  /** All that was asked has answered. */
  answered: boolean;
  accepted: Rental | null;
}
const OVER: Settled = { answered: true, accepted: null };
const HELD: Settled = { answered: false, accepted: null };

async function settleNow(settling: Settling, rental: Leased): Promise<Settled> {
  const stock = await reserve(settling, rental);
  // crash point: rental, reserved and nothing authorised
  if (stock.outcome === 'NO_ANSWER') return hold(settling, rental.id, 'BOOK');
  settling.outages.heard('BOOK');
  if (stock.outcome === 'RELEASED') return OVER; // cancelled meanwhile, and Book knows already
  if (stock.outcome === 'REFUSED') return reject(settling, rental.id, stock.reason);

  const total = rental.totalAmount ?? stock.fee.amount * rental.quantity;
  const payment = await authorize(settling, rental, total);
  // crash point: rental, authorised and not accepted
  if (payment.status === 'UNKNOWN') return hold(settling, rental.id, 'PAYMENT');
  settling.outages.heard('PAYMENT');
  if (payment.status === 'VOIDED') return OVER; // cancelled meanwhile, and the provider knows already
  if (payment.status === 'DECLINED') return reject(settling, rental.id, 'PAYMENT_DECLINED', payment.declineCode);
  return { answered: true, accepted: await settling.writes.accept(rental, total) }; // null where a cancel has won meanwhile
}

async function reserve(
  { ask, bookTimeoutMs }: Settling,
  rental: Leased,
): Promise<AnswerOf<'rpc.book.reserve'> | { outcome: 'NO_ANSWER' }> {
  try {
    return await ask('rpc.book.reserve', factsOf(rental), bookTimeoutMs);
  } catch (error) {
    if (error instanceof NoAnswer) return { outcome: 'NO_ANSWER' };
    throw error;
  }
}

async function authorize({ writes, provider }: Settling, rental: Leased, amount: number): Promise<ConfirmResult> {
  if (amount === 0) return { status: 'AUTHORIZED' }; // a free loan needs no provider
  const { id, currency, paymentMethod } = rental;
  const order = { key: id, rentalId: id, amount, currency };
  const intent = await provider.createIntent(order);
  if (intent.status !== 'CREATED') return intent;
  // crash point: rental, an intent made and not stored
  if (!(await writes.storeIntent(rental, intent.intentId))) return { status: 'VOIDED' };
  // crash point: rental, an intent stored and not confirmed
  return provider.confirmIntent({ ...order, intentId: intent.intentId, paymentMethod });
}

/** The end of a way that does not go well. A cancel may have won meanwhile: then nothing moves. */
const conclude = (
  em: EntityManager,
  id: string,
  work: (em: EntityManager, rental: Rental) => Promise<void>,
): Promise<void> =>
  transaction(em, async (em) => {
    const rental = await lockRental(em, id);
    if (rental?.status !== 'REQUESTED') return;
    rental.leaseUntil = null;
    await work(em, rental);
  });

async function reject({ em }: Settling, id: string, code: RejectionCode, declineCode?: string): Promise<Settled> {
  await conclude(em(), id, async (em, rental) => {
    if (declineCode) {
      const payment = await lockPayment(em, id);
      payment.declineCode = declineCode;
      movePayment(em, payment, rental, 'decline', 'payment.declined', rental.totalAmount ?? 0, { declineCode });
    }
    rental.rejection = code;
    move(em, rental, 'reject', 'rental.rejected', { code });
    await owe(em, rental, 'reject', 'REQUESTED');
  });
  return OVER;
}

/** It waits at the end of its customer's turns, longer each time: one payment that never gets an answer must not fill the log. */
async function hold({ em, outages }: Settling, id: string, reason: Dependency): Promise<Settled> {
  outages.report(reason);
  await conclude(em(), id, async (em, rental) => {
    if (reason === 'PAYMENT') await forget(em, id);
    rental.holdReason = reason;
    rental.round = await nextRound(em, rental);
    rental.holds += 1;
    rental.retryAt = databaseTime(retryDelayMs(rental.holds));
    rental.heldSince ??= new Date();
    move(em, rental, 'hold', 'rental.held', { reason });
  });
  return HELD;
}

/** The provider's answer is not known: a change without an event, since nobody else can act on it. */
async function forget(em: EntityManager, id: string): Promise<void> {
  const payment = await lockPayment(em, id);
  payment.status = paymentAfter(payment.status, 'lose') ?? payment.status;
}

/** Under the customer's lock, as at intake: else those of one customer that are held together would share a turn. */
async function nextRound(em: EntityManager, { customerId }: Rental): Promise<number> {
  await query(em, 'SELECT id FROM customer WHERE id = $1 FOR UPDATE', [customerId]);
  const { lowestRound } = await readGate(em);
  const own = await highestRounds(em, [customerId]);
  return roundAfter(lowestRound, own.get(customerId) ?? null);
}

/**
 * The one path from REQUESTED to an outcome: stock, then payment, then one transaction. The mutation and the drainer both
 * take it, each under the rental's lease, so it never runs twice at once for a rental; and every question it asks has the
 * same answer however often it is asked, so it may be cut off anywhere and start again. Source: docs/story.md, "The one path".
 */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { type Ask, NoAnswer } from '#platform/requestReply.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import type { AnswerOf } from '#schema/requests.ts';
import { factsOf, lockPayment, lockRental, move, movePayment, owe } from './changes.ts';
import { Rental } from './entities.ts';
import type { Outages } from './outages.ts';
import type { ConfirmResult, PaymentProvider } from './paymentProvider.ts';
import { type HoldReason, paymentAfter, type RejectionCode, roundAfter } from './rental.ts';

export interface Settling {
  em: () => EntityManager;
  ask: Ask;
  provider: PaymentProvider;
  outages: Outages;
  bookTimeoutMs: number;
}

/** Longer than Book's and the provider's time-outs together: a lease that has run out means that its holder is gone. */
export const LEASE_MS = 15_000;

/** Brings a rental whose lease the caller holds to its outcome, or on hold. @throws on a fault; the drainer then comes again. */
export async function settle(settling: Settling, rentalId: string): Promise<void> {
  const rental = await settling.em().findOne(Rental, { id: rentalId });
  if (rental?.status !== 'REQUESTED') return; // cancelled meanwhile

  const stock = await reserve(settling, rental);
  if (stock.outcome === 'NO_ANSWER') return hold(settling, rentalId, 'BOOK');
  if (stock.outcome === 'RELEASED') return; // cancelled meanwhile, and Book knows already
  if (stock.outcome === 'REFUSED') return reject(settling, rentalId, stock.reason);

  const total = rental.totalAmount ?? stock.fee.amount * rental.quantity;
  const payment = await authorize(settling, rental, total);
  if (payment.status === 'UNKNOWN') return hold(settling, rentalId, 'PAYMENT');
  if (payment.status === 'VOIDED') return; // cancelled meanwhile, and the provider knows already
  if (payment.status === 'DECLINED') return reject(settling, rentalId, 'PAYMENT_DECLINED', payment.declineCode);
  return accept(settling, rentalId, total);
}

async function reserve(
  { ask, bookTimeoutMs }: Settling,
  rental: Rental,
): Promise<AnswerOf<'rpc.book.reserve'> | { outcome: 'NO_ANSWER' }> {
  try {
    return await ask('rpc.book.reserve', factsOf(rental), bookTimeoutMs);
  } catch (error) {
    if (error instanceof NoAnswer) return { outcome: 'NO_ANSWER' };
    throw error;
  }
}

async function authorize(
  { em, provider }: Settling,
  { id, currency, paymentMethod }: Rental,
  amount: number,
): Promise<ConfirmResult> {
  if (amount === 0) return { status: 'AUTHORIZED' }; // a free loan needs no provider
  const order = { key: id, rentalId: id, amount, currency };
  const intent = await provider.createIntent(order);
  if (intent.status === 'UNKNOWN') return intent;
  if (!(await storeIntent(em(), id, intent.intentId))) return { status: 'VOIDED' };
  return provider.confirmIntent({ ...order, intentId: intent.intentId, paymentMethod });
}

/** Before anything is authorised, and only while the rental is wanted: whatever happens next, a void finds the intent. */
const storeIntent = (em: EntityManager, id: string, intentId: string): Promise<boolean> =>
  transaction(em, async (em) => {
    const rental = await lockRental(em, id);
    if (rental?.status !== 'REQUESTED') return false;
    (await lockPayment(em, id)).intentId = intentId;
    return true;
  });

/** The last step of each way. A cancel may have won meanwhile: then nothing moves, and what it owes finds the payment by its key. */
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

const accept = ({ em }: Settling, id: string, total: number): Promise<void> =>
  conclude(em(), id, async (em, rental) => {
    const payment = await lockPayment(em, id);
    payment.authorized = total;
    movePayment(em, payment, rental, 'authorize', 'payment.authorized', total, {});
    rental.totalAmount = total;
    rental.acceptedAt = new Date();
    move(em, rental, 'accept', 'rental.accepted', { total: { amount: total, currency: rental.currency } });
  });

const reject = ({ em }: Settling, id: string, code: RejectionCode, declineCode?: string): Promise<void> =>
  conclude(em(), id, async (em, rental) => {
    if (declineCode) {
      const payment = await lockPayment(em, id);
      payment.declineCode = declineCode;
      movePayment(em, payment, rental, 'decline', 'payment.declined', rental.totalAmount ?? 0, { declineCode });
    }
    rental.rejection = code;
    move(em, rental, 'reject', 'rental.rejected', { code });
    await owe(em, rental, 'reject', 'REQUESTED');
  });

function hold({ em, outages }: Settling, id: string, reason: HoldReason): Promise<void> {
  outages.report(reason);
  return conclude(em(), id, async (em, rental) => {
    if (reason === 'PAYMENT') await forget(em, id);
    rental.holdReason = reason;
    rental.round = await nextRound(em, rental);
    rental.holds += 1;
    // Longer each time: one payment that never gets an answer must not fill its customer's log.
    rental.leaseUntil = new Date(Date.now() + retryDelayMs(rental.holds));
    move(em, rental, 'hold', 'rental.held', { reason });
  });
}

/** The provider's answer is not known: a change without an event, since nobody else can act on it. */
async function forget(em: EntityManager, id: string): Promise<void> {
  const payment = await lockPayment(em, id);
  payment.status = paymentAfter(payment.status, 'lose') ?? payment.status;
}

async function nextRound(em: EntityManager, { customerId }: Rental): Promise<number> {
  const [waiting] = await query<{ lowest: number | null; own: number | null }>(
    em,
    `SELECT min(round) AS lowest, max(round) FILTER (WHERE customer_id = $1) AS own FROM rental WHERE status = 'ON_HOLD'`,
    [customerId],
  );
  return roundAfter(waiting?.lowest ?? null, waiting?.own ?? null);
}

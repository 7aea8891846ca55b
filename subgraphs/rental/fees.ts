/**
 * Fees are paid here, and given back where they are not owed after all. A payment is written down before the provider is asked, so
 * whatever dies on the way, the sweeper asks again by the same key; there is one at a time for a fee.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockMode } from '@mikro-orm/core';
import { databaseTime, type EntityManager, query, transaction } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import { lockRental, moveFee } from './changes.ts';
import { Fee, type Rental } from './entities.ts';
import type { PaymentProvider } from './paymentProvider.ts';
import { feeAfterOrRefuse } from './rental.ts';

const AT_ONCE = 16;

export interface Collecting {
  em: () => EntityManager;
  provider: PaymentProvider;
  /** A fee that was claimed by a process that died is anybody's again after so long. */
  claimMs: number;
  /** How long whoever pays waits for the outcome. */
  settleWaitMs: number;
  log: Log;
}

/** Either of them locks the rental first: that is the order everywhere. */
async function lockFee(em: EntityManager, id: string): Promise<{ fee: Fee; rental: Rental } | null> {
  const found = await em.findOne(Fee, { id });
  const rental = found && (await lockRental(em, found.rentalId));
  if (!rental) return null;
  const fee = await em.findOneOrFail(Fee, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
  return { fee, rental };
}

/** A fee whose row is locked, if `visible`. @throws Refusal NOT_FOUND, the same for another's as for none. */
export async function lockFeeOrRefuse(
  em: EntityManager,
  id: string,
  visible: (fee: Fee) => boolean,
): Promise<{ fee: Fee; rental: Rental }> {
  const found = await lockFee(em, id);
  if (found && visible(found.fee)) return found;
  throw new Refusal('NOT_FOUND', `There is no fee ${id}.`, ['feeId']);
}

/**
 * Pays a fee, as it is after up to `settleWaitMs`: PAID, or PENDING while the provider does not answer; then it goes on by itself.
 * @throws Refusal NOT_FOUND; NOT_ALLOWED_IN_STATE; PAYMENT_DECLINED, and the fee is OUTSTANDING again.
 */
export async function payFee(
  collecting: Collecting,
  id: string,
  paymentMethod: string,
  visible: (fee: Fee) => boolean,
): Promise<Fee> {
  const { em, claimMs, settleWaitMs, log } = collecting;
  await transaction(em(), async (em) => {
    const { fee } = await lockFeeOrRefuse(em, id, visible);
    fee.status = feeAfterOrRefuse(fee, 'pay');
    fee.attempt += 1;
    em.assign(fee, {
      paymentMethod,
      intentId: null,
      declineCode: null,
      tries: 0,
      nextAttemptAt: databaseTime(claimMs),
    });
  });
  // crash point: rental, a fee's payment written down and not begun
  const paid = perform(collecting, id).catch((error: unknown) =>
    log.error({ err: error, feeId: id }, 'a fee could not be charged; its turn comes again'),
  );
  await Promise.race([paid, sleep(settleWaitMs, undefined, { ref: false })]);

  const fee = await em().findOneOrFail(Fee, { id });
  if (fee.status === 'OUTSTANDING' && fee.declineCode)
    throw new Refusal('PAYMENT_DECLINED', `The payment was declined (${fee.declineCode}).`, ['paymentMethod']).showing({
      fee,
    });
  return fee;
}

/** One round: claims what is due at the provider and does it. Answers how much there was. */
export async function sweepFees(collecting: Collecting): Promise<number> {
  const { em, claimMs, log } = collecting;
  const due = await query<{ id: string }>(
    em(),
    `UPDATE fee SET tries = tries + 1, next_attempt_at = clock_timestamp() + $2 * interval '1 ms' WHERE id IN (
       SELECT id FROM fee WHERE next_attempt_at <= clock_timestamp() ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [AT_ONCE, claimMs],
  );
  await Promise.all(
    due.map(({ id }) =>
      perform(collecting, id).catch((error: unknown) =>
        log.error({ err: error, feeId: id }, 'a fee was not seen to; its turn comes again'),
      ),
    ),
  );
  return due.length;
}

/** What came of it at the provider, to be written down while the fee is still as it was. */
type Outcome = (em: EntityManager, fee: Fee, rental: Rental) => void;

async function perform({ em, provider }: Collecting, id: string): Promise<void> {
  const fee = await em().findOneOrFail(Fee, { id });
  const outcome = fee.status === 'PENDING' ? await charge(em, provider, fee) : await giveBack(provider, fee);
  // crash point: rental, a fee's money moved and not noted
  await transaction(em(), async (em) => {
    const now = await lockFee(em, id);
    if (!now || now.fee.status !== fee.status || now.fee.attempt !== fee.attempt) return; // done by another
    if (outcome) return outcome(em, now.fee, now.rental);
    now.fee.nextAttemptAt = databaseTime(retryDelayMs(now.fee.tries));
  });
}

/** Null means that there is no answer yet. */
async function charge(em: () => EntityManager, provider: PaymentProvider, fee: Fee): Promise<Outcome | null> {
  const intent = await intentFor(em, provider, fee);
  if (intent.status === 'UNKNOWN') return null;
  if (intent.status === 'DECLINED') return declined(intent.declineCode);
  const payment = { ...orderOf(fee), intentId: intent.intentId };
  const confirmed = await provider.confirmIntent({ ...payment, paymentMethod: fee.paymentMethod ?? '' });
  if (confirmed.status === 'UNKNOWN') return null;
  if (confirmed.status !== 'AUTHORIZED')
    return declined(confirmed.status === 'DECLINED' ? confirmed.declineCode : 'payment_voided');
  const captured = await provider.capture(payment);
  if (captured.status === 'UNKNOWN') return null;
  return captured.status === 'CAPTURED' ? paid : declined(captured.code);
}

/** The attempt's own, once it is stored: a provider remembers a key for some days only, and would make a second one. */
async function intentFor(em: () => EntityManager, provider: PaymentProvider, fee: Fee) {
  const { id, attempt, intentId: known } = fee;
  if (known) return { status: 'CREATED' as const, intentId: known };
  const intent = await provider.createIntent(orderOf(fee));
  if (intent.status === 'CREATED')
    await em().nativeUpdate(Fee, { id, attempt, status: 'PENDING' }, { intentId: intent.intentId });
  return intent;
}

const paid: Outcome = (em, fee, rental) => {
  if (!moveFee(em, fee, rental, 'confirm')) return;
  fee.paidAt = new Date();
  // It may have been dropped meanwhile: then it is given back.
  em.assign(fee, { paymentMethod: null, tries: 0, nextAttemptAt: fee.dropped ? databaseTime() : null });
};

const declined =
  (declineCode: string): Outcome =>
  (em, fee, rental) => {
    if (!moveFee(em, fee, rental, 'decline')) return;
    em.assign(fee, { declineCode, paymentMethod: null, nextAttemptAt: null });
    if (fee.dropped) moveFee(em, fee, rental, 'drop');
  };

async function giveBack(provider: PaymentProvider, fee: Fee): Promise<Outcome | null> {
  if (fee.status !== 'PAID' || !fee.dropped) return settled; // another has seen to it
  if (!fee.intentId) throw new Error(`Fee ${fee.id} was paid and has no intent`);
  const result = await provider.refund({ ...orderOf(fee), intentId: fee.intentId });
  if (result.status === 'UNKNOWN') return null;
  return result.status === 'REFUNDED' ? refunded : settled; // refused for good: `npm run reconcile` tells of it
}

const refunded: Outcome = (em, fee, rental) => {
  if (moveFee(em, fee, rental, 'refund')) em.assign(fee, { refundedAt: new Date(), nextAttemptAt: null });
};
const settled: Outcome = (_em, fee) => {
  fee.nextAttemptAt = null;
};

const orderOf = ({ id, attempt, rentalId, amount, currency }: Fee) => ({
  key: `fee:${id}:${attempt}`,
  rentalId,
  amount,
  currency,
});

/** The sweeper of captures, voids and refunds: each is a row, tried until the provider has confirmed it. */
import { LockMode } from '@mikro-orm/core';
import { databaseTime, type EntityManager, query, transaction } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import { addStep, lockPayment, lockRental, movePayment, raiseFee } from './changes.ts';
import { Payment, type Rental, Step } from './entities.ts';
import { loanOf } from './loans.ts';
import type { PaymentProvider } from './paymentProvider.ts';
import { type Policy, rentalFee } from './policy.ts';
import type { MoneyStep } from './rental.ts';

const AT_ONCE = 16;
/** For the statements in between. */
const MARGIN_MS = 2000;

/** A step that was claimed by a process that died is due again after this: a void asks twice, and whoever lives has its answers by then. */
export const claimMsFor = (paymentTimeoutMs: number): number => 2 * paymentTimeoutMs + MARGIN_MS;

export interface Sweeping {
  em: () => EntityManager;
  provider: PaymentProvider;
  policy: Policy;
  claimMs: number;
}

interface Claimed {
  rentalId: string;
  kind: MoneyStep;
  attempts: number;
}

/** One round: claims what is due and does it. Answers how many there were. */
export async function sweepMoney(sweeping: Sweeping, log: Log): Promise<number> {
  const due = await query<Claimed>(
    sweeping.em(),
    `UPDATE step SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $2 * interval '1 ms' WHERE (rental_id, kind) IN (
       SELECT rental_id, kind FROM step WHERE status = 'TODO' AND next_attempt_at <= clock_timestamp()
       ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING rental_id AS "rentalId", kind, attempts`,
    [AT_ONCE, sweeping.claimMs],
  );
  await Promise.all(
    due.map((step) =>
      perform(sweeping, step).catch((error: unknown) =>
        log.error({ err: error, rentalId: step.rentalId, step: step.kind }, 'a step of money failed; it comes again'),
      ),
    ),
  );
  return due.length;
}

async function perform(sweeping: Sweeping, step: Claimed): Promise<void> {
  const payment = await sweeping.em().findOneOrFail(Payment, { id: step.rentalId });
  const settled = await attempts[step.kind](sweeping, payment);
  // crash point: rental, money moved and not noted
  if (settled) await finish(sweeping.em(), step, settled);
  else await again(sweeping.em(), step);
}

/** What a step came to: changes the payment under its lock. */
interface Settled {
  status: 'DONE' | 'FAILED';
  apply?: (em: EntityManager, payment: Payment, rental: Rental) => void;
}

/** Each asks the provider, by the same key every time; null means that there is no answer yet. */
const attempts: Record<MoneyStep, (sweeping: Sweeping, payment: Payment) => Promise<Settled | null>> = {
  async CAPTURE({ provider, policy }, payment) {
    const captured = { status: 'DONE', apply: applyCapture } as const;
    if (payment.authorized === 0) return captured;
    const result = await provider.capture(intentOf(payment));
    if (result.status === 'UNKNOWN') return null;
    return result.status === 'CAPTURED' ? captured : { status: 'FAILED', apply: expired(policy) };
  },

  async PAYMENT_VOID({ provider }, payment) {
    const result = await provider.void({ ...orderOf(payment), intentId: payment.intentId ?? null });
    if (result.status === 'UNKNOWN') return null;
    if (result.status === 'VOIDED')
      return {
        status: 'DONE',
        apply: (em, payment, rental) =>
          void movePayment(em, payment, rental, 'void', 'payment.voided', payment.authorized, {}),
      };
    return {
      status: 'DONE', // too late to void: what was taken is given back
      apply(em, payment, rental) {
        applyCapture(em, payment, rental);
        addStep(em, rental.id, 'PAYMENT_REFUND', 'TODO');
      },
    };
  },

  async PAYMENT_REFUND({ em, provider }, payment) {
    const capture = await em().findOne(Step, { rentalId: payment.id, kind: 'CAPTURE' });
    if (capture?.status === 'TODO') return null; // captured first, then refunded
    const amount = payment.captured - payment.refunded;
    const refunded = { status: 'DONE', apply: applyRefund } as const;
    if (amount === 0) return refunded; // the capture was refused: nothing is owed
    const result = await provider.refund(intentOf(payment));
    if (result.status === 'UNKNOWN') return null;
    return result.status === 'REFUNDED' ? refunded : { status: 'FAILED' };
  },
};

/** There is no authorisation any more. Who has the books, or will have them, owes their price; a cancelled rental owes nothing. */
const expired =
  (policy: Policy) =>
  (em: EntityManager, payment: Payment, rental: Rental): void => {
    movePayment(em, payment, rental, 'void', 'payment.voided', payment.authorized, {});
    const { status, deliveredAt } = rental;
    if (status !== 'CANCELLED' && (status !== 'LOST' || deliveredAt))
      raiseFee(em, rental, 'RENTAL', rentalFee(loanOf(rental), policy));
  };

const orderOf = ({ id, currency, authorized }: Payment) => ({ key: id, rentalId: id, amount: authorized, currency });

function intentOf(payment: Payment) {
  if (!payment.intentId) throw new Error(`Payment ${payment.id} was authorised and has no intent`);
  return { ...orderOf(payment), intentId: payment.intentId };
}

function applyCapture(em: EntityManager, payment: Payment, rental: Rental): void {
  if (movePayment(em, payment, rental, 'capture', 'payment.captured', payment.authorized, {}))
    em.assign(payment, { captured: payment.authorized, capturedAt: new Date() });
}

/** Writes down how much has been given back in all; whatever is left of the capture, unless somebody knows better. */
export function applyRefund(em: EntityManager, payment: Payment, rental: Rental, refunded = payment.captured): void {
  const change = refunded < payment.captured ? 'refundPart' : 'refund';
  const more = refunded - payment.refunded;
  if (movePayment(em, payment, rental, change, 'payment.refunded', more, {}))
    em.assign(payment, { refunded, refundedAt: new Date() });
}

const finish = (em: EntityManager, { rentalId, kind }: Claimed, { status, apply }: Settled): Promise<void> =>
  transaction(em, async (em) => {
    const rental = await lockRental(em, rentalId);
    const payment = await lockPayment(em, rentalId);
    const step = await em.findOneOrFail(Step, { rentalId, kind }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!rental || step.status !== 'TODO') return; // done by another, whose claim had run out
    step.status = status;
    apply?.(em, payment, rental);
  });

async function again(em: EntityManager, { rentalId, kind, attempts }: Claimed): Promise<void> {
  await em.nativeUpdate(
    Step,
    { rentalId, kind, status: 'TODO' },
    { nextAttemptAt: databaseTime(retryDelayMs(attempts)) },
  );
}

/** What becomes of a loan: renewed, overdue, lost, kept, or closed with what it costs. Each under the rental's row lock. */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { publish } from '#platform/outbox.ts';
import { factsOf, lockRental, move, raiseFee } from './changes.ts';
import { type Rental, Step, Waiting } from './entities.ts';
import {
  againstRenewal,
  damageFee,
  dueAfter,
  type FeeDue,
  keptBefore,
  lateFee,
  lostBefore,
  overdueBefore,
  type Policy,
  replacementFee,
} from './policy.ts';
import { afterOrRefuse } from './rental.ts';

/** Free of charge. @throws Refusal NOT_ALLOWED_IN_STATE; POLICY_DENIED with each reason. */
export async function renew(em: EntityManager, rental: Rental, policy: Policy, now: Date): Promise<void> {
  afterOrRefuse(rental, 'renew');
  const { renewals, dueAt } = rental;
  if (!dueAt) throw new Error(`Rental ${rental.id} is ${rental.status} and has no due date`);
  const waiting = await em.count(Waiting, { bookId: rental.bookId });
  const reasons = againstRenewal({ renewals, waiting, dueAt, now }, policy);
  if (reasons.length)
    throw new Refusal(reasons.map((reason) => ({ code: 'POLICY_DENIED', path: ['rentalId'], ...reason })));
  const due = dueAfter(dueAt, policy);
  move(em, rental, 'renew', 'rental.renewed', { dueAt: due.toISOString() });
  rental.dueAt = due;
  rental.renewals += 1;
}

/** The books will not come back: each copy has to be bought anew. */
export function lose(em: EntityManager, rental: Rental, by: 'CUSTOMER' | 'AGE', policy: Policy): void {
  if (!move(em, rental, by === 'CUSTOMER' ? 'reportLost' : 'giveUp', 'rental.lost', { by })) return;
  const fee = replacementFee(loanOf(rental), by === 'CUSTOMER' ? 'REPORTED_LOST' : 'NEVER_RETURNED', policy);
  for (let copy = 0; copy < rental.quantity; copy += 1) raiseFee(em, rental, 'LOST', fee);
}

/** The last copy is inspected and the parcel's arrival known: all that it costs is due now. */
export function close(em: EntityManager, rental: Rental, policy: Policy): void {
  if (!rental.inspected || !move(em, rental, 'close', 'rental.closed', {})) return;
  rental.closedAt = new Date();
  const loan = loanOf(rental);
  const late = lateFeeOf(rental, policy, rental.closedAt);
  if (late) raiseFee(em, rental, 'LATE', late);
  for (const { copyId, condition } of rental.findings ?? []) {
    if (condition === 'DAMAGED') raiseFee(em, rental, 'DAMAGE', damageFee(loan, policy), copyId);
    else {
      const kind = condition === 'MISSING' ? 'LOST' : 'DAMAGE';
      raiseFee(em, rental, kind, replacementFee(loan, condition, policy), copyId);
    }
  }
}

/** What being late has come to by `now`, or by when the carrier took the return; null where it is not late. */
export function lateFeeOf(rental: Rental, policy: Policy, now: Date): FeeDue | null {
  const { dueAt, returnStartedAt } = rental;
  if (!dueAt) return null;
  return lateFee({ ...loanOf(rental), dueAt, stoppedAt: returnStartedAt ?? now }, policy);
}

/** It was accepted, so its price is known. */
export const loanOf = ({ quantity, totalAmount }: Rental) => ({ quantity, totalAmount: totalAmount ?? 0 });

const AT_ONCE = 50;

/** What the clock moves, and what has to hold when its turn comes. */
const DUE = `
  (SELECT id, 'OVERDUE' AS what FROM rental WHERE status = 'ON_LOAN' AND due_at < $1 ORDER BY due_at LIMIT ${AT_ONCE})
  UNION ALL
  (SELECT id, 'LOST' FROM rental WHERE status = 'OVERDUE' AND due_at < $2 ORDER BY due_at LIMIT ${AT_ONCE})
  UNION ALL
  (SELECT id, 'KEPT' FROM rental JOIN step ON rental_id = id AND kind = 'STOCK_RELEASE' AND step.status = 'WAITING'
   WHERE rental.status = 'CANCELLED' AND delivered_at < $3 AND return_started_at IS NULL ORDER BY delivered_at LIMIT ${AT_ONCE})`;

/** One round of the clock. Answers how many rentals it moved; one that cannot be moved does not keep the others. */
export async function sweepLoans(em: EntityManager, policy: Policy, now: Date, log: Log): Promise<number> {
  const [overdue, lost, kept] = [overdueBefore(now, policy), lostBefore(now, policy), keptBefore(now, policy)];
  const rows = await query<{ id: string; what: 'OVERDUE' | 'LOST' | 'KEPT' }>(em, DUE, [overdue, lost, kept]);
  let moved = 0;
  for (const { id, what } of rows) {
    const work = transaction(em, async (em) => {
      const rental = await lockRental(em, id);
      if (!rental) return;
      // Renewed, on its way back, or moved by another process meanwhile: then there is nothing to do.
      const { status, dueAt } = rental;
      if (what === 'KEPT') return keep(em, rental);
      if (what === 'OVERDUE' && status === 'ON_LOAN' && dueAt && dueAt < overdue)
        move(em, rental, 'fallDue', 'rental.overdue', {});
      if (what === 'LOST' && status === 'OVERDUE' && dueAt && dueAt < lost) lose(em, rental, 'AGE', policy);
    });
    try {
      await work;
      moved += 1;
    } catch (error) {
      log.error({ err: error, rentalId: id, what }, 'a loan was not seen to; its turn comes again');
    }
  }
  return moved;
}

/** A cancelled rental came all the same and never went back. What was taken for it is not given back. */
async function keep(em: EntityManager, rental: Rental): Promise<void> {
  const steps = await em.find(Step, { rentalId: rental.id, status: 'WAITING' });
  const release = steps.find(({ kind }) => kind === 'STOCK_RELEASE');
  if (!release || rental.returnStartedAt) return;
  release.status = 'DONE';
  for (const step of steps) {
    if (step.kind === 'PAYMENT_REFUND') em.remove(step);
    if (step.kind === 'PAYMENT_VOID') em.assign(step, { status: 'TODO' });
  }
  publish(em, rental, 'rental.kept', factsOf(rental));
}

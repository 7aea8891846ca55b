/** The moves that everything here is made of: a rental's, a payment's and a fee's, each with its event, under the row's lock. */
import { randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { databaseTime, type EntityManager } from '#platform/database.ts';
import { publish } from '#platform/outbox.ts';
import type { DataOf, EventType } from '#schema/events.ts';
import { Fee, Payment, Rental, Step } from './entities.ts';
import type { FeeDue } from './policy.ts';
import {
  after,
  type Change,
  type FeeChange,
  type FeeKind,
  feeAfter,
  owedAfter,
  type PaymentChange,
  paymentAfter,
} from './rental.ts';

/** What every event about a rental says. */
export const factsOf = ({
  id,
  customerId,
  bookId,
  quantity,
}: Pick<Rental, 'id' | 'customerId' | 'bookId' | 'quantity'>) => ({
  rentalId: id,
  customerId,
  bookId,
  quantity,
});
type Facts = keyof ReturnType<typeof factsOf>;

export const lockRental = (em: EntityManager, id: string): Promise<Rental | null> =>
  em.findOne(Rental, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });

/** Every rental has one. Lock the rental first: that is the order everywhere. */
export const lockPayment = (em: EntityManager, id: string): Promise<Payment> =>
  em.findOneOrFail(Payment, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });

type RentalEvent = Extract<EventType, `rental.${string}`>;

/** Moves the rental as its table says and tells of it; false where the change does not apply (any more). */
export function move<T extends RentalEvent>(
  em: EntityManager,
  rental: Rental,
  change: Change,
  type: T,
  more: Omit<DataOf<T>, Facts>,
): boolean {
  const next = after(rental.status, change);
  if (!next) return false;
  rental.status = next;
  rental.changedAt = new Date();
  publish(em, rental, type, { ...factsOf(rental), ...more } as DataOf<T>); // the facts and the rest make the whole
  return true;
}

type PaymentEvent = Extract<EventType, `payment.${string}`>;

/** The same for a payment; `amount` is what was authorised, captured or given back, in minor units. */
export function movePayment<T extends PaymentEvent>(
  em: EntityManager,
  payment: Payment,
  rental: Rental,
  change: PaymentChange,
  type: T,
  amount: number,
  more: Omit<DataOf<T>, Facts | 'amount'>,
): boolean {
  const next = paymentAfter(payment.status, change);
  if (!next) return false;
  payment.status = next;
  const data = { ...factsOf(rental), amount: { amount, currency: payment.currency }, ...more };
  publish(em, payment, type, data as DataOf<T>); // likewise
  return true;
}

/** A fee that is due from now on; nothing where its amount is nothing. */
export function raiseFee(
  em: EntityManager,
  rental: Rental,
  kind: FeeKind,
  due: FeeDue,
  copyId: string | null = null,
): void {
  if (due.amount === 0) return;
  const fee = em.create(Fee, {
    id: randomUUID(),
    rentalId: rental.id,
    customerId: rental.customerId,
    kind,
    status: 'OUTSTANDING',
    ...due,
    currency: rental.currency,
    copyId,
    dropped: false,
    attempt: 0,
    tries: 0,
    createdAt: new Date(),
    version: 0,
  });
  tellFee(em, fee, rental, 'fee.raised');
}

/** Moves a fee as its table says; false where the change does not apply (any more). Only what others need to know is told. */
export function moveFee(em: EntityManager, fee: Fee, rental: Rental, change: FeeChange): boolean {
  const next = feeAfter(fee.status, change);
  if (!next) return false;
  fee.status = next;
  const type = told[change];
  if (type) tellFee(em, fee, rental, type);
  return true;
}

const told: Partial<Record<FeeChange, Extract<EventType, `fee.${string}`>>> = {
  confirm: 'fee.paid',
  waive: 'fee.waived',
  drop: 'fee.waived',
  refund: 'fee.refunded',
};

const tellFee = (em: EntityManager, fee: Fee, rental: Rental, type: Extract<EventType, `fee.${string}`>): void => {
  const { id: feeId, kind, amount, currency } = fee;
  publish(em, fee, type, { ...factsOf(rental), feeId, kind, amount: { amount, currency } });
};

/** The rental's fees under their locks, oldest first. Lock the rental before. */
export const lockFees = (em: EntityManager, rentalId: string): Promise<Fee[]> =>
  em.find(Fee, { rentalId }, { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { createdAt: 'asc', id: 'asc' } });

/** It is not owed after all. What is being paid just now is given back once it is. */
export function dropFee(em: EntityManager, fee: Fee, rental: Rental): void {
  if (fee.dropped) return;
  fee.dropped = true;
  if (moveFee(em, fee, rental, 'drop') || fee.status !== 'PAID') return;
  fee.nextAttemptAt = databaseTime();
  fee.tries = 0;
}

export async function dropFees(em: EntityManager, rental: Rental, kind: FeeKind): Promise<void> {
  for (const fee of await lockFees(em, rental.id)) if (fee.kind === kind) dropFee(em, fee, rental);
}

/**
 * Writes down what an ended rental still owes. Nothing is owed to the provider where nothing was ever asked of it: an intent
 * is stored, under this same lock and only while REQUESTED, before it is confirmed.
 */
export async function owe(
  em: EntityManager,
  rental: Rental,
  change: 'cancel' | 'giveBack' | 'reject' | 'expire',
  from: Rental['status'],
): Promise<void> {
  const payment = await lockPayment(em, rental.id);
  if (from === 'SHIPPING') await dropFees(em, rental, 'RENTAL');
  const known = new Set((await em.find(Step, { rentalId: rental.id })).map(({ kind }) => kind));
  for (const { kind, status } of owedAfter(change, from)) {
    if (known.has(kind)) continue; // confirmed before it was known to be owed
    const nothingAsked = kind === 'PAYMENT_VOID' && !payment.intentId;
    if (nothingAsked) movePayment(em, payment, rental, 'void', 'payment.voided', 0, {});
    else if (kind !== 'PAYMENT_VOID' || payment.status !== 'DECLINED') addStep(em, rental.id, kind, status);
  }
}

export function addStep(em: EntityManager, rentalId: string, kind: Step['kind'], status: Step['status']): void {
  em.create(Step, { rentalId, kind, status, attempts: 0 });
}

/** Marks steps as confirmed by their owner, or lets the sweeper have them. Those that are done or not owed stay as they are. */
export async function setSteps(
  em: EntityManager,
  rentalId: string,
  kinds: Step['kind'][],
  status: 'TODO' | 'DONE',
): Promise<void> {
  await em.nativeUpdate(
    Step,
    { rentalId, kind: { $in: kinds }, status: 'WAITING' },
    { status, nextAttemptAt: databaseTime(), owedSince: databaseTime() },
  );
}

/** Closes a step, or remembers that it is closed: of two services' events either may come first. Lock the rental before. */
export async function confirmStep(em: EntityManager, rentalId: string, kind: Step['kind']): Promise<void> {
  const step = await em.findOne(Step, { rentalId, kind });
  if (step) step.status = 'DONE';
  else addStep(em, rentalId, kind, 'DONE');
}

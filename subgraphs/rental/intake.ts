/** From a request to a durable rental, in one transaction, before anything else is asked: from here on nothing can be lost. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { addressInput } from '#platform/address.ts';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { checkInput, Refusal } from '#platform/errors.ts';
import { idInput } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { publish } from '#platform/outbox.ts';
import { factsOf } from './changes.ts';
import { Book, Payment, Rental } from './entities.ts';
import { LEASE_MS, type Settling, settle } from './settle.ts';

const MAX_QUANTITY = 100;

const rentalInput = z.object({
  idempotencyKey: z.string().min(1, 'The key must not be empty.').max(200, 'The key must have at most 200 characters.'),
  bookId: idInput,
  quantity: z.int().min(1, 'At least one copy.').max(MAX_QUANTITY, `At most ${MAX_QUANTITY} copies.`),
  paymentMethod: z.string().min(1, 'The payment method must not be empty.').max(200, 'This is not a payment method.'),
  deliverTo: addressInput,
});

export interface Requesting extends Settling {
  currency: string;
  settleWaitMs: number;
  log: Log;
}

/**
 * The rental of this customer and key: made now, or the one made before. Waits for its outcome up to `settleWaitMs`; what is
 * not decided by then goes on without the caller.
 * @throws Refusal INVALID_INPUT with a path for each mistake, IDEMPOTENCY_CONFLICT when the key came with other input before.
 */
export async function requestRental(requesting: Requesting, customerId: string, input: unknown): Promise<Rental> {
  const request = checkInput(rentalInput, input);
  const { rental, fresh } = await transaction(requesting.em(), (em) =>
    take(em, customerId, request, requesting.currency),
  );
  const settled = fresh ? settle(requesting, rental.id) : outcome(requesting.em, rental.id, requesting.settleWaitMs);
  const faults = settled.catch((error: unknown) =>
    requesting.log.error(
      { err: error, rentalId: rental.id },
      'a rental could not be settled; the drainer comes for it',
    ),
  );
  await Promise.race([faults, sleep(requesting.settleWaitMs, undefined, { ref: false })]);
  return requesting.em().findOneOrFail(Rental, { id: rental.id });
}

/** Finds or makes the rental, under its customer's row lock. */
async function take(
  em: EntityManager,
  customerId: string,
  request: z.infer<typeof rentalInput>,
  currency: string,
): Promise<{ rental: Rental; fresh: boolean }> {
  const { idempotencyKey, bookId, quantity, paymentMethod, deliverTo } = request;
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([bookId, quantity, paymentMethod, deliverTo]))
    .digest('base64url');
  await query(em, 'INSERT INTO customer (id) VALUES ($1) ON CONFLICT DO NOTHING', [customerId]);
  await query(em, 'SELECT id FROM customer WHERE id = $1 FOR UPDATE', [customerId]);

  const known = await em.findOne(Rental, { customerId, idempotencyKey });
  if (known && known.fingerprint !== fingerprint) {
    throw new Refusal('IDEMPOTENCY_CONFLICT', 'This idempotency key came with other input before.', [
      'input',
      'idempotencyKey',
    ]);
  }
  if (known) return { rental: known, fresh: false };

  const book = await em.findOne(Book, { id: bookId });
  const totalAmount = book ? book.feeAmount * quantity : null;
  const now = new Date();
  const rental = em.create(Rental, {
    id: randomUUID(),
    customerId,
    idempotencyKey,
    fingerprint,
    bookId,
    quantity,
    totalAmount,
    currency,
    paymentMethod,
    deliverTo,
    status: 'REQUESTED',
    leaseUntil: new Date(now.getTime() + LEASE_MS),
    holds: 0,
    outForDelivery: false,
    returnRequested: false,
    inspected: false,
    requestedAt: now,
    changedAt: now,
    renewals: 0,
    version: 0,
  });
  em.create(Payment, {
    id: rental.id,
    status: 'PENDING',
    currency,
    authorized: 0,
    captured: 0,
    refunded: 0,
    version: 0,
  });
  publish(
    em,
    rental,
    'rental.requested',
    { ...factsOf(rental), total: totalAmount === null ? null : { amount: totalAmount, currency } },
    now,
  );
  return { rental, fresh: true };
}

/** Another request settles this rental: look until it is decided. */
async function outcome(em: () => EntityManager, id: string, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (Date.now() < deadline) {
    const rental = await em().findOneOrFail(Rental, { id });
    if (rental.status !== 'REQUESTED') return;
    await sleep(50);
  }
}

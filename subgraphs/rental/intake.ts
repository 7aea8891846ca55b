/** From a request to a durable rental, before anything else is asked: from here on nothing can be lost. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { addressInput } from '#platform/address.ts';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { checkInput, Refusal } from '#platform/errors.ts';
import { idInput } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { microBatched } from '#platform/microBatches.ts';
import { outboxRow, storeRows } from '#platform/outbox.ts';
import { about, type Cause, cause } from '#platform/trace.ts';
import { type Admission, admit, type Gate, highestRounds, lockGate, readGate } from './admission.ts';
import { factsOf } from './changes.ts';
import { Rental } from './entities.ts';
import { againstCustomer, type Policy } from './policy.ts';
import type { HoldReason, RejectionCode } from './rental.ts';
import { type Settling, settle } from './settle.ts';
import type { Leased } from './settleWrites.ts';
import { nothing, standingsOf } from './standing.ts';

const MAX_QUANTITY = 100;
/** Those who come together share one transaction; the next batch waits for the gate's lock while one is written. */
const BATCHES = { size: 128, inFlight: 2, gatherMs: 5 };

export const quantityInput = z.int().min(1, 'At least one copy.').max(MAX_QUANTITY, `At most ${MAX_QUANTITY} copies.`);

const rentalInput = z.object({
  idempotencyKey: z.string().min(1, 'The key must not be empty.').max(200, 'The key must have at most 200 characters.'),
  bookId: idInput,
  quantity: quantityInput,
  paymentMethod: z.string().min(1, 'The payment method must not be empty.').max(200, 'This is not a payment method.'),
  deliverTo: addressInput,
});

export interface Requesting extends Settling {
  take: Take;
  settleWaitMs: number;
  log: Log;
}

/**
 * The rental of this customer and key: made now, or the one made before. One that is let in is waited for up to `settleWaitMs`;
 * what is not decided by then goes on without the caller. One that has to wait is answered at once.
 * @throws Refusal INVALID_INPUT with a path for each mistake, IDEMPOTENCY_CONFLICT when the key came with other input before, POLICY_DENIED when the account is closed;
 *   OVERLOADED when too many wait already.
 */
export async function requestRental(requesting: Requesting, customerId: string, input: unknown): Promise<Rental> {
  const request = checkInput(rentalInput, input);
  const { id, place, leased } = await requesting.take(customerId, request);
  about(id);
  // crash point: rental, taken and not answered
  if (leased) {
    const accepted = await inTime(requesting, id, settle(requesting, leased));
    if (accepted) return accepted;
  } else if (place === 'KNOWN') await inTime(requesting, id, outcome(requesting.em, id, requesting.settleWaitMs));
  return requesting.em().findOneOrFail(Rental, { id });
}

/** Waits for the outcome up to `settleWaitMs`; the work goes on. */
async function inTime<T>(
  { settleWaitMs, log }: Requesting,
  rentalId: string,
  work: Promise<T>,
): Promise<T | undefined> {
  const settled = work.catch((error: unknown) => {
    log.error({ err: error, rentalId }, 'a rental could not be settled; the drainer comes for it');
    return undefined;
  });
  return Promise.race([settled, sleep(settleWaitMs, undefined, { ref: false })]);
}

/** Another request settles this rental: look until it is decided. */
async function outcome(em: () => EntityManager, id: string, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (performance.now() < deadline) {
    const rental = await em().findOneOrFail(Rental, { id });
    if (rental.status !== 'REQUESTED') return;
    await sleep(50);
  }
}

type Request = z.infer<typeof rentalInput>;

/** LET_IN: this process settles it, under its lease. HELD: it waits. REFUSED: by the policy. KNOWN: it was made before. */
interface Taken {
  id: string;
  place: 'LET_IN' | 'HELD' | 'REFUSED' | 'KNOWN';
  leased?: Leased | undefined;
}
export type Take = (customerId: string, request: Request) => Promise<Taken>;

interface Asked {
  id: string;
  customerId: string;
  fingerprint: string;
  request: Request;
  cause: Cause | undefined;
}

export interface TakeOptions {
  em: () => EntityManager;
  admission: Admission;
  policy: Policy;
  leaseMs: number;
}

/** Stores requests as rentals, many in one transaction. */
export function createTake(options: TakeOptions): Take {
  const take = microBatched<Asked, Taken | Error>(BATCHES, async (batch) => {
    const full = await options.admission.fullness();
    return transaction(options.em(), (em) => takeBatch(em, batch, full, options));
  });

  return async (customerId, request) => {
    const { bookId, quantity, paymentMethod, deliverTo } = request;
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([bookId, quantity, paymentMethod, deliverTo]))
      .digest('base64url');
    const taken = await take({ id: randomUUID(), customerId, fingerprint, request, cause: cause.getStore() });
    if (taken instanceof Error) throw taken;
    return taken;
  };
}

/** What is known is answered in any case; `full` is the answer to everything new, if there is one. */
async function takeBatch(
  em: EntityManager,
  batch: Asked[],
  full: Error | null,
  options: TakeOptions,
): Promise<(Taken | Error)[]> {
  const closed = await lockCustomers(em, batch);
  const known = await knownRentals(em, batch);
  const fresh = new Map<string, Asked>();
  for (const asked of batch)
    if (!known.has(keyOf(asked)) && !fresh.has(keyOf(asked)) && !closed.has(asked.customerId))
      fresh.set(keyOf(asked), asked);
  const stored = full ? new Map<string, Fresh>() : await store(em, [...fresh.values()], options);

  return batch.map((asked) => {
    const rental = known.get(keyOf(asked)) ?? fresh.get(keyOf(asked)) ?? asked;
    if (rental.fingerprint !== asked.fingerprint) return conflict();
    if (closed.has(asked.customerId) && !known.has(keyOf(asked))) return accountClosed();
    if (full && !known.has(keyOf(asked))) return full;
    const made = stored.get(asked.id);
    if (!made) return { id: rental.id, place: 'KNOWN' };
    if (made.rejection) return { id: rental.id, place: 'REFUSED' };
    if (made.round !== null) return { id: rental.id, place: 'HELD' };
    return { id: rental.id, place: 'LET_IN', leased: leasedOf(made, options.policy.currency) };
  });
}

const leasedOf = ({ id, customerId, request, total }: Fresh, currency: string): Leased => ({
  id,
  customerId,
  bookId: request.bookId,
  quantity: request.quantity,
  totalAmount: total,
  currency,
  paymentMethod: request.paymentMethod,
  version: 1,
});

const conflict = () =>
  new Refusal('IDEMPOTENCY_CONFLICT', 'This idempotency key came with other input before.', [
    'input',
    'idempotencyKey',
  ]);

const accountClosed = () => new Refusal('POLICY_DENIED', 'This account is closed.', null, 'ACCOUNT_CLOSED');

const keyOf = ({ customerId, request }: Asked): string => `${customerId} ${request.idempotencyKey}`;

/** What is limited per customer is checked under the row's lock. Always in one order: batches of several processes meet here. Answers whose account is closed. */
async function lockCustomers(em: EntityManager, batch: Asked[]): Promise<Set<string>> {
  const ids = [...new Set(batch.map(({ customerId }) => customerId))].sort();
  const lock = () =>
    query<{ id: string; closed: boolean }>(
      em,
      'SELECT id, closed_at IS NOT NULL AS closed FROM customer WHERE id = ANY($1) ORDER BY id FOR UPDATE',
      [ids],
    );
  let locked = await lock();
  if (locked.length < ids.length) {
    const known = new Set(locked.map(({ id }) => id));
    const newcomers = ids.filter((id) => !known.has(id));
    await query(em, 'INSERT INTO customer (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING', [newcomers]);
    locked = await lock();
  }
  return new Set(locked.filter(({ closed }) => closed).map(({ id }) => id));
}

async function knownRentals(
  em: EntityManager,
  batch: Asked[],
): Promise<Map<string, { id: string; fingerprint: string }>> {
  const rows = await query<{ customerId: string; key: string; id: string; fingerprint: string }>(
    em,
    `SELECT customer_id AS "customerId", idempotency_key AS key, id, fingerprint
     FROM rental JOIN unnest($1::uuid[], $2::text[]) AS asked(customer_id, idempotency_key) USING (customer_id, idempotency_key)`,
    [batch.map(({ customerId }) => customerId), batch.map(({ request }) => request.idempotencyKey)],
  );
  return new Map(rows.map(({ customerId, key, ...rental }) => [`${customerId} ${key}`, rental]));
}

/** A new rental before it is a row. */
interface Fresh extends Asked {
  total: number | null;
  /** Its turn in the queue, or null when it is let in, or refused. */
  round: number | null;
  rejection: RejectionCode | null;
}

async function store(
  em: EntityManager,
  asked: Asked[],
  { admission, policy, leaseMs }: TakeOptions,
): Promise<Map<string, Fresh>> {
  if (!asked.length) return new Map();
  const { currency } = policy;
  const fees = await feesOf(em, asked);
  const refused = await refusals(em, asked, policy);
  const wanted = asked.filter(({ id }) => !refused.has(id));
  const closedBy = admission.closedBy();
  const rounds = wanted.length ? await roundsOf(em, wanted, closedBy !== null) : new Map<string, number | null>();
  const fresh: Fresh[] = asked.map((one) => {
    const fee = fees.get(one.request.bookId);
    const total = fee === undefined ? null : fee * one.request.quantity;
    return { ...one, total, round: rounds.get(one.id) ?? null, rejection: refused.get(one.id) ?? null };
  });

  const now = new Date();
  const reason: HoldReason = closedBy ?? 'OVERLOAD';
  await insert(em, fresh, { currency, leaseMs, now, reason });
  await storeRows(
    em,
    fresh.flatMap((rental) => eventsOf(rental, currency, reason, now)),
  );
  return new Map(fresh.map((rental) => [rental.id, rental]));
}

/** What the policy says no to, in the order of arrival: each that passes is one more open rental of its customer. */
async function refusals(em: EntityManager, asked: Asked[], policy: Policy): Promise<Map<string, RejectionCode>> {
  const standings = await standingsOf(em, [...new Set(asked.map(({ customerId }) => customerId))]);
  const refused = new Map<string, RejectionCode>();
  for (const { id, customerId } of asked) {
    const standing = standings.get(customerId) ?? nothing;
    const [reason] = againstCustomer(standing, policy);
    if (reason) refused.set(id, reason.code);
    else standings.set(customerId, { ...standing, open: standing.open + 1 });
  }
  return refused;
}

async function roundsOf(em: EntityManager, wanted: Asked[], closed: boolean): Promise<Map<string, number | null>> {
  const gate = await enterGate(em, closed);
  const customers = wanted.map(({ customerId }) => customerId);
  const allIn = !gate.waiting && wanted.length <= gate.room;
  const rounds = admit(gate, customers, allIn ? new Map() : await highestRounds(em, customers));
  return new Map(wanted.map(({ id }, at) => [id, rounds[at] ?? null]));
}

/** The lock is only for those who may be let in: under overload nobody is, and then nobody waits for it. */
async function enterGate(em: EntityManager, closed: boolean): Promise<Gate> {
  const seen = await readGate(em);
  if (closed || seen.waiting || !seen.room) return { ...seen, room: 0 };
  await lockGate(em);
  return readGate(em);
}

async function feesOf(em: EntityManager, asked: Asked[]): Promise<Map<string, number>> {
  const rows = await query<{ id: string; fee: number }>(
    em,
    'SELECT id, fee_amount AS fee FROM book WHERE id = ANY($1)',
    [asked.map(({ request }) => request.bookId)],
  );
  return new Map(rows.map(({ id, fee }) => [id, fee]));
}

const INSERT = `
  WITH fresh AS (
    SELECT id, customer_id, idempotency_key, fingerprint, book_id, quantity, total, payment_method, deliver_to, round, rejection, place
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::int[], $7::int[], $8::text[], $9::jsonb[], $10::int[], $15::text[])
      WITH ORDINALITY AS f(id, customer_id, idempotency_key, fingerprint, book_id, quantity, total, payment_method, deliver_to, round, rejection, place)
  ),
  rentals AS (
    INSERT INTO rental (id, customer_id, idempotency_key, fingerprint, book_id, quantity, total_amount, currency, payment_method, deliver_to,
      status, rejection, hold_reason, round, held_since, lease_until, holds, out_for_delivery, return_requested, inspected, requested_at, changed_at, renewals, version)
    SELECT id, customer_id, idempotency_key, fingerprint, book_id, quantity, total, $11, payment_method, deliver_to,
      CASE WHEN rejection IS NOT NULL THEN 'REJECTED' WHEN round IS NULL THEN 'REQUESTED' ELSE 'ON_HOLD' END,
      rejection,
      CASE WHEN round IS NOT NULL THEN $12 END,
      round,
      CASE WHEN round IS NOT NULL THEN $13::timestamptz END,
      CASE WHEN round IS NULL AND rejection IS NULL THEN clock_timestamp() + $14 * interval '1 ms' END,
      0, false, false, false, $13, $13, 0,
      CASE WHEN round IS NULL AND rejection IS NULL THEN 1 ELSE 2 END
    FROM fresh ORDER BY place
  ),
  steps AS (
    INSERT INTO step (rental_id, kind, status, attempts) SELECT id, 'STOCK_RELEASE', 'WAITING', 0 FROM fresh WHERE rejection IS NOT NULL
  )
  INSERT INTO payment (id, status, currency, authorized, captured, refunded, version)
  SELECT id, CASE WHEN rejection IS NULL THEN 'PENDING' ELSE 'VOIDED' END, $11, 0, 0, 0, CASE WHEN rejection IS NULL THEN 0 ELSE 1 END
  FROM fresh`;

interface Inserting {
  currency: string;
  leaseMs: number;
  now: Date;
  reason: HoldReason;
}

async function insert(em: EntityManager, fresh: Fresh[], { currency, leaseMs, now, reason }: Inserting): Promise<void> {
  await query(em, INSERT, [
    fresh.map(({ id }) => id),
    fresh.map(({ customerId }) => customerId),
    fresh.map(({ request }) => request.idempotencyKey),
    fresh.map(({ fingerprint }) => fingerprint),
    fresh.map(({ request }) => request.bookId),
    fresh.map(({ request }) => request.quantity),
    fresh.map(({ total }) => total),
    fresh.map(({ request }) => request.paymentMethod),
    fresh.map(({ request }) => JSON.stringify(request.deliverTo)),
    fresh.map(({ round }) => round),
    currency,
    reason,
    now,
    leaseMs,
    fresh.map(({ rejection }) => rejection),
  ]);
}

/** Every rental is born as requested; that it has to wait, or is refused, is its second event. Nothing was asked for it then. */
function eventsOf(
  { id, customerId, request, total, round, rejection, cause: led }: Fresh,
  currency: string,
  reason: HoldReason,
  now: Date,
): Parameters<typeof storeRows>[1] {
  const facts = factsOf({ id, customerId, ...request });
  const make = (): Parameters<typeof storeRows>[1] => {
    const price = total === null ? null : { amount: total, currency };
    const requested = outboxRow({ id, version: 1 }, 'rental.requested', { ...facts, total: price }, now);
    if (rejection)
      return [
        requested,
        outboxRow({ id, version: 2 }, 'rental.rejected', { ...facts, code: rejection }, now),
        outboxRow({ id, version: 1 }, 'payment.voided', { ...facts, amount: { amount: 0, currency } }, now),
      ];
    if (round === null) return [requested];
    return [requested, outboxRow({ id, version: 2 }, 'rental.held', { ...facts, reason }, now)];
  };
  return led ? cause.run(led, make) : make();
}

/**
 * Erasing an account. The wish is a row before anything is asked, so it outlives whatever dies on the way: Rental closes the
 * account to new rentals, or names what is open; then the account goes, and `customer.erased` has each service blank its part.
 */
import { LockMode } from '@mikro-orm/core';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { publish } from '#platform/outbox.ts';
import { type Ask, NoAnswer } from '#platform/requestReply.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import type { Superusers } from '#platform/superuser.ts';
import type { AnswerOf } from '#schema/requests.ts';
import { Customer, ErasedCustomer } from './entities.ts';

const TIMEOUT_MS = 3000;
/** Whoever wishes it sees to it first; the sweeper comes when they have not. */
const SWEPT_AFTER_MS = 10_000;

type Open = Extract<AnswerOf<'rpc.rental.close'>, { closed: false }>['open'];

/**
 * Whether the account is erased now; false while Rental is silent: then it will be, unless something is open once Rental answers.
 * @throws Refusal NOT_FOUND without an account, POLICY_DENIED naming what is open, or for one that `superuser` names
 */
export async function eraseMe(
  em: EntityManager,
  ask: Ask,
  superusers: Superusers,
  customerId: string,
): Promise<boolean> {
  await refuseNamed(em, superusers, customerId);
  await wish(em, customerId);
  // crash point: customer, an erasure wished but not begun
  try {
    const open = await fulfil(em, ask, customerId);
    if (open.length) throw new Refusal(open.map(whyNot));
    return true;
  } catch (error) {
    if (error instanceof NoAnswer) return false;
    throw error;
  }
}

/** Its e-mail address would be free, and whoever took it would have ADMIN. */
async function refuseNamed(em: EntityManager, superusers: Superusers, customerId: string): Promise<void> {
  const customer = await em.findOne(Customer, { id: customerId });
  if (customer && (await superusers.include(customer.email)))
    throw new Refusal(
      'POLICY_DENIED',
      'The shop has named this e-mail address for administration: it has to be taken out there first.',
      null,
      'NAMED_FOR_ADMINISTRATION',
    );
}

const whyNot = ({ kind, id, status }: Open[number]) => ({
  code: 'POLICY_DENIED' as const,
  message: `${kind === 'FEE' ? 'Fee' : 'Rental'} ${id} is ${status}: an account is erased once nothing is open.`,
  path: null,
  reason: kind === 'FEE' ? ('FEE_UNPAID' as const) : ('RENTAL_OPEN' as const),
});

async function wish(em: EntityManager, customerId: string): Promise<void> {
  const wished = await query(
    em,
    `INSERT INTO erasure_wish (customer_id, attempts, next_attempt_at)
     SELECT id, 0, clock_timestamp() + $2 * interval '1 ms' FROM customer WHERE id = $1
     ON CONFLICT (customer_id) DO UPDATE SET attempts = 0 RETURNING customer_id`,
    [customerId, SWEPT_AFTER_MS],
  );
  if (!wished.length) throw new Refusal('NOT_FOUND', `There is no customer ${customerId}.`);
}

/** What is in the way, with which the wish ends as well. May be done twice, at once too. @throws NoAnswer */
async function fulfil(em: EntityManager, ask: Ask, customerId: string): Promise<Open> {
  const answer = await ask('rpc.rental.close', { customerId }, TIMEOUT_MS);
  // crash point: customer, an account closed but not erased
  if (answer.closed) await erase(em, customerId);
  else await query(em, 'DELETE FROM erasure_wish WHERE customer_id = $1', [customerId]);
  return answer.closed ? [] : answer.open;
}

/** Addresses and sessions go with the account; so does what its owner was told, or was still to be. */
async function erase(em: EntityManager, customerId: string): Promise<void> {
  await transaction(em, async (em) => {
    const customer = await em.findOne(Customer, { id: customerId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!customer) return; // the other one was quicker
    publish(em, customer, 'customer.erased', { customerId });
    em.create(ErasedCustomer, { id: customerId, version: customer.version, erasedAt: new Date() });
    em.remove(customer);
    for (const table of ['erasure_wish', 'notification', 'offer'])
      await query(em, `DELETE FROM ${table} WHERE customer_id = $1`, [customerId]);
  });
}

/** Sees to one wish that whoever had it could not bring to an end. Answers whether there was one. */
export async function sweepErasures(em: EntityManager, ask: Ask, log: Log): Promise<number> {
  const [due] = await query<{ customerId: string; attempts: number }>(
    em,
    `UPDATE erasure_wish SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + interval '1 minute'
     WHERE customer_id = (SELECT customer_id FROM erasure_wish WHERE next_attempt_at <= clock_timestamp()
       ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING customer_id AS "customerId", attempts`,
  );
  if (!due) return 0;
  const { customerId, attempts } = due;
  try {
    const open = await fulfil(em, ask, customerId);
    if (open.length) log.warn({ customerId, open: open.length }, 'an account was not erased: something is open');
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    await query(
      em,
      `UPDATE erasure_wish SET next_attempt_at = clock_timestamp() + $2 * interval '1 ms' WHERE customer_id = $1`,
      [customerId, retryDelayMs(attempts)],
    );
  }
  return 1;
}

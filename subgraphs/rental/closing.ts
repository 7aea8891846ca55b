/** The end of a customer's account: nothing is open, and no new rental is let in. */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import type { AnswerOf, AskOf } from '#schema/requests.ts';
import { unfinished, unpaid } from './rental.ts';

type Answer = AnswerOf<'rpc.rental.close'>;
type Open = Extract<Answer, { closed: false }>['open'][number];

/** So much of what is open is named. */
const NAMED = 20;

/**
 * A rental that owes something still needs its address: for a parcel that comes back, say. A fee is open until it is paid or
 * waived, and where it was paid and is not owed after all, until it is given back.
 */
const OPEN = `
  SELECT kind, id, status FROM (
    SELECT 'RENTAL' AS kind, id, status, requested_at AS since FROM rental WHERE customer_id = $1
      AND (status = ANY($2) OR EXISTS (SELECT FROM step WHERE rental_id = rental.id AND step.status IN ('WAITING', 'TODO')))
    UNION ALL
    SELECT 'FEE', id, status, created_at FROM fee WHERE customer_id = $1 AND (status = ANY($3) OR next_attempt_at IS NOT NULL)
  ) AS open
  ORDER BY since, id LIMIT ${NAMED}`;

/** Answers `rpc.rental.close`. Under the lock that a request for a rental takes: whichever is first, the other sees it. */
export const closeCustomer =
  (em: () => EntityManager) =>
  ({ customerId }: AskOf<'rpc.rental.close'>): Promise<Answer> =>
    transaction(em(), async (em): Promise<Answer> => {
      await query(em, 'INSERT INTO customer (id) VALUES ($1) ON CONFLICT DO NOTHING', [customerId]);
      await query(em, 'SELECT id FROM customer WHERE id = $1 FOR UPDATE', [customerId]);
      const open = await query<Open>(em, OPEN, [customerId, unfinished, unpaid]);
      if (open.length) return { closed: false, open };
      await query(em, 'UPDATE customer SET closed_at = coalesce(closed_at, now()) WHERE id = $1', [customerId]);
      return { closed: true };
    });

/** The end of a customer's account: nothing is open, and no new rental is let in. */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import type { AnswerOf, AskOf } from '#schema/requests.ts';
import { isFinal, rentalStatuses } from './rental.ts';

type Answer = AnswerOf<'rpc.rental.close'>;

/** So many of the open rentals are named. */
const NAMED = 20;
const unfinished = rentalStatuses.filter((status) => !isFinal(status));

/** A rental that owes something still needs its address: for a parcel that comes back, say. */
const OPEN = `
  SELECT id, status FROM rental WHERE customer_id = $1
    AND (status = ANY($2) OR EXISTS (SELECT FROM step WHERE rental_id = rental.id AND step.status IN ('WAITING', 'TODO')))
  ORDER BY requested_at, id LIMIT ${NAMED}`;

/** Answers `rpc.rental.close`. Under the lock that a request for a rental takes: whichever is first, the other sees it. */
export const closeCustomer =
  (em: () => EntityManager) =>
  ({ customerId }: AskOf<'rpc.rental.close'>): Promise<Answer> =>
    transaction(em(), async (em): Promise<Answer> => {
      await query(em, 'INSERT INTO customer (id) VALUES ($1) ON CONFLICT DO NOTHING', [customerId]);
      await query(em, 'SELECT id FROM customer WHERE id = $1 FOR UPDATE', [customerId]);
      const open = await query<{ id: string; status: string }>(em, OPEN, [customerId, unfinished]);
      if (open.length) return { closed: false, open: open.map((rental) => ({ kind: 'RENTAL', ...rental })) };
      await query(em, 'UPDATE customer SET closed_at = coalesce(closed_at, now()) WHERE id = $1', [customerId]);
      return { closed: true };
    });

/** The answer to `rpc.book.quote`: nothing is set aside, and the next moment it may be otherwise. */
import { type EntityManager, query } from '#platform/database.ts';
import type { AnswerOf, AskOf } from '#schema/requests.ts';

type Asked = AskOf<'rpc.book.quote'>;
type Answered = AnswerOf<'rpc.book.quote'>;

interface Row {
  status: 'LISTED' | 'WITHDRAWN';
  feeAmount: number;
  feeCurrency: string;
  available: number;
}

const QUOTE = `
  SELECT status, fee_amount AS "feeAmount", fee_currency AS "feeCurrency", available + (
    SELECT count(1) FROM waitlist_entry e WHERE e.book_id = book.id AND e.customer_id = $2 AND e.status = 'OFFERED')::int AS available
  FROM book WHERE id = $1`;

export const quoteOf =
  (em: () => EntityManager) =>
  async ({ bookId, customerId }: Asked): Promise<Answered> => {
    const [row] = await query<Row>(em(), QUOTE, [bookId, customerId]);
    if (!row) return { book: null };
    const { status, feeAmount, feeCurrency, available } = row;
    return { book: { status, fee: { amount: feeAmount, currency: feeCurrency }, available } };
  };

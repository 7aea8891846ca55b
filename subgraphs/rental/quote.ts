/** A request to rent tried out: what the policy and Book would say to it now. Nothing is stored and nothing set aside. */
import type { EntityManager } from '#platform/database.ts';
import { type Ask, needed } from '#platform/requestReply.ts';
import { againstCustomer, againstTitle, type Policy, type Reason } from './policy.ts';
import { nothing, standingsOf } from './standing.ts';

export interface Quoting {
  em: () => EntityManager;
  ask: Ask;
  policy: Policy;
  bookTimeoutMs: number;
}

interface Quote {
  allowed: boolean;
  reasons: Reason[];
  total: { amount: number; currency: string } | null;
  loanDays: number;
}

/** @throws GraphQLError SERVICE_UNAVAILABLE while Book is silent: what can be had is not known here. */
export async function quote(
  { em, ask, policy, bookTimeoutMs }: Quoting,
  customerId: string,
  { bookId, quantity }: { bookId: string; quantity: number },
): Promise<Quote> {
  const answer = ask('rpc.book.quote', { bookId, customerId }, bookTimeoutMs);
  const { book } = await needed(answer, 'book', ', and only it knows what can be had');
  const standing = (await standingsOf(em(), [customerId])).get(customerId) ?? nothing;
  const reasons = [...againstCustomer(standing, policy), ...againstTitle(book, quantity, policy)];
  return {
    allowed: reasons.length === 0,
    reasons,
    total: book && { amount: book.fee.amount * quantity, currency: book.fee.currency },
    loanDays: policy.loanDays,
  };
}

/** Where an outside provider keeps the accounts: each has a row here all the same, made when its customer first comes. */
import type { EntityManager } from '#platform/database.ts';
import { forbidden, Refusal } from '#platform/errors.ts';
import type { Viewer } from '#platform/tokens.ts';
import { provide } from './accounts.ts';
import type { Signing } from './sessions.ts';

/** For what only our own accounts have: passwords, sessions, roles that are given. */
export function elsewhere(provider: string): () => Signing {
  return () => {
    throw new Refusal(
      'POLICY_DENIED',
      `Accounts are kept at ${provider}: sign in, and change passwords and roles, there.`,
      null,
      'ACCOUNT_ELSEWHERE',
    );
  };
}

const REMEMBERED = 100_000;

/** Sees to the account of whoever comes, once for each newer token. */
export function createWelcome(em: () => EntityManager): (viewer: Viewer) => Promise<void> {
  const seen = new Map<string, Date>();

  return async ({ customerId: id, profile, roles, expiresAt }) => {
    const last = seen.get(id);
    if (!profile || (last && last >= expiresAt)) return;
    await provide(em(), { id, ...profile, roles }).catch((error: unknown) => {
      throw error instanceof Refusal ? forbidden(whyNot(error)) : error;
    });
    const [oldest] = seen.keys();
    if (oldest && seen.size >= REMEMBERED) seen.delete(oldest);
    seen.set(id, expiresAt);
  };
}

function whyNot({ userErrors: [first], message }: Refusal): string {
  if (first?.code === 'NOT_FOUND') return message;
  if (first?.code === 'DUPLICATE')
    return 'Another account has the e-mail address of this sign-in, and accounts are not linked; ask the shop.';
  return `The claims of the access token make no account. ${message}`;
}

/** How the page asks: a normalised cache, the session's token, queries over HTTP, and subscriptions that survive their line. */
import { Client, type CombinedError, fetchExchange, subscriptionExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { cacheExchange } from '@urql/exchange-graphcache';
import { cacheRules } from './cacheRules.ts';
import { follow } from './live.ts';
import { currentAccount, currentToken, distrustToken, needsRefresh, refresh } from './session.ts';

/** Longer than the router waits for anything. */
const ANSWER_MS = 30_000;

/** One for each account, so that nobody sees what was cached for another. */
export function createPageClient(accountId: string | undefined): Client {
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetch: (input, init) => {
      const signals = [AbortSignal.timeout(ANSWER_MS), ...(init?.signal ? [init.signal] : [])];
      return fetch(input, { ...init, signal: AbortSignal.any(signals) });
    },
    exchanges: [cacheExchange(cacheRules), subscriptions, authenticationOf(accountId), fetchExchange], // a subscription sees to its token itself
  });
}

/** What has waited for a token of one account is never sent with that of another. */
const authenticationOf = (accountId: string | undefined) =>
  authExchange(async ({ appendHeaders }) => {
    const token = () => (currentAccount()?.id === accountId ? currentToken() : null);
    return {
      addAuthToOperation(operation) {
        const own = token();
        return own ? appendHeaders(operation, { authorization: `Bearer ${own}` }) : operation;
      },
      willAuthError: needsRefresh,
      didAuthError: (error) => hasCode(error, 'UNAUTHENTICATED') && token() !== null,
      refreshAuth() {
        distrustToken();
        return refresh();
      },
    };
  });

const subscriptions = subscriptionExchange({
  forwardSubscription: ({ query = '', variables = {} }) => ({
    subscribe: ({ next, complete }) => ({
      unsubscribe: follow(
        { query, variables },
        { next: (result) => next(result as Parameters<typeof next>[0]), complete },
        cursorOf,
      ),
    }),
  }),
});

/** Every subscription field of the API is an event with its position. */
function cursorOf(data: unknown): string | undefined {
  const [event] = Object.values((data ?? {}) as Record<string, { cursor?: string } | null>);
  return event?.cursor;
}

/** Whether the same may be answered when it is asked again later. */
export const isPassing = (error: CombinedError): boolean =>
  error.networkError !== undefined || hasCode(error, ...PASSING);
const PASSING = [
  'SERVICE_UNAVAILABLE',
  'OVERLOADED',
  'REQUEST_RATE_LIMITED',
  'REQUEST_CONCURRENCY_LIMITED',
  'UNAUTHENTICATED',
];

export const hasCode = (error: CombinedError | undefined, ...codes: string[]): boolean =>
  error?.graphQLErrors.some(({ extensions }) => codes.includes(String(extensions.code))) ?? false;

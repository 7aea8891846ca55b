/** How much one caller may ask for: at the same time, and in a minute. Counted by each router for itself. */
import { GraphQLError } from 'graphql';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ErrorCode } from '#platform/errors.ts';

/** Root field -> requests a minute; `*` for every other. */
type Rates = Readonly<Record<string, number>>;

export interface QuotaSettings {
  /** Queries and mutations of one caller that are being answered. */
  inFlight: number;
  /** Subscriptions of one caller. */
  subscriptions: number;
  rates: Rates;
}

type Kind = 'inFlight' | 'subscriptions';

export interface Quotas {
  /**
   * Counts what a caller asks for. Answers what gives its place back, once it is answered or over.
   * @throws GraphQLError REQUEST_CONCURRENCY_LIMITED, REQUEST_RATE_LIMITED
   */
  enter(caller: string, kind: Kind, rootFields: readonly string[]): Promise<() => void>;
}

export const noQuotas: Quotas = { enter: async () => () => {} };

export function createQuotas({ rates, ...most }: QuotaSettings): Quotas {
  const present = { inFlight: new Map<string, number>(), subscriptions: new Map<string, number>() };
  const limiters = new Map(
    Object.entries(rates).map(([field, points]) => [
      field,
      new RateLimiterMemory({ keyPrefix: field, points, duration: 60 }),
    ]),
  );

  return {
    async enter(caller, kind, rootFields) {
      const leave = take(present[kind], caller, kind);
      try {
        for (const field of rootFields) await count(field, caller);
        return leave;
      } catch (error) {
        leave();
        throw error;
      }
    },
  };

  function take(places: Map<string, number>, caller: string, kind: Kind): () => void {
    const taken = places.get(caller) ?? 0;
    if (taken >= most[kind]) throw crowded[kind](most[kind]);
    places.set(caller, taken + 1);
    return () => {
      const left = (places.get(caller) ?? 0) - 1;
      if (left > 0) places.set(caller, left);
      else places.delete(caller);
    };
  }

  async function count(field: string, caller: string): Promise<void> {
    const own = limiters.get(field);
    try {
      await (own ? own.consume(caller) : limiters.get('*')?.consume(`${field} ${caller}`));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const most = rates[field] ?? rates['*'];
      throw limited(
        'REQUEST_RATE_LIMITED',
        `"${field}" was asked for more than ${most} times in a minute.`,
        refused.msBeforeNext,
      );
    }
  }
}

const crowded: Record<Kind, (most: number) => GraphQLError> = {
  inFlight: (most) =>
    limited('REQUEST_CONCURRENCY_LIMITED', `More than ${most} requests of yours are being answered already.`, 1000),
  subscriptions: (most) =>
    limited('REQUEST_CONCURRENCY_LIMITED', `You have ${most} subscriptions already; end one of them first.`, 1000),
};

const limited = (code: ErrorCode, message: string, waitMs: number) =>
  new GraphQLError(message, { extensions: { code, retryAfterSeconds: Math.ceil(waitMs / 1000) } });

/**
 * In front of a carrier that is away. After five failures in a row nothing is asked of it for 1 s, then one parcel is tried;
 * with each trial in vain the pause doubles, up to 5 s. Each process has its own. docs/decisions/0013-carrier.md.
 */
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  type IBackoff,
} from 'cockatiel';
import type { Log } from '#platform/log.ts';
import { type Carrier, CarrierUnavailable } from './carrier.ts';

/** While it is open its methods throw CarrierUnavailable, and nothing is asked. */
export interface GuardedCarrier extends Carrier {
  /** How many of `most` may ask now: all, one as a trial, or none. */
  room(most: number): number;
  isOpen(): boolean;
}

const PAUSES = { failures: 5, firstMs: 1000, longestMs: 5000 };

export function withBreaker(carrier: Carrier, log: Log, { failures, firstMs, longestMs } = PAUSES): GuardedCarrier {
  let trialAtMs = 0;
  const isTrialDue = () => performance.now() >= trialAtMs;

  /** cockatiel takes the pause by a clock that can be set back; here it is over by one that cannot. */
  function pauseOf(ms: number): IBackoff<unknown> {
    trialAtMs = performance.now() + ms;
    return {
      get duration() {
        return isTrialDue() ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      },
      next: () => pauseOf(Math.min(2 * ms, longestMs)),
    };
  }

  const breaker = circuitBreaker(handleAll, {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: { next: () => pauseOf(firstMs) },
  });
  breaker.onBreak(() => log.warn('the carrier does not answer; nothing is asked of it for a while'));
  breaker.onReset(() => log.info('the carrier answers again'));

  async function guarded<T>(ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await breaker.execute(() => answerOf(ask));
      return answer();
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      throw new CarrierUnavailable('The carrier was away a moment ago; it is not asked now', { cause: error });
    }
  }

  return {
    createParcel: (parcel) => guarded(() => carrier.createParcel(parcel)),
    stop: (parcel) => guarded(() => carrier.stop(parcel)),
    track: (trackingNumber) => guarded(() => carrier.track(trackingNumber)),
    ping: () => carrier.ping(),
    room(most) {
      if (breaker.state === CircuitState.Closed) return most;
      return breaker.state === CircuitState.Open && isTrialDue() ? 1 : 0;
    },
    isOpen: () => breaker.state !== CircuitState.Closed,
  };
}

/** A refusal is an answer, too: whoever refuses is there. @throws CarrierUnavailable */
async function answerOf<T>(ask: () => Promise<T>): Promise<() => T> {
  try {
    const answer = await ask();
    return () => answer;
  } catch (error) {
    if (error instanceof CarrierUnavailable) throw error;
    return () => {
      throw error;
    };
  }
}

/**
 * Bells wake the subscriptions of a customer when the log has grown, in whichever process they are. A bell carries nothing
 * and may get lost: the database is the truth, and once a second the heads of all watched logs are compared with it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventSubscriber } from '@mikro-orm/core';
import type { NatsConnection } from 'nats';
import { type EntityManager, query } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';

const SUBJECT = 'bell.customer.';
/** What a lost bell costs at most. One statement, whatever the number of watched customers. */
const COMPARE_EVERY_MS = 1000;

/** One listener's end of a customer's bell. */
export interface Bell {
  /** Waits until it has been rung since the last call; false when it was closed. */
  rung(): Promise<boolean>;
  readonly closed: boolean;
  /** Also ends a waiting `rung`. */
  close(): void;
}

export interface Bells {
  ring(customerIds: Iterable<string>): void;
  listen(customerId: string): Bell;
  stop(): Promise<void>;
}

export function hangBells(connecting: Promise<NatsConnection>, em: () => EntityManager, log: Log): Bells {
  const listeners = new Map<string, Set<() => void>>();
  const abort = new AbortController();
  let nats: NatsConnection | undefined;
  void connecting.then((connection) => {
    nats = connection;
    nats.subscribe(`${SUBJECT}*`, {
      callback: (error, message) => error ?? wake(message.subject.slice(SUBJECT.length)),
    });
  });
  const comparing = compareHeads();

  function wake(customerId: string): void {
    for (const listener of listeners.get(customerId) ?? []) listener();
  }

  /** A log that was not watched the last time counts as grown: one look too many does no harm. */
  async function compareHeads(): Promise<void> {
    let known = new Map<string, number>();
    while (!abort.signal.aborted) {
      await sleep(COMPARE_EVERY_MS, undefined, { signal: abort.signal }).catch(() => {});
      try {
        const heads = await headsOf(em(), [...listeners.keys()]);
        for (const [customerId, head] of heads) if (known.get(customerId) !== head) wake(customerId);
        known = heads;
      } catch (error) {
        log.debug({ err: error }, 'the heads of the order logs could not be compared');
      }
    }
  }

  return {
    ring(customerIds) {
      for (const customerId of customerIds) nats?.publish(SUBJECT + customerId);
    },

    listen(customerId) {
      const ofCustomer = listeners.get(customerId) ?? new Set();
      listeners.set(customerId, ofCustomer);
      let wasRung = false;
      let closed = false;
      let awake = () => {};
      const listener = () => {
        wasRung = true;
        awake();
      };
      ofCustomer.add(listener);

      return {
        async rung() {
          if (!wasRung && !closed) await new Promise<void>((resolve) => (awake = resolve));
          wasRung = false;
          return !closed;
        },
        get closed() {
          return closed;
        },
        close() {
          closed = true;
          awake();
          ofCustomer.delete(listener);
          if (!ofCustomer.size && listeners.get(customerId) === ofCustomer) listeners.delete(customerId);
        },
      };
    },

    async stop() {
      abort.abort();
      await comparing;
    },
  };
}

async function headsOf(em: EntityManager, customerIds: string[]): Promise<Map<string, number>> {
  if (!customerIds.length) return new Map();
  const rows = await query<{ id: string; last: number }>(
    em,
    'SELECT customer_id AS id, last FROM order_log WHERE customer_id = ANY($1)',
    [customerIds],
  );
  return new Map(rows.map(({ id, last }) => [id, last]));
}

/** Whose logs a transaction has written to. */
const written = new WeakMap<object, Set<string>>();

/** Rings the customer's bell once the transaction of `em` has committed; never after a rollback. */
export function ringAfterCommit(em: EntityManager, customerId: string): void {
  const customerIds = written.get(em) ?? new Set();
  written.set(em, customerIds.add(customerId));
}

/** Tells MikroORM to ring after commits. */
export const ringer = (bells: Pick<Bells, 'ring'>): EventSubscriber => ({
  afterTransactionCommit({ em }) {
    const customerIds = written.get(em);
    if (!customerIds) return;
    // crash point: customer, log written but no bell rung
    bells.ring(customerIds);
  },
});

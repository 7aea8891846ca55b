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
  /** Rung about once a second while there is an order of that id. Nobody rings for it: it is looked for, if anybody listens. */
  listenForOrder(rentalId: string): Bell;
  stop(): Promise<void>;
}

export function hangBells(connecting: Promise<NatsConnection>, em: () => EntityManager, log: Log): Bells {
  const byCustomer: Listeners = new Map();
  const byRental: Listeners = new Map();
  const abort = new AbortController();
  let nats: NatsConnection | undefined;
  void connecting.then((connection) => {
    nats = connection;
    nats.subscribe(`${SUBJECT}*`, {
      callback: (error, message) => error ?? wake(byCustomer, message.subject.slice(SUBJECT.length)),
    });
  });
  const comparing = compareHeads();

  /** A log that was not watched the last time counts as grown: one look too many does no harm. */
  async function compareHeads(): Promise<void> {
    let known = new Map<string, number>();
    while (!abort.signal.aborted) {
      await sleep(COMPARE_EVERY_MS, undefined, { signal: abort.signal }).catch(() => {});
      try {
        const heads = await headsOf(em(), [...byCustomer.keys()]);
        for (const [customerId, head] of heads) if (known.get(customerId) !== head) wake(byCustomer, customerId);
        known = heads;
        for (const rentalId of await ordersAmong(em(), [...byRental.keys()])) wake(byRental, rentalId);
      } catch (error) {
        log.debug({ err: error }, 'the heads of the order logs could not be compared');
      }
    }
  }

  return {
    ring(customerIds) {
      for (const customerId of customerIds) nats?.publish(SUBJECT + customerId);
    },

    listen: (customerId) => bellIn(byCustomer, customerId),
    listenForOrder: (rentalId) => bellIn(byRental, rentalId),

    async stop() {
      abort.abort();
      await comparing;
    },
  };
}

type Listeners = Map<string, Set<() => void>>;

function wake(listeners: Listeners, id: string): void {
  for (const listener of listeners.get(id) ?? []) listener();
}

function bellIn(listeners: Listeners, id: string): Bell {
  const beside = listeners.get(id) ?? new Set();
  listeners.set(id, beside);
  let wasRung = false;
  let closed = false;
  let awake = () => {};
  const listener = () => {
    wasRung = true;
    awake();
  };
  beside.add(listener);

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
      beside.delete(listener);
      if (!beside.size && listeners.get(id) === beside) listeners.delete(id);
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

async function ordersAmong(em: EntityManager, rentalIds: string[]): Promise<string[]> {
  if (!rentalIds.length) return [];
  const rows = await query<{ id: string }>(em, 'SELECT id FROM customer_order WHERE id = ANY($1)', [rentalIds]);
  return rows.map(({ id }) => id);
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

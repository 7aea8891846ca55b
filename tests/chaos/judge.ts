/**
 * What must hold when all has come to rest, beside what `npm run reconcile` checks: here is what only the customers of the
 * run can know, and what only a run that began with nothing can ask of the streams.
 */
import type { Client } from 'pg';
import { parseEvent } from '#schema/events.ts';
import { findDifferences } from '../../operate/differences.ts';
import type { Shopper } from './shoppers.ts';
import type { Sources } from './sources.ts';

export interface Violation {
  /** Name of what does not hold. */
  invariant: string;
  sentence: string;
}

type Tell = (sentence: string) => void;
type Invariant = (sources: Sources, shoppers: Shopper[], tell: Tell) => Promise<void> | void;

const invariants: Record<string, Invariant> = {
  async 'acknowledged exists'({ rental }, shoppers, tell) {
    for (const shopper of shoppers) {
      const rentals = new Map((await rentalsOf(rental, shopper)).map((row) => [row.id, row]));
      for (const { key, rentalId } of shopper.acknowledged) {
        if (rentals.get(rentalId)?.key !== key)
          tell(`Rental ${rentalId} was acknowledged for key ${key}, under which it is not there.`);
      }
    }
  },

  async 'one rental per key'({ rental }, shoppers, tell) {
    for (const shopper of shoppers) {
      const rentals = await rentalsOf(rental, shopper);
      if (rentals.length > shopper.keys.size)
        tell(`Customer ${shopper.customerId} has ${rentals.length} rentals and used ${shopper.keys.size} keys.`);
      const byKey = Map.groupBy(rentals, ({ key }) => key);
      for (const [key, rows] of byKey) {
        if (!shopper.keys.has(key)) tell(`Rental ${rows[0]?.id} has the key ${key}, which its customer never used.`);
        if (rows.length > 1) tell(`The key ${key} has ${rows.length} rentals.`);
      }
      const ids = new Set(shopper.acknowledged.map(({ rentalId }) => rentalId));
      if (ids.size < shopper.acknowledged.length)
        tell(`Customer ${shopper.customerId} was told of one rental for several keys.`);
    }
  },

  async 'acknowledged cancel is CANCELLED'({ rental }, shoppers, tell) {
    for (const shopper of shoppers) {
      const statuses = new Map((await rentalsOf(rental, shopper)).map(({ id, status }) => [id, status]));
      for (const { rentalId, cancelled } of shopper.acknowledged)
        if (cancelled && statuses.get(rentalId) !== 'CANCELLED')
          tell(`Rental ${rentalId} was acknowledged as cancelled and is ${statuses.get(rentalId)}.`);
    }
  },

  async 'acknowledged return comes back'({ rental }, shoppers, tell) {
    for (const shopper of shoppers) {
      const statuses = new Map((await rentalsOf(rental, shopper)).map(({ id, status }) => [id, status]));
      for (const { rentalId, returnAsked } of shopper.acknowledged)
        if (returnAsked && statuses.get(rentalId) !== 'CLOSED')
          tell(`Rental ${rentalId} was to come back and is ${statuses.get(rentalId)}.`);
    }
  },

  /** A copy that turned up is not to be paid for any more; until then each has its fee. */
  async 'acknowledged loss is LOST, and each copy has its fee'({ rental }, shoppers, tell) {
    for (const shopper of shoppers) {
      const { rows } = await rental.query<{ id: string; status: string; quantity: number; fees: number }>(
        `SELECT id, status, quantity, (SELECT count(*)::int FROM fee WHERE rental_id = rental.id AND kind = 'LOST') AS fees
         FROM rental WHERE customer_id = $1`,
        [shopper.customerId],
      );
      const known = new Map(rows.map((row) => [row.id, row]));
      for (const { rentalId, lost } of shopper.acknowledged) {
        const found = known.get(rentalId);
        if (lost && (found?.status !== 'LOST' || found.fees !== found.quantity))
          tell(
            `Rental ${rentalId} of ${found?.quantity} was lost, is ${found?.status} and has ${found?.fees} fees for it.`,
          );
      }
    }
  },

  /** That the bank has taken each once is checked with the rest of the books. */
  async 'acknowledged payment of a fee is kept'({ rental }, shoppers, tell) {
    for (const { customerId, paid } of shoppers) {
      const { rows } = await rental.query('SELECT id, status FROM fee WHERE customer_id = $1', [customerId]);
      const statuses = new Map(rows.map(({ id, status }) => [id, status]));
      for (const id of paid)
        if (!['PAID', 'REFUNDED'].includes(statuses.get(id)))
          tell(`Fee ${id} was acknowledged as paid and is ${statuses.get(id)}.`);
    }
  },

  async 'acknowledged place in a waitlist is kept'({ book }, shoppers, tell) {
    for (const { customerId, joined } of shoppers) {
      const { rows } = await book.query('SELECT id, book_id, status FROM waitlist_entry WHERE customer_id = $1', [
        customerId,
      ]);
      const ids = new Set(rows.map(({ id }) => id));
      for (const id of joined)
        if (!ids.has(id)) tell(`Customer ${customerId} was given the place ${id}, which is not there.`);
      const open = rows
        .filter(({ status }) => status === 'WAITING' || status === 'OFFERED')
        .map(({ book_id }) => book_id);
      if (new Set(open).size < open.length) tell(`Customer ${customerId} waits twice for one book.`);
    }
  },

  'every question is answered'(_, shoppers, tell) {
    for (const { unanswered } of shoppers) for (const question of unanswered) tell(`${question} got no answer.`);
  },

  'no answer is wrong'(_, shoppers, tell) {
    for (const { complaints, watcher } of shoppers)
      for (const complaint of [...complaints, ...watcher.refusals]) tell(complaint);
  },

  /** By the order log: all changes, each once, in order. */
  async 'a subscriber is told each change once'({ customer }, shoppers, tell) {
    for (const { customerId, watcher } of shoppers) {
      const { rows } = await customer.query<{ number: number; rental_id: string; status: string }>(
        `SELECT number, rental_id, status FROM order_event
         WHERE customer_id = $1 AND status IS DISTINCT FROM previous_status ORDER BY number`,
        [customerId],
      );
      const log = rows.map(({ number, rental_id, status }) => `${number} ${rental_id} ${status}`);
      const told = watcher.told.map(({ cursor, rentalId, status }) => `${numberOf(cursor)} ${rentalId} ${status}`);
      const at = log.findIndex((entry, place) => told[place] !== entry);
      if (at >= 0) tell(`Customer ${customerId} was told "${told[at]}" where the log says "${log[at]}".`);
      else if (told.length > log.length) tell(`Customer ${customerId} was told "${told[log.length]}" too many.`);
    }
  },

  /** That it has each of them once is checked with the rest of the books. */
  async 'the order log is in order'({ customer }, _, tell) {
    const { rows } = await customer.query<{ aggregate: string; versions: number[] }>(
      `SELECT aggregate, array_agg(version ORDER BY number) AS versions FROM order_event GROUP BY aggregate`,
    );
    for (const { aggregate, versions } of rows) {
      const inOrder = versions.every((version, place) => place === 0 || version > (versions[place - 1] ?? 0));
      if (!inOrder) tell(`The log has ${aggregate} in the versions ${versions.join(', ')}.`);
    }
  },

  async 'a stream has each event once, in order'({ nats }, _, tell) {
    for (const [stream, ids] of await eventsIn(nats)) {
      const latest = new Map<string, number>();
      for (const { aggregate, version } of ids) {
        const before = latest.get(aggregate) ?? 0;
        if (version === before + 1) latest.set(aggregate, version);
        else if (version > before) {
          tell(`${stream} has ${aggregate}:${version} after ${aggregate}:${before}.`);
          latest.set(aggregate, version);
        } else tell(`${stream} has ${aggregate}:${version} again, or late, after ${aggregate}:${before}.`);
      }
    }
  },
};

/** All has come to rest, or never will: what differs is looked at again after this, and no more. */
const SETTLE_MS = 1000;

export interface Verdict {
  violations: Violation[];
  /** How much was compared, by the rules of the reconciliation. */
  compared: number;
}

/** Everything that does not hold, each time it does not. */
export async function judge(sources: Sources, shoppers: Shopper[]): Promise<Verdict> {
  const violations: Violation[] = [];
  for (const [invariant, check] of Object.entries(invariants))
    await check(sources, shoppers, (sentence) => violations.push({ invariant, sentence }));
  const { differences, rules } = await findDifferences(sources, { settleMs: SETTLE_MS });
  for (const { rule, sentence } of differences) violations.push({ invariant: `reconcile: ${rule}`, sentence });
  return { violations, compared: rules.reduce((sum, { looked }) => sum + looked, 0) };
}

async function rentalsOf(
  rental: Client,
  { customerId }: Shopper,
): Promise<{ id: string; key: string; status: string }[]> {
  const { rows } = await rental.query(
    'SELECT id, idempotency_key AS key, status FROM rental WHERE customer_id = $1 ORDER BY number',
    [customerId],
  );
  return rows;
}

const numberOf = (cursor: string): string => Buffer.from(cursor, 'base64url').toString().split(':')[1] ?? '';

async function eventsIn(nats: Sources['nats']): Promise<Map<string, { aggregate: string; version: number }[]>> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  const found = new Map<string, { aggregate: string; version: number }[]>();
  for await (const { config, state } of manager.streams.list()) {
    const events: { aggregate: string; version: number }[] = [];
    found.set(config.name, events);
    if (!state.messages) continue;
    const messages = await (await nats.jetstream().consumers.get(config.name, { filterSubjects: '>' })).fetch({
      max_messages: state.messages,
      expires: 10_000,
    });
    for await (const message of messages) {
      const parsed = parseEvent(message.string());
      if (parsed.kind !== 'unparsable') {
        const { id, aggregateversion: version } = parsed.event;
        events.push({ aggregate: id.slice(0, id.lastIndexOf(':')), version });
      }
      if (events.length === state.messages) break;
    }
  }
  return found;
}

/** The order history that Customer keeps, beside the rentals and parcels that it was told of. */
import type { RentalStatus } from '../subgraphs/rental/rental.ts';
import { type Row, rowsOf, sideBySide } from './pages.ts';
import { factsMistake, type Rule } from './rule.ts';

interface RentalRow extends Row {
  status: RentalStatus;
  version: number;
  customer_id: string;
  book_id: string;
  quantity: number;
}
interface OrderRow extends Row {
  status: string;
  customer_id: string;
  book_id: string;
  quantity: number;
}

const RENTALS = 'SELECT id, status, version, customer_id, book_id, quantity FROM rental WHERE';
const ORDERS = 'SELECT id, status, customer_id, book_id, quantity FROM customer_order WHERE';

/** An order that is overdue is one that is on loan, to Rental. */
const asRental = (status: string): string => (status === 'OVERDUE' ? 'ON_LOAN' : status);

const orders: Rule = {
  name: 'orders',
  says: 'each rental is an order of the same status, book, customer and quantity; no order is without a rental',
  async look({ rental, customer }, tell, only) {
    let looked = 0;
    const pairs = sideBySide({
      rental: rowsOf<RentalRow>({ client: rental, select: RENTALS, key: 'id' }, only),
      order: rowsOf<OrderRow>({ client: customer, select: ORDERS, key: 'id' }, only),
    });
    for await (const { id, rental, order } of pairs) {
      looked += 1;
      const sentence = orderMistake(id, rental, order);
      if (sentence) tell({ about: id, sentence, state: [rental, order] });
    }
    return looked;
  },
};

function orderMistake(id: string, rental: RentalRow | undefined, order: OrderRow | undefined): string | null {
  if (!rental) return `Order ${id}, which is ${order?.status}, has no rental.`;
  if (!order) return `Rental ${id} is ${rental.status}, but no order.`;
  if (asRental(order.status) !== rental.status)
    return `Rental ${id} is ${rental.status}, but the order is ${order.status}.`;
  return factsMistake(id, rental, 'order', order);
}

interface LogRow extends Row {
  /** Aggregate and version. */
  entries: [string, number][];
}
interface VersionRow extends Row {
  version: number;
  /** Older than what the streams still hold: a consumer that is newer has not seen its beginning. */
  old: boolean;
}
interface ParcelsRow extends Row {
  parcels: VersionRow[];
}

/** Streams keep events for 14 days. */
const OLD = "now() - interval '14 days'";
const VERSIONS = `SELECT id, version, requested_at < ${OLD} AS old FROM rental WHERE`;
const PARCELS = `
  SELECT rental_id AS id, jsonb_agg(jsonb_build_object('id', id, 'version', version, 'old', created_at < ${OLD})) AS parcels
  FROM delivery WHERE version > 0 AND`;
const LOG =
  'SELECT rental_id AS id, jsonb_agg(jsonb_build_array(aggregate, version)) AS entries FROM order_event WHERE';

const log: Rule = {
  name: 'order-log',
  says: 'the log of orders has each version of each rental and of each parcel exactly once',
  async look({ rental, delivery, customer }, tell, only) {
    let looked = 0;
    const perRental = { key: 'rental_id', group: 'GROUP BY rental_id' };
    const sides = sideBySide({
      log: rowsOf<LogRow>({ client: customer, select: LOG, ...perRental }, only),
      rental: rowsOf<VersionRow>({ client: rental, select: VERSIONS, key: 'id' }, only),
      delivery: rowsOf<ParcelsRow>({ client: delivery, select: PARCELS, ...perRental }, only),
    });
    for await (const { id, log, rental, delivery } of sides) {
      const logged = Map.groupBy(log?.entries ?? [], ([aggregate]) => aggregate);
      const published = [
        ...(rental ? [{ ...rental, aggregate: `rental-${id}` }] : []),
        ...(delivery?.parcels ?? []).map((parcel) => ({ ...parcel, aggregate: `delivery-${parcel.id}` })),
      ];
      looked += published.length;
      for (const { aggregate, version, old } of published) {
        const versions = (logged.get(aggregate) ?? []).map(([, version]) => version).sort((a, b) => a - b);
        const sentence = logMistake(aggregate, version, old, versions);
        if (sentence) tell({ about: id, sentence, state: [version, versions] });
        logged.delete(aggregate);
      }
      for (const aggregate of logged.keys())
        tell({
          about: id,
          sentence: `The log of orders tells of ${aggregate}, which does not exist.`,
          state: aggregate,
        });
    }
    return looked;
  },
};

/** `versions` are those in the log, in order. */
function logMistake(aggregate: string, version: number, old: boolean, versions: number[]): string | null {
  const [lowest] = versions;
  if (lowest === undefined)
    return old ? null : `The log of orders has nothing of ${aggregate}, which is at version ${version}.`;
  const expected = Array.from({ length: version - (old ? lowest : 1) + 1 }, (_, index) => index + (old ? lowest : 1));
  if (versions.join() === expected.join()) return null;
  return `The log of orders has the versions ${versions.join(', ')} of ${aggregate}, which is at ${version}.`;
}

const NUMBERS = `
  WITH numbered AS (SELECT customer_id, count(*) AS entries, min(number) AS lowest, max(number) AS highest FROM order_event GROUP BY customer_id)
  SELECT customer_id AS id, last, coalesce(entries, 0) AS entries, lowest, highest
  FROM order_log FULL JOIN numbered USING (customer_id)
  WHERE (last, last, 1) IS DISTINCT FROM (entries, highest, lowest)`;

const numbers: Rule = {
  name: 'log-numbers',
  says: 'the entries of each customer are numbered from 1 without a gap',
  atOnce: true,
  async look({ customer }, tell) {
    const { rows } = await customer.query(NUMBERS);
    for (const { id, last, entries, lowest, highest } of rows)
      tell({
        about: id,
        sentence: `The log of customer ${id} is at ${last ?? 'nothing'}, and has ${entries} entries, ${lowest} to ${highest}.`,
      });
    const { rows: all } = await customer.query('SELECT count(*) FROM order_log');
    return Number(all[0].count);
  },
};

export const orderRules = [orders, log, numbers];

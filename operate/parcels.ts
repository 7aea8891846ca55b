/** Parcels: what Delivery sends and fetches, beside Rental's rentals. */
import { type DeliveryStatus, type Direction, isFinal } from '../subgraphs/delivery/delivery.ts';
import type { RentalStatus } from '../subgraphs/rental/rental.ts';
import { type Row, rowsOf, sideBySide } from './pages.ts';
import { differingFacts, type Rule } from './rule.ts';

interface RentalRow extends Row {
  status: RentalStatus;
  version: number;
  customer_id: string;
  book_id: string;
  quantity: number;
  return_requested: boolean;
  /** Its step of that kind: there is one when it was cancelled with a parcel under way. */
  stop: string | null;
}

interface Parcel {
  id: string;
  direction: Direction;
  status: DeliveryStatus;
  version: number;
  stop: string | null;
  customer_id: string;
  book_id: string;
  quantity: number;
}
interface ParcelsRow extends Row {
  parcels: Parcel[];
}

const RENTALS = `
  SELECT id, status, version, customer_id, book_id, quantity, return_requested,
    (SELECT step.status FROM step WHERE rental_id = rental.id AND kind = 'DELIVERY_STOP') AS stop
  FROM rental WHERE`;

const PARCELS = `
  SELECT rental_id AS id, jsonb_agg(jsonb_build_object('id', id, 'direction', direction, 'status', status, 'version', version,
    'stop', stop, 'customer_id', customer_id, 'book_id', book_id, 'quantity', quantity) ORDER BY created_at, id) AS parcels
  FROM delivery WHERE`;

const underWay: DeliveryStatus[] = ['PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'FAILED'];
const wanted: DeliveryStatus[] = ['PENDING', 'CREATED'];

/** The OUTBOUND parcel: in one of these states; null where there must be none; `any` where the stop decides. */
const outboundOf = {
  REQUESTED: null,
  ON_HOLD: null,
  REJECTED: null,
  ACCEPTED: wanted,
  SHIPPING: underWay,
  ON_LOAN: ['DELIVERED'],
  OVERDUE: ['DELIVERED'],
  RETURNING: ['DELIVERED'],
  RETURNED: ['DELIVERED'],
  CLOSED: ['DELIVERED'],
  CANCELLED: 'any',
  LOST: ['LOST', 'DELIVERED'],
} as const satisfies Record<RentalStatus, readonly DeliveryStatus[] | null | 'any'>;

function mistakesOf(rental: RentalRow, parcels: Parcel[]): string[] {
  const { id, status } = rental;
  const outbound = parcels.filter(({ direction }) => direction === 'OUTBOUND');
  const returns = parcels.filter(({ direction }) => direction === 'RETURN');
  const liveReturns = returns.filter((parcel) => !isFinal(parcel.status));

  if (outbound.length > 1) return [`Rental ${id} has ${outbound.length} OUTBOUND parcels.`];
  if (liveReturns.length > 1) return [`Rental ${id} has ${liveReturns.length} RETURN parcels under way.`];
  return [
    outboundMistake(rental, outbound[0]),
    returnMistake(rental, returns, liveReturns[0]),
    ...parcels.map((parcel) => factsMistake(rental, parcel)),
  ].flatMap((mistake) => (mistake ? [`Rental ${id} is ${status}, but ${mistake}.`] : []));
}

function outboundMistake({ status, stop }: RentalRow, parcel: Parcel | undefined): string | null {
  const allowed: readonly DeliveryStatus[] | null | 'any' = outboundOf[status];
  if (allowed === null) return parcel ? `parcel ${parcel.id} is ${parcel.status}` : null;
  if (allowed === 'any') {
    if (!parcel) return stop ? 'there is no parcel that was stopped' : null;
    const stopped = isFinal(parcel.status) || parcel.stop !== null;
    return stopped ? null : `parcel ${parcel.id} is ${parcel.status} and nobody stops it`;
  }
  if (!parcel) return 'it has no OUTBOUND parcel';
  if (!allowed.includes(parcel.status)) return `parcel ${parcel.id} is ${parcel.status}`;
  return parcel.stop === null ? null : `parcel ${parcel.id} is to be stopped`;
}

function returnMistake(rental: RentalRow, returns: Parcel[], live: Parcel | undefined): string | null {
  switch (rental.status) {
    case 'ON_LOAN':
    case 'OVERDUE':
      if (!rental.return_requested) return live ? `parcel ${live.id} brings it back, which nobody asked for` : null;
      if (!live) return 'no parcel brings it back, as the customer asked';
      return wanted.includes(live.status) ? null : `parcel ${live.id} is ${live.status}`;
    case 'RETURNING':
      if (!live) return 'no parcel brings it back';
      return underWay.includes(live.status) ? null : `parcel ${live.id} is ${live.status}`;
    case 'RETURNED':
    case 'CLOSED':
      if (live) return `parcel ${live.id} is ${live.status}`;
      return returns.some(({ status }) => status === 'DELIVERED') ? null : 'no parcel brought it back';
    case 'CANCELLED':
      return null; // what came too late to be stopped is brought back
    case 'LOST': // what the carrier has already is left to arrive
      if (!live || live.stop || underWay.includes(live.status)) return null;
      return `parcel ${live.id} is ${live.status} and nobody stops it`;
    default:
      return live ? `parcel ${live.id} is ${live.status}` : null;
  }
}

function factsMistake(rental: RentalRow, parcel: Parcel): string | null {
  const told = differingFacts(rental, parcel).map(
    (column) => `${column} ${parcel[column]} instead of ${rental[column]}`,
  );
  return told.length ? `its parcel ${parcel.id} has ${told.join(', ')}` : null;
}

const parcels: Rule = {
  name: 'parcels',
  says: 'each live rental has one OUTBOUND parcel, as far as its status says; one that was cancelled has none that goes on; at most one RETURN is under way, exactly when it was asked for; no parcel is without a rental',
  async look({ rental, delivery }, tell, only) {
    let looked = 0;
    const parcelsOf = { client: delivery, select: PARCELS, key: 'rental_id', group: 'GROUP BY rental_id' };
    const pairs = sideBySide({
      rental: rowsOf<RentalRow>({ client: rental, select: RENTALS, key: 'id' }, only),
      delivery: rowsOf<ParcelsRow>(parcelsOf, only),
    });
    for await (const { id, rental, delivery } of pairs) {
      looked += 1;
      const parcels = delivery?.parcels ?? [];
      const sentences = rental
        ? mistakesOf(rental, parcels)
        : parcels.map((parcel) => `Parcel ${parcel.id} is for rental ${id}, which does not exist.`);
      for (const sentence of sentences) tell({ about: id, sentence, state: [rental, parcels] });
    }
    return looked;
  },
};

export const parcelRules = [parcels];

/** Statuses, in words and a colour. */
import type { DeliveryStatus, RentalStatus } from '../client/enums.generated.ts';
import { useStatusWords } from './words.ts';

type Kind = 'notice' | 'fault' | 'over';

/** What is not named here goes as it should. */
const rentalKinds: Partial<Record<RentalStatus, Kind>> = {
  REQUESTED: 'notice',
  ON_HOLD: 'notice',
  OVERDUE: 'fault',
  LOST: 'fault',
  REJECTED: 'fault',
  CLOSED: 'over',
  CANCELLED: 'over',
};
const deliveryKinds: Partial<Record<DeliveryStatus, Kind>> = {
  PENDING: 'notice',
  FAILED: 'fault',
  LOST: 'fault',
  STOPPED: 'over',
  RETURNED_TO_SENDER: 'over',
};

export function RentalBadge({ status }: { status: RentalStatus }) {
  const words = useStatusWords();
  return <Badge kind={rentalKinds[status]}>{words.rental[status]}</Badge>;
}

export function DeliveryBadge({ status }: { status: DeliveryStatus }) {
  const words = useStatusWords();
  return <Badge kind={deliveryKinds[status]}>{words.delivery[status]}</Badge>;
}

const Badge = ({ kind = '', children }: { kind?: Kind | '' | undefined; children: string }) => (
  <span className={`badge ${kind}`}>{children}</span>
);

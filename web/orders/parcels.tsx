/** Where the parcels are, as their carrier says. */
import type { DeliveryStatus } from '../client/enums.generated.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { DeliveryBadge } from '../pieces/badges.tsx';
import type { OneRentalQuery } from './rental.generated.ts';

const useWords = wordsOf({
  en: {
    directions: { OUTBOUND: 'The parcel to you', RETURN: 'The return parcel' },
    carrier: 'Carrier',
    number: 'Number',
    expected: 'Expected',
    follow: 'Follow it at the carrier',
    silent: 'What the carrier says cannot be shown just now. The order goes on all the same.',
  },
  ko: {
    directions: { OUTBOUND: '보내 드린 택배', RETURN: '반납 택배' },
    carrier: '택배사',
    number: '송장 번호',
    expected: '도착 예정',
    follow: '택배사에서 배송 조회',
    silent: '지금은 배송 정보를 표시할 수 없습니다. 주문은 그대로 진행됩니다.',
  },
});

type Parcels = NonNullable<OneRentalQuery['rental']>['deliveries'];

/** `parcels` are null while Delivery is silent; the order itself knows the way to the carrier's page. */
export function Parcels({ parcels, trackingUrl }: { parcels: Parcels; trackingUrl: string | null }) {
  const words = useWords();
  if (parcels) return parcels.toReversed().map((parcel) => <Parcel key={parcel.id} {...parcel} />);
  return (
    <section className="card">
      <p>{words.silent}</p>
      <TrackingLink url={trackingUrl} />
    </section>
  );
}

function Parcel({
  id,
  direction,
  status,
  carrier,
  trackingNumber,
  trackingUrl,
  estimatedAt,
}: NonNullable<Parcels>[number]) {
  const words = useWords();
  const format = useFormat();
  const onItsWay = !over.includes(status);
  return (
    <section className="card" aria-labelledby={id}>
      <h2 id={id}>{words.directions[direction]}</h2>
      <p>
        <DeliveryBadge status={status} />
      </p>
      <dl className="parcel">
        {carrier && (
          <>
            <dt>{words.carrier}</dt>
            <dd>{carrier}</dd>
          </>
        )}
        {trackingNumber && (
          <>
            <dt>{words.number}</dt>
            <dd>{trackingNumber}</dd>
          </>
        )}
        {estimatedAt && onItsWay && (
          <>
            <dt>{words.expected}</dt>
            <dd>{format.date(estimatedAt)}</dd>
          </>
        )}
      </dl>
      <TrackingLink url={trackingUrl} />
    </section>
  );
}

const over: DeliveryStatus[] = ['DELIVERED', 'STOPPED', 'LOST', 'RETURNED_TO_SENDER'];

/** The carrier's own page; nothing of ours goes along. */
function TrackingLink({ url }: { url: string | null }) {
  const words = useWords();
  if (!url || !/^https?:/.test(url)) return null; // no javascript: of whoever writes it
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {words.follow}
    </a>
  );
}

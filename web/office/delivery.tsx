/** One parcel: to whom it goes, what was scanned, and the next scan, in big buttons for a phone. */
import { Link } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { has, useAccount } from '../client/session.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { DeliveryBadge } from '../pieces/badges.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { OfficeDeliveryDocument, type OfficeParcelFragment } from './delivery.generated.ts';
import { Facts } from './facts.tsx';
import { NextScans } from './nextScans.tsx';
import { Tracking, TrackingEvents } from './parcel.tsx';
import { ScanParcel } from './scanParcel.tsx';

const useWords = wordsOf({
  en: {
    title: 'Parcel',
    none: 'There is no such parcel.',
    recipient: 'To',
    from: 'From',
    address: { OUTBOUND: 'Deliver to', RETURN: 'Pick up at' },
    noAddress: 'The address is not known yet, or was erased.',
    phone: 'Phone',
    number: 'Tracking',
    expected: 'Expected',
    rental: 'Rental',
    toRental: 'To the rental',
    scans: 'Scans',
    another: 'Another parcel',
  },
  ko: {
    title: '배송 상세',
    none: '없는 배송입니다.',
    recipient: '받는 분',
    from: '보내는 분',
    address: { OUTBOUND: '배송지', RETURN: '수거지' },
    noAddress: '주소를 아직 알 수 없거나 삭제되었습니다.',
    phone: '전화번호',
    number: '송장 번호',
    expected: '도착 예정',
    rental: '대여',
    toRental: '대여 보기',
    scans: '스캔 기록',
    another: '다른 배송 찾기',
  },
});

const REFRESH_MS = 15_000;

export default function DeliveryPage({ id }: { id: string }) {
  const words = useWords();
  const status = useStatusWords();
  const { data, loading, error, again } = useRead(OfficeDeliveryDocument, { id }, { everyMs: REFRESH_MS });
  const parcel = data?.delivery;
  return (
    <Page
      title={parcel?.trackingNumber ?? words.title}
      aside={
        parcel && (
          <p>
            {status.direction[parcel.direction]} <DeliveryBadge status={parcel.status} />
          </p>
        )
      }
    >
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {data && !parcel && !error && <Empty>{words.none}</Empty>}
      {parcel && (
        <>
          <Way parcel={parcel} />
          <NextScans parcel={parcel} />
          <section className="card">
            <h2>{words.scans}</h2>
            <TrackingEvents of={parcel.trackingEvents} withNotes />
          </section>
        </>
      )}
      <section>
        <h2>{words.another}</h2>
        <ScanParcel />
      </section>
    </Page>
  );
}

function Way({ parcel }: { parcel: OfficeParcelFragment }) {
  const words = useWords();
  const format = useFormat();
  const isStaff = has(useAccount(), 'STAFF', 'ADMIN');
  const { direction, sender, recipient, address, rental, estimatedAt } = parcel;
  return (
    <section className="card">
      <h2>{words.address[direction]}</h2>
      {address ? (
        <address>
          <strong>{address.name}</strong>
          <br />
          {address.line1}
          {address.line2 && (
            <>
              <br />
              {address.line2}
            </>
          )}
          <br />
          {address.postalCode} {address.city}, {format.country(address.country)}
        </address>
      ) : (
        <p>{words.noAddress}</p>
      )}
      <Facts
        of={[
          [
            words.phone,
            address?.phone && (
              <a key="phone" href={`tel:${address.phone}`}>
                {address.phone}
              </a>
            ),
          ],
          [words.from, sender],
          [words.recipient, recipient],
          [words.number, parcel.trackingNumber && <Tracking key="number" of={parcel} />],
          [words.expected, estimatedAt && format.time(estimatedAt)],
          [
            words.rental,
            isStaff && rental && (
              <Link key="rental" href={`/rentals/${rental.id}`}>
                {words.toRental}
              </Link>
            ),
          ],
        ]}
      />
    </section>
  );
}

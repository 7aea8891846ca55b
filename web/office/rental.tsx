/** Everything that staff need to know of one rental, live. */
import { Link } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { DeliveryBadge, RentalBadge } from '../pieces/badges.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { useAgainWhen } from './copies.tsx';
import { Facts } from './facts.tsx';
import { Tracking, TrackingEvents } from './parcel.tsx';
import { OfficeCopiesOfRentalDocument, OfficeRentalDocument, type OfficeRentalQuery } from './rental.generated.ts';
import { RentalActions } from './rentalActions.tsx';
import { RentalFees } from './rentalFees.tsx';
import { RentalTimeline } from './rentalTimeline.tsx';
import { useCopyWords } from './words.ts';

const useWords = wordsOf({
  en: {
    title: 'Rental',
    none: 'There is no such rental.',
    summary: 'Summary',
    quantity: 'Copies',
    total: 'Total',
    requested: 'Requested',
    accepted: 'Accepted',
    due: 'Due',
    renewals: 'Renewed',
    times: (count: string) => `${count} ×`,
    closed: 'Closed',
    place: 'Place in the queue',
    refused: 'Refused because',
    lateSoFar: 'Late fee so far',
    id: 'Id',
    customer: 'Customer',
    name: 'Name',
    email: 'E-mail',
    blocked: 'Blocked: overdue rentals, or unpaid fees above the limit.',
    otherRentals: 'All rentals of this customer',
    noCustomer: 'The account cannot be read, or was erased.',
    payment: 'Payment',
    noPayment: 'No payment.',
    status: 'Status',
    authorized: 'Authorised',
    captured: 'Taken',
    refunded: 'Refunded',
    declined: 'Declined because',
    owed: 'Still owed after the end',
    deliveries: 'Deliveries',
    noDeliveries: 'No parcel yet.',
    deliveriesDown: 'Deliveries cannot be read just now.',
    carrier: 'Carrier',
    expected: 'Expected',
    parcel: 'To the parcel',
    copies: 'Copies of this rental',
    noCopies:
      'No copy is with this rental. Copies are picked when the parcel is picked up, and leave it once they are inspected.',
    since: (when: string) => `since ${when}`,
  },
  ko: {
    title: '대여',
    none: '없는 대여입니다.',
    summary: '요약',
    quantity: '권수',
    total: '금액',
    requested: '신청일시',
    accepted: '접수일시',
    due: '반납 기한',
    renewals: '연장',
    times: (count: string) => `${count}회`,
    closed: '종료일시',
    place: '보류 순번',
    refused: '거절 사유',
    lateSoFar: '현재까지 연체료',
    id: '대여 ID',
    customer: '회원',
    name: '이름',
    email: '이메일',
    blocked: '대여 제한: 연체 중인 대여가 있거나 미납 요금이 한도를 넘었습니다.',
    otherRentals: '이 회원의 모든 대여',
    noCustomer: '회원 정보를 불러올 수 없거나 탈퇴한 회원입니다.',
    payment: '결제',
    noPayment: '결제 내역이 없습니다.',
    status: '상태',
    authorized: '승인 금액',
    captured: '결제 금액',
    refunded: '환불 금액',
    declined: '거절 사유',
    owed: '종료 후 남은 처리',
    deliveries: '배송',
    noDeliveries: '아직 배송이 없습니다.',
    deliveriesDown: '지금은 배송 정보를 불러올 수 없습니다.',
    carrier: '택배사',
    expected: '도착 예정',
    parcel: '배송 상세',
    copies: '이 대여의 책',
    noCopies: '이 대여에 속한 책이 없습니다. 책은 집하 때 정해지고 검수가 끝나면 빠집니다.',
    since: (when: string) => `${when}부터`,
  },
});

type Rental = NonNullable<OfficeRentalQuery['rental']>;

const REFRESH_MS = 30_000;

export default function RentalPage({ id }: { id: string }) {
  const words = useWords();
  const { data, loading, error, again } = useRead(OfficeRentalDocument, { id }, { everyMs: REFRESH_MS });
  const rental = data?.rental;
  return (
    <Page
      title={rental?.book?.title ?? words.title}
      aside={<p role="status">{rental && <RentalBadge status={rental.status} />}</p>}
    >
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {data && !rental && !error && <Empty>{words.none}</Empty>}
      {rental && (
        <>
          <RentalActions rental={rental} />
          <div className="columns">
            <div>
              <Summary rental={rental} />
              <Customer customer={rental.customer} />
              <Payment rental={rental} />
              <RentalFees fees={rental.fees} />
              <Copies rentalId={id} version={rental.version} />
            </div>
            <div>
              <Deliveries deliveries={rental.deliveries} />
              <RentalTimeline rentalId={id} />
            </div>
          </div>
        </>
      )}
    </Page>
  );
}

function Summary({ rental }: { rental: Rental }) {
  const words = useWords();
  const status = useStatusWords();
  const format = useFormat();
  const { total, rejection, acceptedAt, dueAt, renewals, closedAt, holdPosition, lateFeeSoFar } = rental;
  return (
    <section className="card">
      <h2>{words.summary}</h2>
      <Facts
        of={[
          [words.quantity, format.number(rental.quantity)],
          [words.total, total && format.money(total)],
          [words.refused, rejection && status.rejection[rejection.code]],
          [words.place, holdPosition && format.number(holdPosition)],
          [words.requested, format.time(rental.requestedAt)],
          [words.accepted, acceptedAt && format.time(acceptedAt)],
          [words.due, dueAt && format.time(dueAt)],
          [words.renewals, renewals > 0 && words.times(format.number(renewals))],
          [words.lateSoFar, lateFeeSoFar && format.money(lateFeeSoFar)],
          [words.closed, closedAt && format.time(closedAt)],
          [words.id, <code key="id">{rental.id}</code>],
        ]}
      />
    </section>
  );
}

function Customer({ customer }: { customer: Rental['customer'] }) {
  const words = useWords();
  return (
    <section className="card">
      <h2>{words.customer}</h2>
      {customer?.blocked && <p className="badge fault">{words.blocked}</p>}
      {customer ? (
        <>
          <Facts
            of={[
              [
                words.name,
                <Link key="name" href={`/customers/${customer.id}`}>
                  {customer.name ?? customer.id}
                </Link>,
              ],
              [words.email, customer.email],
            ]}
          />
          <p>
            <Link href={`/rentals?customerId=${customer.id}`}>{words.otherRentals}</Link>
          </p>
        </>
      ) : (
        <p>{words.noCustomer}</p>
      )}
    </section>
  );
}

function Payment({ rental: { payment, pendingCompensations } }: { rental: Rental }) {
  const words = useWords();
  const status = useStatusWords();
  const format = useFormat();
  return (
    <section className="card">
      <h2>{words.payment}</h2>
      {payment ? (
        <Facts
          of={[
            [words.status, status.payment[payment.status]],
            [words.authorized, format.money(payment.authorized)],
            [words.captured, format.money(payment.captured)],
            [words.refunded, payment.refunded.amount > 0 && format.money(payment.refunded)],
            [words.declined, payment.declineCode],
          ]}
        />
      ) : (
        <p>{words.noPayment}</p>
      )}
      {pendingCompensations.length > 0 && (
        <>
          <h3>{words.owed}</h3>
          <ul>
            {pendingCompensations.map((one) => (
              <li key={one}>{status.compensation[one]}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Deliveries({ deliveries }: { deliveries: Rental['deliveries'] }) {
  const words = useWords();
  const status = useStatusWords();
  const format = useFormat();
  return (
    <section className="card">
      <h2>{words.deliveries}</h2>
      {!deliveries && <p>{words.deliveriesDown}</p>}
      {deliveries?.length === 0 && <p>{words.noDeliveries}</p>}
      {deliveries?.map((parcel) => (
        <article key={parcel.id}>
          <h3>
            {status.direction[parcel.direction]} <DeliveryBadge status={parcel.status} />
          </h3>
          <Facts
            of={[
              [words.carrier, parcel.trackingNumber && <Tracking key="number" of={parcel} />],
              [words.expected, parcel.estimatedAt && format.time(parcel.estimatedAt)],
            ]}
          />
          <TrackingEvents of={parcel.trackingEvents} />
          <p>
            <Link href={`/deliveries/${parcel.id}`}>{words.parcel}</Link>
          </p>
        </article>
      ))}
    </section>
  );
}

function Copies({ rentalId, version }: { rentalId: string; version: number }) {
  const words = useWords();
  const copyWords = useCopyWords();
  const format = useFormat();
  const { data, loading, error, again } = useRead(OfficeCopiesOfRentalDocument, { rentalId }, { everyMs: REFRESH_MS });
  useAgainWhen(String(version), again); // copies are picked, come back and are inspected as the rental moves
  const copies = data?.copies?.edges ?? [];
  return (
    <section className="card">
      <h2>{words.copies}</h2>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {data && !copies.length && <p>{words.noCopies}</p>}
      <Facts
        of={copies.map(({ node: { barcode, status, statusSince } }) => [
          barcode,
          `${copyWords.status[status]}, ${words.since(format.time(statusSince))}`,
        ])}
      />
    </section>
  );
}

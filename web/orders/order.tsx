/**
 * One order, as it goes. Its history is the read model's; what may be done, parcels and money are asked of their own services, and
 * while one of them is silent the rest stands.
 */

import { useState } from 'react';
import { Link } from 'wouter';
import type { RentalStatus } from '../client/enums.generated.ts';
import { useFollow, useRead } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import { RentalBadge } from '../pieces/badges.tsx';
import { Page } from '../pieces/page.tsx';
import { Loading, Problem } from '../pieces/states.tsx';
import { Actions } from './actions.tsx';
import { returnIsBooked } from './entries.ts';
import { MoneyOf } from './money.tsx';
import { OneOrderDocument, type OneOrderQuery } from './order.generated.ts';
import { OrderStatusDocument } from './orderStatus.generated.ts';
import { Parcels } from './parcels.tsx';
import { Now } from './presentState.tsx';
import { OneRentalDocument, type OneRentalQuery } from './rental.generated.ts';
import { Timeline } from './timeline.tsx';
import './orders.css';

const useWords = wordsOf({
  en: {
    title: 'Order',
    none: 'There is no such order.',
    all: 'All my orders',
    book: 'About the book',
    notNow: 'What can be done, and what it costs, cannot be shown just now. It comes back by itself.',
  },
  ko: {
    title: '주문',
    none: '없는 주문입니다.',
    all: '내 주문 모두 보기',
    book: '책 정보',
    notNow: '지금은 결제 정보를 보거나 주문을 변경할 수 없습니다. 잠시 후 자동으로 다시 표시됩니다.',
  },
});

/** A scan that changes no status is told by nobody, and neither is what money does. */
const UNDER_WAY_MS = 3_000;

export default function OrderPage({ id }: { id: string }) {
  const words = useWords();
  const [asking, setAsking] = useState(false);
  const everyMs = asking ? UNDER_WAY_MS : undefined;
  useFollow(OrderStatusDocument, {});
  const { data, loading, error, again } = useRead(OneOrderDocument, { rentalId: id }, { everyMs });
  const order = data?.order;
  const reading = useRead(OneRentalDocument, { id }, { when: Boolean(order), everyMs });
  const rental = reading.data?.rental;

  const moves = Boolean(order && isUnderWay(order, rental)) || reading.error !== undefined;
  if (asking !== moves) setAsking(moves);

  if (!order)
    return (
      <Page title={words.title}>
        <Problem error={error} again={again} />
        {loading && <Loading />}
        {data && !error && <p>{words.none}</p>}
        <Link href="/orders">{words.all}</Link>
      </Page>
    );
  return (
    <Page title={order.bookTitle ?? words.title} aside={<RentalBadge status={order.status} />}>
      <Problem error={error} again={again} />
      <div className="order">
        <Now order={order} rental={rental} />
        {rental && <Actions rental={rental} />}
        <Timeline entries={order.timeline} />
        <div className="order-column">
          {rental && <Parcels parcels={rental.deliveries} trackingUrl={order.trackingUrl} />}
          {rental && <MoneyOf rental={rental} />}
          {!rental && reading.error && <p className="card">{words.notNow}</p>}
        </div>
      </div>
      <p>
        <Link href="/orders">{words.all}</Link> · <Link href={`/books/${order.bookId}`}>{words.book}</Link>
      </p>
    </Page>
  );
}

const moving: RentalStatus[] = ['REQUESTED', 'ON_HOLD', 'ACCEPTED', 'SHIPPING', 'RETURNING'];
const lent: RentalStatus[] = ['ON_LOAN', 'OVERDUE'];

function isUnderWay(
  { status, dueAt, timeline }: NonNullable<OneOrderQuery['order']>,
  rental: OneRentalQuery['rental'] | undefined,
): boolean {
  const isLent = lent.includes(status);
  if (moving.includes(status) || (isLent && returnIsBooked(timeline))) return true;
  if (!rental) return false;
  const { pendingCompensations, fees, deliveries, allowedActions } = rental;
  // A renewal or a booked return changes no status, and the order learns of it a moment later.
  const isAhead = isLent && (rental.dueAt !== dueAt || !allowedActions.includes('RETURN'));
  const isPaying = fees.some(({ status }) => status === 'PENDING');
  return isAhead || isPaying || deliveries === null || pendingCompensations.length > 0;
}

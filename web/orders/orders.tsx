/** The reader's orders: what is overdue first, then the newest. They move by themselves. */

import { useDeferredValue } from 'react';
import { Link, useSearchParams } from 'wouter';
import type { RentalStatus } from '../client/enums.generated.ts';
import { useFollow } from '../client/hooks.ts';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { RentalBadge } from '../pieces/badges.tsx';
import { Choice, Field } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { OrderStatusDocument } from './orderStatus.generated.ts';
import { MyOrdersDocument, type MyOrdersQuery } from './orders.generated.ts';
import { UnpaidFees } from './unpaidFees.tsx';
import './orders.css';

const useWords = wordsOf({
  en: {
    title: 'My orders',
    which: 'Show',
    shown: { open: 'Open orders', past: 'Past orders', all: 'All orders' },
    search: 'Search by title',
    none: 'There is no such order here.',
    nothing: 'You have no open orders.',
    find: 'Find a book',
    untitled: 'A book',
    copies: (count: string) => `${count} copies`,
    since: (when: string) => `since ${when}`,
    due: (day: string) => `Return it by ${day}`,
    late: (day: string) => `It was due on ${day}: return it`,
  },
  ko: {
    title: '내 주문',
    which: '주문 상태',
    shown: { open: '진행 중인 주문', past: '지난 주문', all: '모든 주문' },
    search: '제목으로 찾기',
    none: '해당하는 주문이 없습니다.',
    nothing: '진행 중인 주문이 없습니다.',
    find: '책 찾기',
    untitled: '책',
    copies: (count: string) => `${count}권`,
    since: (when: string) => `${when}부터`,
    due: (day: string) => `${day}까지 반납해 주세요`,
    late: (day: string) => `반납 예정일(${day})이 지났습니다. 반납해 주세요`,
  },
});

const OPEN: RentalStatus[] = ['REQUESTED', 'ON_HOLD', 'ACCEPTED', 'SHIPPING', 'ON_LOAN', 'RETURNING', 'RETURNED'];
const PAST: RentalStatus[] = ['CLOSED', 'CANCELLED', 'REJECTED', 'LOST'];
const shown = { open: OPEN, past: PAST, all: [...OPEN, ...PAST] };
type Shown = keyof typeof shown;
const isShown = (kept: string | null): kept is Shown => kept !== null && Object.hasOwn(shown, kept);

const PAGE = 20;

export default function Orders() {
  const words = useWords();
  const [params, setParams] = useSearchParams();
  const kept = params.get('show');
  const text = params.get('search') ?? '';
  const which = isShown(kept) ? kept : text ? 'all' : 'open'; // who looks for a title looks everywhere
  const search = useDeferredValue(text.trim()) || undefined;
  const keep = (name: string, value: string) =>
    setParams((params) => ({ ...Object.fromEntries(params), [name]: value }), { replace: true });
  useFollow(OrderStatusDocument, {});
  const overdue = usePages(MyOrdersDocument, { first: PAGE, filter: { status: ['OVERDUE'], search } }, ordersIn, {
    when: which !== 'past',
  });
  const orders = usePages(MyOrdersDocument, { first: PAGE, filter: { status: shown[which], search } }, ordersIn);
  const late = which === 'past' ? [] : overdue.nodes;
  const ordinary = which === 'open' && !search;

  return (
    <Page title={words.title}>
      <UnpaidFees />
      <div className="order-filters">
        <Choice label={words.which} value={which} onChange={({ target }) => keep('show', target.value)}>
          <option value="open">{words.shown.open}</option>
          <option value="past">{words.shown.past}</option>
          <option value="all">{words.shown.all}</option>
        </Choice>
        <Field
          label={words.search}
          type="search"
          value={text}
          onChange={({ target }) => keep('search', target.value)}
        />
      </div>
      {late.length > 0 && <OrderList orders={late} />}
      <List
        of={orders}
        none={
          late.length === 0 && (
            <>
              <p>{ordinary ? words.nothing : words.none}</p>
              <Link href="/">{words.find}</Link>
            </>
          )
        }
      >
        {(nodes) => <OrderList orders={nodes} />}
      </List>
    </Page>
  );
}

const ordersIn = ({ me }: MyOrdersQuery) => me?.orders;

type Order = NonNullable<NonNullable<MyOrdersQuery['me']>['orders']>['edges'][number]['node'];

function OrderList({ orders }: { orders: readonly Order[] }) {
  const words = useWords();
  const format = useFormat();
  return (
    <ul className="orders">
      {orders.map(({ id, bookTitle, quantity, status, statusSince, dueAt }) => (
        <li key={id} className={`card ${status === 'OVERDUE' ? 'late' : ''}`}>
          <Link href={`/orders/${id}`}>{bookTitle ?? words.untitled}</Link>
          <RentalBadge status={status} />
          <p>
            <time dateTime={statusSince}>{words.since(format.time(statusSince))}</time>
            {quantity > 1 && ` · ${words.copies(format.number(quantity))}`}
          </p>
          {dueAt && status === 'ON_LOAN' && <p>{words.due(format.date(dueAt))}</p>}
          {dueAt && status === 'OVERDUE' && <p className="fault">{words.late(format.date(dueAt))}</p>}
        </li>
      ))}
    </ul>
  );
}

/** The reader's orders: what is overdue first, then the newest. They move by themselves. */
import { useDeferredValue, useEffect, useRef, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useFollow, useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { RentalBadge } from '../pieces/badges.tsx';
import { Choice, Field } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, More, Problem } from '../pieces/states.tsx';
import { OrderStatusDocument } from './orderStatus.generated.ts';
import { MyOrdersDocument, type MyOrdersQuery, type OrderFilter, type RentalStatus } from './orders.generated.ts';
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
    due: (day: string) => `Send it back by ${day}`,
    late: (day: string) => `It was due on ${day}: send it back`,
  },
  ko: {
    title: '내 주문',
    which: '보기',
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

const PAGE = 20;

export default function Orders() {
  const words = useWords();
  const [params, setParams] = useSearchParams();
  const kept = params.get('show');
  const which: Shown = kept === 'past' || kept === 'all' ? kept : 'open';
  const text = params.get('search') ?? '';
  const search = useDeferredValue(text.trim()) || undefined;
  const keep = (name: string, value: string) =>
    setParams((params) => ({ ...Object.fromEntries(params), [name]: value }), { replace: true });
  useFollow(OrderStatusDocument, {});
  const overdue = useRead(
    MyOrdersDocument,
    { first: PAGE, after: undefined, filter: { status: ['OVERDUE'], search } },
    { when: which !== 'past' },
  );
  const late = which === 'past' ? [] : (overdue.data?.me?.orders?.edges ?? []);
  const ordinary = which === 'open' && !search;

  return (
    <Page title={words.title}>
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
      <OrderList edges={late} />
      <OrdersAfter key={`${which} ${search}`} filter={{ status: shown[which], search }}>
        {late.length === 0 && (
          <Empty>
            <p>{ordinary ? words.nothing : words.none}</p>
            <Link href="/">{words.find}</Link>
          </Empty>
        )}
      </OrdersAfter>
    </Page>
  );
}

interface OrdersAfterProps {
  filter: OrderFilter;
  after?: string;
  /** For when there are none. */
  children?: React.ReactNode;
}

/** A page, and those after it once they are asked for: each reads itself again, and begins where the one before it ends now. */
function OrdersAfter({ filter, after, children }: OrdersAfterProps) {
  const { data, loading, refreshing, error, again } = useRead(MyOrdersDocument, { first: PAGE, after, filter });
  const [more, setMore] = useState(false);
  const orders = data?.me?.orders;
  const { hasNextPage, endCursor } = orders?.pageInfo ?? {};
  return (
    <>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {orders && <OrderList edges={orders.edges} take={after !== undefined} />}
      {orders?.edges.length === 0 && children}
      {orders && !more && <More pageInfo={orders.pageInfo} busy={refreshing} show={() => setMore(true)} />}
      {more && hasNextPage && endCursor && <OrdersAfter filter={filter} after={endCursor} />}
    </>
  );
}

type Edges = NonNullable<NonNullable<MyOrdersQuery['me']>['orders']>['edges'];

/** `take`: the reader has asked for it, and goes on from its first one. */
function OrderList({ edges, take = false }: { edges: Edges; take?: boolean }) {
  const words = useWords();
  const format = useFormat();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (take) list.current?.querySelector('a')?.focus();
  }, [take]);
  if (!edges.length) return null;
  return (
    <ul className="orders" ref={list}>
      {edges.map(({ node: { id, bookTitle, quantity, status, statusSince, dueAt } }) => (
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

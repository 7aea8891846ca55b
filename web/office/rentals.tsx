/** The rentals of the shop: first what should have moved by itself and has not, then all, the newest first. */

import { Link, useSearchParams } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { RentalBadge } from '../pieces/badges.tsx';
import { Field, Tick } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { FilterForm, StatusTicks, StuckField } from './filterForm.tsx';
import {
  rentalFilterOf,
  rentalStatuses,
  type StuckFilter,
  unmovedDays,
  unmovedFilter,
  unsettledFilter,
} from './filters.ts';
import { OfficeRentalsDocument, type OfficeRentalsQuery, type RentalFilter } from './rentals.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Rentals',
    stuck: 'Stuck',
    unsettled: (minutes: string) => `Not settled for ${minutes} minutes: these should go on within seconds.`,
    unmoved: (days: string) => `No scan or inspection for ${days} days.`,
    allStuck: 'All of them',
    all: 'All rentals',
    found: 'Rentals found',
    none: 'No rentals.',
    book: 'Book',
    untitled: 'Untitled',
    customer: 'Customer',
    status: 'Status',
    quantity: 'Copies',
    total: 'Total',
    requested: 'Requested',
    due: 'Due',
    overdue: 'Overdue only',
    bookId: 'Id of the book',
    customerId: 'Id of the customer',
  },
  ko: {
    title: '대여',
    stuck: '멈춘 대여',
    unsettled: (minutes: string) => `몇 초 안에 처리되어야 하지만 ${minutes}분 넘게 그대로입니다.`,
    unmoved: (days: string) => `${days}일 넘게 배송 스캔이나 검수가 없습니다.`,
    allStuck: '모두 보기',
    all: '전체 대여',
    found: '조회 결과',
    none: '대여가 없습니다.',
    book: '책',
    untitled: '제목 없음',
    customer: '회원',
    status: '상태',
    quantity: '권수',
    total: '금액',
    requested: '신청일시',
    due: '반납 기한',
    overdue: '연체만',
    bookId: '도서 ID',
    customerId: '회원 ID',
  },
});

const PAGE = 25;
const STUCK_SHOWN = 10;
const REFRESH_MS = 30_000;

export default function Rentals() {
  const words = useWords();
  const status = useStatusWords();
  const [address] = useSearchParams();
  const filter = rentalFilterOf(address);
  const isFiltered = address.size > 0;

  return (
    <Page title={words.title}>
      <FilterForm>
        <StatusTicks of={rentalStatuses} words={status.rental} chosen={filter.status} />
        <Tick name="overdue" value="1" label={words.overdue} defaultChecked={filter.overdue ?? false} />
        <Field name="bookId" label={words.bookId} defaultValue={filter.bookId?.toString()} />
        <Field name="customerId" label={words.customerId} defaultValue={filter.customerId?.toString()} />
        <StuckField minutes={filter.stuckForMinutes} />
      </FilterForm>
      {!isFiltered && <Stuck />}
      <section>
        <h2>{isFiltered ? words.found : words.all}</h2>
        <Found key={address.toString()} filter={filter} />
      </section>
    </Page>
  );
}

/** Absent when nothing is. */
function Stuck() {
  const words = useWords();
  const format = useFormat();
  const unsettled = useStuck(unsettledFilter);
  const unmoved = useStuck(unmovedFilter);
  if (!unsettled && !unmoved) return null;
  return (
    <section className="stuck card">
      <h2>{words.stuck}</h2>
      {unsettled && (
        <>
          <p>{words.unsettled(format.number(unsettledFilter.stuckForMinutes))}</p>
          <Table rentals={unsettled.edges.map(({ node }) => node)} />
          {unsettled.pageInfo.hasNextPage && <AllOf filter={unsettledFilter} />}
        </>
      )}
      {unmoved && (
        <>
          <p>{words.unmoved(format.number(unmovedDays))}</p>
          <Table rentals={unmoved.edges.map(({ node }) => node)} />
          {unmoved.pageInfo.hasNextPage && <AllOf filter={unmovedFilter} />}
        </>
      )}
    </section>
  );
}

function useStuck(filter: StuckFilter): OfficeRentalsQuery['rentals'] {
  const { data } = useRead(OfficeRentalsDocument, { first: STUCK_SHOWN, filter }, { everyMs: REFRESH_MS });
  return data?.rentals?.edges.length ? data.rentals : null;
}

function AllOf({ filter: { status, stuckForMinutes } }: { filter: StuckFilter }) {
  const words = useWords();
  const address = new URLSearchParams([
    ...status.map((one) => ['status', one]),
    ['stuckForMinutes', String(stuckForMinutes)],
  ]);
  return (
    <p className="more">
      <Link href={`/rentals?${address}`}>{words.allStuck}</Link>
    </p>
  );
}

function Found({ filter }: { filter: RentalFilter }) {
  const words = useWords();
  const rentals = usePages(OfficeRentalsDocument, { first: PAGE, filter }, ({ rentals }) => rentals, {
    everyMs: REFRESH_MS,
  });
  return (
    <List of={rentals} none={words.none}>
      {(nodes) => <Table rentals={nodes} />}
    </List>
  );
}

type Rental = NonNullable<OfficeRentalsQuery['rentals']>['edges'][number]['node'];

function Table({ rentals }: { rentals: readonly Rental[] }) {
  const words = useWords();
  const format = useFormat();
  return (
    <div className="table">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.book}</th>
            <th scope="col">{words.status}</th>
            <th scope="col">{words.customer}</th>
            <th scope="col" className="number">
              {words.quantity}
            </th>
            <th scope="col" className="number">
              {words.total}
            </th>
            <th scope="col">{words.requested}</th>
            <th scope="col">{words.due}</th>
          </tr>
        </thead>
        <tbody>
          {rentals.map(({ id, book, status, customer, quantity, total, requestedAt, dueAt }) => (
            <tr key={id}>
              <th scope="row">
                <Link href={`/rentals/${id}`}>{book?.title ?? words.untitled}</Link>
              </th>
              <td>
                <RentalBadge status={status} />
              </td>
              <td>{customer && <Link href={`/customers/${customer.id}`}>{customer.name ?? customer.id}</Link>}</td>
              <td className="number">{format.number(quantity)}</td>
              <td className="number">{total && format.money(total)}</td>
              <td>
                <time dateTime={requestedAt}>{format.time(requestedAt)}</time>
              </td>
              <td>{dueAt && <time dateTime={dueAt}>{format.date(dueAt)}</time>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

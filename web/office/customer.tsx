/** One customer, as staff need to know them. */

import { Link } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { usePages } from '../client/pages.ts';
import { has, useAccount } from '../client/session.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { RentalBadge } from '../pieces/badges.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, Problem } from '../pieces/states.tsx';
import { OfficeCustomerDocument, OfficeOrdersOfCustomerDocument } from './customer.generated.ts';
import { Facts } from './facts.tsx';
import { RolesForm } from './rolesForm.tsx';
import { useRoleWords } from './words.ts';

const useWords = wordsOf({
  en: {
    title: 'Customer',
    none: 'There is no such customer; the account may have been erased.',
    account: 'Account',
    email: 'E-mail',
    roles: 'Roles',
    id: 'Id',
    standing: 'Standing',
    fine: 'May rent',
    blocked: 'Blocked: overdue rentals, or unpaid fees above the limit',
    rentals: 'Find these rentals by status',
    orders: 'Orders',
    noOrders: 'No orders yet.',
    book: 'Book',
    untitled: 'Untitled',
    status: 'Status',
    quantity: 'Copies',
    requested: 'Requested',
    due: 'Due',
  },
  ko: {
    title: '회원',
    none: '없는 회원이거나 탈퇴한 회원입니다.',
    account: '계정',
    email: '이메일',
    roles: '권한',
    id: '회원 ID',
    standing: '대여 가능 여부',
    fine: '대여 가능',
    blocked: '대여 제한: 연체 중인 대여가 있거나 미납 요금이 한도를 넘음',
    rentals: '상태별로 대여 조회',
    orders: '주문',
    noOrders: '주문 내역이 없습니다.',
    book: '책',
    untitled: '제목 없음',
    status: '상태',
    quantity: '권수',
    requested: '신청일시',
    due: '반납 기한',
  },
});

export default function CustomerPage({ id }: { id: string }) {
  const words = useWords();
  const roleWords = useRoleWords();
  const format = useFormat();
  const isAdmin = has(useAccount(), 'ADMIN');
  const { data, loading, error, again } = useRead(OfficeCustomerDocument, { id });
  const customer = data?.customer;
  const roles = customer?.roles ?? [];
  return (
    <Page title={customer?.name ?? words.title}>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {data && !customer && !error && <Empty>{words.none}</Empty>}
      {customer && (
        <>
          <section className="card">
            <h2>{words.account}</h2>
            <Facts
              of={[
                [words.email, customer.email],
                [words.roles, format.list(roles.map((role) => roleWords[role]))],
                [
                  words.standing,
                  customer.blocked === null ? null : (
                    <span key="standing" className={customer.blocked ? 'badge fault' : 'badge'}>
                      {customer.blocked ? words.blocked : words.fine}
                    </span>
                  ),
                ],
                [words.id, <code key="id">{id}</code>],
              ]}
            />
          </section>
          {isAdmin && <RolesForm customerId={id} roles={roles} />}
          <Orders id={id} />
        </>
      )}
    </Page>
  );
}

const PAGE = 20;

function Orders({ id }: { id: string }) {
  const words = useWords();
  const format = useFormat();
  const orders = usePages(OfficeOrdersOfCustomerDocument, { id, first: PAGE }, ({ customer }) => customer?.orders);
  return (
    <section>
      <h2>{words.orders}</h2>
      <p>
        <Link href={`/rentals?customerId=${id}`}>{words.rentals}</Link>
      </p>
      <List of={orders} none={words.noOrders}>
        {(nodes) => (
          <div className="table">
            <table>
              <thead>
                <tr>
                  <th scope="col">{words.book}</th>
                  <th scope="col">{words.status}</th>
                  <th scope="col" className="number">
                    {words.quantity}
                  </th>
                  <th scope="col">{words.requested}</th>
                  <th scope="col">{words.due}</th>
                </tr>
              </thead>
              <tbody>
                {nodes.map(({ id, bookTitle, status, quantity, requestedAt, dueAt }) => (
                  <tr key={id}>
                    <th scope="row">
                      <Link href={`/rentals/${id}`}>{bookTitle ?? words.untitled}</Link>
                    </th>
                    <td>
                      <RentalBadge status={status} />
                    </td>
                    <td className="number">{format.number(quantity)}</td>
                    <td>
                      <time dateTime={requestedAt}>{format.time(requestedAt)}</time>
                    </td>
                    <td>{dueAt && <time dateTime={dueAt}>{format.date(dueAt)}</time>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </List>
    </section>
  );
}

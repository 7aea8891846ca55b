/** Finds customers by name or e-mail. */
import { useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Button, Field } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, More, Problem } from '../pieces/states.tsx';
import { OfficeCustomersDocument } from './customers.generated.ts';
import { addressOf } from './filters.ts';
import { useRoleWords } from './words.ts';

const useWords = wordsOf({
  en: {
    title: 'Customers',
    search: 'Name or e-mail',
    find: 'Find',
    none: 'Nobody found.',
    name: 'Name',
    email: 'E-mail',
    roles: 'Roles',
    standing: 'Standing',
    blocked: 'Blocked',
    noName: 'No name',
  },
  ko: {
    title: '회원',
    search: '이름 또는 이메일',
    find: '찾기',
    none: '찾은 회원이 없습니다.',
    name: '이름',
    email: '이메일',
    roles: '권한',
    standing: '대여 가능 여부',
    blocked: '대여 제한',
    noName: '이름 없음',
  },
});

export default function Customers() {
  const words = useWords();
  const [address, setAddress] = useSearchParams();
  const search = address.get('search') ?? '';
  return (
    <Page title={words.title}>
      <form
        className="line"
        onSubmit={(event) => {
          event.preventDefault();
          setAddress(addressOf(new FormData(event.currentTarget)));
        }}
      >
        <Field key={search} name="search" type="search" label={words.search} defaultValue={search} />
        <Button type="submit" kind="main">
          {words.find}
        </Button>
      </form>
      <Found key={search} search={search} />
    </Page>
  );
}

const PAGE = 25;

function Found({ search }: { search: string }) {
  const words = useWords();
  const roleWords = useRoleWords();
  const format = useFormat();
  const [after, setAfter] = useState<string>();
  const { data, loading, refreshing, error, again } = useRead(OfficeCustomersDocument, {
    first: PAGE,
    after,
    search: search || undefined,
  });
  const customers = data?.customers;
  return (
    <>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {customers?.edges.length === 0 && <Empty>{words.none}</Empty>}
      {customers && customers.edges.length > 0 && (
        <div className="table">
          <table>
            <thead>
              <tr>
                <th scope="col">{words.name}</th>
                <th scope="col">{words.email}</th>
                <th scope="col">{words.roles}</th>
                <th scope="col">{words.standing}</th>
              </tr>
            </thead>
            <tbody>
              {customers.edges.map(({ node: { id, name, email, roles, blocked } }) => (
                <tr key={id}>
                  <th scope="row">
                    <Link href={`/customers/${id}`}>{name ?? words.noName}</Link>
                  </th>
                  <td>{email}</td>
                  <td>{format.list((roles ?? []).map((role) => roleWords[role]))}</td>
                  <td>{blocked && <span className="badge fault">{words.blocked}</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {customers && <More pageInfo={customers.pageInfo} busy={refreshing} show={setAfter} />}
    </>
  );
}

/** Finds customers by name or e-mail. */

import { Link, useSearchParams } from 'wouter';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Button, Field } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
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
  const wish = { first: PAGE, search: search || undefined };
  const customers = usePages(OfficeCustomersDocument, wish, ({ customers }) => customers);
  return (
    <List of={customers} none={words.none}>
      {(nodes) => (
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
              {nodes.map(({ id, name, email, roles, blocked }) => (
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
    </List>
  );
}

/** What the shop knows of the reader, to look at, change, take along and erase. */
import { Link } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { settings } from '../client/settings.ts';
import { wordsOf } from '../language/language.ts';
import { Page } from '../pieces/page.tsx';
import { Loading, Problem } from '../pieces/states.tsx';
import { MyAccountDocument } from './account.generated.ts';
import { Addresses } from './addresses.tsx';
import { Details } from './details.tsx';
import { Erase } from './erase.tsx';
import { Export } from './export.tsx';
import { Password } from './password.tsx';
import './account.css';

const useWords = wordsOf({
  en: {
    title: 'Account',
    blocked: 'You cannot rent anything just now, because a book is overdue or fees are unpaid.',
    orders: 'See my orders',
  },
  ko: {
    title: '내 정보',
    blocked: '연체된 책이나 미납 요금이 있어 지금은 대여할 수 없습니다.',
    orders: '내 주문 보기',
  },
});

export default function Account() {
  const words = useWords();
  const { data, loading, error, again } = useRead(MyAccountDocument, {});
  const me = data?.me;
  return (
    <Page title={words.title}>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {me?.blocked && (
        <p className="faults">
          {words.blocked} <Link href="/orders?show=all">{words.orders}</Link>
        </p>
      )}
      {me && (
        <div className="account">
          <Details email={me.email ?? ''} name={me.name ?? ''} />
          <Addresses addresses={me.addresses ?? []} />
          {!settings.oidc && <Password />}
          <Export />
          <Erase />
        </div>
      )}
    </Page>
  );
}

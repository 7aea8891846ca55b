/** The name of the shop, the ways and the account. */
import { Link, useLocation } from 'wouter';
import { has, signOut, useAccount } from '../client/session.ts';
import { wordsOf } from '../language/language.ts';
import { Button } from '../pieces/form.tsx';

const useWords = wordsOf({
  en: {
    nav: 'Main',
    find: 'Find a book',
    orders: 'My orders',
    waitlist: 'Waitlist',
    account: 'Account',
    office: 'Back office',
    signIn: 'Sign in',
    signOut: 'Sign out',
  },
  ko: {
    nav: '주 메뉴',
    find: '책 찾기',
    orders: '내 주문',
    waitlist: '대기 목록',
    account: '내 정보',
    office: '관리',
    signIn: '로그인',
    signOut: '로그아웃',
  },
});

export function Header() {
  const words = useWords();
  const account = useAccount();
  const [, go] = useLocation();
  return (
    <header className="shell">
      <Link href="/" className="name">
        Rentabook
      </Link>
      <nav aria-label={words.nav}>
        <Way to="/">{words.find}</Way>
        {account && <Way to="/orders">{words.orders}</Way>}
        {account && <Way to="/waitlist">{words.waitlist}</Way>}
        {account && <Way to="/account">{words.account}</Way>}
        {has(account, 'STAFF', 'ADMIN', 'COURIER') && <Way to="/office">{words.office}</Way>}
      </nav>
      {account ? (
        <Button
          onClick={() => {
            go('/');
            void signOut();
          }}
        >
          {words.signOut}
        </Button>
      ) : (
        <Link href="/sign-in" className="button quiet">
          {words.signIn}
        </Link>
      )}
    </header>
  );
}

function Way({ to, children }: { to: string; children: string }) {
  const [here] = useLocation();
  const isHere = to === '/' ? here === '/' : here.startsWith(to);
  return (
    <Link href={to} aria-current={isHere ? 'page' : undefined}>
      {children}
    </Link>
  );
}

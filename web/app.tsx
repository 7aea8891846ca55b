/** The whole page: what is on every view, and which view is where. */
import { lazy, type ReactNode, Suspense, useEffect, useMemo } from 'react';
import { Provider } from 'urql';
import { Link, Redirect, Route, Switch } from 'wouter';
import { SignInAgain } from './account/signInAgain.tsx';
import { Search } from './catalogue/search.tsx';
import { createPageClient } from './client/client.ts';
import type { Role } from './client/enums.generated.ts';
import { reconnect } from './client/live.ts';
import { has, useAccount } from './client/session.ts';
import { wordsOf } from './language/language.ts';
import { Page } from './pieces/page.tsx';
import { Loading } from './pieces/states.tsx';
import { ErrorBoundary } from './shell/errorBoundary.tsx';
import { Footer } from './shell/footer.tsx';
import { Header } from './shell/header.tsx';
import { LineNotice } from './shell/lineNotice.tsx';

const BookPage = lazy(() => import('./catalogue/book.tsx'));
const Rent = lazy(() => import('./rent/rent.tsx'));
const Orders = lazy(() => import('./orders/orders.tsx'));
const Order = lazy(() => import('./orders/order.tsx'));
const Waitlist = lazy(() => import('./orders/waitlist.tsx'));
const Account = lazy(() => import('./account/account.tsx'));
const SignIn = lazy(() => import('./account/signIn.tsx'));
const SignUp = lazy(() => import('./account/signUp.tsx'));
const Office = lazy(() => import('./office/office.tsx'));

const useWords = wordsOf({
  en: { skip: 'Skip to the content', lost: 'There is no such page', home: 'Find a book' },
  ko: { skip: '본문으로 건너뛰기', lost: '없는 페이지입니다', home: '책 찾기' },
});

export function App() {
  const words = useWords();
  const account = useAccount();
  const client = useMemo(() => createPageClient(account?.id), [account?.id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the line is the account's, too
  useEffect(() => reconnect, [account?.id]);

  return (
    <Provider value={client} key={account?.id}>
      <a className="skip" href="#main">
        {words.skip}
      </a>
      <Header />
      <LineNotice />
      <ErrorBoundary>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/" component={Search} />
            <Route path="/books/:id">{({ id }) => <BookPage id={id} />}</Route>
            <Route path="/books/:id/rent">
              {({ id }) => (
                <For>
                  <Rent key={id} bookId={id} />
                </For>
              )}
            </Route>
            <Route path="/orders">
              {() => (
                <For>
                  <Orders />
                </For>
              )}
            </Route>
            <Route path="/orders/:id">
              {({ id }) => (
                <For>
                  <Order id={id} />
                </For>
              )}
            </Route>
            <Route path="/waitlist">
              {() => (
                <For>
                  <Waitlist />
                </For>
              )}
            </Route>
            <Route path="/account">
              {() => (
                <For>
                  <Account />
                </For>
              )}
            </Route>
            <Route path="/sign-in" component={SignIn} />
            <Route path="/sign-up" component={SignUp} />
            <Route path="/office" nest>
              {() => (
                <For roles={['STAFF', 'ADMIN', 'COURIER']}>
                  <Office />
                </For>
              )}
            </Route>
            <Route>
              <Page title={words.lost}>
                <Link href="/">{words.home}</Link>
              </Page>
            </Route>
          </Switch>
        </Suspense>
      </ErrorBoundary>
      <Footer />
      <SignInAgain />
    </Provider>
  );
}

/** Only for who is signed in, or has one of the roles; others are asked to sign in, and come back here. */
function For({ roles, children }: { roles?: Role[]; children: ReactNode }) {
  const account = useAccount();
  if (!account)
    return <Redirect to={`~/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`} replace />;
  if (roles && !has(account, ...roles)) return <Redirect to="~/" replace />;
  return children;
}

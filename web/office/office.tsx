/** The back office: its ways, and which view is where; each role sees what it may do. */
import { lazy, Suspense } from 'react';
import { Link, Redirect, Route, Switch, useLocation } from 'wouter';
import { has, useAccount } from '../client/session.ts';
import { wordsOf } from '../language/language.ts';
import { Page } from '../pieces/page.tsx';
import { Loading } from '../pieces/states.tsx';
import './office.css';

const Today = lazy(() => import('./today.tsx'));
const Rentals = lazy(() => import('./rentals.tsx'));
const Rental = lazy(() => import('./rental.tsx'));
const Inspection = lazy(() => import('./inspection.tsx'));
const Deliveries = lazy(() => import('./deliveries.tsx'));
const Delivery = lazy(() => import('./delivery.tsx'));
const Customers = lazy(() => import('./customers.tsx'));
const Customer = lazy(() => import('./customer.tsx'));
const Books = lazy(() => import('./books.tsx'));
const AddBook = lazy(() => import('./addBook.tsx'));
const BookPage = lazy(() => import('./book.tsx'));
const ImportBooks = lazy(() => import('./importBooks.tsx'));
const DeadLetters = lazy(() => import('./deadLetters.tsx'));
const AuditLog = lazy(() => import('./auditLog.tsx'));

const useWords = wordsOf({
  en: {
    nav: 'Back office',
    today: 'Today',
    rentals: 'Rentals',
    inspection: 'Inspection desk',
    deliveries: 'Deliveries',
    customers: 'Customers',
    books: 'Books',
    importBooks: 'Import',
    deadLetters: 'Dead letters',
    auditLog: 'Audit log',
    forAdmins: 'Only admins see this page.',
    lost: 'There is no such page in the back office',
  },
  ko: {
    nav: '관리 메뉴',
    today: '오늘',
    rentals: '대여',
    inspection: '검수대',
    deliveries: '배송',
    customers: '회원',
    books: '도서',
    importBooks: '도서 가져오기',
    deadLetters: '처리 실패 이벤트',
    auditLog: '작업 기록',
    forAdmins: '관리자만 볼 수 있는 페이지입니다.',
    lost: '관리 화면에 없는 페이지입니다',
  },
});

export default function Office() {
  const words = useWords();
  const account = useAccount();
  const staff = has(account, 'STAFF', 'ADMIN');
  const admin = has(account, 'ADMIN');

  return (
    <div className="office">
      <nav aria-label={words.nav}>
        {staff && <Way to="/">{words.today}</Way>}
        {staff && <Way to="/rentals">{words.rentals}</Way>}
        {staff && <Way to="/inspection">{words.inspection}</Way>}
        <Way to="/deliveries">{words.deliveries}</Way>
        {staff && <Way to="/customers">{words.customers}</Way>}
        {staff && <Way to="/books">{words.books}</Way>}
        {staff && <Way to="/import">{words.importBooks}</Way>}
        {admin && <Way to="/dead-letters">{words.deadLetters}</Way>}
        {admin && <Way to="/audit-log">{words.auditLog}</Way>}
      </nav>
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path="/">{staff ? <Today /> : <Redirect to="/deliveries" replace />}</Route>
          <Route path="/deliveries" component={Deliveries} />
          <Route path="/deliveries/:id">{({ id }) => <Delivery key={id} id={id} />}</Route>
          {staff && <Route path="/rentals" component={Rentals} />}
          {staff && <Route path="/rentals/:id">{({ id }) => <Rental key={id} id={id} />}</Route>}
          {staff && <Route path="/inspection" component={Inspection} />}
          {staff && <Route path="/customers" component={Customers} />}
          {staff && <Route path="/customers/:id">{({ id }) => <Customer key={id} id={id} />}</Route>}
          {staff && <Route path="/books" component={Books} />}
          {staff && <Route path="/books/new" component={AddBook} />}
          {staff && <Route path="/books/:id">{({ id }) => <BookPage key={id} id={id} />}</Route>}
          {staff && <Route path="/import" component={ImportBooks} />}
          <Route path="/dead-letters">{admin ? <DeadLetters /> : <ForAdmins title={words.deadLetters} />}</Route>
          <Route path="/audit-log">{admin ? <AuditLog /> : <ForAdmins title={words.auditLog} />}</Route>
          <Route>
            <Page title={words.lost}>{null}</Page>
          </Route>
        </Switch>
      </Suspense>
    </div>
  );
}

function ForAdmins({ title }: { title: string }) {
  const words = useWords();
  return (
    <Page title={title}>
      <p>{words.forAdmins}</p>
    </Page>
  );
}

function Way({ to, children }: { to: string; children: string }) {
  const [here] = useLocation();
  const isHere = to === '/' ? here === '/' : here === to || here.startsWith(`${to}/`);
  return (
    <Link href={to} aria-current={isHere ? 'page' : undefined}>
      {children}
    </Link>
  );
}

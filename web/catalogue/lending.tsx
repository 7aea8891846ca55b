/** What a loan costs and how many copies there are: then one rents it, or waits for it. */
import { Link } from 'wouter';
import { useAccount } from '../client/session.ts';
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import { Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import type { Book, ForMe } from './book.tsx';
import { Waiting } from './waiting.tsx';

const useWords = wordsOf({
  en: {
    title: 'Rent it',
    fee: (fee: string) => `${fee} per copy and loan`,
    feeForDays: (fee: string, days: number) => `${fee} a copy for ${days} days`,
    stock: (available: number, owned: number) =>
      `${available} of ${plural(owned, { one: '1 copy', other: `${owned} copies` })} can be rented now.`,
    none: 'The shop has no copy of this book.',
    withdrawn: 'This book is no longer lent.',
    offered: (until: string) => `A copy is set aside for you until ${until}.`,
    rent: 'Rent this book',
    orders: 'See my orders',
  },
  ko: {
    title: '대여하기',
    fee: (fee: string) => `1권당 1회 대여료 ${fee}`,
    feeForDays: (fee: string, days: number) => `1권당 ${days}일 대여료 ${fee}`,
    stock: (available: number, owned: number) => `전체 ${owned}권 중 ${available}권을 지금 대여할 수 있습니다.`,
    none: '보유한 책이 없습니다.',
    withdrawn: '더 이상 대여하지 않는 책입니다.',
    offered: (until: string) => `${until}까지 회원님을 위해 1권을 따로 보관하고 있습니다.`,
    rent: '대여 신청',
    orders: '내 주문 보기',
  },
});

export function Lending({ book, forMe: { data, error, again, place, offer } }: { book: Book; forMe: ForMe }) {
  const words = useWords();
  const say = useStatusWords();
  const format = useFormat();
  const account = useAccount();
  const days = data?.rentalQuote?.loanDays;
  const fee = format.money(book.rentalFee);
  const { available, owned } = book.stock;
  const withdrawn = book.status === 'WITHDRAWN';
  const hindrances = (data?.rentalQuote?.reasons ?? []).filter(({ code }) => ofCustomer.includes(code));
  const canBeHad = !withdrawn && (available > 0 || offer);

  return (
    <section className="card lending" aria-labelledby="lending">
      <h2 id="lending">{words.title}</h2>
      <p className="fee">{days ? words.feeForDays(fee, days) : words.fee(fee)}</p>
      {!offer && <p>{withdrawn ? words.withdrawn : owned === 0 ? words.none : words.stock(available, owned)}</p>}
      {offer && (
        <p role="status" className="offer">
          {words.offered(format.time(offer))}
        </p>
      )}
      {hindrances.map(({ code }) => (
        <p key={code} className="hindrance">
          {say.rejection[code]} <Link href="/orders">{words.orders}</Link>
        </p>
      ))}
      {canBeHad && hindrances.length === 0 && (
        <p>
          <Link href={`/books/${book.id}/rent`} className="button main">
            {words.rent}
          </Link>
        </p>
      )}
      {!withdrawn && !canBeHad && <Waiting book={book} place={place} known={!account || data !== undefined} />}
      <Problem error={error} again={again} />
    </section>
  );
}

/** What stands against every rental of this customer; what the book itself is short of is told by its stock. */
const ofCustomer: readonly string[] = ['CUSTOMER_BLOCKED', 'LIMIT_REACHED'];

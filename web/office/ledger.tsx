/** The stock ledger of a title, newest first. */

import { Link } from 'wouter';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { List } from '../pieces/list.tsx';
import type { OfficeBookFactsFragment } from './book.generated.ts';
import { useAgainWhen } from './copies.tsx';
import { StockLedgerDocument } from './ledger.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Stock ledger',
    none: 'Nothing has happened to its stock yet.',
    when: 'When',
    what: 'What',
    quantity: 'Copies',
    way: 'From → to',
    about: 'About',
    reason: 'Reason',
    rental: 'Rental',
    types: {
      ACQUIRE: 'Acquired',
      RESERVE: 'Reserved',
      RELEASE: 'Released',
      ISSUE: 'Sent out',
      RETURN: 'Came back',
      RESTOCK: 'Back on the shelf',
      REPAIR: 'To repair',
      WRITE_OFF: 'Written off',
    },
    buckets: {
      OUTSIDE: 'outside',
      AVAILABLE: 'available',
      RESERVED: 'reserved',
      OUT: 'out',
      INSPECTING: 'in inspection',
    },
  },
  ko: {
    title: '재고 이력',
    none: '아직 재고 변동이 없습니다.',
    when: '시각',
    what: '구분',
    quantity: '권수',
    way: '이동',
    about: '관련',
    reason: '사유',
    rental: '대여',
    types: {
      ACQUIRE: '입고',
      RESERVE: '예약',
      RELEASE: '예약 해제',
      ISSUE: '출고',
      RETURN: '반납',
      RESTOCK: '서가 복귀',
      REPAIR: '수선',
      WRITE_OFF: '폐기·분실',
    },
    buckets: {
      OUTSIDE: '외부',
      AVAILABLE: '대여 가능',
      RESERVED: '예약',
      OUT: '대여 중',
      INSPECTING: '검수 중',
    },
  },
});

const PAGE = 20;

export function Ledger({ bookId, stock }: { bookId: string; stock: OfficeBookFactsFragment['stock'] }) {
  const words = useWords();
  const format = useFormat();
  const movements = usePages(StockLedgerDocument, { bookId, first: PAGE }, ({ stockMovements }) => stockMovements);
  useAgainWhen(JSON.stringify(stock), movements.again);

  return (
    <section className="part" aria-labelledby="ledger">
      <h2 id="ledger">{words.title}</h2>
      <List of={movements} none={words.none}>
        {(nodes) => (
          <div className="table">
            <table>
              <thead>
                <tr>
                  <th scope="col">{words.when}</th>
                  <th scope="col">{words.what}</th>
                  <th scope="col" className="number">
                    {words.quantity}
                  </th>
                  <th scope="col">{words.way}</th>
                  <th scope="col">{words.about}</th>
                  <th scope="col">{words.reason}</th>
                </tr>
              </thead>
              <tbody>
                {nodes.map(({ id, type, from, to, quantity, copy, rental, reason, occurredAt }) => (
                  <tr key={id}>
                    <td>
                      <time dateTime={occurredAt}>{format.time(occurredAt)}</time>
                    </td>
                    <td>{words.types[type]}</td>
                    <td className="number">{format.number(quantity)}</td>
                    <td>
                      {words.buckets[from]} → {words.buckets[to]}
                    </td>
                    <td>
                      {rental && (
                        <Link href={`/rentals/${rental.id}`}>
                          {words.rental} {rental.id.slice(0, 8)}
                        </Link>
                      )}{' '}
                      {copy?.barcode}
                    </td>
                    <td>{reason}</td>
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

/** Whether a book can be had now, in a few words. */
import { plural, wordsOf } from '../language/language.ts';

const useWords = wordsOf({
  en: {
    withdrawn: 'No longer lent',
    none: 'Not in stock',
    out: 'All lent out',
    last: (copies: number) => plural(copies, { one: 'Last copy', other: `Only ${copies} left` }),
    available: 'Available',
  },
  ko: {
    withdrawn: '대여 종료',
    none: '재고 없음',
    out: '모두 대여 중',
    last: (copies: number) => `${copies}권 남음`,
    available: '대여 가능',
  },
});

/** So few that one should know. */
const FEW = 2;

interface Lent {
  status: 'LISTED' | 'WITHDRAWN';
  stock: { owned: number; available: number };
}

export function Availability({ status, stock: { owned, available } }: Lent) {
  const words = useWords();
  if (status === 'WITHDRAWN') return <span className="badge over">{words.withdrawn}</span>;
  if (available === 0) return <span className="badge notice">{owned === 0 ? words.none : words.out}</span>;
  return <span className="badge">{available <= FEW ? words.last(available) : words.available}</span>;
}

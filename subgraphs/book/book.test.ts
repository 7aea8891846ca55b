import {
  type CopyStatus,
  copyStatuses,
  estimatedAt,
  facet,
  facetsOf,
  inspectionMove,
  isbn13,
  type MoveName,
  moves,
  normalize,
  openStatuses,
  ownedOf,
  receptionMove,
  reservationAfter,
  reservationStatuses,
  searchTextOf,
  searchWords,
  stockAfter,
  waitlistAfter,
  waitlistStatuses,
} from './book.ts';

const names = Object.keys(moves) as MoveName[];
const stock = { available: 3, reserved: 3, out: 3, inspecting: 3 };

/** Where copies of a status are counted; those on the shelf are available or reserved. */
const buckets: Record<CopyStatus, string[]> = {
  ON_SHELF: ['AVAILABLE', 'RESERVED'],
  OUT: ['OUT'],
  INSPECTING: ['INSPECTING'],
  REPAIR: ['INSPECTING'],
  LOST: ['OUTSIDE'],
  WITHDRAWN: ['OUTSIDE'],
};

test('F7 only acquiring and writing off change how many copies are owned', () => {
  for (const name of names) {
    const change = ownedOf(stockAfter(stock, name, 2)) - ownedOf(stock);
    const { type } = moves[name];
    expect({ name, change }).toEqual({ name, change: type === 'ACQUIRE' ? 2 : type === 'WRITE_OFF' ? -2 : 0 });
  }
});

test('F7 a reservation takes from what is available and a release gives it back', () => {
  const reserved = stockAfter(stock, 'reserve', 2);
  expect(reserved).toEqual({ available: 1, reserved: 5, out: 3, inspecting: 3 });
  expect(stockAfter(reserved, 'release', 2)).toEqual(stock);
});

test('the copies of each move lie where the move counts them', () => {
  for (const name of names) {
    const move = moves[name];
    if (!('copies' in move)) continue;
    for (const status of move.copies.from) expect(buckets[status]).toContain(move.from);
    expect(buckets[move.copies.to]).toContain(move.to);
  }
});

test('a reservation that has ended stays as it is', () => {
  const ended = reservationStatuses.filter((status) => ['RELEASED', 'RETURNED', 'WRITTEN_OFF'].includes(status));
  for (const status of ended)
    for (const change of ['release', 'issue', 'receive', 'lose'] as const)
      expect(reservationAfter(status, change)).toBeNull();
});

test('only a lost copy is received', () => {
  for (const status of copyStatuses.filter((status) => status !== 'LOST'))
    expect(() => receptionMove(status)).toThrow(`Cannot receive a copy that is ${status}`);
  expect(receptionMove('LOST')).toBe('find');
});

test('the table of the waitlist, whole', () => {
  const changes = ['offer', 'fulfil', 'expire', 'leave'] as const;
  const table = waitlistStatuses.map((status) => [status, ...changes.map((change) => waitlistAfter(status, change))]);
  expect(table).toEqual([
    ['WAITING', 'OFFERED', 'FULFILLED', null, 'LEFT'],
    ['OFFERED', null, 'FULFILLED', 'EXPIRED', 'LEFT'],
    ['FULFILLED', null, null, null, null],
    ['EXPIRED', null, null, null, null],
    ['LEFT', null, null, null, null],
  ]);
  expect(openStatuses).toEqual(['WAITING', 'OFFERED']);
});

describe('an estimate', () => {
  const DAY_MS = 86_400_000;
  const now = new Date('2026-03-01T00:00:00Z');
  const loans = (...days: number[]) => days.map((one) => one * DAY_MS);
  const daysUntil = (position: number, owned: number, loansMs: number[]) => {
    const at = estimatedAt(now, position, owned, loansMs);
    return at && (at.getTime() - now.getTime()) / DAY_MS;
  };

  test.each([
    ['the next of one copy waits for one loan', 1, 1, loans(14, 14, 14, 14, 14), 14],
    ['the second of one copy for two', 2, 1, loans(14, 14, 14, 14, 14), 28],
    ['as many as there are copies wait for one', 3, 3, loans(14, 14, 14, 14, 14), 14],
    ['the next of them for two', 4, 3, loans(14, 14, 14, 14, 14), 28],
    ['one long loan does not count for more than another', 1, 1, loans(300, 10, 12, 11, 13), 12],
    ['of an even number the middle two are halved', 1, 1, loans(9, 10, 12, 15, 8, 20), 11],
    ['of fewer than five loans nothing is said', 1, 1, loans(14, 14, 14, 14), null],
    ['nor where none is owned', 1, 0, loans(14, 14, 14, 14, 14), null],
  ])('%s', (_, position, owned, loansMs, days) => expect(daysUntil(position, owned, loansMs)).toBe(days));
});

test('only a copy that came back, or is in repair, can be inspected', () => {
  const allowed = (status: CopyStatus) =>
    (['GOOD', 'WORN', 'DAMAGED', 'UNUSABLE', 'MISSING'] as const).filter((condition) => {
      try {
        return inspectionMove(status, condition);
      } catch {
        return false;
      }
    });
  expect(Object.fromEntries(copyStatuses.map((status) => [status, allowed(status)]))).toEqual({
    ON_SHELF: [],
    OUT: [],
    INSPECTING: ['GOOD', 'WORN', 'DAMAGED', 'UNUSABLE', 'MISSING'],
    REPAIR: ['GOOD', 'WORN', 'UNUSABLE'],
    LOST: [],
    WITHDRAWN: [],
  });
  expect(() => inspectionMove('OUT', 'GOOD')).toThrow('Cannot inspect a copy that is OUT.');
  expect(() => inspectionMove('REPAIR', 'MISSING')).toThrow(
    expect.objectContaining({ userErrors: [expect.objectContaining({ reason: 'UNDER_REPAIR' })] }),
  );
});

test.each([
  ['0439023483', '9780439023481'],
  ['0-306-40615-2', '9780306406157'],
  ['978-0-306-40615-7', '9780306406157'],
  ['978 0 306 40615 7', '9780306406157'],
  ['043942089X', '9780439420891'],
  ['043942089x', '9780439420891'],
  ['9791190090018', '9791190090018'],
])('an ISBN as people write it, %s, is %s', (written, digits) => expect(isbn13(written)).toBe(digits));

test.each(['', '0439023484', '9780306406158', '9770306406157', '439023483', 'X439023483', 'Tolkien'])(
  '"%s" is no ISBN',
  (written) => expect(isbn13(written)).toBeNull(),
);

test('F8 case, accents, punctuation and Hangul composition make no difference', () => {
  const pairs = [
    ['GARCÍA Márquez', 'garcia marquez'],
    ['Jo Nesbø', 'jo nesbo'],
    ['Þórbergur Þórðarson', 'thorbergur thordarson'],
    ['The Sorcerer’s Stone (Harry Potter, #1)', 'the sorcerers stone harry potter 1'],
    ['Catch-22', 'catch 22'],
    ['홍길동전'.normalize('NFD'), '홍길동전'],
    ['Фёдор', 'федор'],
    ['100%_\\', '100'],
  ];
  for (const [written, compared] of pairs) expect(normalize(written ?? '')).toBe(compared);
});

test('F8 an ISBN is one word of a search, and an ISBN-10 the ISBN-13 that it stands for', () => {
  expect(searchWords('0-306-40615-2')).toEqual(['9780306406157']);
  expect(searchWords('978 0 306 40615 7')).toEqual(['9780306406157']);
  expect(searchWords('tolkien 9780306406157 Tolkien')).toEqual(['tolkien', '9780306406157']);
  expect(searchWords(' ?! ')).toEqual([]);
});

test('F8 title, authors, publisher, tags and ISBN are searched, and all but the title are filters', () => {
  const book = {
    title: 'Dune, Messiah',
    authors: ['Frank Herbert'],
    publisher: 'Chilton',
    language: 'en',
    tags: ['Sci-Fi'],
    isbn: '9780306406157',
  };
  expect(searchTextOf(book)).toBe(' dune messiah frank herbert chilton sci fi 9780306406157');
  expect(facetsOf(book)).toEqual(['author:frank herbert', 'tag:sci fi', 'publisher:chilton', 'language:en']);
});

test('one language is one filter, whichever of its codes is used', () => {
  expect(facet('language', 'eng')).toBe(facet('language', 'en'));
  expect(facet('language', 'fil')).not.toBe(facet('language', 'fi'));
});

/** What customers are told, word by word, without any database. */
import { type Known, letterFor, type NotificationKind, notificationKinds } from './letters.ts';

const NOW = new Date('2026-03-13T12:00:00Z');
const DUE = new Date('2026-03-15T12:00:00Z');
const LATER = new Date('2026-03-29T12:00:00Z');

const known = (more: Partial<Known> = {}): Known => ({
  occasion: DUE.toISOString(),
  title: 'The Lantern',
  order: null,
  offer: null,
  refund: null,
  ...more,
});
const order = (status: NonNullable<Known['order']>['status'], quantity = 1, dueAt: Date | null = DUE) => ({
  order: { status, quantity, dueAt },
});
const offer = (status: NonNullable<Known['offer']>['status'], expiresAt = DUE) => ({ offer: { status, expiresAt } });
const refund = (amount: number, currency: string) => ({ refund: { of: 'PAYMENT', amount, currency } }) as const;

const told: [NotificationKind, Partial<Known>, string, string][] = [
  [
    'ACCEPTED',
    order('ACCEPTED', 1, null),
    'Accepted: The Lantern',
    `Hello,

Your request for "The Lantern" was accepted, and the parcel is being made.

You will be told when it is on its way. Until it is out for delivery you can cancel the rental.
`,
  ],
  [
    'SHIPPED',
    order('SHIPPING', 2, null),
    'On its way: The Lantern',
    `Hello,

The parcel with 2 copies of "The Lantern" is on its way to you.

The loan begins when it arrives. You can follow the parcel in your order history.
`,
  ],
  [
    'DUE_SOON',
    order('ON_LOAN'),
    'Due on 2026-03-15: The Lantern',
    `Hello,

Your loan of "The Lantern" is due on 2026-03-15.

To send it back, ask for the return, and hand the parcel to the courier by then. To keep it for longer, renew the loan: that is free, and possible while renewals are left and nobody waits for the book.
`,
  ],
  [
    'OVERDUE',
    order('OVERDUE'),
    'Overdue: The Lantern',
    `Hello,

Your loan of "The Lantern" was due on 2026-03-15 and is overdue.

Please ask for the return now. The late fee grows each day until the courier has picked the parcel up. If you cannot find the book, report it as lost.
`,
  ],
  [
    'OFFER',
    offer('OFFERED'),
    'Set aside for you: The Lantern',
    `Hello,

A copy of "The Lantern" is set aside for you until 2026-03-15 12:00 UTC.

Rent it by then; after that it is offered to whoever waits next. If you do not want it any more, leave the waitlist.
`,
  ],
  [
    'REFUNDED',
    { ...order('CANCELLED'), ...refund(4500, 'KRW') },
    'Refunded: KRW 4,500 for The Lantern',
    `Hello,

KRW 4,500 was refunded to you: the payment for "The Lantern".

Until you see it in your account your bank may take a few days. You need not do anything.
`,
  ],
];

test('every kind has a case here', () => expect(told.map(([kind]) => kind)).toEqual(notificationKinds));

test.each(told)('%s is told in these words', (kind, more, subject, text) => {
  expect(letterFor(kind, known(more), NOW)).toEqual({ subject, text });
});

const over: [NotificationKind, string, Partial<Known>][] = [
  ['ACCEPTED', 'the rental is cancelled', order('CANCELLED')],
  ['ACCEPTED', 'it is on its way already', order('SHIPPING')],
  ['SHIPPED', 'the rental is cancelled', order('CANCELLED')],
  ['SHIPPED', 'it has arrived', order('ON_LOAN')],
  ['DUE_SOON', 'the loan was renewed', order('ON_LOAN', 1, LATER)],
  ['DUE_SOON', 'it is on its way back', order('RETURNING')],
  ['DUE_SOON', 'the due date is past', { ...order('ON_LOAN', 1, NOW), occasion: NOW.toISOString() }],
  ['OVERDUE', 'it is on its way back', order('RETURNING')],
  ['OVERDUE', 'it is lost', order('LOST')],
  ['OFFER', 'it was taken', offer('FULFILLED')],
  ['OFFER', 'the customer has left', offer('LEFT')],
  ['OFFER', 'its time is up', offer('OFFERED', NOW)],
];
test.each(over)('%s is not told any more when %s', (kind, _, more) => {
  expect(letterFor(kind, known(more), NOW)).toBeNull();
});

test.each([
  ['KRW', 4500, 'KRW 4,500'],
  ['EUR', 1205, 'EUR 12.05'],
  ['KWD', 1500, 'KWD 1.500'],
])('%s has its own minor units', (currency, amount, text) => {
  expect(letterFor('REFUNDED', known(refund(amount, currency)), NOW)?.subject).toContain(text);
});

test('a fee is named', () => {
  const { text } = letterFor('REFUNDED', known({ refund: { of: 'LOST', amount: 1, currency: 'KRW' } }), NOW) ?? {};
  expect(text).toContain('the fee for a lost copy for "The Lantern"');
});

test('whatever a title holds, subjects and sentences stay on one line', () => {
  const title = 'One\r\nBcc: all@example.test\u2028\u0000two\u0085\tthree\n\n.\n';
  for (const [kind, more] of told) {
    const letter = letterFor(kind, known({ ...more, title }), NOW);
    expect(letter?.subject).toContain('One Bcc: all@example.test two three .');
    expect(letter?.subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    expect(letter?.text.split('\n\n')).toHaveLength(3);
  }
});

test('a long title is cut, and never within a character', () => {
  const subject = letterFor(
    'ACCEPTED',
    known({ ...order('ACCEPTED'), title: `${'x'.repeat(119)}📚 and more` }),
    NOW,
  )?.subject;
  expect(subject?.length).toBeLessThan(140);
  expect(subject?.isWellFormed()).toBe(true);
});

test('a book that is not known yet has no name', () => {
  const letter = letterFor('SHIPPED', known({ ...order('SHIPPING'), title: null }), NOW);
  expect(letter?.subject).toBe('On its way: your book');
  expect(letter?.text).toContain('The parcel with your book is on its way');
});

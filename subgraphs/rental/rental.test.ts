import {
  after,
  afterOrRefuse,
  allowedActions,
  type Change,
  feeAfter,
  isFinal,
  owedAfter,
  paymentAfter,
  type RentalStatus,
  rentalChanges,
  rentalStatuses,
} from './rental.ts';

const story = (...changes: Change[]) =>
  changes.reduce<RentalStatus | null>((status, change) => status && after(status, change), 'REQUESTED');
const asked = (status: RentalStatus, more: object = {}) => ({
  status,
  outForDelivery: false,
  returnRequested: false,
  ...more,
});

test('a book goes out and comes back', () => {
  expect(story('accept', 'ship', 'deliver', 'requestReturn', 'startReturn', 'receive', 'close')).toBe('CLOSED');
});

test('a request waits while a dependency is down, and then goes on', () => {
  expect(story('hold', 'resume', 'accept')).toBe('ACCEPTED');
});

test('a request that waited too long is rejected, and owes what one that was refused does', () => {
  expect(story('hold', 'expire')).toBe('REJECTED');
  expect(owedAfter('expire', 'ON_HOLD')).toEqual(owedAfter('reject', 'REQUESTED'));
});

test('nothing revives what has ended', () => {
  const ended = rentalStatuses.filter(isFinal);
  expect(ended).toEqual(['CLOSED', 'REJECTED', 'CANCELLED', 'LOST']);
  for (const status of ended) for (const change of rentalChanges) expect(after(status, change)).toBeNull();
});

test.each(rentalStatuses)('a cancel from %s leads to CANCELLED or is refused by name', (status) => {
  if (after(status, 'cancel')) expect(afterOrRefuse(asked(status), 'cancel')).toBe('CANCELLED');
  else expect(() => afterOrRefuse(asked(status), 'cancel')).toThrow(`Cannot cancel a rental that is ${status}.`);
});

test('on the last way to the reader it is too late to cancel', () => {
  const rental = asked('SHIPPING', { outForDelivery: true });
  const refusal = expect(() => afterOrRefuse(rental, 'cancel'));
  refusal.toThrow('Cannot cancel a rental that is out for delivery.');
  refusal.toThrow(expect.objectContaining({ userErrors: [expect.objectContaining({ reason: 'OUT_FOR_DELIVERY' })] }));
  expect(allowedActions(rental, true)).toEqual([]);
  expect(allowedActions(asked('SHIPPING'), true)).toEqual(['CANCEL']);
});

test('what goes with a loan: a return is asked for once, and nothing is renewed that the policy does not renew', () => {
  expect(allowedActions(asked('ON_LOAN'), true)).toEqual(['RENEW', 'RETURN', 'REPORT_LOST']);
  expect(allowedActions(asked('ON_LOAN', { returnRequested: true }), false)).toEqual(['REPORT_LOST']);
  expect(allowedActions(asked('OVERDUE'), true)).toEqual(['RETURN', 'REPORT_LOST']);
});

test('a loan that is overdue comes back, or is lost', () => {
  expect(story('accept', 'ship', 'deliver', 'fallDue', 'startReturn', 'resumeLoan', 'fallDue', 'giveUp')).toBe('LOST');
  expect(story('accept', 'ship', 'deliver', 'renew', 'reportLost')).toBe('LOST');
});

test('a fee is paid once, and given back only once it is paid', () => {
  expect(feeAfter('OUTSTANDING', 'pay')).toBe('PENDING');
  expect(feeAfter('PENDING', 'pay')).toBeNull();
  expect(feeAfter('PENDING', 'decline')).toBe('OUTSTANDING');
  expect(feeAfter('OUTSTANDING', 'refund')).toBeNull();
  expect(feeAfter('PAID', 'refund')).toBe('REFUNDED');
});

test('money goes back at once where no parcel is under way, and waits for the parcel where one is', () => {
  expect(owedAfter('cancel', 'ON_HOLD')).toEqual([
    { kind: 'STOCK_RELEASE', status: 'WAITING' },
    { kind: 'PAYMENT_VOID', status: 'TODO' },
  ]);
  expect(owedAfter('cancel', 'SHIPPING')).toEqual([
    { kind: 'STOCK_RELEASE', status: 'WAITING' },
    { kind: 'DELIVERY_STOP', status: 'WAITING' },
    { kind: 'PAYMENT_REFUND', status: 'WAITING' },
  ]);
  expect(owedAfter('giveBack', 'ACCEPTED')).toEqual([
    { kind: 'STOCK_RELEASE', status: 'WAITING' },
    { kind: 'PAYMENT_VOID', status: 'TODO' },
  ]);
});

test('a payment is captured before it is refunded, and the same transition twice is no change', () => {
  expect(paymentAfter('AUTHORIZED', 'capture')).toBe('CAPTURED');
  expect(paymentAfter('CAPTURED', 'capture')).toBeNull();
  expect(paymentAfter('AUTHORIZED', 'refund')).toBeNull();
  expect(paymentAfter('AUTHORIZED', 'refundPart')).toBeNull();
  expect(paymentAfter('UNKNOWN', 'void')).toBe('VOIDED');
});

test('a payment may be given back in parts, and not after all of it was', () => {
  expect(paymentAfter('CAPTURED', 'refundPart')).toBe('PARTIALLY_REFUNDED');
  expect(paymentAfter('PARTIALLY_REFUNDED', 'refundPart')).toBe('PARTIALLY_REFUNDED');
  expect(paymentAfter('PARTIALLY_REFUNDED', 'refund')).toBe('REFUNDED');
  expect(paymentAfter('REFUNDED', 'refundPart')).toBeNull();
});

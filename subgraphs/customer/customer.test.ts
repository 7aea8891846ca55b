/** What customers are told, and the cursors of their log, without any database. */
import {
  currentParcel,
  cursorOf,
  messageOf,
  positionOf,
  type RentalEventType,
  statusAfter,
  timelineOf,
} from './customer.ts';

const customerId = 'f5eac680-f92f-425e-a91a-8db5ff6903bd';
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

test('a cursor leads back to its position', () => {
  const position = { customerId, number: 1234 };

  expect(positionOf(cursorOf(position))).toEqual(position);
  expect(positionOf(cursorOf({ customerId, number: 0 }))).toEqual({ customerId, number: 0 });
});

test.each([
  '',
  'x',
  'bm90aGluZw',
  Buffer.from(`${customerId}:-1`).toString('base64url'),
  Buffer.from(`${customerId}:01`).toString('base64url'),
])('%j is no cursor', (text) => expect(positionOf(text)).toBeNull());

test('every event of a rental has words', () => {
  const details = { quantity: 1, dueAt: '2026-03-15T12:00:00.000Z', code: 'OUT_OF_STOCK' };
  const words = Object.keys(statusAfter).map((type) => messageOf(type as RentalEventType, details));

  expect(words).toHaveLength(17);
  expect(words.join()).not.toMatch(/undefined|null/);
  expect(messageOf('rental.loan_started', details)).toContain('2026-03-15');
  expect(messageOf('rental.rejected', details)).toContain('not enough copies');
});

test('in the timeline a scan has the status of its time, whichever became known first', () => {
  const shipped = { status: 'SHIPPING', occurredAt: at(20), aggregate: 'rental-1', version: 3 } as const;
  const pickedUp = { status: null, occurredAt: at(19), aggregate: 'delivery-1', version: 2 };
  const inTransit = { status: null, occurredAt: at(30), aggregate: 'delivery-1', version: 3 };
  const accepted = { status: 'ACCEPTED', occurredAt: at(10), aggregate: 'rental-1', version: 2 } as const;

  const timeline = timelineOf([inTransit, shipped, accepted, pickedUp]);

  expect(timeline.map(({ occurredAt, status }) => [occurredAt.getUTCSeconds(), status])).toEqual([
    [10, 'ACCEPTED'],
    [19, 'ACCEPTED'],
    [20, 'SHIPPING'],
    [30, 'SHIPPING'],
  ]);
});

test('an order speaks of its return parcel once there is one, and of the latest one', () => {
  const outbound = { id: 'a', direction: 'OUTBOUND', since: at(50) } as const;
  const first = { id: 'b', direction: 'RETURN', since: at(10) } as const;
  const second = { id: 'c', direction: 'RETURN', since: at(20) } as const;

  expect(currentParcel([])).toBeNull();
  expect(currentParcel([outbound])).toBe(outbound);
  expect(currentParcel([second, outbound, first])).toBe(second);
});

test('a rental whose second event was written by a process with a slow clock is still told in order', () => {
  const entry = (version: number, second: number, status: 'REQUESTED' | 'ACCEPTED') => ({
    aggregate: 'rental-1',
    version,
    status,
    occurredAt: at(second),
  });

  const timeline = timelineOf([entry(2, 3, 'ACCEPTED'), entry(1, 8, 'REQUESTED')]);

  expect(timeline.map(({ status }) => status)).toEqual(['REQUESTED', 'ACCEPTED']);
});

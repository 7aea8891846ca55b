import fc from 'fast-check';
import { admit, type Gate, nextLimit, roundAfter } from './admission.ts';

const gate = (more: Partial<Gate> = {}): Gate => ({ room: 2, waiting: false, lowestRound: null, ...more });
const nobody = new Map<string, number>();

test('as many are let in as there is room for, in order of arrival; the others wait', () => {
  expect(admit(gate(), ['ann', 'bob', 'cid', 'dan'], nobody)).toEqual([null, null, 0, 0]);
});

test('nobody goes past those who wait', () => {
  expect(admit(gate({ waiting: true, lowestRound: 4 }), ['ann'], nobody)).toEqual([4]);
});

test('customers take turns: a second request of one stands behind the first of all others', () => {
  expect(roundAfter(null, null)).toBe(0);
  expect(roundAfter(0, 0)).toBe(1);
  expect(roundAfter(7, null)).toBe(7);
  expect(roundAfter(7, 3)).toBe(7);
  const many = ['ann', 'ann', 'ann', 'bob'];
  expect(admit(gate({ room: 0, lowestRound: 3 }), many, new Map([['ann', 3]]))).toEqual([4, 5, 6, 3]);
});

test('whoever asks and however much, nobody is in two places of one round, and a newcomer is in the round that is next', () => {
  const batches = fc.array(fc.array(fc.constantFrom('ann', 'bob', 'cid', 'dan'), { maxLength: 20 }), { maxLength: 8 });
  fc.assert(
    fc.property(batches, (batches) => {
      const queue: { customer: string; round: number }[] = [];
      for (const batch of batches) {
        const lowest = queue.length ? Math.min(...queue.map(({ round }) => round)) : null;
        const highest = new Map<string, number>();
        for (const { customer, round } of queue) highest.set(customer, Math.max(round, highest.get(customer) ?? 0));
        const known = new Set(highest.keys());

        const rounds = admit(gate({ room: 0, lowestRound: lowest }), batch, highest);

        batch.forEach((customer, at) => {
          const round = rounds[at] ?? Number.NaN;
          if (!known.has(customer)) expect(round).toBe(lowest ?? 0);
          expect(queue).not.toContainEqual({ customer, round });
          known.add(customer);
          queue.push({ customer, round });
        });
      }
    }),
  );
});

test('the limit goes down by a tenth while settling is slow, never below one, and up by one while it is what holds it', () => {
  const quick = { cap: 64, targetMs: 2000, p90Ms: 300 };
  const slow = { ...quick, p90Ms: 2500 };

  expect(nextLimit(20, { ...slow, inFlight: 20 })).toBe(18);
  expect(nextLimit(1, { ...slow, inFlight: 1 })).toBe(1);
  expect(nextLimit(18, { ...quick, inFlight: 17 })).toBe(19);
  expect(nextLimit(64, { ...quick, inFlight: 64 })).toBe(64);
  expect(nextLimit(18, { ...quick, inFlight: 3 })).toBe(18); // it is not what holds it
});

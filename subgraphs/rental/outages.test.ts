import { watchOutages } from './outages.ts';

/** Two dependencies that answer, or not, as the test says. */
function world() {
  const up = { BOOK: true, PAYMENT: true };
  const asked = { BOOK: 0, PAYMENT: 0 };
  const ping = (dependency: 'BOOK' | 'PAYMENT') => async () => {
    asked[dependency] += 1;
    return up[dependency];
  };
  return { up, asked, outages: watchOutages({ BOOK: ping('BOOK'), PAYMENT: ping('PAYMENT') }) };
}

test('one that did not answer once may be the fault of what was asked; twice in a row it is an outage', () => {
  const { outages } = world();

  outages.report('PAYMENT');
  expect(outages.down()).toBeNull();
  outages.heard('PAYMENT');
  outages.report('PAYMENT');
  expect(outages.down()).toBeNull();
  outages.report('PAYMENT');
  expect(outages.down()).toBe('PAYMENT');
});

test('whoever was heard just now is not asked, everybody else is', async () => {
  const { outages, asked } = world();
  outages.heard('BOOK');

  expect(await outages.allAnswer()).toBe(true);
  expect(asked).toEqual({ BOOK: 0, PAYMENT: 1 });
});

test('an outage ends with the first answer, and is asked about after a pause, not each time', async () => {
  const { outages, up, asked } = world();
  up.BOOK = false;

  expect(await outages.allAnswer()).toBe(false);
  expect(outages.down()).toBe('BOOK');
  expect(await outages.allAnswer()).toBe(false);
  expect(asked.BOOK).toBe(1);
  outages.heard('BOOK');
  expect(outages.down()).toBeNull();
});

/** As histories.test.ts, a hundred of them. */
import { holdsAfterAny } from './histories.ts';

test(
  'after any of a hundred histories money balances, counts conserve, and no rental is left in the middle',
  () => holdsAfterAny(100),
  900_000,
);

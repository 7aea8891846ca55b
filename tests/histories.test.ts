/** Whatever happens, in whatever order: the money balances, the copies are all there, and everything comes to an end. */
import { holdsAfterAny } from './histories.ts';

test(
  'after any history money balances, counts conserve, and no rental is left in the middle',
  () => holdsAfterAny(5),
  120_000,
);

/** What the cache has to know of the API: what has no id, and what an answer makes stale. */
import type { Cache, CacheExchangeOpts, UpdateResolver } from '@urql/exchange-graphcache';

const partOfItsParent = () => null;

/** The order comes with the event. What Rental says of it (what may be done, money) is asked for again, and so are lists: it may be in another one now. */
const orderStatus: UpdateResolver = ({ orderStatus: event }, _args, cache) => {
  const { rentalId } = event as { rentalId: string };
  cache.invalidate({ __typename: 'Rental', id: rentalId });
  forgetOwn(cache, 'orders');
  forgetOwn(cache, 'unpaidFees');
};

export const cacheRules: CacheExchangeOpts = {
  keys: {
    Admission: partOfItsParent,
    Address: partOfItsParent,
    DailyReport: ({ date }) => String(date),
    ImportResult: partOfItsParent,
    Money: partOfItsParent,
    OrderEvent: partOfItsParent,
    OrderStatusEvent: partOfItsParent,
    Rejection: partOfItsParent,
    RentalQuote: partOfItsParent,
    Stock: partOfItsParent,
    UserError: partOfItsParent,
    WaitlistSummary: partOfItsParent,
  },
  updates: {
    Mutation: {
      requestRental: forget('orders', 'waitlist'),
      joinWaitlist: forget('waitlist'),
      payFee: forget('unpaidFees'),
    },
    Subscription: { orderStatus },
  },
};

/** Lists of the reader's own are asked for again where they are shown. */
function forget(...lists: string[]): UpdateResolver {
  return (_result, _args, cache) => {
    for (const list of lists) forgetOwn(cache, list);
  };
}

function forgetOwn(cache: Cache, list: string): void {
  const me = cache.resolve('Query', 'me') as string | null; // its key in the cache
  if (!me) return;
  for (const { fieldName, fieldKey } of cache.inspectFields(me)) if (fieldName === list) cache.invalidate(me, fieldKey);
}

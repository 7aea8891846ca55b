/** Customers who rent, wait, change their mind, read, send back, lose and pay; each repeats what it asked until it is answered. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, addBook, clientOf, deliverTo, signIn } from '../client.ts';
import type { Dice } from './dice.ts';
import { openStaff } from './staff.ts';
import { type Told, type Watcher, watchOrders } from './watchers.ts';

/** A rental that a customer was told of. */
interface Acknowledged {
  key: string;
  rentalId: string;
  cancelled: boolean;
  returnAsked: boolean;
  lost: boolean;
}

export interface Shopper {
  customerId: string;
  /** Every idempotency key it used, answered or not. */
  keys: Set<string>;
  acknowledged: Acknowledged[];
  /** Ids of the fees that it was told are paid. */
  paid: Set<string>;
  /** Ids of its entries in waitlists, as it was told of them. */
  joined: Set<string>;
  watcher: Watcher;
  /** Answers that no fault explains. */
  complaints: string[];
  /** Questions that got no answer although everything had long been mended. */
  unanswered: string[];
}

export interface Tally {
  requests: number;
  acknowledged: number;
  cancels: number;
  returns: number;
  losses: number;
  fees: number;
  joins: number;
  offers: number;
  /** Answers that did not come, and were asked for again. */
  retries: number;
}

export interface Shop {
  shoppers: Shopper[];
  tally: Tally;
  /** Lets them shop until the signal; resolves when each has its last answer. */
  open(closed: AbortSignal): Promise<void>;
  /** Staff go on looking at what comes back until then. */
  close(): Promise<void>;
}

export interface ShopOptions {
  routerUrls: readonly string[];
  dice: Dice;
  customers: number;
}

/** A hot title is sold out again and again. */
const HOT_COPIES = 5;
const SPREAD_COPIES = 40;
const PASSWORD = 'a long enough password';
/** Access tokens are good for 15 minutes. */
const TOKEN_MS = 10 * 60_000;
/** After the shop has closed an answer may take so long: by then everything was mended long ago. */
const LAST_ANSWER_MS = 40_000;

const SIGN_UP =
  'mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken customer { id orderCursor } userErrors { message } } }';
const REQUEST =
  'mutation ($input: RequestRentalInput!) { requestRental(input: $input) { rental { id status rejection { code } } userErrors { code message } } }';
const CANCEL =
  'mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { rental { status } userErrors { code message } } }';
const RETURN = 'mutation ($id: ID!) { returnRental(rentalId: $id) { rental { status } userErrors { code message } } }';
const LOSE =
  'mutation ($id: ID!) { reportRentalLost(rentalId: $id) { rental { status } userErrors { code message } } }';
const RENEW = 'mutation ($id: ID!) { renewRental(rentalId: $id) { rental { status } userErrors { code message } } }';
const FEES = 'query ($id: ID!) { rental(id: $id) { fees { id status } } }';
const PAY =
  'mutation ($id: ID!, $card: String!) { payFee(feeId: $id, paymentMethod: $card) { fee { id status } userErrors { code message } } }';
const JOIN = 'mutation ($id: ID!) { joinWaitlist(bookId: $id) { entry { id } userErrors { code message } } }';
const LEAVE = 'mutation ($id: ID!) { leaveWaitlist(entryId: $id) { entry { id } userErrors { code message } } }';
const WAITLIST = '{ me { waitlist { id status book { id } } } }';

/** Makes the books and the accounts; to be called while nothing is broken yet. */
export async function openShop({ routerUrls, dice, customers }: ShopOptions): Promise<Shop> {
  const tally: Tally = {
    requests: 0,
    acknowledged: 0,
    cancels: 0,
    returns: 0,
    losses: 0,
    fees: 0,
    joins: 0,
    offers: 0,
    retries: 0,
  };
  const [door = ''] = routerUrls;
  const staff = await signIn(door, 'staff@demo.test');
  const hot = await Promise.all([1, 2].map(() => addBook(staff, HOT_COPIES)));
  const spread = await Promise.all([1, 2, 3, 4].map(() => addBook(staff, SPREAD_COPIES)));
  let answersUntil = Number.POSITIVE_INFINITY;

  /** Asks at one router after the other until there is an answer; null when it is too late for one. */
  async function untilAnswered<T extends object>(
    token: () => Promise<string>,
    query: string,
    variables: object,
    answerIn: (data: Answer['data']) => T | null | undefined,
  ): Promise<T | null> {
    for (let turn = dice.chance(0.5) ? 0 : 1; Date.now() < answersUntil; turn++) {
      const url = routerUrls[turn % routerUrls.length] ?? '';
      try {
        const { data } = await clientOf(url, await token()).ask(query, variables);
        const answer = answerIn(data);
        if (answer) return answer;
      } catch {
        // no connection, or none that lasted: as good as no answer
      }
      tally.retries += 1;
      await sleep(300);
    }
    return null;
  }

  async function welcome(): Promise<Shopper & { token: () => Promise<string>; onTold: (told: Told) => void }> {
    const email = `${randomUUID()}@example.test`;
    const input = { email, password: PASSWORD, name: 'A Shopper' };
    const { signUp } = await clientOf(door).data(SIGN_UP, { input });
    const token = tokenOf(routerUrls, email, signUp.accessToken);
    const { id: customerId, orderCursor: cursor } = signUp.customer;
    const shopper = {
      customerId,
      keys: new Set<string>(),
      acknowledged: [],
      paid: new Set<string>(),
      joined: new Set<string>(),
      complaints: [],
      unanswered: [],
      token,
      onTold: (_: Told) => {},
      watcher: watchOrders({ routerUrls, token, cursor, onTold: (told) => shopper.onTold(told) }),
    };
    return shopper;
  }

  const shoppers: Awaited<ReturnType<typeof welcome>>[] = [];
  for (let one = 0; one < customers; one++) shoppers.push(await welcome());

  async function rent(shopper: (typeof shoppers)[number], wanted?: string): Promise<Acknowledged | null> {
    const key = randomUUID();
    const bookId = wanted ?? dice.pick(dice.chance(0.4) ? hot : spread);
    const input = {
      idempotencyKey: key,
      bookId,
      quantity: dice.chance(0.8) ? 1 : 2,
      paymentMethod: cardOf(dice),
      deliverTo,
    };
    shopper.keys.add(key);
    tally.requests += 1;
    const answer = await untilAnswered<Answer['data']>(shopper.token, REQUEST, { input }, answerOf('requestRental'));
    if (!answer) {
      shopper.unanswered.push(`requestRental ${key}`);
      return null;
    }
    for (const { code, message } of answer.userErrors)
      if (code === 'IDEMPOTENCY_CONFLICT' || code === 'INVALID_INPUT')
        shopper.complaints.push(`requestRental ${key}: ${code} ${message}`);
    if (!answer.rental) return null;
    tally.acknowledged += 1;
    const rental = { key, rentalId: answer.rental.id, cancelled: false, returnAsked: false, lost: false };
    shopper.acknowledged.push(rental);
    if (answer.rental.rejection?.code === 'OUT_OF_STOCK' && dice.chance(0.6)) await join(shopper, bookId);
    return rental;
  }

  /** What a customer changes of their own; a "no" of the rules or of the bank is an answer, too. */
  async function change(
    shopper: (typeof shoppers)[number],
    field: string,
    query: string,
    variables: { id: string; card?: string },
    fine = ['NOT_ALLOWED_IN_STATE'],
  ): Promise<Answer['data'] | null> {
    const answer = await untilAnswered<Answer['data']>(shopper.token, query, variables, answerOf(field));
    if (!answer) shopper.unanswered.push(`${field} ${variables.id}`);
    for (const { code, message } of answer?.userErrors ?? [])
      if (!fine.includes(code)) shopper.complaints.push(`${field} ${variables.id}: ${code} ${message}`);
    return answer;
  }

  async function join(shopper: (typeof shoppers)[number], id: string): Promise<void> {
    const answer = await change(shopper, 'joinWaitlist', JOIN, { id }, ['POLICY_DENIED']); // a copy has come back meanwhile
    if (!answer?.entry) return;
    shopper.joined.add(answer.entry.id);
    tally.joins += 1;
  }

  /** The title that is set aside for the customer, unless they do not want it any more. */
  async function offered(shopper: (typeof shoppers)[number]): Promise<string | undefined> {
    const { data } = await clientOf(dice.pick(routerUrls), await shopper.token()).ask(WAITLIST);
    const entries: { id: string; status: string; book: { id: string } | null }[] = data?.me?.waitlist ?? [];
    for (const { id, status, book } of entries) {
      if (status === 'WAITING' && dice.chance(0.05)) await change(shopper, 'leaveWaitlist', LEAVE, { id });
      if (status !== 'OFFERED' || !book) continue;
      tally.offers += 1;
      if (dice.chance(0.8)) return book.id;
      await change(shopper, 'leaveWaitlist', LEAVE, { id });
    }
    return undefined;
  }

  async function loseIt(shopper: (typeof shoppers)[number], rental: Acknowledged): Promise<void> {
    const answer = await change(shopper, 'reportRentalLost', LOSE, { id: rental.rentalId });
    rental.lost = answer?.rental?.status === 'LOST';
    if (rental.lost) tally.losses += 1;
  }

  /** All that is due for it, by whatever card; what the bank would not take is tried with another until the shop closes. */
  async function payFees(shopper: (typeof shoppers)[number], id: string, closed: AbortSignal): Promise<void> {
    while (!closed.aborted) {
      const { data } = await clientOf(dice.pick(routerUrls), await shopper.token()).ask(FEES, { id });
      const fees: { id: string; status: string }[] = data?.rental?.fees ?? [];
      const due = fees.find(({ status }) => status === 'OUTSTANDING');
      if (data?.rental && !due) return;
      if (due) {
        const fine = ['NOT_ALLOWED_IN_STATE', 'PAYMENT_DECLINED'];
        const answer = await change(shopper, 'payFee', PAY, { id: due.id, card: cardOf(dice) }, fine);
        if (answer?.fee?.status === 'PAID') {
          shopper.paid.add(due.id);
          tally.fees += 1;
        }
      }
      await pause(dice.between(500, 2500), closed);
    }
  }

  async function cancel(shopper: (typeof shoppers)[number], rental: Acknowledged): Promise<void> {
    const answer = await change(shopper, 'cancelRental', CANCEL, { id: rental.rentalId });
    rental.cancelled = answer?.rental?.status === 'CANCELLED';
    if (rental.cancelled) tally.cancels += 1;
  }

  async function giveBack(shopper: (typeof shoppers)[number], rental: Acknowledged): Promise<void> {
    if (dice.chance(0.15)) {
      const fine = ['NOT_ALLOWED_IN_STATE', 'POLICY_DENIED'];
      await change(shopper, 'renewRental', RENEW, { id: rental.rentalId }, fine);
    }
    if (!(await change(shopper, 'returnRental', RETURN, { id: rental.rentalId }))) return;
    rental.returnAsked = true; // a refusal means that an earlier try had come through
    tally.returns += 1;
  }

  async function shop(shopper: (typeof shoppers)[number], closed: AbortSignal): Promise<void> {
    const later = new Set<Promise<void>>();
    const rented = new Map<string, Acknowledged>();
    const isOpen = () => !closed.aborted;
    const begin = (work: Promise<void>) => {
      const tracked = work.finally(() => later.delete(tracked));
      later.add(tracked);
    };
    shopper.onTold = ({ rentalId, status }) => {
      if (!isOpen()) return;
      if (status === 'LOST' || status === 'CLOSED') begin(payFees(shopper, rentalId, closed).catch(() => {})); // a router is down
      const rental = rented.get(rentalId);
      if (status !== 'ON_LOAN' || !rental) return;
      rented.delete(rentalId);
      if (dice.chance(0.7)) begin(giveBack(shopper, rental));
      else if (dice.chance(0.4)) begin(loseIt(shopper, rental));
    };

    let tookMs = 0;
    while (isOpen()) {
      await pause(dice.between(400, 4400) + tookMs, closed); // whoever was answered late asks less often
      if (dice.chance(0.08)) shopper.watcher.drop();
      if (!isOpen()) break;
      const askedAt = performance.now();
      const rental = await rent(shopper, dice.chance(0.4) ? await offered(shopper).catch(() => undefined) : undefined);
      tookMs = performance.now() - askedAt;
      if (!rental) continue;
      rented.set(rental.rentalId, rental);
      if (dice.chance(0.2)) begin(cancel(shopper, rental));
      else if (dice.chance(0.25)) begin(pause(dice.between(300, 4000), closed).then(() => cancel(shopper, rental)));
    }
    await Promise.all(later);
  }

  const staffToken = tokenOf(routerUrls, 'staff@demo.test', staff.token ?? '', 'rentabook');
  const desk = openStaff({ routerUrls, dice, token: staffToken, bookIds: [...hot, ...spread] });

  return {
    shoppers,
    tally,
    async open(closed) {
      closed.addEventListener('abort', () => {
        answersUntil = Date.now() + LAST_ANSWER_MS;
      });
      desk.open(closed);
      await Promise.all(shoppers.map((shopper) => shop(shopper, closed)));
    },
    async close() {
      answersUntil = 0;
      await Promise.all([desk.close(), ...shoppers.map(({ watcher }) => watcher.stop())]);
    },
  };
}

/** An access token that is good for some time yet; a new one by signing in again. */
function tokenOf(
  routerUrls: readonly string[],
  email: string,
  first: string,
  password = PASSWORD,
): () => Promise<string> {
  let token = first;
  let since = Date.now();
  return async () => {
    if (Date.now() - since < TOKEN_MS) return token;
    for (const url of routerUrls) {
      const client = await signIn(url, email, password).catch(() => null);
      if (!client?.token) continue;
      token = client.token;
      since = Date.now();
      return token;
    }
    return token; // it is good for some minutes yet
  };
}

const answerOf =
  (field: string) =>
  (data: Answer['data']): Answer['data'] => {
    const answer = data?.[field];
    return answer?.rental || answer?.fee || answer?.entry || answer?.userErrors?.length ? answer : null;
  };

/** Most cards are good; one in twelve is declined, and one in twenty leaves the bank's first answer out. */
function cardOf(dice: Dice): string {
  const throw_ = dice.next();
  if (throw_ < 0.08) return 'pm_card_chargeDeclined';
  return throw_ < 0.13 ? 'pm_sandbox_timeout' : 'pm_card_visa';
}

const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {});

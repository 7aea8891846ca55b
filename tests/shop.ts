/**
 * Book, Rental and Delivery in this process, each on a real database of its own, beside a real bank. Nothing goes on by itself: events
 * are handed over, and sweepers make their rounds, when the test says so, and the clock is the test's.
 */
import { randomUUID } from 'node:crypto';
import { Client as Database } from 'pg';
import type { AnyConsumer } from '#platform/apply.ts';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import type { Ask } from '#platform/requestReply.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { Viewer } from '#platform/tokens.ts';
import { type EventType, type Event as ShopEvent, wireType } from '#schema/events.ts';
import type { AskOf } from '#schema/requests.ts';
import { rules } from '../operate/differences.ts';
import type { Sources } from '../operate/services.ts';
import { deliveryConsumer as bookDelivery, rentalConsumer as bookRental } from '../subgraphs/book/events.ts';
import { openShop, terms } from '../subgraphs/book/fixture.ts';
import { createReserve } from '../subgraphs/book/reserve.ts';
import { expireOffers } from '../subgraphs/book/waitlist.ts';
import { deliveryDatabase } from '../subgraphs/delivery/database.ts';
import { type DeliveryStatus, deliveryStatuses, isFinal } from '../subgraphs/delivery/delivery.ts';
import { Delivery } from '../subgraphs/delivery/entities.ts';
import { rentalConsumer as deliveryRental } from '../subgraphs/delivery/events.ts';
import { lockDelivery, recordScans } from '../subgraphs/delivery/parcels.ts';
import { openAdmission } from '../subgraphs/rental/admission.ts';
import { startDrainer } from '../subgraphs/rental/drain.ts';
import { bookConsumer, deliveryConsumer } from '../subgraphs/rental/events.ts';
import { sweepFees } from '../subgraphs/rental/fees.ts';
import { openRentals, policy } from '../subgraphs/rental/fixture.ts';
import { createTake, type Requesting, requestRental } from '../subgraphs/rental/intake.ts';
import { sweepLoans } from '../subgraphs/rental/loans.ts';
import { sweepMoney } from '../subgraphs/rental/money.ts';
import { watchOutages } from '../subgraphs/rental/outages.ts';
import { createSettleWrites } from '../subgraphs/rental/settleWrites.ts';
import { deliverTo, eventually } from './client.ts';
import { deliver } from './events.ts';
import { moveClock } from './movedClock.ts';
import { STRIPE_SECRET_KEY, startSandbox } from './sandboxProcess.ts';
import { createDatabase } from './services.ts';

const DAY_MS = 86_400_000;

export interface WholeShop {
  book: Awaited<ReturnType<typeof openShop>>;
  rental: Awaited<ReturnType<typeof openRentals>>;
  request(customerId: string, bookId: string, quantity: number, paymentMethod: string): Promise<string>;
  /** The parcel of this rental that has not come to its end; null without one. */
  parcelOf(rentalId: string): Promise<Delivery | null>;
  /** Every parcel that has not come to its end. */
  parcelsUnderWay(): Promise<Delivery[]>;
  scan(delivery: Delivery, status: DeliveryStatus): Promise<void>;
  /** Hands over every event there is, and lets the sweepers do all that is due now, until nothing moves. */
  quiet(): Promise<void>;
  passDays(days: number): void;
  /** What `npm run reconcile` says of stock, money and parcels. */
  differences(): Promise<string[]>;
  close(): Promise<void>;
}

export async function openWholeShop(): Promise<WholeShop> {
  let aheadMs = 0;
  moveClock(() => aheadMs);
  const log = createLog('test', 'silent');
  const urls = {
    bank: await createDatabase('bank'),
    book: await createDatabase('book'),
    delivery: await createDatabase('delivery'),
  };
  const bank = await startSandbox(urls.bank);
  const book = await openShop(urls.book);
  const rental = await openRentals(bank.url, STRIPE_SECRET_KEY);
  const parcels = await openServiceDatabase({ ...deliveryDatabase, url: urls.delivery, log });
  const databases = { book: book.em, rental: rental.em, delivery: () => parcels.em.fork() };

  const reserve = createReserve(book.em);
  const ask = (async (subject: string, asked: AskOf<'rpc.book.reserve'>) => {
    if (subject === 'rpc.book.reserve') return reserve(asked);
    throw new Error(`Nobody answers ${subject} here`);
  }) as Ask; // it asks nothing else
  const outages = watchOutages({ BOOK: async () => true, PAYMENT: async () => true });
  const admission = await openAdmission({ em: rental.em, outages, cap: 64, targetMs: 60_000, holdLimit: 1000, log });
  const { provider, claimMs } = rental.collecting;
  const leaseMs = 60_000;
  const requesting: Requesting = {
    em: rental.em,
    ask,
    provider,
    outages,
    admission,
    writes: createSettleWrites(rental.em),
    bookTimeoutMs: 5000,
    leaseMs,
    freed: () => drainer.wake(),
    take: createTake({ em: rental.em, admission, policy, leaseMs }),
    settleWaitMs: 30_000,
    log,
  };

  const drainer = startDrainer(requesting, log);

  /** What has no answer yet: requests that wait (on a busy machine some have to), and money that is asked for again in a moment. */
  async function underWay(): Promise<number> {
    const [counted] = await query<{ count: number }>(
      rental.em(),
      `SELECT (SELECT count(*) FROM rental WHERE status IN ('REQUESTED', 'ON_HOLD'))::int + (SELECT count(*) FROM step WHERE status = 'TODO')::int
         + (SELECT count(*) FROM fee WHERE next_attempt_at IS NOT NULL)::int AS count`,
    );
    return counted?.count ?? 0;
  }

  const readers: { of: keyof typeof databases; em: () => EntityManager; consumer: AnyConsumer }[] = [
    { of: 'rental', em: databases.book, consumer: bookRental(terms.offerMs) },
    { of: 'delivery', em: databases.book, consumer: bookDelivery(terms.offerMs) },
    { of: 'book', em: databases.rental, consumer: bookConsumer(policy) },
    { of: 'delivery', em: databases.rental, consumer: deliveryConsumer(policy) },
    { of: 'rental', em: databases.delivery, consumer: deliveryRental },
  ];
  const readUpTo = new Map(readers.map((reader) => [reader, '0']));

  /** Hands the next events to a reader, in order. Answers how many there were. */
  async function handOver(reader: (typeof readers)[number]): Promise<number> {
    const rows = await query<{ id: string; payload: ShopEvent }>(
      databases[reader.of](),
      'SELECT id, payload FROM outbox WHERE id > $1 ORDER BY outbox.id LIMIT 50',
      [readUpTo.get(reader)],
    );
    for (const { id, payload } of rows) {
      const type = payload.type.replace(/^rentabook\.|\.v1$/g, '') as EventType; // as wireType makes it
      if (wireType(type) !== payload.type) throw new Error(`What is ${payload.type}?`);
      // As a gap would: what is about a rental that the reader has not heard of yet comes again.
      await eventually(
        () => deliver(reader.em(), reader.consumer, { type, event: payload }),
        (outcome) => outcome === 'applied',
      );
      readUpTo.set(reader, id);
    }
    return rows.length;
  }

  /** Hands everything over once and makes each round once. Answers how much moved, or will. */
  async function goOn(): Promise<number> {
    let moved = 0;
    for (const reader of readers) moved += await handOver(reader);
    moved += await sweepMoney({ em: rental.em, provider, policy, claimMs }, log);
    moved += await sweepFees(rental.collecting);
    moved += await sweepLoans(rental.em(), policy, new Date(), log);
    moved += await expireOffers(book.em(), terms.offerMs, new Date());
    return moved + (await underWay());
  }

  const sources = {
    book: new Database({ connectionString: urls.book }),
    delivery: new Database({ connectionString: urls.delivery }),
    rental: new Database({ connectionString: rental.url }),
    sandbox: new Database({ connectionString: urls.bank }),
  };
  await Promise.all(Object.values(sources).map((source) => source.connect()));

  return {
    book,
    rental,
    async request(customerId, bookId, quantity, paymentMethod) {
      const input = { idempotencyKey: randomUUID(), bookId, quantity, paymentMethod, deliverTo };
      return (await requestRental(requesting, customerId, input)).id;
    },
    async parcelOf(rentalId) {
      const all = await databases.delivery().find(Delivery, { rentalId }, { orderBy: { createdAt: 'asc', id: 'asc' } });
      return all.findLast(({ status }) => !isFinal(status)) ?? null;
    },
    async parcelsUnderWay() {
      const ended = deliveryStatuses.filter(isFinal);
      return databases
        .delivery()
        .find(Delivery, { status: { $nin: ended } }, { orderBy: { createdAt: 'asc', id: 'asc' } });
    },
    async scan({ id }, status) {
      await transaction(databases.delivery(), async (em) => {
        const delivery = await lockDelivery(em, { id });
        if (!delivery) throw new Error('It was there just now');
        const now = new Date();
        await recordScans(em, delivery, [{ status, occurredAt: now, note: null }], now);
      });
    },
    quiet: async () => void (await eventually(goOn, (left) => left === 0, 60_000)),
    passDays(days) {
      aheadMs += days * DAY_MS;
    },
    async differences() {
      const told: string[] = [];
      const names = [
        'stock-ledger',
        'stock-copies',
        'stock-reservations',
        'reservations',
        'payments',
        'failed-steps',
        'bank',
        'fees',
        'parcels',
      ];
      const applied = rules.filter(({ name }) => names.includes(name));
      if (applied.length !== names.length) throw new Error('A rule of reconcile has another name now');
      for (const rule of applied)
        await rule.look(
          sources as unknown as Sources,
          ({ sentence }) => void told.push(`${rule.name}: ${sentence}`),
          null,
        ); // they read no more than these
      return told;
    },
    async close() {
      await Promise.all(Object.values(sources).map((source) => source.end()));
      await drainer.stop();
      await admission.stop();
      await Promise.all([book.close(), rental.close(), parcels.close(), bank.stop()]);
    },
  };
}

export const viewer = (customerId: string): Viewer => ({
  customerId,
  roles: ['CUSTOMER'],
  expiresAt: new Date(Date.now() + 1000 * DAY_MS),
});

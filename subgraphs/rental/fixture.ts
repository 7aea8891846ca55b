/** For the tests of Rental: its database, the graph's operations on it, and rentals in any state, beside a real bank. */
import { randomUUID } from 'node:crypto';
import { graphql } from 'graphql';
import { readConfig } from '#platform/config.ts';
import { type EntityManager, type Orm, query, transaction } from '#platform/database.ts';
import { subgraphSchema } from '#platform/graphql.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { Role } from '#platform/tokens.ts';
import { createDatabase } from '../../tests/services.ts';
import { rentalDatabase } from './database.ts';
import { Fee, Payment, Rental } from './entities.ts';
import type { Collecting } from './fees.ts';
import { stripeProvider } from './paymentProvider.ts';
import { type Policy, policyOf, policySettings } from './policy.ts';
import type { FeeStatus, PaymentStatus, RentalStatus } from './rental.ts';
import { type Context, loadersOf, resolvers } from './resolvers.ts';

export const policy: Policy = policyOf(readConfig(policySettings, {}));
const schema = subgraphSchema(new URL('schema.graphql', import.meta.url), resolvers);

// biome-ignore lint/suspicious/noExplicitAny: answers are read by their path; a wrong path shows in the test
type Data = any;

export interface Rentals {
  orm: Orm;
  /** Of the database. */
  url: string;
  em(): EntityManager;
  collecting: Collecting;
  /** The data of an operation's answer, which must have no errors, for this account. */
  ask(customerId: string, operation: string, variables?: object, roles?: Role[]): Promise<Data>;
  /** A rental in this state, with what belongs to it; `more` overrides any part. */
  rentalIn(status: RentalStatus, more?: Partial<Rental>): Promise<Rental>;
  feeIn(rental: Rental, status: FeeStatus, more?: Partial<Fee>): Promise<Fee>;
  /** Every row about it: what must not change where nothing happens. */
  everything(rentalId: string): Promise<object>;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
const FEE = 4500;

/** What its payment is by then. */
const paymentOf: Record<RentalStatus, PaymentStatus> = {
  REQUESTED: 'PENDING',
  ON_HOLD: 'PENDING',
  ACCEPTED: 'AUTHORIZED',
  SHIPPING: 'CAPTURED',
  ON_LOAN: 'CAPTURED',
  OVERDUE: 'CAPTURED',
  RETURNING: 'CAPTURED',
  RETURNED: 'CAPTURED',
  CLOSED: 'CAPTURED',
  REJECTED: 'VOIDED',
  CANCELLED: 'VOIDED',
  LOST: 'CAPTURED',
};

/** A rental and its payment, as rows; the last two override any part of either. */
export async function storeRental(
  em: EntityManager,
  status: RentalStatus,
  more: Partial<Rental> = {},
  payment: Partial<Payment> = {},
): Promise<Rental> {
  const customerId = more.customerId ?? randomUUID();
  await em.execute('INSERT INTO customer (id) VALUES (?) ON CONFLICT DO NOTHING', [customerId]);
  const now = new Date();
  const rental = em.create(Rental, {
    id: randomUUID(),
    customerId,
    idempotencyKey: randomUUID(),
    fingerprint: 'print',
    bookId: randomUUID(),
    quantity: 1,
    totalAmount: FEE,
    currency: 'KRW',
    paymentMethod: 'pm_card_visa',
    status,
    holds: 0,
    outForDelivery: false,
    returnRequested: false,
    inspected: false,
    requestedAt: now,
    changedAt: now,
    dueAt: new Date(now.getTime() + (status === 'OVERDUE' ? -9 : 9) * DAY_MS),
    renewals: 0,
    version: 3,
    ...more,
  });
  await em.flush();
  const paid = payment.status ?? paymentOf[status];
  const asked = paid !== 'PENDING';
  em.create(Payment, {
    id: rental.id,
    status: paid,
    intentId: asked ? `pi_${rental.id}` : null,
    currency: 'KRW',
    authorized: asked ? FEE : 0,
    captured: paid === 'CAPTURED' ? FEE : 0,
    refunded: 0,
    version: asked ? 1 : 0,
    ...payment,
  });
  return rental;
}

/** `bankUrl` where something is paid; elsewhere nothing answers. */
export async function openRentals(bankUrl = 'http://127.0.0.1:9', secretKey = 'sk_test_nobody'): Promise<Rentals> {
  const log = createLog('test', 'silent');
  const url = await createDatabase('rental');
  const orm = await openServiceDatabase({ ...rentalDatabase, url, log });
  const em = () => orm.em.fork();
  const settings = { STRIPE_URL: bankUrl, STRIPE_SECRET_KEY: secretKey, PAYMENT_TIMEOUT_MS: 4000 };
  const collecting = { em, provider: stripeProvider(settings), claimMs: 60_000, settleWaitMs: 5000, log };

  return {
    orm,
    url,
    em,
    collecting,
    async ask(customerId, source, variableValues = {}, roles = ['CUSTOMER']) {
      const reading = em();
      const contextValue: Partial<Context> = {
        viewer: { customerId, roles, expiresAt: new Date(Date.now() + DAY_MS) },
        client: '127.0.0.1',
        em: reading,
        collecting,
        policy,
        ...loadersOf(reading),
      };
      const { data, errors } = await graphql({ schema, source, variableValues: { ...variableValues }, contextValue });
      if (errors) throw new AggregateError(errors, errors.map(({ message }) => message).join(' '));
      return data;
    },

    rentalIn: (status, more = {}) => transaction(em(), (em) => storeRental(em, status, more)),

    feeIn: (rental, status, more = {}) =>
      transaction(em(), async (em) =>
        em.create(Fee, {
          id: randomUUID(),
          rentalId: rental.id,
          customerId: rental.customerId,
          kind: 'LATE',
          status,
          amount: 900,
          currency: 'KRW',
          explanation: 'Two days late.',
          dropped: false,
          attempt: 0,
          tries: 0,
          createdAt: new Date(),
          version: 1,
          ...more,
        }),
      ),

    async everything(rentalId) {
      const rows = (sql: string) => query<object>(em(), sql, [rentalId]);
      return {
        rental: await rows('SELECT * FROM rental WHERE id = $1'),
        payment: await rows('SELECT * FROM payment WHERE id = $1'),
        steps: await rows('SELECT * FROM step WHERE rental_id = $1 ORDER BY kind'),
        fees: await rows('SELECT * FROM fee WHERE rental_id = $1 ORDER BY id'),
        told: await rows(`SELECT event_id FROM outbox WHERE payload->>'correlationid' = $1::text ORDER BY id`),
      };
    },
    close: () => orm.close(),
  };
}

/** What people ask of Rental. */

import { z } from 'zod';
import { audit, auditForAnother } from '#platform/audit.ts';
import { type EntityManager, transaction } from '#platform/database.ts';
import { badUserInput, checkInput, payload, Refusal } from '#platform/errors.ts';
import type { BaseContext, Resolvers } from '#platform/graphql.ts';
import { idInput, isId } from '#platform/ids.ts';
import { rowsById, rowsByOwner } from '#platform/loaders.ts';
import { publish } from '#platform/outbox.ts';
import { connectionOf, minutesAgo, type PageArgs, pageOf } from '#platform/pages.ts';
import { typedText } from '#platform/text.ts';
import { isStaff, type Viewer } from '#platform/tokens.ts';
import { about } from '#platform/trace.ts';
import { factsOf, lockRental, move, moveFee, owe } from './changes.ts';
import { Fee, Payment, Rental, Step } from './entities.ts';
import { type Collecting, lockFeeOrRefuse, payFee } from './fees.ts';
import { quantityInput, type Requesting, requestRental } from './intake.ts';
import { lateFeeOf, lose, renew } from './loans.ts';
import { againstRenewal, isBlocked, type Policy } from './policy.ts';
import type { Positions } from './positions.ts';
import { type Quoting, quote } from './quote.ts';
import {
  type Action,
  afterOrRefuse,
  allowedActions,
  feeAfterOrRefuse,
  isFinal,
  lent,
  moving,
  type RentalStatus,
  rejections,
} from './rental.ts';
import { countsOfDays, daysUpTo, reportOf } from './report.ts';
import { standingLoader, unpaidFeesLoader, waitingLoader } from './standing.ts';

/** One for each request; `em` is its own. */
export const loadersOf = (em: EntityManager) => ({
  rentals: rowsById(() => em, Rental),
  payments: rowsById(() => em, Payment),
  steps: rowsByOwner(() => em, Step, 'rentalId', { kind: 'asc' }),
  fees: rowsById(() => em, Fee),
  feesOfRental: rowsByOwner(() => em, Fee, 'rentalId', { createdAt: 'asc', id: 'asc' }),
  standings: standingLoader(em),
  unpaidFees: unpaidFeesLoader(em),
  waiting: waitingLoader(em),
  counts: countsOfDays(em),
});

export interface Context extends BaseContext, ReturnType<typeof loadersOf> {
  em: EntityManager;
  requesting: Requesting;
  collecting: Collecting;
  quoting: Quoting;
  policy: Policy;
  positions: Positions;
}

/** @auth has let in signed-in viewers only. */
type SignedIn = Context & { viewer: Viewer };

interface RentalFilter {
  status?: RentalStatus[] | null;
  customerId?: string | null;
  bookId?: string | null;
  overdue?: boolean | null;
  stuckForMinutes?: number | null;
}

const cancelInput = z.object({
  rentalId: idInput,
  reason: typedText.max(500, 'The reason must have at most 500 characters.').nullish(),
});

const quoteInput = z.object({ bookId: idInput, quantity: quantityInput });
const paymentInput = z
  .string()
  .min(1, 'The payment method must not be empty.')
  .max(200, 'This is not a payment method.');
const waiverInput = typedText.min(1, 'Say why.').max(500, 'The reason must have at most 500 characters.');

/** The viewer's own rental, or any for staff, under its row lock. @throws Refusal NOT_FOUND, the same for another's as for none. */
async function ownRental(em: EntityManager, id: string, viewer: Viewer, path: string[]): Promise<Rental> {
  const rental = await lockRental(em, id);
  if (rental && (rental.customerId === viewer.customerId || isStaff(viewer))) return rental;
  throw new Refusal('NOT_FOUND', `There is no rental ${id}.`, path);
}

/** Changes the viewer's own rental, or any for staff, under its lock. A "no" of the rules shows it as it stands. */
const changing = (
  { em, viewer }: SignedIn,
  rentalId: string,
  path: string[],
  work: (em: EntityManager, rental: Rental) => Promise<void>,
) =>
  payload(() => {
    checkInput(idInput, rentalId, path);
    about(rentalId);
    return transaction(em, async (em) => {
      const rental = await ownRental(em, rentalId, viewer, path);
      try {
        await work(em, rental);
      } catch (error) {
        throw error instanceof Refusal ? error.showing({ rental }) : error;
      }
      return { rental };
    });
  });

function auditRental(
  em: EntityManager,
  viewer: Viewer,
  action: string,
  { id, customerId }: Rental,
  details: Record<string, string>,
): void {
  auditForAnother(em, viewer, action, { type: 'Rental', id }, { customerId, ...details });
}

const isVisible =
  (viewer: Viewer) =>
  ({ customerId }: Fee): boolean =>
    customerId === viewer.customerId || isStaff(viewer);

const money = (amount: number, currency: string) => ({ amount, currency });

export const resolvers: Resolvers = {
  Query: {
    rental: (_: unknown, { id }: { id: string }, { rentals }: Context) => rentals.load(id),

    async rentals(_: unknown, { filter, ...page }: PageArgs & { filter?: RentalFilter | null }, { em }: Context) {
      const { limit, keys } = pageOf(page, ['timestamptz', 'uuid']);
      const order = orderOf(filter ?? {});
      const rows = await em.find(Rental, whereOf(filter ?? {}, keys), {
        orderBy: { requestedAt: order, id: order },
        limit,
      });
      return connectionOf(rows, page, (rental) => [rental.requestedAt.toISOString(), rental.id]);
    },

    rentalQuote: (_: unknown, { input }: { input: unknown }, { quoting, viewer }: SignedIn) => {
      const { success, data, error } = quoteInput.safeParse(input);
      if (!success)
        throw badUserInput(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(' '));
      return quote(quoting, viewer.customerId, data);
    },

    dailyReport: (_: unknown, { date }: { date: string }, { counts, policy }: Context) =>
      reportOf(counts, date, policy.currency, new Date()),

    dailyReports(_: unknown, { days, to }: { days: number; to?: string | null }, { counts, policy }: Context) {
      const now = new Date();
      return daysUpTo(to, days, now).map((date) => reportOf(counts, date, policy.currency, now));
    },

    admission: (_: unknown, __: unknown, { em, requesting }: Context) => requesting.admission.read(em),
  },

  Mutation: {
    requestRental: (_: unknown, { input }: { input: unknown }, { requesting, viewer }: SignedIn) =>
      payload(async () => ({ rental: await requestRental(requesting, viewer.customerId, input) })),

    /** One local commit, whatever else is down: the owners of what is to be undone learn of it by the event. */
    cancelRental: (_: unknown, { input }: { input: unknown }, context: SignedIn) =>
      payload(async () => {
        const { rentalId, reason } = checkInput(cancelInput, input);
        return changing(context, rentalId, ['input', 'rentalId'], async (em, rental) => {
          if (rental.status === 'CANCELLED') return;
          afterOrRefuse(rental, 'cancel');
          const from = rental.status as 'REQUESTED' | 'ON_HOLD' | 'ACCEPTED' | 'SHIPPING'; // the rows of the table that have `cancel`
          move(em, rental, 'cancel', 'rental.cancelled', { from });
          rental.cancelReason = reason ?? null;
          await owe(em, rental, 'cancel', from);
          auditRental(em, context.viewer, 'cancelRental', rental, { from });
        });
      }),

    renewRental: (_: unknown, { rentalId }: { rentalId: string }, context: SignedIn) =>
      changing(context, rentalId, ['rentalId'], async (em, rental) => {
        await renew(em, rental, context.policy, new Date());
        auditRental(em, context.viewer, 'renewRental', rental, { dueAt: rental.dueAt?.toISOString() ?? '' });
      }),

    returnRental: (_: unknown, { rentalId }: { rentalId: string }, context: SignedIn) =>
      changing(context, rentalId, ['rentalId'], async (em, rental) => {
        afterOrRefuse(rental, 'requestReturn');
        if (rental.returnRequested) return;
        rental.returnRequested = true;
        publish(em, rental, 'rental.return_requested', factsOf(rental));
        auditRental(em, context.viewer, 'returnRental', rental, { status: rental.status });
      }),

    reportRentalLost: (_: unknown, { rentalId }: { rentalId: string }, context: SignedIn) =>
      changing(context, rentalId, ['rentalId'], async (em, rental) => {
        afterOrRefuse(rental, 'reportLost');
        const from = rental.status;
        lose(em, rental, 'CUSTOMER', context.policy);
        auditRental(em, context.viewer, 'reportRentalLost', rental, { from });
      }),

    payFee: (
      _: unknown,
      { feeId, paymentMethod }: { feeId: string; paymentMethod: string },
      { collecting, viewer }: SignedIn,
    ) =>
      payload(async () => {
        checkInput(idInput, feeId, ['feeId']);
        checkInput(paymentInput, paymentMethod, ['paymentMethod']);
        return { fee: await payFee(collecting, feeId, paymentMethod, isVisible(viewer)) };
      }),

    waiveFee: (_: unknown, { feeId, reason }: { feeId: string; reason: string }, { em, viewer }: SignedIn) =>
      payload(async () => {
        checkInput(idInput, feeId, ['feeId']);
        const waiver = checkInput(waiverInput, reason, ['reason']);
        return transaction(em, async (em) => {
          const { fee, rental } = await lockFeeOrRefuse(em, feeId, () => true);
          feeAfterOrRefuse(fee, 'waive');
          moveFee(em, fee, rental, 'waive');
          fee.waiver = waiver;
          const { kind, amount, customerId } = fee;
          audit(em, viewer, 'waiveFee', { type: 'Fee', id: feeId }, { customerId, rentalId: rental.id, kind, amount });
          return { fee };
        });
      }),
  },

  Rental: {
    __resolveReference: ({ id }: { id: string }, { rentals }: Context) => rentals.load(id),
    customer: ({ customerId }: Rental) => ({ __typename: 'Customer', id: customerId }),
    book: ({ bookId }: Rental) => ({ __typename: 'Book', id: bookId }),
    total: ({ totalAmount, currency }: Rental) =>
      typeof totalAmount === 'number' ? money(totalAmount, currency) : null,
    rejection: ({ rejection }: Rental) => (rejection ? { code: rejection, message: rejections[rejection] } : null),
    async allowedActions(rental: Rental, _: unknown, { waiting, policy }: Context): Promise<Action[]> {
      const { status, renewals, dueAt, bookId } = rental;
      if (status !== 'ON_LOAN' || !dueAt) return allowedActions(rental, false);
      const facts = { renewals, dueAt, waiting: await waiting.load(bookId), now: new Date() };
      return allowedActions(rental, againstRenewal(facts, policy).length === 0);
    },
    fees: ({ id }: Rental, _: unknown, { feesOfRental }: Context) => feesOfRental.load(id),
    lateFeeSoFar(rental: Rental, _: unknown, { policy }: Context) {
      const late = isFinal(rental.status) ? null : lateFeeOf(rental, policy, new Date());
      return late && money(late.amount, rental.currency);
    },
    holdPosition: ({ id, status }: Rental, _: unknown, { positions }: Context) =>
      status === 'ON_HOLD' ? positions(id) : null,
    payment: ({ id }: Rental, _: unknown, { payments }: Context) => payments.load(id),
    async pendingCompensations({ id }: Rental, _: unknown, { steps }: Context) {
      const owed = await steps.load(id);
      return owed.filter(({ kind, status }) => kind !== 'CAPTURE' && status !== 'DONE').map(({ kind }) => kind);
    },
  },

  Payment: {
    authorized: ({ authorized, currency }: Payment) => money(authorized, currency),
    captured: ({ captured, currency }: Payment) => money(captured, currency),
    refunded: ({ refunded, currency }: Payment) => money(refunded, currency),
  },

  Fee: {
    __resolveReference: ({ id }: { id: string }, { fees }: Context) => fees.load(id),
    rental: ({ rentalId }: Fee, _: unknown, { rentals }: Context) => rentals.load(rentalId),
    amount: ({ amount, currency }: Fee) => money(amount, currency),
  },

  Customer: {
    __resolveReference: (customer: { id: string }) => customer,
    blocked: async ({ id }: { id: string }, _: unknown, { standings, policy }: Context) =>
      isBlocked(await standings.load(id), policy),
    unpaidFees: ({ id }: { id: string }, _: unknown, { unpaidFees }: Context) => unpaidFees.load(id),
  },

  DailyReport: {
    __resolveReference: ({ date }: { date: string }, { counts, policy }: Context) =>
      reportOf(counts, date, policy.currency, new Date()),
  },
};

/** Who looks for what is stuck begins with the oldest. */
const orderOf = ({ stuckForMinutes }: RentalFilter) => (typeof stuckForMinutes === 'number' ? 'asc' : 'desc');

function whereOf(filter: RentalFilter, keys: (string | number)[] | null) {
  const { status, customerId, bookId, overdue, stuckForMinutes } = filter;
  const beyond = orderOf(filter) === 'asc' ? '$gt' : '$lt';
  const [requestedAt, id] = keys ?? [];
  const silentSince = minutesAgo(stuckForMinutes ?? 0);
  return {
    $and: [
      status ? { status: { $in: status } } : {},
      customerId ? { customerId: isId(customerId) ? customerId : null } : {},
      bookId ? { bookId: isId(bookId) ? bookId : null } : {},
      overdue ? { status: 'OVERDUE' as const } : {},
      typeof stuckForMinutes === 'number'
        ? {
            $or: [{ status: { $in: moving } }, { returnRequested: true, status: { $in: lent } }],
            changedAt: { $lt: silentSince },
          }
        : {},
      keys ? { $or: [{ requestedAt: { [beyond]: requestedAt } }, { requestedAt, id: { [beyond]: id } }] } : {},
    ],
  } as never; // the fields and their values are those of Rental
}

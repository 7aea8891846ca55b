/** What people ask of Rental. */
import { z } from 'zod';
import { audit } from '#platform/audit.ts';
import { type EntityManager, transaction } from '#platform/database.ts';
import { checkInput, payload, Refusal } from '#platform/errors.ts';
import type { BaseContext, Resolvers } from '#platform/graphql.ts';
import { idInput, isId } from '#platform/ids.ts';
import type { rowsById, rowsByOwner } from '#platform/loaders.ts';
import { publish } from '#platform/outbox.ts';
import { connectionOf, minutesAgo, type PageArgs, pageOf } from '#platform/pages.ts';
import { isStaff, type Viewer } from '#platform/tokens.ts';
import { factsOf, lockRental, move, owe } from './changes.ts';
import { type Payment, Rental, type Step } from './entities.ts';
import { type Requesting, requestRental } from './intake.ts';
import type { Positions } from './positions.ts';
import { afterOrRefuse, allowedActions, isFinal, type RentalStatus, rejections, rentalStatuses } from './rental.ts';

export interface Context extends BaseContext {
  em: EntityManager;
  requesting: Requesting;
  positions: Positions;
  rentals: ReturnType<typeof rowsById<Rental>>;
  payments: ReturnType<typeof rowsById<Payment>>;
  steps: ReturnType<typeof rowsByOwner<Step, 'rentalId'>>;
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
  reason: z.string().max(500, 'The reason must have at most 500 characters.').nullish(),
});

const unfinished = rentalStatuses.filter((status) => !isFinal(status));

/** The viewer's own rental, or any for staff, under its row lock. @throws Refusal NOT_FOUND, the same for another's as for none. */
async function ownRental(em: EntityManager, id: string, viewer: Viewer, path: string[]): Promise<Rental> {
  const rental = await lockRental(em, id);
  if (rental && (rental.customerId === viewer.customerId || isStaff(viewer))) return rental;
  throw new Refusal('NOT_FOUND', `There is no rental ${id}.`, path);
}

/** What customers do with their own is in the events. */
function auditForAnother(
  em: EntityManager,
  viewer: Viewer,
  action: string,
  { id, customerId }: Rental,
  details: Record<string, string>,
): void {
  if (customerId !== viewer.customerId) audit(em, viewer, action, { type: 'Rental', id }, { customerId, ...details });
}

const money = (amount: number, currency: string) => ({ amount, currency });

export const resolvers: Resolvers = {
  Query: {
    rental: (_: unknown, { id }: { id: string }, { rentals }: Context) => rentals.load(id),

    async rentals(_: unknown, { filter, ...page }: PageArgs & { filter?: RentalFilter | null }, { em }: Context) {
      const { limit, keys } = pageOf(page, ['timestamptz', 'uuid']);
      const rows = await em.find(Rental, whereOf(filter ?? {}, keys), {
        orderBy: { requestedAt: 'desc', id: 'desc' },
        limit,
      });
      return connectionOf(rows, page, (rental) => [rental.requestedAt.toISOString(), rental.id]);
    },

    admission: (_: unknown, __: unknown, { em, requesting }: Context) => requesting.admission.read(em),
  },

  Mutation: {
    requestRental: (_: unknown, { input }: { input: unknown }, { requesting, viewer }: SignedIn) =>
      payload(async () => ({ rental: await requestRental(requesting, viewer.customerId, input) })),

    /** One local commit, whatever else is down: the owners of what is to be undone learn of it by the event. */
    cancelRental: (_: unknown, { input }: { input: unknown }, { em, viewer }: SignedIn) =>
      payload(async () => {
        const { rentalId, reason } = checkInput(cancelInput, input);
        const rental = await transaction(em, async (em) => {
          const rental = await ownRental(em, rentalId, viewer, ['input', 'rentalId']);
          if (rental.status === 'CANCELLED') return rental;
          afterOrRefuse(rental, 'cancel');
          const from = rental.status as 'REQUESTED' | 'ON_HOLD' | 'ACCEPTED' | 'SHIPPING'; // the rows of the table that have `cancel`
          move(em, rental, 'cancel', 'rental.cancelled', { from });
          rental.cancelReason = reason ?? null;
          await owe(em, rental, 'cancel', from);
          auditForAnother(em, viewer, 'cancelRental', rental, { from });
          return rental;
        });
        return { rental };
      }),

    returnRental: (_: unknown, { rentalId }: { rentalId: string }, { em, viewer }: SignedIn) =>
      payload(async () => {
        checkInput(idInput, rentalId, ['rentalId']);
        const rental = await transaction(em, async (em) => {
          const rental = await ownRental(em, rentalId, viewer, ['rentalId']);
          afterOrRefuse(rental, 'requestReturn');
          if (rental.returnRequested) return rental;
          rental.returnRequested = true;
          publish(em, rental, 'rental.return_requested', factsOf(rental));
          auditForAnother(em, viewer, 'returnRental', rental, { status: rental.status });
          return rental;
        });
        return { rental };
      }),
  },

  Rental: {
    __resolveReference: ({ id }: { id: string }, { rentals }: Context) => rentals.load(id),
    customer: ({ customerId }: Rental) => ({ __typename: 'Customer', id: customerId }),
    book: ({ bookId }: Rental) => ({ __typename: 'Book', id: bookId }),
    total: ({ totalAmount, currency }: Rental) =>
      typeof totalAmount === 'number' ? money(totalAmount, currency) : null,
    rejection: ({ rejection }: Rental) => (rejection ? { code: rejection, message: rejections[rejection] } : null),
    allowedActions: (rental: Rental) => allowedActions(rental),
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
};

function whereOf(
  { status, customerId, bookId, overdue, stuckForMinutes }: RentalFilter,
  keys: (string | number)[] | null,
) {
  const [requestedAt, id] = keys ?? [];
  const silentSince = minutesAgo(stuckForMinutes ?? 0);
  return {
    $and: [
      status ? { status: { $in: status } } : {},
      customerId ? { customerId: isId(customerId) ? customerId : null } : {},
      bookId ? { bookId: isId(bookId) ? bookId : null } : {},
      overdue ? { status: 'ON_LOAN' as const, dueAt: { $lt: new Date() } } : {},
      typeof stuckForMinutes === 'number' ? { status: { $in: unfinished }, changedAt: { $lt: silentSince } } : {},
      keys ? { $or: [{ requestedAt: { $lt: requestedAt } }, { requestedAt, id: { $lt: id } }] } : {},
    ],
  } as never; // the fields and their values are those of Rental
}

/** What people ask of Customer. */
import { GraphQLJSONObject } from 'graphql-scalars';
import type { EntityManager } from '#platform/database.ts';
import { payload } from '#platform/errors.ts';
import type { BaseContext, Resolvers } from '#platform/graphql.ts';
import { mapped } from '#platform/iterators.ts';
import { connectionOf, type PageArgs, pageOf } from '#platform/pages.ts';
import type { Ask } from '#platform/requestReply.ts';
import { Position } from '#platform/subscriptions.ts';
import type { Superusers } from '#platform/superuser.ts';
import type { Role, Viewer } from '#platform/tokens.ts';
import { changePassword, deleteAddress, saveAddress, setRoles, signIn, signUp, updateMe } from './accounts.ts';
import { type AuditEntry, type AuditFilter, auditLog, type Service } from './auditLog.ts';
import { currentParcel, cursorOf, timelineOf } from './customer.ts';
import { deadLetters, dropDeadLetter, replayDeadLetter } from './deadLetters.ts';
import { Customer, type Order, type OrderEvent } from './entities.ts';
import { eraseMe } from './erasure.ts';
import type { Loaders } from './loaders.ts';
import { containing, type OrderFilter, ordersOf } from './orderHistory.ts';
import { type Live, type OrderStatusArgs, orderStatus } from './orderStatus.ts';
import { exportMyData } from './personalData.ts';
import { closeSession, type NewSession, refreshSession, rolesOf, type Signing } from './sessions.ts';

export interface Context extends BaseContext {
  em: EntityManager;
  ask: Ask;
  /** @throws Refusal POLICY_DENIED where an outside provider keeps the accounts */
  signing: () => Signing;
  superusers: Superusers;
  live: Live;
  loaders: Loaders;
}

/** @auth has let in signed-in viewers only. */
type SignedIn = Context & { viewer: Viewer };

/** The rest of the answer is for the account of the new session. */
function enter(context: Context, session: NewSession): NewSession {
  const { customer, roles, expiresAt } = session;
  context.viewer = { customerId: customer.id, roles, expiresAt };
  return session;
}

/** An outside provider says who may do what: of others their last token is remembered, without ADMIN. */
const providedRoles = ({ id, roles }: Customer, viewer: Viewer): Role[] =>
  id === viewer.customerId ? viewer.roles : roles;

export const resolvers: Resolvers = {
  Query: {
    me: (_: unknown, _args: unknown, { viewer, loaders }: Context) =>
      viewer && loaders.customers.load(viewer.customerId),
    customer: (_: unknown, { id }: { id: string }, { loaders }: Context) => loaders.customers.load(id),

    async customers(_: unknown, { search, ...page }: PageArgs & { search?: string | null }, { em }: Context) {
      const { limit, keys } = pageOf(page, ['timestamptz', 'uuid']);
      const [createdAt, id] = keys ?? [];
      const part = search ? { $ilike: containing(search) } : null;
      const where = {
        $and: [
          part ? { $or: [{ email: part }, { name: part }] } : {},
          keys ? { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }] } : {},
        ],
      } as never; // the fields and their values are those of Customer
      const rows = await em.find(Customer, where, { orderBy: { createdAt: 'desc', id: 'desc' }, limit });
      return connectionOf(rows, page, (customer) => [customer.createdAt.toISOString(), customer.id]);
    },

    order: (_: unknown, { rentalId }: { rentalId: string }, { loaders }: Context) => loaders.orders.load(rentalId),

    auditLog: (_: unknown, { filter, ...page }: PageArgs & { filter?: AuditFilter | null }, { em, ask }: Context) =>
      auditLog(em, ask, filter ?? {}, page),
    deadLetters: (_: unknown, { service, ...page }: PageArgs & { service?: Service | null }, { em, ask }: Context) =>
      deadLetters(em, ask, service ?? null, page),
  },

  JSON: GraphQLJSONObject,
  AuditEntry: {
    actor: ({ actorId }: AuditEntry, _: unknown, { loaders }: Context) => loaders.customers.load(actorId),
  },

  Mutation: {
    signUp: (_: unknown, { input }: { input: unknown }, context: Context) =>
      payload(async () => enter(context, await signUp(context.em, context.signing(), input))),
    signIn: (_: unknown, { input }: { input: unknown }, context: Context) =>
      payload(async () => enter(context, await signIn(context.em, context.signing(), context.client, input))),
    refreshSession: (_: unknown, { refreshToken }: { refreshToken: string }, context: Context) =>
      payload(async () => enter(context, await refreshSession(context.em, context.signing(), refreshToken))),
    signOut: (_: unknown, { refreshToken }: { refreshToken: string }, context: Context) =>
      payload(async () => {
        await closeSession(context.em, refreshToken);
        return {};
      }),

    updateMe: (_: unknown, { input }: { input: unknown }, context: SignedIn) =>
      payload(async () => ({
        customer: await updateMe(context.em, context.superusers, context.viewer.customerId, input),
      })),
    changePassword: (_: unknown, { input }: { input: unknown }, context: SignedIn) =>
      payload(() => {
        const { customerId } = context.viewer;
        return changePassword(context.em, context.signing(), { customerId, client: context.client }, input);
      }),
    saveAddress: (_: unknown, { input }: { input: unknown }, context: SignedIn) =>
      payload(async () => ({ customer: await saveAddress(context.em, context.viewer.customerId, input) })),
    deleteAddress: (_: unknown, { id }: { id: string }, context: SignedIn) =>
      payload(async () => ({ customer: await deleteAddress(context.em, context.viewer.customerId, id) })),
    exportMyData: (_: unknown, __: unknown, { em, ask, viewer }: SignedIn) =>
      payload(async () => ({ json: await exportMyData(em, ask, viewer.customerId) })),
    eraseMe: (_: unknown, __: unknown, { em, ask, superusers, viewer }: SignedIn) =>
      payload(async () => ({ erased: await eraseMe(em, ask, superusers, viewer.customerId) })),
    setRoles: (_: unknown, { customerId, roles }: { customerId: string; roles: Role[] }, context: SignedIn) =>
      payload(async () => {
        context.signing(); // who signs the tokens says what is in them
        return { customer: await setRoles(context.em, context, customerId, roles) };
      }),
    replayDeadLetter: (_: unknown, args: { service: Service; id: string }, context: SignedIn) =>
      payload(() => replayDeadLetter(context, args)),
    dropDeadLetter: (_: unknown, args: { service: Service; id: string; reason: string }, context: SignedIn) =>
      payload(() => dropDeadLetter(context, args)),
  },

  Subscription: {
    orderStatus: {
      async subscribe(_: unknown, args: OrderStatusArgs, context: SignedIn) {
        const { em, live, viewer } = context;
        context.loaders = live.loaders; // each event's answer tells what is true then
        const events = await orderStatus(() => em.fork(), live, viewer, args);
        return mapped(events, (event) => (event instanceof Position ? event : { orderStatus: event }));
      },
    },
  },

  Customer: {
    __resolveReference: ({ id }: { id: string }, { loaders }: Context) => loaders.customers.load(id),
    roles: (customer: Customer, _: unknown, { viewer, superusers }: Context) =>
      viewer?.profile ? providedRoles(customer, viewer) : rolesOf(customer, superusers),
    addresses: ({ id }: Customer, _: unknown, { loaders }: Context) => loaders.addresses.load(id),
    orders: ({ id }: Customer, { filter, ...page }: PageArgs & { filter?: OrderFilter | null }, { loaders }: Context) =>
      ordersOf(loaders.orderLists, id, filter ?? {}, page),
    orderCursor: async ({ id }: Customer, _: unknown, { loaders }: Context) =>
      cursorOf({ customerId: id, number: await loaders.heads.load(id) }),
  },

  Order: {
    rental: ({ id }: Order) => ({ id }),
    customer: ({ customerId }: Order, _: unknown, { loaders }: Context) => loaders.customers.load(customerId),
    book: ({ bookId }: Order) => ({ id: bookId }),
    bookTitle: async ({ bookId }: Order, _: unknown, { loaders }: Context) =>
      (await loaders.books.load(bookId))?.title ?? null,
    deliveryStatus: async ({ id }: Order, _: unknown, { loaders }: Context) =>
      currentParcel(await loaders.parcels.load(id))?.status ?? null,
    trackingUrl: async ({ id }: Order, _: unknown, { loaders }: Context) =>
      currentParcel(await loaders.parcels.load(id))?.trackingUrl ?? null,
    timeline: async ({ id }: Order, _: unknown, { loaders }: Context) => timelineOf(await loaders.events.load(id)),
  },

  ErasePayload: { erased: ({ erased = false }: { erased?: boolean }) => erased },
  OrderEvent: { cursor: cursorOf },
  OrderStatusEvent: {
    cursor: cursorOf,
    order: ({ rentalId }: OrderEvent, _: unknown, { loaders }: Context) => loaders.orders.load(rentalId),
  },
};

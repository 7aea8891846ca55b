/** What people ask of Customer. */
import type { EntityManager } from '#platform/database.ts';
import { payload } from '#platform/errors.ts';
import type { BaseContext, Resolvers } from '#platform/graphql.ts';
import type { Role, Viewer } from '#platform/tokens.ts';
import { changePassword, deleteAddress, saveAddress, setRoles, signIn, signUp, updateMe } from './accounts.ts';
import type { Customer } from './entities.ts';
import type { Loaders } from './loaders.ts';
import { closeSession, type NewSession, refreshSession, type TokenIssuer } from './sessions.ts';

export interface Context extends BaseContext {
  em: EntityManager;
  issuer: TokenIssuer;
  loaders: Loaders;
}

/** @auth has let in signed-in viewers only. */
type SignedIn = Context & { viewer: Viewer };

/** The rest of the answer is for the account of the new session. */
function enter(context: Context, session: NewSession): NewSession {
  const { customer, expiresAt } = session;
  context.viewer = { customerId: customer.id, roles: customer.roles, expiresAt };
  return session;
}

export const resolvers: Resolvers = {
  Query: {
    me: (_: unknown, _args: unknown, { viewer, loaders }: Context) =>
      viewer && loaders.customers.load(viewer.customerId),
    customer: (_: unknown, { id }: { id: string }, { loaders }: Context) => loaders.customers.load(id),
  },

  Mutation: {
    signUp: (_: unknown, { input }: { input: unknown }, context: Context) =>
      payload(async () => enter(context, await signUp(context.em, context.issuer, input))),
    signIn: (_: unknown, { input }: { input: unknown }, context: Context) =>
      payload(async () => enter(context, await signIn(context.em, context.issuer, input))),
    refreshSession: (_: unknown, { refreshToken }: { refreshToken: string }, context: Context) =>
      payload(async () => enter(context, await refreshSession(context.em, context.issuer, refreshToken))),
    signOut: (_: unknown, { refreshToken }: { refreshToken: string }, { em }: Context) =>
      payload(async () => {
        await closeSession(em, refreshToken);
        return {};
      }),
    updateMe: (_: unknown, { input }: { input: unknown }, { em, viewer }: SignedIn) =>
      payload(async () => ({ customer: await updateMe(em, viewer.customerId, input) })),
    changePassword: (_: unknown, { input }: { input: unknown }, { em, viewer, issuer }: SignedIn) =>
      payload(() => changePassword(em, issuer, viewer.customerId, input)),
    saveAddress: (_: unknown, { input }: { input: unknown }, { em, viewer }: SignedIn) =>
      payload(async () => ({ customer: await saveAddress(em, viewer.customerId, input) })),
    deleteAddress: (_: unknown, { id }: { id: string }, { em, viewer }: SignedIn) =>
      payload(async () => ({ customer: await deleteAddress(em, viewer.customerId, id) })),
    setRoles: (_: unknown, { customerId, roles }: { customerId: string; roles: Role[] }, { em }: SignedIn) =>
      payload(async () => ({ customer: await setRoles(em, customerId, roles) })),
  },

  Customer: {
    __resolveReference: ({ id }: { id: string }, { loaders }: Context) => loaders.customers.load(id),
    addresses: ({ id }: Customer, _: unknown, { loaders }: Context) => loaders.addresses.load(id),
  },
};

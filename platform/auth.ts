/**
 * `@auth` of schema/common.graphql, enforced: the one piece of code that reads the rules from the SDL and puts them in
 * front of every resolver of a subgraph, entity references and subscriptions included. A resolver never asks "may they?".
 */
import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  getDirectiveValues,
  getNamedType,
  isObjectType,
} from 'graphql';
import { forbidden, unauthenticated } from './errors.ts';
import { isStaff, type Role, type Viewer } from './tokens.ts';

export interface AuthRule {
  roles?: Role[];
  /** The field of the row that holds the owning customer's id. */
  owner?: string;
}

/** Every context has the one who asks. */
interface Context {
  viewer: Viewer | null;
}

/** The rule in a definition's `@auth`, or null where anybody may. */
export function authRule(
  schema: GraphQLSchema,
  definition: Pick<GraphQLObjectType, 'astNode'> | Pick<GraphQLField<unknown, unknown>, 'astNode'>,
): AuthRule | null {
  const directive = schema.getDirective('auth');
  if (!directive || !definition.astNode) return null;
  return (getDirectiveValues(directive, definition.astNode) as AuthRule | undefined) ?? null; // the SDL gives the directive these arguments
}

/** Whether the viewer may see a row (or, for a rule without `owner`, run an operation). */
function mayAccess({ roles, owner }: AuthRule, viewer: Viewer | null, row: unknown): boolean {
  if (!viewer) return false;
  const has = (allowed: Role[]) => viewer.roles.some((role) => allowed.includes(role));
  if (!owner) return !roles || has(roles);
  return ownerOf(row, owner) === viewer.customerId || (roles ? has(roles) : isStaff(viewer));
}

/** Wraps every resolver of the schema that a rule concerns, in place. */
export function enforceAuth(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    guardReference(schema, type);
    for (const field of Object.values(type.getFields())) guardField(schema, type, field);
  }
}

/** `before` is the field's own rule, asked of its parent; `after` that of the type it returns, asked of each row. */
function guardField(schema: GraphQLSchema, parent: GraphQLObjectType, field: GraphQLField<unknown, Context>): void {
  const returned = getNamedType(field.type);
  const before = authRule(schema, field);
  const after = isObjectType(returned) ? authRule(schema, returned) : null;
  const refuse = refusalIn(schema, parent);
  if (after) field.resolve = guardedAfter(after, field.resolve ?? defaultFieldResolver, refuse);
  if (!before) return;
  if (parent !== schema.getSubscriptionType())
    field.resolve = guardedBefore(before, field.resolve ?? defaultFieldResolver, refuse);
  else if (field.subscribe) field.subscribe = guardedBefore(before, field.subscribe, refuseOperation);
}

type Refuse = (viewer: Viewer | null) => null;

/** A Query root field is null, just as if the row did not exist; a nested field is null with an error; a mutation is refused. */
function refusalIn(schema: GraphQLSchema, parent: GraphQLObjectType): Refuse {
  if (parent === schema.getQueryType()) return () => null;
  if (parent === schema.getMutationType()) return refuseOperation;
  return refuseSight;
}

const refuseSight: Refuse = () => {
  throw forbidden('This account may not see that.');
};

const refuseOperation: Refuse = (viewer) => {
  throw viewer ? forbidden() : unauthenticated();
};

const guardedBefore =
  (
    rule: AuthRule,
    resolve: GraphQLFieldResolver<unknown, Context>,
    refuse: Refuse,
  ): GraphQLFieldResolver<unknown, Context> =>
  (source, args, context, info) =>
    mayAccess(rule, context.viewer, source) ? resolve(source, args, context, info) : refuse(context.viewer);

const guardedAfter =
  (
    rule: AuthRule,
    resolve: GraphQLFieldResolver<unknown, Context>,
    refuse: Refuse,
  ): GraphQLFieldResolver<unknown, Context> =>
  async (source, args, context, info) => {
    const result: unknown = await resolve(source, args, context, info);
    const rows = Array.isArray(result) ? result : [result];
    const allowed = rows.every((row) => row === null || row === undefined || mayAccess(rule, context.viewer, row));
    return allowed ? result : refuse(context.viewer);
  };

interface ReferenceExtensions {
  apollo?: { subgraph?: { resolveReference?: (reference: object, context: Context, info: unknown) => unknown } };
}

/** An entity asked for by reference stands nested in the client's query: another's is null with an error, one that does not exist just null. */
function guardReference(schema: GraphQLSchema, type: GraphQLObjectType): void {
  const rule = authRule(schema, type);
  const { apollo } = type.extensions as ReferenceExtensions; // where @apollo/subgraph keeps it
  const resolve = apollo?.subgraph?.resolveReference;
  if (!rule || !apollo?.subgraph || !resolve) return;
  apollo.subgraph.resolveReference = async (reference, context, info) => {
    const row: unknown = await resolve(reference, context, info);
    return !row || mayAccess(rule, context.viewer, row) ? row : refuseSight(context.viewer);
  };
}

const ownerOf = (row: unknown, owner: string): unknown =>
  row && typeof row === 'object' ? (row as Record<string, unknown>)[owner] : undefined;

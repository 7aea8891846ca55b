/** From SDL and resolvers to a subgraph's schema with its rules enforced, and from errors to what a client may see. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLFormattedError,
  GraphQLID,
  type GraphQLScalarType,
  type GraphQLSchema,
  GraphQLString,
  parse,
} from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';
import { enforceAuth } from './auth.ts';
import { databaseIsAway } from './database.ts';
import { badUserInput, type ErrorCode, errorCodes } from './errors.ts';
import type { Log } from './log.ts';
import type { Viewer } from './tokens.ts';

/** One per request: who asks, and whatever the subgraph's resolvers need. */
export interface BaseContext {
  viewer: Viewer | null;
  /** The address that the request comes from, as the router has seen it; '' for a subscription. */
  client: string;
}

export type ContextFor<C> = (viewer: Viewer | null, client: string) => C;

/** Resolvers by type and field. What they take and give is checked by GraphQL at run time, by TypeScript inside each. */
// biome-ignore lint/suspicious/noExplicitAny: each resolver declares its own parent and arguments
type Resolver = GraphQLFieldResolver<any, any> | { subscribe: GraphQLFieldResolver<any, any> };
// biome-ignore lint/suspicious/noExplicitAny: a reference resolver takes (reference, context)
type ReferenceResolver = (reference: any, context: any) => unknown;
export type Resolvers = Record<
  string,
  GraphQLScalarType | ({ [field: string]: Resolver } & { __resolveReference?: ReferenceResolver })
>;

const COMMON_SDL = new URL('../schema/common.graphql', import.meta.url);

/** PostgreSQL can store neither NUL nor half a surrogate pair: a text with one is refused as an argument, whatever it is for. */
function storable(value: unknown): unknown {
  if (typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))) return value;
  throw badUserInput('Text must be well-formed Unicode without NUL.');
}

for (const scalar of [GraphQLString, GraphQLID]) {
  const { parseValue, parseLiteral } = scalar;
  scalar.parseValue = (value) => storable(parseValue(value)) as string;
  scalar.parseLiteral = (node, variables) => storable(parseLiteral(node, variables)) as string;
}

/** A subgraph's whole SDL: the shared part, then its own file. */
export const readSdl = (file: URL): string => `${readFileSync(COMMON_SDL, 'utf8')}\n${readFileSync(file, 'utf8')}`;

export function subgraphSchema(sdlFile: URL, resolvers: Resolvers): GraphQLSchema {
  const modules = [{ typeDefs: parse(readSdl(sdlFile)), resolvers: { DateTime: GraphQLDateTimeISO, ...resolvers } }];
  const schema = buildSubgraphSchema(modules as Parameters<typeof buildSubgraphSchema>[0]); // its type knows no subscribe functions
  enforceAuth(schema);
  return schema;
}

/**
 * The mutations of one request run one after another. What is selected below each is read with a context of its own, so that
 * none shows what an earlier one has left in an identity map or a loader.
 */
export function readAnewAfterMutations<C extends BaseContext>(schema: GraphQLSchema, contextFor: ContextFor<C>): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { resolve } = field;
    if (!resolve) continue;
    field.resolve = async (source, args, context: C, info) => {
      const result: unknown = await resolve(source, args, context, info);
      Object.assign(context, contextFor(context.viewer, context.client));
      return result;
    };
  }
}

/** Apollo's own codes for requests that are wrong in themselves; their messages tell nothing of the inside. */
export const requestCodes = [
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
] as const;
const MEANT: readonly string[] = [...errorCodes, ...requestCodes];

/**
 * What the client sees of an error: its own mistakes as they are, faults masked and logged once with an id that both have.
 * For ApolloServer's `formatError` and for subscriptions alike.
 */
export const maskErrors =
  (log: Log) =>
  (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const { stacktrace: _, ...extensions } = formatted.extensions ?? {};
    const cause = error instanceof GraphQLError && error.originalError ? error.originalError : error;
    const code = String(extensions.code ?? '');
    const meant = cause instanceof GraphQLError && (MEANT.includes(code) || !cause.extensions.code);
    if (meant && code !== 'INTERNAL_SERVER_ERROR') return { ...formatted, extensions };
    if (databaseIsAway(cause)) return { ...placeOf(formatted), ...AWAY };
    const id = typeof extensions.id === 'string' ? extensions.id : randomUUID();
    if (!extensions.id) log.error({ err: cause, errorId: id, path: formatted.path }, 'a field could not be resolved');
    const masked = {
      message: 'Something is broken here; we have been told.',
      extensions: { code: 'INTERNAL_SERVER_ERROR', id },
    };
    return { ...placeOf(formatted), ...masked };
  };

const AWAY = {
  message: 'The service cannot answer just now; try again in a moment.',
  extensions: { code: 'SERVICE_UNAVAILABLE' satisfies ErrorCode },
};

const placeOf = ({ path, locations }: GraphQLFormattedError) => ({
  ...(path && { path }),
  ...(locations && { locations }),
});

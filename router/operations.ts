/** One operation of a client, whichever transport has brought it: Apollo runs queries and mutations, the engine subscriptions. */
import type { ApolloServer } from '@apollo/server';
import { type ExecutionArgs, type FormattedExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Context } from './context.ts';
import type { ReadDocument } from './documents.ts';
import type { FormatError } from './errors.ts';
import type { FederatedSubscriptions } from './subscriptions.ts';

export interface OperationRequest {
  query: string;
  variables?: Record<string, unknown> | null | undefined;
  operationName?: string | null | undefined;
}

/** Of the engine, whose errors are to be formatted still, or of Apollo, which has done so. */
interface Result {
  data?: FormattedExecutionResult['data'] | undefined;
  extensions?: FormattedExecutionResult['extensions'] | undefined;
  errors?: readonly (GraphQLError | GraphQLFormattedError)[] | undefined;
}

export interface Operations {
  readonly engine: FederatedSubscriptions<Context>;
  /** What to run, parsed and validated, or what is wrong with it. */
  prepare(request: OperationRequest, context: Context): ExecutionArgs | GraphQLError[];
  /** A query or a mutation. */
  execute(args: ExecutionArgs): Promise<FormattedExecutionResult>;
  /** As a client may see it. */
  format(result: Result): FormattedExecutionResult;
}

export interface OperationsOptions {
  apollo: ApolloServer<Context>;
  engine: FederatedSubscriptions<Context>;
  readDocument: ReadDocument;
  formatError: FormatError;
}

export function createOperations({ apollo, engine, readDocument, formatError }: OperationsOptions): Operations {
  return {
    engine,

    prepare({ query, variables, operationName }, contextValue) {
      const document = readDocument(query);
      if (Array.isArray(document)) return document;
      const variableValues = variables ?? {};
      return { schema: engine.schema, document, contextValue, variableValues, operationName: operationName ?? null };
    },

    async execute(args) {
      const { document: query, variableValues, operationName } = args;
      const request = { query, variables: variableValues ?? {}, ...(operationName && { operationName }) };
      const { body } = await apollo.executeOperation(request, { contextValue: contextIn(args) });
      if (body.kind !== 'single') throw new Error('Incremental delivery is not in this schema');
      return body.singleResult;
    },

    format: ({ data, errors, extensions }) => ({
      ...(data !== undefined && { data }),
      ...(extensions && { extensions }),
      // What Apollo answers is formatted already, hence no GraphQLError any more.
      ...(errors && {
        errors: errors.map((error) => (error instanceof GraphQLError ? formatError(error.toJSON(), error) : error)),
      }),
    }),
  };
}

/** `prepare` has put it there. */
export const contextIn = (args: ExecutionArgs): Context => args.contextValue as Context;

/** One operation of a client, whichever transport has brought it: Apollo runs queries and mutations, the engine subscriptions. */
import type { ApolloServer } from '@apollo/server';
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql';
import { tellOfErrors } from '#platform/apollo.ts';
import { mapped } from '#platform/iterators.ts';
import { tellOperation } from '#platform/serving.ts';
import type { Context } from './context.ts';
import type { ReadDocument } from './documents.ts';
import type { FormatError } from './errors.ts';
import type { Plans } from './executor.ts';
import type { Limits } from './limits.ts';
import { hashOf, type Persisted, textOf } from './persisted.ts';
import type { FederatedSubscriptions, Step } from './subscriptions.ts';

export interface OperationRequest {
  /** Absent where the extensions name a persisted one; over a WebSocket, whose protocol wants a text, the empty one. */
  query?: string | null | undefined;
  extensions?: Record<string, unknown> | null | undefined;
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
  /** What to run, parsed and validated, or what is wrong with it. */
  prepare(request: OperationRequest, context: Context): ExecutionArgs | GraphQLError[];
  /** A query or a mutation that was compiled before, as far as the limits let it in; null where it was not. */
  run(args: ExecutionArgs): Promise<FormattedExecutionResult> | null;
  /** Any query or mutation. */
  execute(args: ExecutionArgs): Promise<FormattedExecutionResult>;
  /** A subscription, as far as the limits let it in. */
  subscribe(args: ExecutionArgs): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
  /** The same with the cursors, from `after` on if there is one. */
  follow(args: ExecutionArgs, after: string | undefined): Promise<AsyncIterableIterator<Step> | ExecutionResult>;
  /** As a client may see it. */
  format(result: Result): FormattedExecutionResult;
}

export interface OperationsOptions {
  apollo: ApolloServer<Context>;
  engine: FederatedSubscriptions<Context>;
  schema: GraphQLSchema;
  plans: Plans<Context>;
  limits: Limits;
  persisted: Persisted;
  readDocument: ReadDocument;
  formatError: FormatError;
}

/** Of a prepared operation, which has one. */
export const kindOf = ({ document, operationName }: ExecutionArgs) =>
  getOperationAST(document, operationName)?.operation;

export function createOperations(options: OperationsOptions): Operations {
  const { apollo, engine, schema, plans, limits, persisted, readDocument, formatError } = options;

  /** Runs a subscription that the limits let in, and tells them when it is over. */
  async function passing<T>(
    args: ExecutionArgs,
    run: () => Promise<AsyncIterableIterator<T> | ExecutionResult>,
  ): Promise<AsyncIterableIterator<T> | ExecutionResult> {
    const { document, operationName, variableValues } = args;
    const operation = getOperationAST(document, operationName);
    if (!operation) return run(); // the engine says what is wrong with it
    try {
      const { leave } = await limits.pass(document, operation, variableValues ?? {}, contextIn(args));
      const results = await run();
      if (Symbol.asyncIterator in results) return mapped(results, (result) => result, leave);
      leave();
      return results;
    } catch (error) {
      return refusal(error);
    }
  }

  function run(args: ExecutionArgs): Promise<FormattedExecutionResult> | null {
    const { document, operationName, variableValues } = args;
    const variables = variableValues ?? {};
    const operation = getOperationAST(document, operationName);
    const compiled = operation && plans.known(operation, document, variables);
    if (!compiled) return null;

    const pass = async () => {
      const { cost, leave } = await limits.pass(document, operation, variables, contextIn(args));
      try {
        return { ...(await compiled(variables, contextIn(args))), extensions: { cost } };
      } finally {
        leave();
      }
    };
    tellOperation(operation.operation, operation.name?.value);
    return pass()
      .catch(refusal)
      .then((result) => {
        const seen = format(result);
        tellOfErrors(seen.errors);
        return seen;
      });
  }

  const format = ({ data, errors, extensions }: Result): FormattedExecutionResult => ({
    // What Apollo answers is formatted already, hence no GraphQLError any more.
    ...(errors && {
      errors: errors.map((error) => (error instanceof GraphQLError ? formatError(error.toJSON(), error) : error)),
    }),
    ...(data !== undefined && { data }),
    ...(extensions && { extensions }),
  });

  return {
    prepare({ query, extensions, variables, operationName }, contextValue) {
      const text = textMeant(persisted, query, extensions);
      if (typeof text !== 'string') return [text];
      const document = readDocument(text);
      if (Array.isArray(document)) return document;
      if (extensions) persisted.keep(hashOf(text), text);
      const variableValues = variables ?? {};
      return { schema, document, contextValue, variableValues, operationName: operationName ?? null };
    },

    run,

    async execute(args) {
      const running = run(args);
      if (running) return running;
      const { document, variableValues, operationName } = args;
      const query = document.loc?.source.body ?? document; // its own text, by which it is known the next time
      const request = { query, variables: variableValues ?? {}, ...(operationName && { operationName }) };
      const { body } = await apollo.executeOperation(request, { contextValue: contextIn(args) });
      if (body.kind !== 'single') throw new Error('Incremental delivery is not in this schema');
      return body.singleResult;
    },

    subscribe: (args) => passing(args, () => engine.subscribe({ ...args, contextValue: contextIn(args) })),
    follow: (args, after) => passing(args, () => engine.follow({ ...args, contextValue: contextIn(args), after })),

    format,
  };
}

/** What the limits say no to is an answer; anything else is a fault. */
function refusal(error: unknown): { errors: GraphQLError[] } {
  if (error instanceof GraphQLError) return { errors: [error] };
  throw error;
}

/** `prepare` has put it there. */
const contextIn = (args: ExecutionArgs): Context => args.contextValue as Context;

function textMeant(persisted: Persisted, query: string | null | undefined, extensions: unknown): string | GraphQLError {
  try {
    return textOf(persisted, query || undefined, extensions);
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

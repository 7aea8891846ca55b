/** A subgraph's way for plain requests, which are all that the router sends: graphql-js itself, with documents kept. */
import {
  type DocumentNode,
  execute,
  type FormattedExecutionResult,
  type GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  validate,
} from 'graphql';
import { tellOfErrors } from './apollo.ts';
import { Kept } from './kept.ts';
import type { PlainOperation } from './plainRequest.ts';
import { tellOperation } from './serving.ts';

const KEPT = 1000;
/** A text that is longer holds a memory for what is seldom asked. */
const LONGEST_KEPT = 20_000;

type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/** Answers null where Apollo Server has to say what is wrong: with the document, the variables, or who asks. */
export function plainRunner<C>(schema: GraphQLSchema, formatError: FormatError) {
  const documents = new Kept<string, DocumentNode>(KEPT);

  return async function run(
    { query, variables, operationName }: PlainOperation,
    context: () => Promise<C>,
  ): Promise<FormattedExecutionResult | null> {
    const document = documents.get(query) ?? read(query);
    const operation = document && getOperationAST(document, operationName);
    if (!operation || operation.operation === 'subscription') return null;
    const contextValue = await context().catch(() => null);
    if (!contextValue) return null;
    tellOperation(operation.operation, operation.name?.value);
    const { data, errors } = await execute({
      schema,
      document,
      contextValue,
      variableValues: variables,
      operationName,
    });
    if (data === undefined) return null; // wrong variables: nothing was run
    const seen = errors?.map((error) => formatError(withCode(error), error));
    tellOfErrors(seen);
    return { ...(seen && { errors: seen }), data };
  };

  function read(query: string): DocumentNode | null {
    try {
      const document = parse(query);
      if (validate(schema, document).length) return null;
      if (query.length <= LONGEST_KEPT) documents.set(query, document);
      return document;
    } catch {
      return null;
    }
  }
}

/** As Apollo Server does it: what has none is a fault. */
function withCode(error: GraphQLError): GraphQLFormattedError {
  return { ...error.toJSON(), extensions: { code: 'INTERNAL_SERVER_ERROR', ...error.extensions } };
}

/** What a client sees of an error, over HTTP and over a socket alike. */
import { GraphQLError, type GraphQLErrorExtensions, type GraphQLFormattedError } from 'graphql';
import type { ErrorCode } from '#platform/errors.ts';
import { maskErrors } from '#platform/graphql.ts';
import type { Log } from '#platform/log.ts';

export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/**
 * A subgraph has masked and logged its own faults, so its word stands; the router's own are masked and logged here. Which is
 * which, the gateway and the subscription engine say by `extensions.serviceName`.
 */
export function clientErrors(log: Log): FormatError {
  const mask = maskErrors(log);
  return (formatted, error) => {
    const { serviceName, ...extensions } = formatted.extensions ?? {};
    const seen = serviceName
      ? { ...formatted, extensions: withService(extensions, serviceName) }
      : mask(withOwnCode(formatted, error), error);
    return { ...seen, message: withoutSuggestions(seen.message) };
  };
}

/** A subgraph that says it cannot answer means itself, unless it names another one that it needed. */
const withService = (extensions: GraphQLErrorExtensions, service: unknown): GraphQLErrorExtensions =>
  extensions.code === ('SERVICE_UNAVAILABLE' satisfies ErrorCode) ? { service, ...extensions } : extensions;

/** Apollo gives whatever a validation rule reports a code of its own. */
function withOwnCode(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const reported = error instanceof GraphQLError ? error.originalError : undefined;
  const code = reported instanceof GraphQLError ? reported.extensions.code : undefined;
  return code ? { ...formatted, extensions: { ...formatted.extensions, code } } : formatted;
}

/** Of an answer that is an error and nothing else. */
const statuses: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  QUERY_NOT_IN_SAFE_LIST: 403,
  REQUEST_RATE_LIMITED: 429,
  REQUEST_CONCURRENCY_LIMITED: 429,
  SERVICE_UNAVAILABLE: 503,
  OVERLOADED: 503,
};
export const httpStatusOf = (code: unknown): number => statuses[code as ErrorCode] ?? 400; // whatever it is, it is a key or none

/** The one that says when to come again, if there is one. */
export const lateError = (errors: readonly GraphQLFormattedError[] = []): GraphQLFormattedError | undefined =>
  errors.find(({ extensions }) => Number.isFinite(extensions?.retryAfterSeconds));

/** GraphQL's help with typing errors would tell of names that the client need not know. */
const withoutSuggestions = (message: string): string => message.replace(/ Did you mean [^?]*\?$/, '');

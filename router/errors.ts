/** What a client sees of an error, over HTTP and over a socket alike. */
import type { GraphQLFormattedError } from 'graphql';
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
    const seen = serviceName ? { ...formatted, extensions } : mask(formatted, error);
    return { ...seen, message: withoutSuggestions(seen.message) };
  };
}

/** GraphQL's help with typing errors would tell of names that the client need not know. */
const withoutSuggestions = (message: string): string => message.replace(/ Did you mean [^?]*\?$/, '');

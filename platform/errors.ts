/**
 * The two kinds of "no". A `Refusal` is a rule or a mistake in the input: data for the caller, in `userErrors`.
 * A `GraphQLError` with one of `ErrorCode` is about the request itself and stands in the response's `errors`.
 * Everything else that is thrown is a fault: masked for the client and logged once (platform/graphql.ts).
 */
import { GraphQLError } from 'graphql';
import type { ZodType } from 'zod';

/** `UserErrorCode` of schema/common.graphql; clients branch on these. */
export type UserErrorCode =
  | 'NOT_FOUND'
  | 'INVALID_INPUT'
  | 'NOT_ALLOWED_IN_STATE'
  | 'VERSION_CONFLICT'
  | 'IDEMPOTENCY_CONFLICT'
  | 'DUPLICATE'
  | 'WOULD_BE_NEGATIVE'
  | 'POLICY_DENIED'
  | 'PAYMENT_DECLINED'
  | 'INVALID_CREDENTIALS'
  | 'TOO_MANY_ATTEMPTS';

/** `UserErrorReason` of schema/common.graphql: given where code and path leave open which rule it was (docs/errors.md). */
export const userErrorReasons = [
  'RENEWED_TOO_OFTEN',
  'OTHERS_WAIT',
  'PAST_DUE',
  'OUT_FOR_DELIVERY',
  'UNDER_REPAIR',
  'NO_LONGER_LENT',
  'COPIES_AVAILABLE',
  'ACCOUNT_CLOSED',
  'ACCOUNT_ELSEWHERE',
  'RENTAL_OPEN',
  'FEE_UNPAID',
  'NAMED_FOR_ADMINISTRATION',
  'TOO_MANY_ADDRESSES',
] as const;
export type UserErrorReason = (typeof userErrorReasons)[number];

/**
 * Codes in `errors[].extensions.code` that this project sets itself; Apollo's own (GRAPHQL_VALIDATION_FAILED …) come beside
 * them. docs/errors.md says of each what it means and what a client can do.
 */
export const errorCodes = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'PAYLOAD_TOO_LARGE',
  'MAX_DEPTH_LIMIT',
  'MAX_HEIGHT_LIMIT',
  'MAX_ALIASES_LIMIT',
  'MAX_ROOT_FIELDS_LIMIT',
  'COST_ESTIMATED_TOO_EXPENSIVE',
  'REQUEST_RATE_LIMITED',
  'REQUEST_CONCURRENCY_LIMITED',
  'QUERY_NOT_IN_SAFE_LIST',
  'SERVICE_UNAVAILABLE',
  'OVERLOADED',
  'SUBSCRIPTION_UPSTREAM_LOST',
  'INTERNAL_SERVER_ERROR',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface UserError {
  code: UserErrorCode;
  message: string;
  /** Names from the arguments down to the field at fault: ['input', 'deliverTo', 'line1']. */
  path: string[] | null;
  reason?: UserErrorReason;
}

/** A "no" from the rules, or a mistake in the input. Not a failure: nothing is logged, nothing is retried. */
export class Refusal extends Error {
  readonly userErrors: UserError[];
  /** What it is about, as it stands, for the payload. */
  readonly shown: object = {};

  constructor(code: UserErrorCode, message: string, path?: string[] | null, reason?: UserErrorReason);
  constructor(userErrors: UserError[]);
  constructor(
    first: UserErrorCode | UserError[],
    message = '',
    path: string[] | null = null,
    reason?: UserErrorReason,
  ) {
    const userErrors = typeof first === 'string' ? [{ code: first, message, path, ...(reason && { reason }) }] : first;
    super(userErrors.map((error) => error.message).join(' '));
    this.name = 'Refusal';
    this.userErrors = userErrors;
  }

  /** The same "no", which shows the thing that it is about: only what the caller may see. */
  showing(thing: object): Refusal {
    return Object.assign(new Refusal(this.userErrors), { shown: thing });
  }
}

/** A mutation's answer: the changed thing, or why not. Faults pass through. */
export async function payload<T extends object>(work: () => Promise<T>): Promise<T | { userErrors: UserError[] }> {
  try {
    return { userErrors: [], ...(await work()) };
  } catch (error) {
    if (error instanceof Refusal) return { ...error.shown, userErrors: error.userErrors };
    throw error;
  }
}

/** Checks an argument that GraphQL's types leave open. @throws Refusal INVALID_INPUT with the path of each mistake, below `at`. */
export function checkInput<T>(schema: ZodType<T>, input: unknown, at: string[] = ['input']): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new Refusal(
    result.error.issues.map(({ message, path }) => ({
      code: 'INVALID_INPUT' as const,
      message,
      path: [...at, ...path.map(String)],
    })),
  );
}

export const unauthenticated = (message = 'Sign in first: this needs a valid access token.') =>
  new GraphQLError(message, { extensions: { code: 'UNAUTHENTICATED' satisfies ErrorCode } });

export const forbidden = (message = 'This account may not do that.') =>
  new GraphQLError(message, { extensions: { code: 'FORBIDDEN' satisfies ErrorCode } });

export const badUserInput = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' satisfies ErrorCode } });

/** `service` is the silent one, where it is known. */
export const unavailable = (message: string, service?: string) =>
  new GraphQLError(message, {
    extensions: { code: 'SERVICE_UNAVAILABLE' satisfies ErrorCode, ...(service && { service }) },
  });

export const overloaded = (message: string, retryAfterSeconds: number) =>
  new GraphQLError(message, { extensions: { code: 'OVERLOADED' satisfies ErrorCode, retryAfterSeconds } });

/**
 * The code that Node (ECONNREFUSED), PostgreSQL (23505) or a library has given to what was thrown; '' without one. It need not
 * be an `instanceof Error`: jest runs tests in a realm of their own, and Node's errors come from outside.
 */
export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code ?? '') : ''; // MikroORM's has one that is undefined

/** What went wrong, in words; some errors of Node have only a code. */
export const reasonOf = (error: unknown): string =>
  Error.isError(error) ? error.message || codeOf(error) : String(error);

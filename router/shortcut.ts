/**
 * The way that most requests take: a POST of JSON with an operation whose plan is compiled. Apollo Server's pipeline, which takes
 * a seventh of the router's time for them, answers the rest: GET, persisted operations, whatever is wrong with a request. What is
 * the same for both is in `operations.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FormattedExecutionResult } from 'graphql';
import type { Context } from './context.ts';
import { httpStatusOf, lateError } from './errors.ts';
import type { OperationRequest, Operations } from './operations.ts';

/** @param context of the request. Answers whether this has been its way; otherwise nothing has been done. */
export type Shortcut = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  context: () => Promise<Context>,
) => Promise<boolean>;

export const shortcut =
  (operations: Operations): Shortcut =>
  async (request, response, body, context) => {
    const contentType = answerType(request);
    const asked = contentType && operationIn(body);
    if (!asked) return false;
    const asker = await context().catch(() => null); // the pipeline says what is wrong with it
    const args = asker && operations.prepare(asked, asker);
    const running = args && !Array.isArray(args) && operations.run(args);
    if (!running) return false;
    answer(response, contentType, await running);
    return true;
  };

const JSON_TYPE = 'application/json';
const GRAPHQL_TYPE = 'application/graphql-response+json';

/** Null where there is something to be negotiated, or no JSON has come. */
function answerType({ method, headers }: IncomingMessage): string | null {
  const { 'content-type': sent, accept = '*/*' } = headers;
  if (method !== 'POST' || (sent !== JSON_TYPE && sent !== `${JSON_TYPE}; charset=utf-8`)) return null;
  if (accept === '*/*' || accept === JSON_TYPE) return `${JSON_TYPE}; charset=utf-8`;
  return accept.startsWith(`${GRAPHQL_TYPE},`) || accept === GRAPHQL_TYPE ? `${GRAPHQL_TYPE}; charset=utf-8` : null;
}

/** Null where the body is anything but an operation written out. */
function operationIn(body: Buffer): OperationRequest | null {
  const { query, variables, operationName, extensions, ...others } = parsed(body);
  const isPlain =
    typeof query === 'string' &&
    (typeof variables === 'object' || variables === undefined) &&
    !Array.isArray(variables) &&
    (typeof operationName === 'string' || operationName === null || operationName === undefined) &&
    (extensions === undefined || extensions === null) &&
    !Object.keys(others).length;
  return isPlain ? { query, variables: variables as Record<string, unknown> | null, operationName } : null;
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function answer(response: ServerResponse, contentType: string, result: FormattedExecutionResult): void {
  const late = lateError(result.errors);
  const code = ('data' in result ? late : result.errors?.[0])?.extensions?.code;
  const status = result.data || code === undefined ? 200 : httpStatusOf(code);
  if (late) response.setHeader('retry-after', String(late.extensions?.retryAfterSeconds));
  const text = `${JSON.stringify(result)}\n`;
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

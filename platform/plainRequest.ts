/**
 * GraphQL requests of the plainest kind, a POST of JSON with an operation written out, past Apollo Server's pipeline: that takes
 * more CPU for them than all else does (a third of the router's for a read). What is unusual in any way, a mistake or a fault of the request
 * included, is left to the pipeline.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FormattedExecutionResult } from 'graphql';

export interface PlainOperation {
  query: string;
  variables: Record<string, unknown> | null | undefined;
  operationName: string | null | undefined;
}

export interface PlainRequest {
  operation: PlainOperation;
  answer(response: ServerResponse, status: number, result: FormattedExecutionResult): void;
}

/** Null where there is something to be negotiated, or the body is anything but an operation. */
export function plainRequest(request: IncomingMessage, body: Buffer): PlainRequest | null {
  const contentType = answerType(request);
  const operation = contentType ? operationIn(body) : null;
  if (!contentType || !operation) return null;
  return {
    operation,
    answer(response, status, result) {
      const text = `${JSON.stringify(result)}\n`;
      response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
      response.end(text);
    },
  };
}

const JSON_TYPE = 'application/json';
const GRAPHQL_TYPE = 'application/graphql-response+json';

function answerType({ method, headers }: IncomingMessage): string | null {
  const { 'content-type': sent, accept = '*/*' } = headers;
  if (method !== 'POST' || (sent !== JSON_TYPE && sent !== `${JSON_TYPE}; charset=utf-8`)) return null;
  if (accept === '*/*' || accept === JSON_TYPE) return `${JSON_TYPE}; charset=utf-8`;
  return accept.startsWith(`${GRAPHQL_TYPE},`) || accept === GRAPHQL_TYPE ? `${GRAPHQL_TYPE}; charset=utf-8` : null;
}

function operationIn(body: Buffer): PlainOperation | null {
  const { query, variables, operationName, extensions, ...others } = parsed(body);
  const isPlain =
    typeof query === 'string' &&
    (typeof variables === 'object' || variables === undefined) &&
    !Array.isArray(variables) &&
    (typeof operationName === 'string' || operationName === null || operationName === undefined) &&
    (extensions === undefined || extensions === null) &&
    !Object.keys(others).length;
  return isPlain ? { query, variables: variables as PlainOperation['variables'], operationName } : null; // just checked
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

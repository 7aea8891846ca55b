/**
 * GraphQL over Server-Sent Events for clients, on the same path as HTTP (PROTOCOL.md of graphql-sse, "distinct connections
 * mode"): each request has a stream of its own, also behind proxies that break WebSockets. An event's `id` is its cursor, and
 * `Last-Event-ID` goes on after it. A stream that ends without `complete` says: come again.
 */
import type { IncomingMessage } from 'node:http';
import { type FormattedExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import { z } from 'zod';
import { BadRequest, type Handler, json, readBody } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import type { VerifyToken } from '#platform/tokens.ts';
import { type Context, contextOf, msLeft, statusOf } from './context.ts';
import { type EventStream, openEventStream } from './eventStream.ts';
import { MAX_BODY_BYTES } from './limits.ts';
import type { OperationRequest, Operations } from './operations.ts';

/** On a stop, for a reader who does not take what is still on its way. */
const CLOSE_WITHIN_MS = 2000;

export interface StreamOptions {
  operations: Operations;
  verifyToken: VerifyToken;
  log: Log;
}

export interface Streams {
  handle: Handler;
  /** Ends them all, so that their readers come again elsewhere. */
  stop(): Promise<void>;
}

export const wantsStream = ({ headers }: IncomingMessage): boolean =>
  (headers.accept ?? '').includes('text/event-stream');

export function serveStreams({ operations, verifyToken, log }: StreamOptions): Streams {
  const streams = new Set<EventStream>();

  return {
    async handle(request, response) {
      const operation = await readRequest(request);
      const context = await contextOf(request.headers, verifyToken).catch((error: unknown) => {
        if (error instanceof GraphQLError) return error;
        throw error;
      });
      if (context instanceof GraphQLError)
        return json(response, statusOf(context), operations.format({ errors: [context] }));

      const stream = openEventStream(response);
      const expiry = context.viewer && setTimeout(stream.end, msLeft(context.viewer));
      streams.add(stream);
      try {
        await run(operations, operation, context, stream);
        await stream.send({ event: 'complete', data: '' });
      } catch (error) {
        log.error({ err: error }, 'an event stream broke off');
      } finally {
        if (expiry) clearTimeout(expiry);
        streams.delete(stream);
        stream.end();
      }
    },

    async stop() {
      for (const stream of streams) stream.end();
      const overdue = setTimeout(() => {
        for (const stream of streams) stream.destroy();
      }, CLOSE_WITHIN_MS);
      await Promise.all([...streams].map(({ closed }) => closed));
      clearTimeout(overdue);
    },
  };
}

const tell = (stream: EventStream, result: FormattedExecutionResult, id?: string) =>
  stream.send({ event: 'next', id, data: JSON.stringify(result) });

/** Tells all that the operation comes to; resolves early when the stream is over. */
async function run(
  operations: Operations,
  { request, after, method }: StreamRequest,
  context: Context,
  stream: EventStream,
): Promise<void> {
  const args = operations.prepare(request, context);
  if (Array.isArray(args)) return tell(stream, operations.format({ errors: args }));
  const kind = getOperationAST(args.document, args.operationName)?.operation;
  if (kind === 'mutation' && method !== 'POST')
    return tell(stream, operations.format({ errors: [badRequest('A mutation needs POST.')] }));
  if (kind !== 'subscription') return tell(stream, operations.format(await operations.execute(args)));

  const steps = await operations.engine.follow({ ...args, contextValue: context, after });
  if (!(Symbol.asyncIterator in steps)) return tell(stream, operations.format(steps));
  const leave = () => void steps.return?.();
  stream.over.addEventListener('abort', leave, { once: true });
  if (stream.over.aborted) leave();
  for await (const { cursor, result } of steps) {
    const id = cursor ?? undefined;
    if (result) await tell(stream, operations.format(result), id);
    else if (id) await stream.send({ id });
  }
}

const badRequest = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });

interface StreamRequest {
  method: string | undefined;
  request: OperationRequest;
  /** The id that the client has seen last; it came later than whatever its document says. */
  after: string | undefined;
}

const shape = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

/** By GET or POST, as GraphQL over HTTP has them. @throws BadRequest that says what is wrong */
async function readRequest(request: IncomingMessage): Promise<StreamRequest> {
  const { method, url = '', headers } = request;
  const parts = method === 'GET' ? partsOfUrl(url) : parse('The body', String(await readJsonBody(request)));
  const read = shape.safeParse(parts);
  if (!read.success) {
    const [{ path = [], message = '' } = {}] = read.error.issues;
    throw new BadRequest(400, `${path.join('.') || 'The request'}: ${message}.`);
  }
  return { method, request: read.data, after: headers['last-event-id']?.toString() || undefined };
}

async function readJsonBody(request: IncomingMessage): Promise<Buffer> {
  const { method, headers } = request;
  if (method !== 'POST') throw new BadRequest(405, 'Only GET and POST are understood here.');
  if (!headers['content-type']?.startsWith('application/json'))
    throw new BadRequest(415, 'The Content-Type must be application/json.');
  return readBody(request, MAX_BODY_BYTES);
}

function partsOfUrl(url: string): object {
  const { variables, ...parts } = Object.fromEntries(new URL(url, 'http://localhost').searchParams);
  return variables ? { ...parts, variables: parse('variables', variables) } : parts;
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest(400, `${what}: no JSON.`);
  }
}

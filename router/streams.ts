/**
 * GraphQL over Server-Sent Events for clients, on the same path as HTTP (PROTOCOL.md of graphql-sse, "distinct connections
 * mode"): each request has a stream of its own, also behind proxies that break WebSockets. An event's `id` is its cursor, and
 * `Last-Event-ID` goes on after it. A stream that ends without `complete` says: come again.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionArgs, type FormattedExecutionResult, GraphQLError } from 'graphql';
import { z } from 'zod';
import { BadRequest, json } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { becomesStream, tellErrors, tellOperation } from '#platform/serving.ts';
import type { VerifyToken, Viewer } from '#platform/tokens.ts';
import type { ClientOf } from './client.ts';
import { type Context, contextOf, msLeft } from './context.ts';
import { httpStatusOf } from './errors.ts';
import { type EventStream, openEventStream } from './eventStream.ts';
import { kindOf, type OperationRequest, type Operations } from './operations.ts';

/** On a stop, for a reader who does not take what is still on its way. */
const CLOSE_WITHIN_MS = 2000;

export interface StreamOptions {
  operations: Operations;
  verifyToken: VerifyToken;
  clientOf: ClientOf;
  log: Log;
}

export interface Streams {
  /** Whether the answer is to be a stream: the client accepts no other, or it is a subscription, for which there is no other. */
  takes(request: IncomingMessage, body: Buffer): boolean;
  answer(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void>;
  /** How many subscriptions there are. */
  count(): number;
  /** Ends the subscriptions, so that their readers come again elsewhere; what is answered once is finished. */
  stop(): Promise<void>;
}

export function serveStreams({ operations, verifyToken, clientOf, log }: StreamOptions): Streams {
  const subscriptions = new Set<EventStream>();
  let stopping = false;

  return {
    takes(request, body) {
      const types = typesAccepted(request);
      if (!types.includes(EVENT_STREAM)) return false;
      return !types.some((type) => type.endsWith('json')) || asksForSubscription(operations, request, body);
    },

    async answer(request, response, body) {
      const asked = readRequest(request, body);
      const context = await contextOf(request, { verifyToken, clientOf }).catch((error: unknown) => {
        if (error instanceof GraphQLError) return error;
        throw error;
      });
      if (context instanceof GraphQLError)
        return json(response, httpStatusOf(context.extensions.code), operations.format({ errors: [context] }));

      const stream = openEventStream(response);
      try {
        const args = operations.prepare(asked.request, context);
        if (Array.isArray(args)) {
          tellErrors('errors');
          await tell(stream, operations.format({ errors: args }));
        } else if (kindOf(args) !== 'subscription') await tell(stream, await answerOnce(operations, args, request));
        else {
          tellOperation('subscription', args.operationName ?? undefined);
          becomesStream();
          subscriptions.add(stream);
          if (stopping) stream.end();
          await follow(operations, args, context.viewer, asked.after, stream);
        }
        await stream.send({ event: 'complete', data: '' });
      } catch (error) {
        log.error({ err: error }, 'an event stream broke off');
      } finally {
        subscriptions.delete(stream);
        stream.end();
      }
    },

    count: () => subscriptions.size,

    async stop() {
      stopping = true;
      const ending = [...subscriptions];
      for (const stream of ending) stream.end();
      const overdue = setTimeout(() => {
        for (const stream of ending) stream.destroy();
      }, CLOSE_WITHIN_MS);
      await Promise.all(ending.map(({ closed }) => closed));
      clearTimeout(overdue);
    },
  };
}

const EVENT_STREAM = 'text/event-stream';

/** Media types, in lower case, without those that are refused by `q=0`. */
const typesAccepted = ({ headers: { accept = '' } }: IncomingMessage): string[] =>
  accept
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim()))
    .filter(([, ...parameters]) => !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)))
    .map(([type = '']) => type);

function asksForSubscription(operations: Operations, request: IncomingMessage, body: Buffer): boolean {
  try {
    const args = operations.prepare(readRequest(request, body).request, NOBODY);
    return !Array.isArray(args) && kindOf(args) === 'subscription';
  } catch (error) {
    if (error instanceof BadRequest) return false; // that is answered elsewhere
    throw error;
  }
}
const NOBODY: Context = { authorization: undefined, viewer: null, client: '', traceparent: '' };

async function answerOnce(
  operations: Operations,
  args: ExecutionArgs,
  { method }: IncomingMessage,
): Promise<FormattedExecutionResult> {
  if (kindOf(args) === 'mutation' && method !== 'POST')
    return operations.format({
      errors: [new GraphQLError('A mutation needs POST.', { extensions: { code: 'BAD_REQUEST' } })],
    });
  return operations.format(await operations.execute(args));
}

const tell = (stream: EventStream, result: FormattedExecutionResult, id?: string) =>
  stream.send({ event: 'next', id, data: JSON.stringify(result) });

/** Tells all that the subscription comes to; resolves early when the stream is over, as it is when the viewer's token is. */
async function follow(
  { follow, format }: Operations,
  args: ExecutionArgs,
  viewer: Viewer | null,
  after: string | undefined,
  stream: EventStream,
): Promise<void> {
  const steps = await follow(args, after);
  if (!(Symbol.asyncIterator in steps)) return tell(stream, format(steps));
  const leave = () => void steps.return?.();
  stream.over.addEventListener('abort', leave, { once: true });
  if (stream.over.aborted) leave();
  const expiry = viewer && setTimeout(stream.end, msLeft(viewer));
  try {
    for await (const { cursor, result } of steps) {
      const id = cursor ?? undefined;
      if (result) await tell(stream, format(result), id);
      else if (id) await stream.send({ id });
    }
  } finally {
    if (expiry) clearTimeout(expiry);
  }
}

interface StreamRequest {
  request: OperationRequest;
  /** The id that the client has seen last; it came later than whatever its document says. */
  after: string | undefined;
}

const shape = z
  .object({
    query: z.string().nullish(),
    extensions: z.record(z.string(), z.unknown()).nullish(),
    variables: z.record(z.string(), z.unknown()).nullish(),
    operationName: z.string().nullish(),
  })
  .refine(({ query, extensions }) => query || extensions?.persistedQuery, { path: ['query'], error: 'is missing' });

/** By GET or POST, as GraphQL over HTTP has them. @throws BadRequest that says what is wrong */
function readRequest({ method, url = '', headers }: IncomingMessage, body: Buffer): StreamRequest {
  if (method !== 'GET' && method !== 'POST') throw new BadRequest(405, 'Only GET and POST are understood here.');
  if (method === 'POST' && !headers['content-type']?.startsWith('application/json'))
    throw new BadRequest(415, 'The Content-Type must be application/json.');
  const read = shape.safeParse(method === 'GET' ? partsOfUrl(url) : parse('The body', String(body)));
  if (!read.success) {
    const [{ path = [], message = '' } = {}] = read.error.issues;
    throw new BadRequest(400, `${path.join('.') || 'The request'}: ${message}.`);
  }
  return { request: read.data, after: headers['last-event-id']?.toString() || undefined };
}

function partsOfUrl(url: string): object {
  const { variables, extensions, ...parts } = Object.fromEntries(new URL(url, 'http://localhost').searchParams);
  return {
    ...parts,
    ...(variables && { variables: parse('variables', variables) }),
    ...(extensions && { extensions: parse('extensions', extensions) }),
  };
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest(400, `${what}: no JSON.`);
  }
}

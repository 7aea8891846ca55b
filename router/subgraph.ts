/** One subgraph as the router reaches it: kept-alive connections, every request signed, none waited for without end. */
import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLDataSource } from '@apollo/gateway';
import { type FormattedExecutionResult, GraphQLError } from 'graphql';
import { type Dispatcher, Pool } from 'undici';
import type { ErrorCode } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { CLIENT_HEADER, SIGNATURE_HEADER, sign } from '#platform/signature.ts';
import { inStep, markFailed, traceIdOf } from '#platform/trace.ts';
import type { Context } from './context.ts';
import type { Ask } from './fetches.ts';

/**
 * An honest subgraph takes SETTLE_WAIT_MS (5 s) at most. A busier machine would want more, but whoever asks a frozen process waits all of
 * it: with 15 s the chaos run had fewer requests acknowledged than it demands (tests/chaos).
 */
const TIMEOUT_MS = 10_000;
/**
 * So that it is always this side that closes an idle connection, and no request goes into one that is being closed: less than a
 * subgraph lingers when it is to stop. undici would follow the subgraph's own wish, up to the second of these.
 */
const KEEP_ALIVE_MS = { keepAliveTimeout: 4000, keepAliveMaxTimeout: 4000 };
/** A request to rent may take seconds, and whatever else is asked of its subgraph must not wait for a connection behind it. */
const CONNECTIONS = 1024;

interface SubgraphRequest {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  /** The address on whose behalf. */
  client: string;
  body: string | Buffer;
}

interface SubgraphAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Subgraph {
  readonly name: string;
  readonly url: URL;
  /** Signs and sends. @throws when there is no answer within 10 s. */
  send(request: SubgraphRequest): Promise<SubgraphAnswer>;
  close(): Promise<void>;
}

export function connectSubgraph(name: string, address: string, key: string): Subgraph {
  const url = new URL(address);
  const pool = new Pool(url.origin, { connections: CONNECTIONS, ...KEEP_ALIVE_MS });
  return {
    name,
    url,
    send({ method, path, headers, client, body }) {
      const attributes = {
        'http.request.method': method,
        'server.address': url.hostname,
        'server.port': Number(url.port) || 80,
        'url.template': path,
        'service.peer.name': name,
      };
      return inStep(`${method} ${path}`, { kind: 'CLIENT', after: headers.traceparent, attributes }, async (step) => {
        const signed = {
          ...headers,
          traceparent: step.traceparent,
          [CLIENT_HEADER]: client,
          [SIGNATURE_HEADER]: sign(key, { method, path, client, body }),
        };
        const answer = await dispatch(pool, { method, path, headers: signed, body: body.length ? body : null });
        step.span?.setAttribute('http.response.status_code', answer.status);
        if (answer.status >= 400) markFailed(step.span, String(answer.status));
        return answer;
      });
    },
    close: () => pool.close(),
  };
}

type Answer = Awaited<ReturnType<GraphQLDataSource['process']>>;

/** As `pool.request` does it, without its streams and signals, which are a fifth of the router's time for a read. */
function dispatch(pool: Pool, options: Dispatcher.DispatchOptions): Promise<SubgraphAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SubgraphAnswer>();
  let controller: Dispatcher.DispatchController | undefined;
  let head: Pick<SubgraphAnswer, 'status' | 'headers'> = { status: 0, headers: {} };
  const chunks: Buffer[] = [];
  const late = setTimeout(() => {
    const error = new Error(`There was no answer within ${TIMEOUT_MS / 1000} s`);
    reject(error);
    controller?.abort(error);
  }, TIMEOUT_MS);

  pool.dispatch(options, {
    onRequestStart(one) {
      controller = one;
    },
    onResponseStart(_, status, headers) {
      head = { status, headers };
    },
    onResponseData: (_, chunk) => void chunks.push(chunk),
    onResponseEnd: () => resolve({ ...head, body: Buffer.concat(chunks).toString() }),
    onResponseError: (_, error) => reject(error),
  });
  return promise.finally(() => clearTimeout(late));
}

/** Asks with a body of JSON. What does not answer leaves null and SERVICE_UNAVAILABLE in its place, and the rest stands. */
export function askWith(subgraph: Subgraph, log: Log): Ask<Context> {
  return async (body, { authorization, client, traceparent }, path) => {
    try {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json',
        traceparent,
        ...(authorization && { authorization }),
      };
      return graphqlAnswer(await subgraph.send({ method: 'POST', path: subgraph.url.pathname, client, headers, body }));
    } catch (error) {
      const traceId = traceIdOf(traceparent); // for events of a subscription it is not known otherwise
      log.warn({ err: error, subgraph: subgraph.name, traceId }, 'a subgraph does not answer');
      throw unavailable(subgraph.name, path);
    }
  };
}

/** The subgraph as the gateway's own executor asks it. */
export function dataSource(ask: Ask<Context>): GraphQLDataSource<Context> {
  return {
    async process(options) {
      const { query, variables, operationName } = options.request;
      const path = 'pathInIncomingRequest' in options ? (options.pathInIncomingRequest ?? []) : [];
      const context = options.context as Context; // the server's own
      return (await ask(JSON.stringify({ query, variables, operationName }), context, path)) as Answer;
    },
  };
}

function graphqlAnswer({ status, body }: SubgraphAnswer): FormattedExecutionResult {
  if (status === 403) throw new Error(`The signature was refused: ${body}`);
  const answer = JSON.parse(body) as FormattedExecutionResult | null; // GraphQL over HTTP, when it has one of the two
  if (!answer?.data && !answer?.errors) throw new Error(`HTTP status ${status} without a GraphQL answer`);
  return answer;
}

/** Names the service, never its address. The path leads to the first list on the way: below it there are many places. */
function unavailable(service: string, path: readonly (string | number)[]): GraphQLError {
  const list = path.indexOf('@');
  const known = list < 0 ? path : path.slice(0, list);
  return new GraphQLError(`The ${service} service does not answer.`, {
    path: known.length ? known : null,
    extensions: { code: 'SERVICE_UNAVAILABLE' satisfies ErrorCode, service },
  });
}

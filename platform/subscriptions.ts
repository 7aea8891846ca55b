/**
 * A subgraph's end of the router's shared WebSocket: graphql-ws, the upgrade signed by the router. One socket carries many
 * viewers, so each subscribe message brings its own identity in `extensions.authorization`.
 */
import type { Server } from 'node:http';
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  validate,
} from 'graphql';
import { handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { type BaseContext, type ContextFor, maskErrors } from './graphql.ts';
import { pathOf } from './http.ts';
import { mapped } from './iterators.ts';
import type { Log } from './log.ts';
import { headOf, SIGNATURE_HEADER, type Verifier } from './signature.ts';
import type { VerifyToken } from './tokens.ts';
import { type Cause, cause, traceparentIn } from './trace.ts';
import { closeSockets, refuseUpgrade, runProtocol } from './websocket.ts';

export interface SubscriptionOptions {
  server: Server;
  schema: GraphQLSchema;
  verifyToken: VerifyToken;
  verifier: Verifier;
  context: ContextFor<BaseContext>;
  log: Log;
}

const GOING_AWAY = 1001;

/**
 * What the source of a subscription yields beside its events: where in its log it stands, once a snapshot is through, be it
 * an empty one. The router keeps it to itself, and goes on from there if it is cut off before the next event.
 */
export class Position {
  readonly cursor: string;

  constructor(cursor: string) {
    this.cursor = cursor;
  }
}

export interface Subscriptions {
  /** How many are being served now. */
  count(): number;
  stop(): Promise<void>;
}

export function serveSubscriptions({
  server,
  schema,
  verifyToken,
  verifier,
  context,
  log,
}: SubscriptionOptions): Subscriptions {
  const served = new Set<object>();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_000_000, handleProtocols });
  const mask = maskErrors(log);
  const protocol = makeServer({
    async subscribe(args) {
      const results = await ledBy(args.contextValue, () => subscribe(args, () => served.delete(args)));
      if (Symbol.asyncIterator in results) served.add(args);
      return results;
    },
    onSubscribe: (_socket, _id, payload) => operation(schema, payload, verifyToken, context),
    onError: (_socket, _id, _payload, errors) => errors.map((error) => mask(error.toJSON(), error)),
    onNext: (_socket, _id, _payload, args, { data = null, errors }) =>
      errors && {
        data,
        errors: ledBy(args.contextValue, () => errors.map((error) => mask(error.toJSON(), error))),
      },
  });

  server.on('upgrade', (request, socket, head) => {
    const signature = request.headers[SIGNATURE_HEADER]?.toString();
    const refused = pathOf(request) !== '/graphql' || verifier.whyRefused(signature, { ...headOf(request), body: '' });
    if (refused) return refuseUpgrade(socket, '403 Forbidden');
    sockets.handleUpgrade(request, socket, head, (opened) =>
      runProtocol(protocol, opened, { connection: socket, extra: {}, log }),
    );
  });

  return { count: () => served.size, stop: () => closeSockets(sockets, GOING_AWAY, 'Going away') };
}

/** What has led to each subscription, by its context. */
const causes = new WeakMap<object, Cause>();
function ledBy<T>(context: unknown, work: () => T): T {
  const led = causes.get(context as object); // `operation` makes it
  return led ? cause.run(led, work) : work();
}

/** What to execute, and for whom; or why not. */
async function operation(
  schema: GraphQLSchema,
  payload: SubscribePayload,
  verifyToken: VerifyToken,
  context: SubscriptionOptions['context'],
): Promise<ExecutionArgs | GraphQLError[]> {
  try {
    const document = parse(payload.query);
    const mistakes = validate(schema, document);
    if (mistakes.length) return [...mistakes];
    if (getOperationAST(document, payload.operationName)?.operation !== 'subscription')
      return [new GraphQLError('Only subscriptions travel by WebSocket here.')];
    const viewer = await verifyToken(payload.extensions?.authorization as string | undefined); // a text, or it does not verify
    const contextValue = context(viewer, ''); // the socket is the router's own
    const traceparent = traceparentIn(payload.extensions?.traceparent);
    if (traceparent) causes.set(contextValue, { traceparent });
    return {
      schema,
      document,
      variableValues: payload.variables ?? {},
      operationName: payload.operationName ?? null,
      contextValue,
    };
  } catch (error) {
    return [
      error instanceof GraphQLError
        ? error
        : new GraphQLError('Something is broken here.', { originalError: error as Error }),
    ]; // thrown values are errors here
  }
}

/**
 * As graphql-js' own, but for positions: a result without data whose extensions bring the cursor. `ended` is called when it
 * is over, by either side.
 */
export async function subscribe(
  args: ExecutionArgs,
  ended: () => void = () => {},
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return source;
  const resultOf = async (event: unknown) =>
    event instanceof Position
      ? { extensions: { cursor: event.cursor } }
      : ledBy(args.contextValue, () => execute({ ...args, rootValue: event }));
  const events = source[Symbol.asyncIterator]() as AsyncIterableIterator<unknown>; // graphql-js makes one of each
  return mapped<unknown, ExecutionResult>(events, resultOf, ended);
}

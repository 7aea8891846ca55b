/**
 * GraphQL over WebSocket for clients (graphql-ws), on the same path as HTTP: subscriptions, and queries and mutations too. A
 * socket has one account, or none, from `connection_init`; it lives no longer than its access token, unless a ping brings a
 * newer one of the same account.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApolloServer } from '@apollo/server';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type ServerOptions, type SubscribePayload } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { badUserInput } from '#platform/errors.ts';
import { pathOf } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import type { VerifyToken, Viewer } from '#platform/tokens.ts';
import { newTrace } from '#platform/trace.ts';
import { closeSockets, runProtocol } from '#platform/websocket.ts';
import type { Context } from './context.ts';
import type { ReadDocument } from './documents.ts';
import type { FormatError } from './errors.ts';
import { MAX_BODY_BYTES } from './limits.ts';
import type { FederatedSubscriptions } from './subscriptions.ts';

const MAX_OPERATIONS = 20;
/** RFC 6455's registry: come back, perhaps elsewhere. */
const SERVICE_RESTART = 1012;
/** Of `setTimeout`; a token that lives longer than 24 days is a socket's end all the same. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Session {
  socket: WebSocket;
  authorization: string | undefined;
  viewer: Viewer | null;
  expiry: NodeJS.Timeout | undefined;
}

export interface SocketOptions {
  server: Server;
  path: string;
  apollo: ApolloServer<Context>;
  engine: FederatedSubscriptions<Context>;
  readDocument: ReadDocument;
  verifyToken: VerifyToken;
  formatError: FormatError;
  log: Log;
}

export function serveSockets(options: SocketOptions): { stop(): Promise<void> } {
  const { server, path, log } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_BODY_BYTES, handleProtocols });
  const protocol = makeServer<Record<string, unknown>, Session>(protocolOptions(options));

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    if (pathOf(request) !== path) return void connection.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
    sockets.handleUpgrade(request, connection, head, (socket) => {
      const session: Session = { socket, authorization: undefined, viewer: null, expiry: undefined };
      socket.once('close', () => clearTimeout(session.expiry));
      runProtocol(protocol, socket, session, log);
    });
  });

  return { stop: () => closeSockets(sockets, SERVICE_RESTART, 'Service restart') };
}

function protocolOptions({
  apollo,
  engine,
  readDocument,
  verifyToken,
  formatError,
}: SocketOptions): ServerOptions<Record<string, unknown>, Session> {
  const format = (error: GraphQLError) => formatError(error.toJSON(), error);
  return {
    connectionInitWaitTimeout: 3000,
    async onConnect({ connectionParams, extra: session }) {
      const viewer = await verify(verifyToken, tokenIn(connectionParams));
      if (viewer === REFUSED) return false; // graphql-ws closes with 4403
      admit(session, tokenIn(connectionParams), viewer);
      return true;
    },
    async onPing({ extra: session }, payload) {
      const token = tokenIn(payload);
      if (token === undefined) return;
      const viewer = await verify(verifyToken, token);
      if (viewer === REFUSED || viewer?.customerId !== session.viewer?.customerId) return forbid(session);
      admit(session, token, viewer);
    },
    onSubscribe({ subscriptions, extra: session }, _id, payload) {
      if (Object.keys(subscriptions).length > MAX_OPERATIONS)
        return [badUserInput(`This socket has ${MAX_OPERATIONS} operations under way; end one of them first.`)];
      const document = readDocument(payload.query);
      return Array.isArray(document) ? document : executionArgs(engine, document, payload, session);
    },
    subscribe: (args) => engine.subscribe({ ...args, contextValue: contextIn(args) }),
    async execute(args) {
      const { document: query, variableValues: variables, operationName } = args;
      const request = { query, variables: variables ?? {}, ...(operationName && { operationName }) };
      const { body } = await apollo.executeOperation(request, { contextValue: contextIn(args) });
      if (body.kind !== 'single') throw new Error('Incremental delivery is not in this schema');
      return body.singleResult as ReturnType<NonNullable<ServerOptions['execute']>>; // its errors are formatted; onNext knows
    },
    onNext: (_context, _id, _payload, _args, { errors, data, extensions }) => ({
      ...(data !== undefined && { data }),
      ...(extensions && { extensions }),
      // What Apollo answers is formatted already, hence no GraphQLError any more.
      ...(errors && { errors: errors.map((error) => (error instanceof GraphQLError ? format(error) : error)) }),
    }),
    onError: (_context, _id, _payload, errors) => errors.map(format),
  };
}

function executionArgs(
  engine: FederatedSubscriptions<Context>,
  document: ExecutionArgs['document'],
  { variables, operationName }: SubscribePayload,
  session: Session,
): ExecutionArgs {
  const contextValue: Context = {
    get authorization() {
      return session.authorization; // the newest: a subscription outlives the token it began with
    },
    traceparent: newTrace(),
  };
  const schema = engine.schema;
  return { schema, document, contextValue, variableValues: variables ?? {}, operationName: operationName ?? null };
}

const contextIn = (args: ExecutionArgs): Context => args.contextValue as Context; // `executionArgs` has put it there

const REFUSED = Symbol('refused');

async function verify(verifyToken: VerifyToken, authorization: string | undefined) {
  try {
    return await verifyToken(authorization);
  } catch (error) {
    if (error instanceof GraphQLError) return REFUSED;
    throw error;
  }
}

/** Browsers cannot set headers on a socket, so the header's value comes in the payload, under either of its names. */
function tokenIn(payload: Record<string, unknown> | undefined): string | undefined {
  const given = payload?.authorization ?? payload?.Authorization;
  return given === undefined || given === null ? undefined : String(given);
}

/** From now on the socket is this account's, until the token expires. */
function admit(session: Session, authorization: string | undefined, viewer: Viewer | null): void {
  clearTimeout(session.expiry);
  Object.assign(session, { authorization, viewer });
  if (!viewer) return;
  const leftMs = Math.min(viewer.expiresAt.getTime() - Date.now(), LONGEST_TIMER_MS);
  session.expiry = setTimeout(() => forbid(session), leftMs);
}

const forbid = ({ socket }: Session): void => socket.close(CloseCode.Forbidden, 'Forbidden');

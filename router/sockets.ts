/**
 * GraphQL over WebSocket for clients (graphql-ws), on the same path as HTTP: subscriptions, and queries and mutations too. A
 * socket has one account, or none, from `connection_init`; it lives no longer than its access token, unless a ping brings a
 * newer one of the same account.
 */
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type ServerOptions } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import { badUserInput } from '#platform/errors.ts';
import { pathOf } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { serveOperation } from '#platform/serving.ts';
import type { VerifyToken, Viewer } from '#platform/tokens.ts';
import { cause, newTrace } from '#platform/trace.ts';
import { closeSockets, refuseUpgrade, runProtocol, TRY_AGAIN_LATER } from '#platform/websocket.ts';
import type { ClientOf } from './client.ts';
import { type Context, msLeft } from './context.ts';
import { httpStatusOf } from './errors.ts';
import { kindOf, type Operations } from './operations.ts';

const MAX_OPERATIONS = 20;
/** Answers that a client has left unread; then nothing more is taken from it until it reads. */
const UNREAD_BYTES = 1_000_000;
/** No answer takes longer. */
const ANSWERED_WITHIN_MS = 10_000;
/** RFC 6455's registry: come back, perhaps elsewhere. */
const SERVICE_RESTART = 1012;

interface Session {
  socket: WebSocket;
  client: string;
  authorization: string | undefined;
  viewer: Viewer | null;
  expiry: NodeJS.Timeout | undefined;
  /** Ids of the queries and mutations that it waits for. */
  answering: Set<string>;
}

export interface SocketOptions {
  server: Server;
  path: string;
  /** Whether whoever sends this request may have a socket. */
  mayOpen: (request: IncomingMessage) => boolean;
  operations: Operations;
  verifyToken: VerifyToken;
  clientOf: ClientOf;
  /** Of one message, at most. */
  messageBytes: number;
  log: Log;
}

export interface Sockets {
  count(): number;
  /** Sends those who listen elsewhere, where they go on; who waits for an answer gets it first. */
  stop(): Promise<void>;
}

export function serveSockets(options: SocketOptions): Sockets {
  const { server, path, clientOf, messageBytes, log } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytes, handleProtocols });
  const sessions = new Set<Session>();
  let stopping = false;
  const leave = (session: Session) => {
    if (stopping && !session.answering.size) session.socket.close(SERVICE_RESTART, 'Service restart');
  };
  const protocol = makeServer<Record<string, unknown>, Session>(protocolOptions(options, leave));

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    if (pathOf(request) !== path) return refuseUpgrade(connection, '404 Not Found');
    if (!options.mayOpen(request)) return refuseUpgrade(connection, '403 Forbidden');
    const client = clientOf(request);
    sockets.handleUpgrade(request, connection, head, (socket) => {
      const session: Session = {
        socket,
        client,
        authorization: undefined,
        viewer: null,
        expiry: undefined,
        answering: new Set(),
      };
      sessions.add(session);
      socket.once('close', () => {
        clearTimeout(session.expiry);
        sessions.delete(session);
      });
      runProtocol(protocol, socket, { connection, extra: session, log, unreadBytes: UNREAD_BYTES });
    });
  });

  return {
    count: () => sockets.clients.size,
    async stop() {
      stopping = true;
      for (const session of sessions) leave(session);
      const answered = [...sessions]
        .filter(({ answering }) => answering.size)
        .map(({ socket }) => once(socket, 'close'));
      await Promise.race([Promise.all(answered), sleep(ANSWERED_WITHIN_MS, undefined, { ref: false })]);
      await closeSockets(sockets, SERVICE_RESTART, 'Service restart');
    },
  };
}

function protocolOptions(
  { operations, verifyToken }: SocketOptions,
  answered: (session: Session) => void,
): ServerOptions<Record<string, unknown>, Session> {
  return {
    connectionInitWaitTimeout: 3000,
    async onConnect({ connectionParams, extra: session }) {
      const token = tokenIn(connectionParams);
      const viewer = await viewerOf(session, token, verifyToken);
      if (viewer === REFUSED) return false; // graphql-ws closes with 4403, unless it is closed already
      admit(session, token, viewer);
      return true;
    },
    async onPing({ extra: session }, payload) {
      const token = tokenIn(payload);
      if (token === undefined) return;
      const viewer = await viewerOf(session, token, verifyToken);
      if (viewer === REFUSED) return;
      if (viewer?.customerId !== session.viewer?.customerId) return forbid(session);
      if (isNewer(viewer, session.viewer)) admit(session, token, viewer);
    },
    onSubscribe({ subscriptions, extra: session }, id, payload) {
      if (Object.keys(subscriptions).length > MAX_OPERATIONS)
        return [badUserInput(`This socket has ${MAX_OPERATIONS} operations under way; end one of them first.`)];
      const args = operations.prepare(payload, contextOf(session));
      if (!Array.isArray(args) && kindOf(args) !== 'subscription') session.answering.add(id);
      return args;
    },
    onComplete({ extra: session }, id) {
      session.answering.delete(id);
      answered(session);
    },
    subscribe: (args) => operations.subscribe(args),
    execute: (args) =>
      serveOperation(() => operations.execute(args)) as ReturnType<NonNullable<ServerOptions['execute']>>, // its errors are formatted; `format` knows
    onNext: (_context, _id, _payload, _args, result) => operations.format(result),
    onError: (_context, _id, _payload, errors) => operations.format({ errors }).errors,
  };
}

function contextOf(session: Session): Context {
  let own: string | undefined;
  return {
    get authorization() {
      return session.authorization; // the newest: a subscription outlives the token it began with
    },
    client: session.client,
    get viewer() {
      return session.viewer;
    },
    /** A query's or a mutation's while it is served, or a subscription's for as long as that lasts. */
    get traceparent() {
      own ??= cause.getStore()?.traceparent ?? newTrace('subscription');
      return own;
    },
  };
}

const REFUSED = Symbol('refused');

/** Closes the socket of whose token is refused; when that may pass, with a code by which clients come again. */
async function viewerOf(session: Session, token: string | undefined, verifyToken: VerifyToken) {
  try {
    return await verifyToken(token);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (httpStatusOf(error.extensions.code) === 503)
      session.socket.close(TRY_AGAIN_LATER, 'Tokens cannot be verified just now');
    else forbid(session);
    return REFUSED;
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
  if (!viewer || session.socket.readyState !== WebSocket.OPEN) return; // who has left meanwhile needs no end
  session.expiry = setTimeout(() => forbid(session), msLeft(viewer));
}

/** An older one, sent late, must not shorten a life. */
const isNewer = (viewer: Viewer | null, known: Viewer | null): boolean =>
  viewer !== null && known !== null && viewer.expiresAt > known.expiresAt;

const forbid = ({ socket }: Session): void => socket.close(CloseCode.Forbidden, 'Forbidden');

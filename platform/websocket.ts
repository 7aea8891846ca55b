/** GraphQL over WebSocket as a server speaks it: graphql-ws's protocol on ws's sockets, for router and subgraphs alike. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { CloseCode, type makeServer } from 'graphql-ws';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Log } from './log.ts';

const PING_EVERY_MS = 12_000;
/** About a minute in which a peer answered nothing: it is gone without a word, or has stopped reading. */
const UNANSWERED_AT_MOST = 5;
/** RFC 6455's registry: clients come again by themselves. */
export const TRY_AGAIN_LATER = 1013;
const LOOK_AGAIN_MS = 100;
/** A peer that does not answer the closing of its socket is cut off. */
const CLOSE_WITHIN_MS = 2000;

type Protocol<E> = ReturnType<typeof makeServer<Record<string, unknown>, E>>;

interface ProtocolOptions<E> {
  connection: Duplex;
  extra: E;
  log: Log;
  /** Of a peer that has left so much unread nothing more is taken until it reads. Not for one who speaks for many. */
  unreadBytes?: number;
}

/** For a request for a socket that is not to be had. Node has taken its own listeners off such a connection. */
export function refuseUpgrade(connection: Duplex, status: string): void {
  connection.on('error', () => {}); // whoever asked is gone
  connection.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`, () => connection.destroy());
}

/** Serves a socket that has just been opened on a connection, until it closes. */
export function runProtocol<E>(
  protocol: Protocol<E>,
  socket: WebSocket,
  { connection, extra, log, unreadBytes = Number.POSITIVE_INFINITY }: ProtocolOptions<E>,
): void {
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      // Resolves when the bytes have left the process, so a peer that does not read is not written to; also when they
      // cannot leave any more, for then the close event is on its way.
      send(message) {
        writeTogether(connection);
        return new Promise((resolve) => socket.send(message, () => resolve()));
      },
      close: (code, reason) => socket.close(code, reason),
      onMessage(handle) {
        socket.on('message', (data) => {
          listenToReaders(socket, unreadBytes);
          handle(String(data)).catch((error: unknown) => {
            log.warn({ err: error }, 'a message on a socket could not be handled');
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
    },
    extra,
  );
  socket.on('ping', () => listenToReaders(socket, unreadBytes)); // ws has answered it
  const heartbeat = keepAlive(socket);
  socket.on('error', (error) => log.debug({ err: error }, 'a peer broke its socket'));
  socket.once('close', (code, reason) => {
    clearInterval(heartbeat);
    closed(code, String(reason)).catch((error: unknown) =>
      log.warn({ err: error }, 'a closed socket could not be cleared away'),
    );
  });
}

/** No new sockets; those there are closed with the code, in two seconds at most. */
export async function closeSockets(sockets: WebSocketServer, code: number, reason: string): Promise<void> {
  const closed = once(sockets, 'close');
  sockets.close();
  for (const socket of sockets.clients) socket.close(code, reason);
  const overdue = setTimeout(() => {
    for (const socket of sockets.clients) socket.terminate();
  }, CLOSE_WITHIN_MS);
  await closed;
  clearTimeout(overdue);
}

/** What is written in one go of the event loop leaves in one piece: to the router many events do, and each write costs a system call. */
function writeTogether(connection: Duplex): void {
  if (connection.writableCorked) return;
  connection.cork();
  process.nextTick(() => connection.uncork());
}

/** Who asks without reading the answers would fill the memory with them. */
function listenToReaders(socket: WebSocket, unreadBytes: number): void {
  if (socket.isPaused || socket.bufferedAmount <= unreadBytes) return;
  socket.pause();
  const look = setInterval(() => {
    if (socket.readyState === socket.OPEN && socket.bufferedAmount > unreadBytes) return;
    clearInterval(look);
    socket.resume();
  }, LOOK_AGAIN_MS);
}

/** The closing waits behind what the peer has not read; ws ends it after 30 s, whatever the peer does. */
function keepAlive(socket: WebSocket): NodeJS.Timeout {
  let unanswered = 0;
  const heard = () => {
    unanswered = 0;
  };
  socket.on('pong', heard).on('message', heard);
  return setInterval(() => {
    if (unanswered >= UNANSWERED_AT_MOST) return socket.close(TRY_AGAIN_LATER, 'Nothing was heard for a minute');
    unanswered += 1;
    socket.ping();
  }, PING_EVERY_MS);
}

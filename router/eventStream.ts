/** Server-Sent Events on one HTTP answer (HTML standard, 9.2): written no faster than they are read, with a heartbeat. */
import type { ServerResponse } from 'node:http';

const HEARTBEAT_MS = 12_000;
/** So many heartbeats in a row that could not leave, and the reader is cut off: about a minute, as on a socket. */
const MISSED_AT_MOST = 5;

interface ServerSentEvent {
  event?: string;
  /** What a client that comes again says in `Last-Event-ID`. Without `data` it is kept and nothing is told. */
  id?: string | undefined;
  /** One line. */
  data?: string;
}

export interface EventStream {
  /** Resolves once the event has left this process, or cannot leave any more: who does not read is not written to. */
  send(event: ServerSentEvent): Promise<void>;
  /** Aborted when the stream is over, by either side. */
  readonly over: AbortSignal;
  /** What was sent still goes out. */
  end(): void;
  destroy(): void;
  /** Resolves when its connection is closed. */
  readonly closed: Promise<void>;
}

export function openEventStream(response: ServerResponse): EventStream {
  const over = new AbortController();
  const { socket } = response.req; // an answer that waits in a pipeline would hear nothing of its end
  const closed = new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
  response.on('error', () => {}); // a reader that is gone; `close` follows
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no', // nginx would collect events before it passes them on
    connection: 'close', // ends with the stream, so that a reader who comes again may land elsewhere
  });
  response.write(':\n\n'); // a proxy passes the head on with the first byte

  let missed = 0;
  let beating = false;
  const heartbeat = setInterval(() => {
    missed = beating || response.writableEnded ? missed + 1 : 0; // an end may go unread as well
    if (missed >= MISSED_AT_MOST) return void socket.destroy();
    if (beating || response.writableEnded) return;
    beating = true;
    response.write(':\n\n', () => {
      beating = false;
    });
  }, HEARTBEAT_MS);
  void closed.then(() => {
    clearInterval(heartbeat);
    over.abort();
  });

  return {
    over: over.signal,
    closed,
    async send(event) {
      if (response.writableEnded) return;
      const fields = Object.entries(event).filter(([, value]) => value !== undefined);
      const lines = fields.map(([name, value]) => `${name}: ${value}\n`).join('');
      await new Promise<void>((resolve) => response.write(`${lines}\n`, () => resolve()));
    },
    end() {
      over.abort();
      response.end();
    },
    destroy: () => void socket.destroy(),
  };
}

/** Many graphql-ws clients in this process, each with one subscription: no more of a client than the protocol asks for. */
import { once } from 'node:events';
import pLimit from 'p-limit';
import { type RawData, WebSocket } from 'ws';

/** So many at once come in by the door. */
const CONNECTING = 200;
const CONNECT_MS = 60_000;

/** What the subscription told the client with that place in the crowd. */
type OnTold = (place: number) => void;

export interface Crowd {
  /** Takes nothing any more from its socket. */
  pause(place: number): void;
  /** Clients whose connection is over, though nobody has sent them away. */
  lost(): number;
  leave(): Promise<void>;
}

export interface CrowdOptions {
  /** ws:// address of the gateway. */
  url: string;
  tokens: readonly string[];
  /** With one field, of which the first event comes by itself. */
  query: string;
  onTold: OnTold;
}

/** Resolves when each has had its first event, of which `onTold` is not told. @throws for an answer with errors */
export async function gather({ url, tokens, query, onTold }: CrowdOptions): Promise<Crowd> {
  const atOnce = pLimit(CONNECTING);
  let over = 0;
  const sockets = await Promise.all(
    tokens.map((token, place) =>
      atOnce(async () => {
        const socket = await subscribe(url, token, query, () => onTold(place));
        socket.once('close', () => {
          over += 1;
        });
        return socket;
      }),
    ),
  );

  return {
    pause: (place) => sockets[place]?.pause(),
    lost: () => over,
    async leave() {
      await Promise.all(
        sockets.map(async (socket) => {
          if (socket.readyState === WebSocket.CLOSED) return;
          socket.terminate();
          await once(socket, 'close');
        }),
      );
    },
  };
}

async function subscribe(url: string, token: string, query: string, onNext: () => void): Promise<WebSocket> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  const first = Promise.withResolvers<void>();
  const send = (message: object) => socket.send(JSON.stringify(message));
  let told = false;
  socket.on('error', (error) => first.reject(error));
  socket.once('close', (code) => first.reject(new Error(`A client was sent away with ${code}.`)));
  socket.once('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  socket.on('message', (data: RawData) => {
    const { type, payload } = JSON.parse(String(data)) as { type: string; payload?: { errors?: object[] } };
    if (type === 'connection_ack') return send({ type: 'subscribe', id: '1', payload: { query } });
    if (type === 'ping') return send({ type: 'pong' });
    if (type !== 'next') return;
    if (payload?.errors) first.reject(new Error(`An answer has errors: ${JSON.stringify(payload.errors)}`));
    if (told) onNext();
    told = true;
    first.resolve();
  });
  const late = setTimeout(() => first.reject(new Error('A client was told nothing for a minute.')), CONNECT_MS);
  await first.promise.finally(() => clearTimeout(late));
  return socket;
}

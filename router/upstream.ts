/**
 * Subscriptions at the subgraphs, over one shared graphql-ws socket per subgraph, its upgrade signed. The socket carries
 * many viewers, so each subscribe message brings its own identity in `extensions.authorization`.
 */
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Log } from '#platform/log.ts';
import { SIGNATURE_HEADER, sign } from '#platform/signature.ts';
import type { Context } from './context.ts';
import type { Upstream } from './subscriptions.ts';

const CONNECT_MS = 5000;
const PING_EVERY_MS = 10_000;
/** A peer that is frozen, or behind a cut network, says nothing: so much later it counts as gone. */
const PONG_WITHIN_MS = 5000;
/** A socket without a subscription is kept for the next one: who changes subscriptions ends one first. */
const IDLE_MS = 300;

interface Socket {
  client: Client;
  /** Told when the socket goes, each once. */
  losers: Set<(cause: unknown) => void>;
}

export interface Upstreams {
  subscribe: Upstream<Context>;
  close(): Promise<void>;
}

/** @param subgraphs name -> GraphQL address */
export function connectUpstreams(subgraphs: Record<string, string>, key: string, log: Log): Upstreams {
  const sockets = new Map(
    Object.entries(subgraphs).map(([name, address]) => [name, openSocket(name, address, key, log)]),
  );

  return {
    subscribe(service, { context, ...payload }, sink) {
      const socket = sockets.get(service);
      if (!socket) throw new Error(`No subgraph has the name ${service}`);
      const { client, losers } = socket;
      const lose = (cause: unknown) => {
        leave();
        sink.lost(cause);
      };
      const unsubscribe = client.subscribe(
        { ...payload, extensions: { authorization: context.authorization, traceparent: context.traceparent } },
        {
          next: sink.next,
          complete: () => losers.delete(lose) && sink.complete(),
          error(cause) {
            if (!losers.delete(lose)) return;
            if (!Array.isArray(cause)) return sink.lost(cause);
            sink.next({ errors: cause });
            sink.complete();
          },
        },
      );
      const leave = () => {
        losers.delete(lose);
        unsubscribe();
      };
      losers.add(lose);
      return leave;
    },
    async close() {
      await Promise.all([...sockets.values()].map(({ client }) => client.dispose()));
    },
  };
}

function openSocket(name: string, address: string, key: string, log: Log): Socket {
  const losers: Socket['losers'] = new Set();
  let pongMissing: NodeJS.Timeout | undefined;
  const client = createClient({
    url: address.replace(/^http/, 'ws'),
    webSocketImpl: signingSocket(key),
    retryAttempts: 0, // coming back is the engine's: it must ask with the last cursor
    lazyCloseTimeout: IDLE_MS,
    keepAlive: PING_EVERY_MS,
    connectionAckWaitTimeout: CONNECT_MS,
    on: {
      ping(received) {
        if (!received) pongMissing = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong(received) {
        if (received) clearTimeout(pongMissing);
      },
      closed(event) {
        clearTimeout(pongMissing);
        if (losers.size) log.warn({ subgraph: name, code: codeOf(event) }, 'the upstream socket was cut');
        // All at once and here: after a normal closure the client would ask again by itself, with cursors long passed.
        for (const lose of [...losers]) lose(event);
      },
    },
  });
  return { client, losers };
}

const signingSocket = (key: string) =>
  class extends WebSocket {
    constructor(address: string, protocols: string) {
      const path = new URL(address).pathname;
      super(address, protocols, {
        handshakeTimeout: CONNECT_MS,
        headers: { [SIGNATURE_HEADER]: sign(key, { method: 'GET', path, client: '', body: '' }) },
      });
    }
  };

const codeOf = (event: unknown): unknown => (event && typeof event === 'object' && 'code' in event ? event.code : null);

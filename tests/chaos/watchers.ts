/** A customer's live order status: it comes back with its last cursor, at either router, whenever it breaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const SUBSCRIPTION =
  'subscription ($after: String) { orderStatus(after: $after) { cursor rentalId status previousStatus } }';
const AGAIN_MS = 250;
/** A peer that does not answer: a frozen router, say. */
const PING_MS = 3000;

export interface Told {
  cursor: string;
  rentalId: string;
  status: string;
  previousStatus: string | null;
}

export interface Watcher {
  /** Everything so far, in the order in which it came. */
  told: Told[];
  /** Refusals, which no fault of a process or a wire explains. */
  refusals: string[];
  reconnects: number;
  /** Breaks the connection, as a telephone in a tunnel does. */
  drop(): void;
  stop(): Promise<void>;
}

export interface Watching {
  routerUrls: readonly string[];
  /** Good for now. */
  token: () => Promise<string>;
  /** To begin after. */
  cursor: string;
  /** Told of each change as it comes. */
  onTold: (told: Told) => void;
}

export function watchOrders({ routerUrls, token, cursor, onTold }: Watching): Watcher {
  let stopping = false;
  let drop = () => {};

  const watcher: Watcher = {
    told: [],
    refusals: [],
    reconnects: 0,
    drop: () => drop(),
    async stop() {
      stopping = true;
      drop();
      await watching;
    },
  };

  async function watch(): Promise<void> {
    for (let turn = 0; !stopping; turn++) {
      const url = routerUrls[turn % routerUrls.length] ?? '';
      await connection(url, watcher.told.at(-1)?.cursor ?? cursor).catch(() => {}); // it is over, however that came
      if (stopping) return;
      watcher.reconnects += 1;
      await sleep(AGAIN_MS);
    }
  }

  /** Resolves when it has ended, in whatever way. */
  async function connection(url: string, after: string): Promise<void> {
    const authorization = `Bearer ${await token()}`;
    const ended = Promise.withResolvers<void>();
    let pongMissing: NodeJS.Timeout | undefined;
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      lazy: true,
      keepAlive: PING_MS,
      connectionAckWaitTimeout: PING_MS,
      connectionParams: { authorization },
      on: {
        ping(received) {
          if (!received) pongMissing = setTimeout(() => client.terminate(), PING_MS);
        },
        pong(received) {
          if (received) clearTimeout(pongMissing);
        },
      },
    });
    drop = () => {
      client.terminate();
      ended.resolve();
    };
    client.subscribe<{ orderStatus: Told }>(
      { query: SUBSCRIPTION, variables: { after } },
      {
        next({ data, errors }) {
          if (data?.orderStatus) {
            watcher.told.push(data.orderStatus);
            onTold(data.orderStatus);
          } else if (errors) {
            refuse(errors);
            ended.resolve();
          }
        },
        error(error) {
          if (Array.isArray(error)) refuse(error);
          ended.resolve();
        },
        complete: () => ended.resolve(),
      },
    );
    await ended.promise;
    clearTimeout(pongMissing);
    client.terminate();
  }

  function refuse(errors: readonly { message: string; extensions?: { code?: unknown } | undefined }[]): void {
    for (const { message, extensions } of errors)
      if (extensions?.code === 'BAD_USER_INPUT') watcher.refusals.push(message);
  }

  const watching = watch();
  return watcher;
}

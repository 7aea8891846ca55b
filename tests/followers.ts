/** Readers of a live order status, by either transport, who come again after their last cursor whenever their connection breaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, clientOf } from './client.ts';
import { openEventStream } from './eventStream.ts';

export type Transport = 'WebSocket' | 'event stream';
export const transports: Transport[] = ['WebSocket', 'event stream'];

export interface Told {
  cursor: string;
  rentalId: string;
  status: string;
}

export interface Follower {
  transport: Transport;
  /** Everything so far, in the order in which it came. */
  told(): Told[];
  /** Errors that no fault of a process explains. */
  faults: string[];
  reconnects: number;
  /** Breaks the connection; it comes again at once. */
  drop(): Promise<void>;
  stop(): Promise<void>;
}

interface Connection {
  answers(): Answer[];
  /** Resolves when it is over, in whatever way. */
  over: Promise<unknown>;
  leave(): Promise<void>;
}

const STATUS = 'subscription ($after: String) { orderStatus(after: $after) { cursor rentalId status } }';
const AGAIN_MS = 100;
/** They pass, and a client comes again for them. */
const PASSING = ['SERVICE_UNAVAILABLE', 'SUBSCRIPTION_UPSTREAM_LOST'];

const connect: Record<Transport, (url: string, token: string, after: string) => Promise<Connection>> = {
  async WebSocket(url, token, after) {
    const watch = clientOf(url, token).watch(STATUS, { after });
    const left = Promise.withResolvers<void>();
    const leave = async () => {
      await watch.stop();
      left.resolve();
    };
    return { answers: () => watch.results, over: Promise.race([watch.ended, left.promise]), leave };
  },
  async 'event stream'(url, token, after) {
    const body = JSON.stringify({ query: STATUS });
    const stream = await openEventStream(url, { token, body, lastEventId: after });
    return { answers: stream.answers, over: stream.ended, leave: async () => stream.leave() };
  },
};

/** Begins after a cursor. */
export function follow(transport: Transport, url: string, token: string, after: string): Follower {
  const before: Told[] = [];
  let connection: Connection | undefined;
  let stopping = false;

  const toldNow = () => (connection?.answers() ?? []).flatMap(({ data }) => (data ? [data.orderStatus as Told] : []));
  const follower: Follower = {
    transport,
    faults: [],
    reconnects: 0,
    told: () => [...before, ...toldNow()],
    drop: async () => connection?.leave(),
    async stop() {
      stopping = true;
      await connection?.leave();
      await following;
    },
  };

  async function once(): Promise<void> {
    connection = await connect[transport](url, token, before.at(-1)?.cursor ?? after);
    if (stopping) await connection.leave();
    await connection.over;
    await connection.leave();
    const errors = connection.answers().flatMap(({ errors }) => errors ?? []);
    before.push(...toldNow());
    connection = undefined;
    for (const { message, extensions } of errors)
      if (!PASSING.includes(extensions?.code ?? '')) follower.faults.push(message);
  }

  async function keepFollowing(): Promise<void> {
    while (!stopping) {
      await once().catch(() => {}); // nobody listens there just now
      follower.reconnects += 1;
      await sleep(AGAIN_MS);
    }
  }

  const following = keepFollowing();
  return follower;
}

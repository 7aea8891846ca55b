/**
 * Subscriptions that outlive their connection: after a loss they go on from the cursor of the last event. The cursor is the
 * server's (docs/decisions/0007), so nothing is skipped or doubled, however long the line was down.
 */
import type { FormattedExecutionResult } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import { freshToken } from './session.ts';
import { createStore, useStore } from './store.ts';

/** 'idle' while nothing is followed. */
export type Line = 'idle' | 'connecting' | 'live' | 'offline';

const line = createStore<Line>('idle');
export const useLine = (): Line => useStore(line);

const PING_MS = 10_000;
const PONG_MS = 5_000;
/** 0.5 s, 1 s, 2 s … 10 s. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

let pong: ReturnType<typeof setTimeout> | undefined;

const socket = createClient({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
  lazy: true,
  retryAttempts: 0, // only `follow` knows the cursor to go on from
  keepAlive: PING_MS,
  connectionParams: async (): Promise<Record<string, unknown>> => {
    const token = await freshToken();
    return token ? { authorization: `Bearer ${token}` } : {};
  },
  on: {
    connected: () => line.set('live'),
    closed: () => {
      clearTimeout(pong);
      line.set('idle');
    },
    // A line that is cut says nothing: who does not answer a ping is gone.
    ping: (received) => {
      if (!received) pong = setTimeout(() => socket.terminate(), PONG_MS);
    },
    pong: (received) => {
      if (received) clearTimeout(pong);
    },
  },
});

/** Another account's from now on; what is followed goes on by itself. */
export const reconnect = (): void => socket.terminate();

addEventListener('offline', () => socket.terminate());

export interface Request {
  query: string;
  variables: Record<string, unknown>;
}

export interface Sink {
  next(result: FormattedExecutionResult<Record<string, unknown>, unknown>): void;
  complete(): void;
}

/** Follows until the answered function is called. `cursorOf` finds the position in an event. */
export function follow(request: Request, sink: Sink, cursorOf: (data: unknown) => string | undefined): () => void {
  const leaving = new AbortController();
  let after = request.variables.after;

  async function stay(): Promise<void> {
    for (let tries = 0; !leaving.signal.aborted; tries++) {
      try {
        line.set('connecting');
        const events = socket.iterate({ ...request, variables: { ...request.variables, after } });
        const leave = () => void events.return?.();
        leaving.signal.addEventListener('abort', leave, { once: true });
        for await (const event of events) {
          tries = 0;
          after = cursorOf(event.data) ?? after;
          sink.next(event);
        }
        leaving.signal.removeEventListener('abort', leave);
      } catch {
        // Whatever it was, the next try shows whether it has passed; the line below says that it is so.
      }
      if (leaving.signal.aborted) break;
      line.set('offline');
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries), leaving.signal);
    }
    sink.complete();
  }

  void stay();
  return () => leaving.abort();
}

/** Over at once when the machine is online again, or nobody waits any more. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms * (0.5 + Math.random() / 2)); // not everybody at once after a restart
    addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}

/**
 * Subscriptions that outlive their connection: after a loss they go on from the cursor of the last event. The cursor is the
 * server's (docs/decisions/0007), so nothing is skipped or doubled, however long the line was down.
 */
import type { FormattedExecutionResult } from 'graphql-ws';
import { CloseCode, createClient } from 'graphql-ws';
import { currentToken, distrustToken, freshToken, needsRefresh, refresh } from './session.ts';
import { createStore, useStore } from './store.ts';

/** 'idle' while nothing is followed. */
export type Line = 'idle' | 'live' | 'offline';

const line = createStore<Line>('idle');
export const useLine = (): Line => useStore(line);

/** A socket that the next view, or React's second mount in development, goes on with. */
const UNUSED_MS = 2_000;
const CONNECT_MS = 10_000;
const PING_MS = 10_000;
const PONG_MS = 5_000;
/** A new connection that is there sooner is no news to the reader. */
const DOUBT_MS = 3_000;
/** 0.5 s, 1 s, 2 s … 10 s. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

let connection: WebSocket | undefined;
/** What the server knows the socket by. */
let knownToken: string | null = null;
/** By when it has to be connected, or to have answered. */
let deadline: ReturnType<typeof setTimeout> | undefined;

const socket = createClient({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
  lazyCloseTimeout: UNUSED_MS,
  retryAttempts: 0, // only `follow` knows the cursor to go on from
  connectionParams: async (): Promise<Record<string, unknown>> => {
    knownToken = await freshToken();
    return credentials(knownToken);
  },
  on: {
    connecting: () => expect(CONNECT_MS),
    connected: (opened) => {
      clearTimeout(deadline);
      connection = opened as WebSocket; // the browser's own
      found();
    },
    pong: (received) => {
      if (received) clearTimeout(deadline);
    },
    closed: (event) => {
      clearTimeout(deadline);
      connection = undefined;
      if ((event as CloseEvent).code === CloseCode.Forbidden) distrustToken(); // by the server's clock it has expired
      lost();
    },
  },
});

const credentials = (token: string | null) => (token ? { authorization: `Bearer ${token}` } : {});

setInterval(ping, PING_MS);

/** A line that is cut says nothing: who does not answer a ping is gone. The socket ends with its token, so a ping brings the next one in time. */
function ping(): void {
  if (connection?.readyState !== WebSocket.OPEN) return;
  if (needsRefresh()) refresh().catch(() => undefined); // the next ping tries again
  const token = currentToken();
  const payload = token && token !== knownToken ? credentials(token) : undefined;
  if (payload) knownToken = token;
  connection.send(JSON.stringify({ type: 'ping', payload }));
  expect(PONG_MS);
}

function expect(ms: number): void {
  clearTimeout(deadline);
  deadline = setTimeout(() => socket.terminate(), ms);
}

/** Another account's from now on; what is followed goes on by itself. */
export const reconnect = (): void => socket.terminate();

addEventListener('offline', reconnect);
/** A machine that has slept does not know yet that its line is gone. */
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') ping();
});

let followed = 0;
let doubt: ReturnType<typeof setTimeout> | undefined;

function found(): void {
  clearTimeout(doubt);
  doubt = undefined;
  line.set('live');
}

function lost(): void {
  if (followed) {
    doubt ??= setTimeout(() => line.set('offline'), DOUBT_MS);
    return;
  }
  clearTimeout(doubt);
  doubt = undefined;
  line.set('idle');
}

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
  const first = request.variables.after;
  let after = first;
  let events: ReturnType<typeof socket.iterate<Record<string, unknown>>> | undefined;

  async function stay(): Promise<void> {
    for (let tries = 0; !leaving.signal.aborted; tries += 1) {
      const began = Date.now();
      try {
        events = socket.iterate({ ...request, variables: { ...request.variables, after } });
        for await (const event of events) {
          if (leaving.signal.aborted) break;
          after = cursorOf(event.data) ?? after;
          if (isBadCursor(event.errors)) after = first;
          sink.next(event);
        }
      } catch (error) {
        // A loss, or a refusal. Whatever it was, the next try shows whether it has passed, and the line says so meanwhile.
        if (isBadCursor(error)) after = first;
      }
      if (leaving.signal.aborted) break;
      if (Date.now() - began > LONGEST_PAUSE_MS) tries = 0; // it went well for a while
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries), leaving.signal);
    }
    sink.complete();
  }

  followed += 1;
  if (!connection) lost();
  void stay();
  return () => {
    leaving.abort();
    void events?.return?.();
    followed -= 1;
    if (!connection) lost();
  };
}

/** The server has gone back behind it, as with a restored backup: then all is told anew. */
const isBadCursor = (errors: unknown): boolean =>
  Array.isArray(errors) &&
  errors.some((error: { extensions?: { code?: string } }) => error.extensions?.code === 'BAD_USER_INPUT');

/** Over at once when the machine is online again, or nobody waits any more. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
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

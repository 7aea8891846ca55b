/** Connections to NATS, and the streams in it. */
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats';
import { type Stream, streams } from '#schema/events.ts';

/** Where NATS is, and as whom it is entered. */
export interface NatsPlace {
  /** User and password may stand in it; `tls://` demands TLS. */
  natsUrl: string;
  /** What is in a .creds file, instead of user and password. */
  natsCredentials?: string | undefined;
}

/** As the library wants it. */
function optionsOf({ natsUrl, natsCredentials }: NatsPlace): ConnectionOptions {
  const { protocol, host, username, password } = new URL(natsUrl);
  return {
    servers: host,
    noAsyncTraces: true, // it would take a stack trace for each request, in case that one fails
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(natsCredentials && { authenticator: credsAuthenticator(new TextEncoder().encode(natsCredentials)) }),
    ...(protocol === 'tls:' && { tls: {} }),
  };
}

/** For relay and consumers: after any break the caller starts its loop again and looks at the stream anew. */
export const connectOnce = (place: NatsPlace): Promise<NatsConnection> =>
  connect({ ...optionsOf(place), reconnect: false, timeout: 2000, pingInterval: 2000, maxPingOut: 2 });

/** For requests and bells: comes back by itself, whatever happens. Resolves at the first connection, however late that is. */
export const connectForever = (place: NatsPlace): Promise<NatsConnection> =>
  connect({
    ...optionsOf(place),
    waitOnFirstConnect: true,
    ignoreAuthErrorAbort: true, // a password that is changed here and there is refused for a moment
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    timeout: 2000,
    pingInterval: 2000,
    maxPingOut: 2,
  });

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Makes the stream where it is missing. Events stay in it longer than in the outbox (7 days), so that a refill finds them. */
export async function ensureStream(manager: JetStreamManager, stream: Stream, replicas: number): Promise<void> {
  const config = {
    name: stream,
    subjects: streams[stream].map((context) => `rentabook.${context}.>`),
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    duplicate_window: nanos(10 * MINUTE_MS),
    max_age: nanos(14 * DAY_MS),
    num_replicas: replicas,
  };
  try {
    await manager.streams.add(config);
  } catch (error) {
    // Another replica made it, or an operator gave it other limits: both are fine.
    if (!(error instanceof Error && /already in use/.test(error.message))) throw error;
  }
}

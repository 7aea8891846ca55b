/**
 * The relay: publishes the outbox to the service's stream, in order, for as long as the process lives. One leader per
 * service, chosen by an advisory lock on the very connection that writes; any doubt ends the turn and the loop starts again.
 * What the broker acknowledged and then lost is published again. Algorithm and measurements: docs/decisions/0001-outbox-and-relay.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type JetStreamClient,
  type JetStreamManager,
  type JetStreamPublishOptions,
  type NatsConnection,
  StringCodec,
} from 'nats';
import { Client } from 'pg';
import type { Stream } from '#schema/events.ts';
import type { Log } from './log.ts';
import { connectOnce, ensureStream } from './nats.ts';

const BATCH = 256;
/** Half of it is the mean time an event waits. An idle subgraph, all its polling together, takes 2 to 3 % of a core. */
const POLL_MS = 25;
const RECHECK_MS = 2000;
const PUBLISH_TIMEOUT_MS = 2000;
const FOLLOWER_RETRY_MS = 300;
const PRUNE_EVERY_MS = 60_000;

export interface RelayOptions {
  stream: Stream;
  databaseUrl: string;
  natsUrl: string;
  replicas: number;
  log: Log;
}

/** Runs until `stop` is called. Nothing it does can fail the service: a broker that is away is only waited for. */
export function startRelay(options: RelayOptions): { stop(): Promise<void> } {
  const abort = new AbortController();
  const running = loop(options, abort.signal);
  return {
    async stop() {
      abort.abort();
      await running;
    },
  };
}

async function loop(options: RelayOptions, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await lead(options, signal, () => (failures = 0));
    } catch (error) {
      options.log.warn({ err: error, stream: options.stream }, 'the relay starts again');
      failures += 1;
    }
    await pause(Math.min(5000, 100 * 2 ** failures), signal);
  }
}

/** One turn as leader, from the lock to the first doubt. */
async function lead(
  { stream, databaseUrl, natsUrl, replicas }: RelayOptions,
  signal: AbortSignal,
  progress: () => void,
): Promise<void> {
  const database = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 3000,
    statement_timeout: 10_000,
  });
  let nats: NatsConnection | undefined;
  try {
    await database.connect();
    database.on('error', () => nats?.close());
    if (!(await becomeLeader(database, stream, signal))) return;
    nats = await connectOnce(natsUrl);
    const manager = await nats.jetstreamManager({ checkAPI: false });
    await ensureStream(manager, stream, replicas);
    const turn = new Turn(stream, database, manager, nats.jetstream({ timeout: PUBLISH_TIMEOUT_MS }));
    await turn.reopenLost();
    progress();
    while (!signal.aborted && !nats.isClosed()) await turn.step(signal);
  } finally {
    await nats?.close();
    await database.end().catch(() => {}); // it may be what broke
  }
}

/** Waits for the lock. A paused leader must lose it: it polls each 25 ms, so five idle seconds mean that it hangs. */
async function becomeLeader(database: Client, stream: Stream, signal: AbortSignal): Promise<boolean> {
  await database.query("SET idle_session_timeout = '5s'");
  while (!signal.aborted) {
    const { rows } = await database.query('SELECT pg_try_advisory_lock(hashtext($1)) AS mine', [`relay ${stream}`]);
    if (rows[0].mine) return true;
    await pause(FOLLOWER_RETRY_MS, signal);
  }
  return false;
}

interface Row {
  id: string;
  event_id: string;
  aggregate: string;
  subject: string;
  payload: unknown;
}
type Ack = { id: string; seq: number };

/** What one leader knows of its stream: state that dies with the turn. */
class Turn {
  #stream: Stream;
  #database: Client;
  #manager: JetStreamManager;
  #js: JetStreamClient;
  /** The stream's last sequence and birth, as remembered: any difference means that the broker lost something. */
  #last = 0;
  #created = '';
  #checkedAt = 0;
  #prunedAt = 0;

  constructor(stream: Stream, database: Client, manager: JetStreamManager, js: JetStreamClient) {
    this.#stream = stream;
    this.#database = database;
    this.#manager = manager;
    this.#js = js;
  }

  async step(signal: AbortSignal): Promise<void> {
    const rows = await this.#openRows();
    if (rows.length) return this.#relay(rows);
    await this.#recheck();
    await this.#prune();
    await pause(POLL_MS, signal);
  }

  /** Rows that the broker acknowledged and then lost (rolled back, wiped) are open again. */
  async reopenLost(): Promise<void> {
    const { state, created } = await this.#manager.streams.info(this.#stream);
    this.#last = state.last_seq;
    this.#created = created;
    this.#checkedAt = Date.now();
    await this.#database.query('UPDATE outbox SET published_at = NULL, stream_seq = NULL WHERE stream_seq > $1', [
      state.last_seq,
    ]);
  }

  async #openRows(): Promise<Row[]> {
    const { rows } = await this.#database.query<Row>(
      'SELECT id, event_id, aggregate, subject, payload FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1',
      [BATCH],
    );
    return rows;
  }

  /** The head goes alone and fenced by the expected sequence; the rest in order within an aggregate, side by side across. */
  async #relay([head, ...rest]: Row[]): Promise<void> {
    if (!head) return;
    const acks: Ack[] = [];
    try {
      await this.#publish(head, acks, { expect: { lastSequence: this.#last } });
      const lanes = [...Map.groupBy(rest, (row) => row.aggregate).values()];
      const results = await Promise.allSettled(
        lanes.map(async (lane) => {
          for (const row of lane) await this.#publish(row, acks); // an error stops this aggregate, not the others
        }),
      );
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    } finally {
      await this.#mark(acks);
    }
  }

  async #publish(
    { id, event_id, subject, payload }: Row,
    acks: Ack[],
    options: Partial<JetStreamPublishOptions> = {},
  ): Promise<void> {
    const ack = await this.#js.publish(subject, codec.encode(JSON.stringify(payload)), { msgID: event_id, ...options });
    acks.push({ id, seq: ack.seq });
    this.#last = Math.max(this.#last, ack.seq);
  }

  /** A sequence belongs to one message: another row that claims one of these was lost, so it is open again. */
  async #mark(acks: Ack[]): Promise<void> {
    if (!acks.length) return;
    const columns = [acks.map((ack) => ack.id), acks.map((ack) => ack.seq)];
    await this.#database.query(
      `UPDATE outbox SET published_at = NULL, stream_seq = NULL
       WHERE stream_seq = ANY($2::bigint[]) AND id <> ALL($1::bigint[])`,
      columns,
    );
    await this.#database.query(
      `UPDATE outbox SET published_at = now(), stream_seq = ack.seq
       FROM unnest($1::bigint[], $2::bigint[]) AS ack(id, seq) WHERE outbox.id = ack.id`,
      columns,
    );
  }

  /** An idle leader looks too: a cluster may lose a suffix without breaking our connection. */
  async #recheck(): Promise<void> {
    if (Date.now() - this.#checkedAt < RECHECK_MS) return;
    const { state, created } = await this.#manager.streams.info(this.#stream);
    this.#checkedAt = Date.now();
    if (state.last_seq !== this.#last || created !== this.#created)
      throw new Error('The stream is not the one remembered');
  }

  /** Bounds the table: what was published a week ago is in the stream, or too old for it. */
  async #prune(): Promise<void> {
    if (Date.now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = Date.now();
    await this.#database.query(
      `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE published_at < now() - interval '7 days' LIMIT 5000)`,
    );
  }
}

const codec = StringCodec();

/** Ends early when the relay is to stop. */
const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {});

/**
 * The relay: publishes the outbox to the service's stream, in order, for as long as the process lives. One leader per
 * service, chosen by an advisory lock on the very connection that writes; any doubt ends the turn and the loop starts again.
 * What the broker acknowledged and then lost is published again. Algorithm and measurements: docs/decisions/0001-outbox-and-relay.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamClient, type JetStreamManager, type NatsConnection, StringCodec } from 'nats';
import { Client } from 'pg';
import type { Stream } from '#schema/events.ts';
import type { Log } from './log.ts';
import { connectOnce, ensureStream, type NatsPlace } from './nats.ts';

const BATCH = 256;
/** So many of a batch may be fresh while a refill is under way, so that a refill goes on under any load. */
const FRESH_IN_REFILL = 224;
/** So many fresh events are looked at for some that need not wait; more would make each batch as slow as the backlog is long. */
const LOOKED_AT = 1024;
/** Half of it is the mean time an event waits. An idle subgraph, all its polling together, takes 2 to 3 % of a core. */
const POLL_MS = 25;
/** What is not published by then is left to the next leader. */
const FLUSH_MS = 2000;
const RECHECK_MS = 2000;
const BROKER_TIMEOUT_MS = 2000;
const FOLLOWER_RETRY_MS = 300;
/** An aggregate with a batch of its own waits for the broker once an event; the session must not look idle meanwhile. */
const BATCH_MS = 1000;
const REOPEN_PAGE = 10_000;
/** Somewhat less than the week for which the outbox keeps what is published. */
const KEPT_MS = 6 * 86_400_000;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_PAGE = 1000;

export interface RelayOptions extends NatsPlace {
  stream: Stream;
  databaseUrl: string;
  replicas: number;
  log: Log;
}

export interface Relay {
  /** Whether it is this process that publishes. */
  isLeader(): boolean;
  stop(): Promise<void>;
}

/**
 * Runs until `stop` is called; then it publishes what is left, as far as that goes at once. Nothing it does can fail the
 * service: a broker that is away is only waited for.
 */
export function startRelay(options: RelayOptions): Relay {
  const abort = new AbortController();
  let leads = false;
  const running = loop(options, abort.signal, (now) => (leads = now));
  return {
    isLeader: () => leads,
    async stop() {
      abort.abort();
      await running;
    },
  };
}

async function loop(options: RelayOptions, signal: AbortSignal, leads: (now: boolean) => void): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await lead(options, signal, () => {
        failures = 0;
        leads(true);
      });
    } catch (error) {
      const level = error instanceof AnotherHistory ? 'error' : 'warn';
      options.log[level]({ err: error, stream: options.stream }, 'the relay starts again');
      failures += 1;
    }
    leads(false);
    await pause(Math.min(5000, 100 * 2 ** failures), signal);
  }
}

/** Only a person can say which of the two is right. */
class AnotherHistory extends Error {
  override name = 'AnotherHistory';
}

/** One turn as leader, from the lock to the first doubt. */
async function lead(
  { stream, databaseUrl, replicas, ...place }: RelayOptions,
  signal: AbortSignal,
  progress: () => void,
): Promise<void> {
  const database = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 3000,
    statement_timeout: 10_000,
    query_timeout: 12_000, // a connection may die without a word; the next one finds the database again
  });
  let nats: NatsConnection | undefined;
  try {
    await database.connect();
    database.on('error', () => nats?.close());
    if (!(await becomeLeader(database, stream, signal))) return;
    nats = await connectOnce(place);
    const manager = await nats.jetstreamManager({ checkAPI: false, timeout: BROKER_TIMEOUT_MS });
    await ensureStream(manager, stream, replicas);
    const turn = new Turn(stream, database, manager, nats.jetstream({ timeout: BROKER_TIMEOUT_MS }));
    await turn.reopenLost();
    progress();
    while (!signal.aborted && !nats.isClosed()) await turn.step(signal);
    const until = performance.now() + FLUSH_MS;
    while (!nats.isClosed() && performance.now() < until && (await turn.step(signal))) {} // until none is open
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
  /** JSON. */
  payload: string;
  reopened: boolean;
}
type Ack = { id: string; seq: number; duplicate: boolean };

/** By name, as `MARK` is: planned once for a connection. */
const FRESH = `
  SELECT id, event_id, aggregate, subject, payload::text, reopened FROM outbox
  WHERE published_at IS NULL AND NOT reopened ORDER BY id LIMIT $1`;

/**
 * While rows are open again: first the fresh ones of other aggregates, then what the fresh ones of the same aggregate wait
 * for, then the rest from the oldest on. Of an aggregate it takes the oldest, so its order is kept.
 */
const REFILL = `
  WITH fresh AS (
    SELECT id, aggregate, EXISTS (SELECT FROM outbox AS old WHERE old.reopened AND old.aggregate = outbox.aggregate) AS waits
    FROM outbox WHERE published_at IS NULL AND NOT reopened ORDER BY id LIMIT $3
  ),
  candidate AS (
    (SELECT id, 1 AS rank FROM fresh WHERE NOT waits ORDER BY id LIMIT $2)
    UNION ALL
    (SELECT id, 2 FROM outbox WHERE reopened AND aggregate IN (SELECT aggregate FROM fresh WHERE waits) ORDER BY id LIMIT $1)
    UNION ALL
    (SELECT id, 3 FROM outbox WHERE reopened ORDER BY id LIMIT $1)
  ),
  batch AS (SELECT id, min(rank) AS rank FROM candidate GROUP BY id ORDER BY min(rank), id LIMIT $1)
  SELECT id, event_id, aggregate, subject, payload::text, reopened FROM batch JOIN outbox USING (id) ORDER BY rank, id`;

/** A sequence belongs to one message: another row that claims one of these was lost, so it is open again. */
const MARK = `
  WITH lost AS (
    UPDATE outbox SET published_at = NULL, stream_seq = NULL, reopened = true
    WHERE stream_seq = ANY($2::bigint[]) AND id <> ALL($1::bigint[]) RETURNING id
  ),
  marked AS (
    UPDATE outbox SET published_at = now(), stream_seq = ack.seq, reopened = false
    FROM unnest($1::bigint[], $2::bigint[]) AS ack(id, seq) WHERE outbox.id = ack.id
  )
  SELECT count(*)::int AS lost FROM lost`;

/** What one leader knows of its stream: state that dies with the turn. */
class Turn {
  #stream: Stream;
  #database: Client;
  #manager: JetStreamManager;
  #js: JetStreamClient;
  /** The stream's last sequence and birth, as remembered: any difference means that the broker lost something. */
  #last = 0;
  #created = '';
  /** Messages sent and not yet answered. */
  #inFlight = 0;
  /** The batch before met one: a leader that died has left events published and not marked, and there may be more. */
  #expectsDuplicates = false;
  #refilling = false;
  // On the monotonic clock: the other one may be set back.
  #checkedAt = 0;
  #pruneAt = 0;

  constructor(stream: Stream, database: Client, manager: JetStreamManager, js: JetStreamClient) {
    this.#stream = stream;
    this.#database = database;
    this.#manager = manager;
    this.#js = js;
  }

  /** Answers how many events were open. */
  async step(signal: AbortSignal): Promise<number> {
    const rows = await this.#openRows();
    if (rows.length) await this.#relay(rows);
    else await this.#recheck();
    await this.#prune();
    if (rows.length < BATCH) await pause(POLL_MS, signal); // what comes meanwhile goes together
    return rows.length;
  }

  /**
   * A database that was set back to an older state would give new events the ids of those that the stream still holds: they
   * would be taken for duplicates, and lost. @throws AnotherHistory
   */
  async #refuseAnotherHistory(): Promise<void> {
    const { header, time } = await this.#manager.streams.getMessage(this.#stream, { last_by_subj: '>' });
    const eventId = header?.get('Nats-Msg-Id'); // without one it is nobody's event
    if (!eventId || Date.now() - time.getTime() > KEPT_MS) return;
    const { rowCount } = await this.#database.query('SELECT FROM outbox WHERE event_id = $1', [eventId]);
    if (!rowCount)
      throw new AnotherHistory(
        `The stream ${this.#stream} holds the event ${eventId}, which this database has never written. If the database was restored, empty the broker (docs/operate.md, "Restore")`,
      );
  }

  /**
   * Rows that the broker acknowledged and then lost are open again: those above its last sequence and, in a stream younger
   * than the one remembered, all. Remembered only once all are open: a leader that dies before leaves that to the next one.
   */
  async reopenLost(): Promise<void> {
    const { state, created } = await this.#manager.streams.info(this.#stream);
    if (state.messages) await this.#refuseAnotherHistory();
    this.#last = state.last_seq;
    this.#created = created;
    this.#checkedAt = performance.now();

    const { rows } = await this.#database.query<{ created: string }>('SELECT created FROM relay WHERE stream = $1', [
      this.#stream,
    ]);
    const isYounger = rows[0] !== undefined && rows[0].created !== created;
    await this.#reopenAbove(isYounger ? 0 : state.last_seq);
    // crash point: relay, re-opened but stream not remembered
    await this.#database.query(
      'INSERT INTO relay (stream, created) VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET created = excluded.created',
      [this.#stream, created],
    );
    this.#refilling = true; // or an earlier leader was refilling: the first look tells
  }

  /** In pages by the lost sequences: one statement over a week of events would take longer than a statement may. */
  async #reopenAbove(sequence: number): Promise<void> {
    const { rows } = await this.#database.query<{ below: string | null; highest: string | null }>(
      'SELECT min(stream_seq) - 1 AS below, max(stream_seq) AS highest FROM outbox WHERE stream_seq > $1',
      [sequence],
    );
    const highest = Number(rows[0]?.highest ?? 0);
    for (let above = Number(rows[0]?.below ?? 0); above < highest; above += REOPEN_PAGE) {
      await this.#database.query(
        `UPDATE outbox SET published_at = NULL, stream_seq = NULL, reopened = true
         WHERE stream_seq > $1 AND stream_seq <= $2`,
        [above, above + REOPEN_PAGE],
      );
      // crash point: relay, some of the lost re-opened
    }
    // The planner still believes that no row is re-opened: a batch out of 200,000 took 30 s, and 8 ms after this.
    if (highest) await this.#database.query('ANALYZE outbox');
  }

  async #openRows(): Promise<Row[]> {
    if (!this.#refilling)
      return (await this.#database.query<Row>({ name: 'fresh', text: FRESH, values: [BATCH] })).rows;
    const { rows } = await this.#database.query<Row>(REFILL, [BATCH, FRESH_IN_REFILL, LOOKED_AT]);
    this.#refilling = rows.some(({ reopened }) => reopened);
    return rows;
  }

  /** In order within an aggregate, side by side across; the head goes alone, to learn from one message whether this still leads. */
  async #relay([head, ...rest]: Row[]): Promise<void> {
    // crash point: relay, rows read
    if (!head) return;
    const acks: Ack[] = [];
    try {
      await this.#publish(head, acks);
      // crash point: relay, head published
      const until = performance.now() + BATCH_MS;
      const lanes = this.#expectsDuplicates ? [rest] : Map.groupBy(rest, (row) => row.aggregate).values();
      const results = await Promise.allSettled(
        Array.from(lanes, async (lane) => {
          for (const row of lane) {
            if (performance.now() > until) return;
            await this.#publish(row, acks); // an error stops this aggregate, not the others
          }
        }),
      );
      this.#expectsDuplicates = acks.some(({ duplicate }) => duplicate);
      const failed = results.find((result) => result.status === 'rejected');
      // A duplicate takes no sequence, so what was sent behind it was refused: it goes with the next batch, one by one
      // (a full batch of duplicates takes 0.9 s then, and 3.7 s side by side).
      if (failed && !this.#expectsDuplicates) throw failed.reason;
    } finally {
      // crash point: relay, published but not marked
      await this.#mark(acks);
      // crash point: relay, marked
    }
  }

  /** Every message is fenced by the sequence before it: into another stream, or behind another writer's message, none gets. */
  async #publish({ id, event_id, subject, payload }: Row, acks: Ack[]): Promise<void> {
    const expect = { lastSequence: this.#last + this.#inFlight };
    this.#inFlight += 1;
    try {
      const { seq, duplicate } = await this.#js.publish(subject, codec.encode(payload), { msgID: event_id, expect });
      acks.push({ id, seq, duplicate });
      this.#last = Math.max(this.#last, seq);
    } finally {
      this.#inFlight -= 1;
    }
  }

  async #mark(acks: Ack[]): Promise<void> {
    if (!acks.length) return;
    const values = [acks.map(({ id }) => id), acks.map(({ seq }) => seq)];
    const { rows } = await this.#database.query<{ lost: number }>({ name: 'mark', text: MARK, values });
    if (rows[0]?.lost) this.#refilling = true;
  }

  /** An idle leader looks too: a cluster may lose a suffix without breaking our connection. */
  async #recheck(): Promise<void> {
    if (performance.now() - this.#checkedAt < RECHECK_MS) return;
    const { state, created } = await this.#manager.streams.info(this.#stream);
    this.#checkedAt = performance.now();
    if (state.last_seq !== this.#last || created !== this.#created)
      throw new Error('The stream is not the one remembered');
  }

  /** Bounds the table: what was published a week ago is in the stream, or too old for it. After a full page there is more. */
  async #prune(): Promise<void> {
    if (performance.now() < this.#pruneAt) return;
    const { rowCount } = await this.#database.query(
      `DELETE FROM outbox WHERE id IN
         (SELECT id FROM outbox WHERE published_at < now() - interval '7 days' ORDER BY published_at LIMIT $1)`,
      [PRUNE_PAGE],
    );
    if (rowCount !== PRUNE_PAGE) this.#pruneAt = performance.now() + PRUNE_EVERY_MS;
  }
}

const codec = StringCodec();

/** Ends early when the relay is to stop. */
const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {});

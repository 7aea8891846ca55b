/**
 * Durable pull consumers: messages that arrive while a batch is in work form the next batch; each is acked only after the
 * commit of its effect. A gap is naked three times, then parked; a handler that fails eight times leaves a dead letter.
 * Algorithm and measurements: docs/decisions/0002-consumers.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  type ConsumerConfig,
  ConsumerEvents,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  nanos,
  type StreamInfo,
} from 'nats';
import { type Event, parseEvent, type Stream } from '#schema/events.ts';
import { type AnyConsumer, type Arrived, applyBatch, type Consumer, causeIn, NotYet, type Outcome } from './apply.ts';
import { databaseIsAway, type EntityManager } from './database.ts';
import type { Log } from './log.ts';
import { connectOnce, ensureStream, type NatsPlace } from './nats.ts';
import { adoptOrphans, bury, oldGaps, park, sweepParked } from './parked.ts';
import { cause } from './trace.ts';

/** 100 per transaction: 2,140 to 2,680 events a second against 600 to 630 one by one (2 cores, commit delay 1 ms). */
const BATCH = 100;
const SLOW_MS = 1000;
const QUICK_MS = 250;
/** While several come at a time, a moment makes batches of many. */
const GATHER_MS = 20;
const ACK_WAIT_MS = 5000;
const SWEEP_MS = 500;
/** A replica may hold the predecessor: it needs a moment, not a parking place. */
const GAP_DELIVERIES = 3;
const MAX_FAILURES = 8;
const UNKNOWN_TYPE_MS = 10 * 60_000;
const RETRY_CAP_MS = 30_000;
const DATABASE_RETRY_MS = 250;

export interface ConsumeOptions extends NatsPlace {
  em: EntityManager;
  replicas: number;
  log: Log;
}

export interface Consuming {
  /** How long it has been busy with one thing; 0 while it waits for events. */
  busyMs(): number;
  stop(): Promise<void>;
}

/** Reads for as long as the process lives, or until `stop`: then the batch in work is finished and the rest left to others. */
export function startConsumer(consumer: AnyConsumer, options: ConsumeOptions): Consuming {
  const abort = new AbortController();
  // A consumer of one stream is handled as one of any: its handlers are looked up by the type of the event.
  const reader = new Reader(consumer as unknown as Consumer, options);
  const running = loop(reader, options.log, abort.signal);
  return {
    busyMs: () => reader.busyMs(),
    async stop() {
      abort.abort();
      await running;
    },
  };
}

/** `consume()` ends on some errors and on every break of the connection: start again with a new one. */
async function loop(reader: Reader, log: Log, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    const since = performance.now(); // the other clock may be set back
    await reader
      .read(signal)
      .catch((error: unknown) => log.warn({ consumer: reader.name, err: error }, 'the consumer starts again'));
    if (performance.now() - since > 10_000) failures = 0;
    await sleep(Math.min(5000, 100 * 2 ** failures), undefined, { signal }).catch(() => {});
  }
}

/**
 * A batch holds its locks for as long as it takes, and the other replicas' statements wait for them: on a slow machine, or
 * behind a slow database, batches are smaller.
 */
const nextSize = (size: number, tookMs: number): number =>
  tookMs > SLOW_MS ? Math.max(1, Math.floor(size / 2)) : tookMs < QUICK_MS ? Math.min(BATCH, 2 * size) : size;

/** 50 ms, 100 ms, 200 ms … up to 30 s: long enough for a pod to restart, short enough to go on quickly. */
const retryDelayMs = (attempt: number): number => Math.min(RETRY_CAP_MS, 50 * 2 ** Math.min(attempt, 10));

type Delivery = Arrived & { message: JsMsg };

/** What is known here of an event that could not be applied. */
interface Attempts {
  /** Of the handler itself; the server's count of deliveries would also count gaps and outages. */
  failures: number;
  /** These and the times that it had to wait for something else. */
  tries: number;
  /** On the monotonic clock: the next try out of the parking place. */
  againAtMs: number;
}

class Reader {
  readonly name: string;
  #consumer: Consumer;
  #options: ConsumeOptions;
  /** By event. */
  #attempts = new Map<string, Attempts>();
  /** When it began what it is at, on the monotonic clock: a batch, or a sweep beside it. */
  #begun = new Set<{ atMs: number }>();
  /** Gaps that were told of. */
  #alerted = new Set<string>();

  constructor(consumer: Consumer, options: ConsumeOptions) {
    this.name = consumer.name;
    this.#consumer = consumer;
    this.#options = options;
  }

  busyMs(): number {
    const nowMs = performance.now();
    return nowMs - Math.min(nowMs, ...Array.from(this.#begun, ({ atMs }) => atMs));
  }

  /** Each try counts anew: to wait for a database that is away is not to hang. */
  async #timed<T>(work: () => Promise<T>): Promise<T> {
    const begun = { atMs: performance.now() };
    this.#begun.add(begun);
    try {
      return await work();
    } finally {
      this.#begun.delete(begun);
    }
  }

  /** One connection's worth of reading. */
  async read(signal: AbortSignal): Promise<void> {
    const { replicas } = this.#options;
    const nats = await connectOnce(this.#options);
    const ended = new AbortController();
    try {
      const manager = await nats.jetstreamManager({ checkAPI: false });
      await ensureStream(manager, this.#consumer.stream, replicas);
      await this.#ensureConsumer(manager);
      const messages = await this.#open(nats);
      const stop = () => messages.stop();
      signal.addEventListener('abort', stop, { once: true, signal: ended.signal });
      if (signal.aborted) stop(); // while it was connecting
      void nats.closed().then(stop);
      void watch(messages);
      const tidying = this.#tidy(manager, ended.signal);
      await this.#work(messages, manager);
      ended.abort();
      await tidying;
    } finally {
      ended.abort();
      await nats.close();
    }
  }

  async #open(nats: NatsConnection): Promise<ConsumerMessages> {
    const consumer = await nats.jetstream().consumers.get(this.#consumer.stream, this.name);
    return consumer.consume({ max_messages: 2 * BATCH, idle_heartbeat: 1000, expires: 3000 });
  }

  /** Keeps the position of one that exists, unless it remembers more than the stream holds: it would skip what is sent again. */
  async #ensureConsumer(manager: JetStreamManager): Promise<void> {
    const { stream } = this.#consumer;
    const config: Partial<ConsumerConfig> = {
      durable_name: this.name,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      max_deliver: -1,
      max_ack_pending: 1000,
      deliver_policy: DeliverPolicy.All,
    };
    await manager.consumers.add(stream, config);
    const { delivered } = await manager.consumers.info(stream, this.name);
    const { state } = await manager.streams.info(stream); // after: the stream may only have grown meanwhile
    if (delivered.stream_seq <= state.last_seq) return;
    this.#options.log.warn(
      { consumer: this.name, at: delivered.stream_seq, last: state.last_seq },
      'the stream was cut back; reading it anew',
    );
    await manager.consumers.delete(stream, this.name);
    await manager.consumers.add(stream, config);
  }

  /** Collects while a batch is in work. What is still buffered at the end was never acked: it is delivered again. */
  async #work(messages: ConsumerMessages, manager: JetStreamManager): Promise<void> {
    const buffer: JsMsg[] = [];
    let batch: JsMsg[] = [];
    let size = BATCH;
    let over = false;
    let ring = () => {};
    const collecting = (async () => {
      for await (const message of messages) {
        buffer.push(message);
        ring();
      }
    })().finally(() => {
      over = true;
      ring();
    });
    const stopExtending = keepExtending(() => [...batch, ...buffer]);
    try {
      while (!over) {
        batch = buffer.splice(0, size);
        const startedAt = performance.now();
        if (batch.length) await this.#handle(batch, manager, () => over);
        size = nextSize(size, performance.now() - startedAt);
        if (batch.length > 1 && buffer.length < size && !over) await sleep(GATHER_MS);
        if (!batch.length) await new Promise<void>((resolve) => (ring = resolve));
      }
      await collecting;
    } finally {
      stopExtending();
    }
  }

  async #handle(messages: JsMsg[], manager: JetStreamManager, over: () => boolean): Promise<void> {
    const reachable = <T>(work: () => Promise<T>) => this.#whenReachable(work, over);
    const deliveries: Delivery[] = [];
    const unknown: Delivery[] = [];
    for (const message of messages) {
      const parsed = parseEvent(message.string());
      if (parsed.kind === 'event') deliveries.push({ type: parsed.type, event: parsed.event, message });
      else if (parsed.kind === 'unknown') unknown.push({ type: parsed.event.type, event: parsed.event, message });
      else await reachable(() => this.#buryUnparsable(message, parsed.reason, parsed.event));
    }
    if (unknown.length) await this.#leaveForNewer(unknown, manager, reachable);
    if (!deliveries.length) return;
    const { em, log } = this.#options;
    const outcomes = await reachable(() => applyBatch(em, this.#consumer, deliveries, log));
    // crash point: consumer, committed but not acked
    for (const delivery of deliveries) {
      await reachable(() => this.#settle(delivery, outcomes.get(delivery) ?? 'gap'));
      // crash point: consumer, some of a batch acked
    }
  }

  /**
   * While the database is away the batch waits here: no naks, so no growing delays and no storm after. What failed until
   * then may have failed for that, so it counts no more.
   */
  async #whenReachable<T>(work: () => Promise<T>, over: () => boolean): Promise<T> {
    for (let away = false; ; away = true) {
      try {
        const result = await this.#timed(work);
        if (away) this.#attempts.clear();
        return result;
      } catch (error) {
        if (!databaseIsAway(error) || over()) throw error;
        await sleep(DATABASE_RETRY_MS);
      }
    }
  }

  async #settle({ event, message }: Delivery, outcome: Outcome | Error): Promise<void> {
    const waits = outcome === 'gap' || outcome instanceof NotYet;
    if (outcome instanceof Error && !waits) return this.#settleFailure(message, event, outcome);
    if (waits && message.info.deliveryCount < GAP_DELIVERIES)
      return message.nak(retryDelayMs(message.info.deliveryCount));
    if (waits || outcome === 'stuck') await park(this.#options.em, this.name, [event]);
    // crash point: consumer, parked but not acked
    this.#attempts.delete(event.id);
    message.ack();
  }

  async #settleFailure(message: JsMsg, event: Event, error: Error): Promise<void> {
    const buried = await this.#failed(event, error);
    // crash point: consumer, given up on but not acked
    if (buried) message.ack();
    else message.nak(retryDelayMs(this.#attempts.get(event.id)?.failures ?? 1));
  }

  /** Counts a failure of the handler; answers whether the event was given up on. */
  async #failed(event: Event, error: Error): Promise<boolean> {
    const { em, log } = this.#options;
    const { failures } = this.#tried(event, 1);
    cause.run(causeIn(event), () =>
      log.error({ consumer: this.name, failures, err: error }, 'an event could not be handled'),
    );
    if (failures < MAX_FAILURES) return false;
    await bury(em, this.name, JSON.stringify(event), error.message, event);
    this.#attempts.delete(event.id);
    return true;
  }

  #tried(event: Event, failures: 0 | 1): Attempts {
    const before = this.#attempts.get(event.id) ?? { failures: 0, tries: 0 };
    const tries = before.tries + 1;
    const attempts = {
      failures: before.failures + failures,
      tries,
      againAtMs: performance.now() + retryDelayMs(tries),
    };
    this.#attempts.set(event.id, attempts);
    return attempts;
  }

  /** By the broker's clock alone: ours may differ from it by more than what is waited. */
  async #leaveForNewer(
    deliveries: Delivery[],
    manager: JetStreamManager,
    reachable: (work: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const nowMs = await brokerTimeMs(manager, this.#consumer.stream);
    for (const { event, message } of deliveries) {
      const { timestampNanos, deliveryCount } = message.info;
      if (nowMs - timestampNanos / 1e6 < UNKNOWN_TYPE_MS) {
        message.nak(retryDelayMs(deliveryCount));
        continue;
      }
      await reachable(() => park(this.#options.em, this.name, [event]));
      message.ack();
    }
  }

  async #buryUnparsable(message: JsMsg, reason: string, event: Event | undefined): Promise<void> {
    this.#options.log.error({ consumer: this.name, sequence: message.seq, reason }, 'a message is no event');
    await bury(this.#options.em, this.name, message.string(), reason, event);
    message.ack();
  }

  async #tidy(manager: JetStreamManager, signal: AbortSignal): Promise<void> {
    const { em, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#timed(() => this.#sweep());
        await this.#timed(() => adoptOrphans(em, this.#consumer, manager, log));
        await this.#timed(() => this.#alertOfGaps());
      } catch (error) {
        log.debug({ consumer: this.name, err: error }, 'the sweep of parked events comes again');
      }
      await sleep(SWEEP_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #sweep(): Promise<void> {
    const nowMs = performance.now();
    const resting = [...this.#attempts].flatMap(([id, { againAtMs }]) => (againAtMs > nowMs ? [id] : []));
    await sweepParked(this.#options.em, this.#consumer, {
      resting,
      applied: ({ id }) => void this.#attempts.delete(id),
      failed: async (event, error) => {
        if (error instanceof NotYet) this.#tried(event, 0);
        else await this.#failed(event, error);
      },
    });
  }

  /** Each gap is told of once by each process; its end is not. */
  async #alertOfGaps(): Promise<void> {
    const gaps = await oldGaps(this.#options.em, this.name);
    for (const { aggregate, version, ageS } of gaps) {
      if (!this.#alerted.has(`${aggregate}:${version}`))
        this.#options.log.error(
          { consumer: this.name, aggregate, version, ageS },
          'an event waits for its predecessor, which does not come',
        );
    }
    this.#alerted = new Set(gaps.map(({ aggregate, version }) => `${aggregate}:${version}`));
  }
}

/** Tells the broker, for as long as messages are held here, that they are worked on. Answers how to stop that. */
function keepExtending(held: () => JsMsg[]): () => void {
  let before = new Set<JsMsg>();
  const timer = setInterval(() => {
    const now = new Set(held());
    for (const message of now) if (before.has(message)) message.working();
    before = now;
  }, ACK_WAIT_MS / 3);
  return () => clearInterval(timer);
}

/** The server tells its time with every description of a stream. */
async function brokerTimeMs(manager: JetStreamManager, stream: Stream): Promise<number> {
  const { ts } = (await manager.streams.info(stream)) as StreamInfo & { ts: string }; // the typing does not know it
  return Date.parse(ts);
}

/** Ends the reading when the broker went away or forgot the consumer. */
async function watch(messages: ConsumerMessages): Promise<void> {
  const gone: string[] = [
    ConsumerEvents.ConsumerDeleted,
    ConsumerEvents.ConsumerNotFound,
    ConsumerEvents.StreamNotFound,
  ];
  for await (const { type, data } of await messages.status()) {
    if (gone.includes(type) || (type === ConsumerEvents.HeartbeatsMissed && Number(data) >= 3)) messages.stop();
  }
}

/** Waiting until what was under way has arrived. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager } from 'nats';
import { consumers, type Service, type Sources, services, streamOf } from './services.ts';

const LOOK_MS = 100;
/**
 * By 5 s, 30 s: on a machine with ten times the work that it has cores for, a consumer's batch was seen to take more than 10 s,
 * in which nothing moves.
 */
const PATIENCE = 6;

/**
 * Resolves when every event that was written before the call has been published and has left every consumer's hands, and
 * `settleMs` have passed; for what does not move for six times as long it does not wait.
 */
export async function settled(sources: Sources, settleMs: number): Promise<void> {
  const patienceMs = PATIENCE * settleMs;
  await Promise.all([sleep(settleMs), published(sources, patienceMs).then(() => consumed(sources, patienceMs))]);
}

async function published(sources: Sources, patienceMs: number): Promise<void> {
  await Promise.all(
    services.map(async (service) => {
      const client = sources[service];
      const { rows } = await client.query('SELECT coalesce(max(id), 0) AS until FROM outbox');
      const open = async (): Promise<number> => {
        const { rows: left } = await client.query(
          'SELECT count(*) FROM outbox WHERE published_at IS NULL AND id <= $1',
          [rows[0].until],
        );
        return Number(left[0].count);
      };
      await untilDone(async () => {
        const left = await open();
        return { done: left === 0, position: String(left) };
      }, patienceMs);
    }),
  );
}

async function consumed(sources: Sources, patienceMs: number): Promise<void> {
  const manager = await sources.nats.jetstreamManager();
  await Promise.all(
    consumers.map(async ({ name, publisher }) => {
      const until = await lastOf(manager, publisher);
      if (until === null) return;
      await untilDone(() => positionOf(manager, streamOf[publisher], name, until), patienceMs);
    }),
  );
}

/** Null where the stream or the consumer is missing: nothing will come of it. */
const lastOf = (manager: JetStreamManager, publisher: Service): Promise<number | null> =>
  manager.streams.info(streamOf[publisher]).then(
    ({ state }) => state.last_seq,
    () => null,
  );

async function positionOf(manager: JetStreamManager, stream: string, consumer: string, until: number) {
  try {
    const { ack_floor, delivered } = await manager.consumers.info(stream, consumer);
    const handedOut = Math.min(delivered.stream_seq, until);
    return { done: ack_floor.stream_seq >= until, position: `${ack_floor.stream_seq} ${handedOut}` };
  } catch {
    return { done: false, position: 'unknown' }; // it is being made anew, or its service is down
  }
}

async function untilDone(look: () => Promise<{ done: boolean; position: string }>, patienceMs: number): Promise<void> {
  let last = '';
  for (let movedAt = performance.now(); ; ) {
    const { done, position } = await look();
    if (done) return;
    if (position !== last) movedAt = performance.now();
    if (performance.now() - movedAt > patienceMs) return;
    last = position;
    await sleep(LOOK_MS);
  }
}

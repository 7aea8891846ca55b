/**
 * The bugs that the suite must catch, each the loss of one thing that the design rests on: pieces of the source, and what
 * stands there instead while the bug is planted. Nothing of it is in the source itself.
 */

interface Edit {
  /** Below the root of the project. */
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
}

interface Plant {
  /** What is missing with it. */
  what: string;
  edits: Edit[];
}

const ABOVE_THE_PUBLISHED = 'id > (SELECT coalesce(max(id), 0) FROM outbox WHERE published_at IS NOT NULL)';

export const plants = {
  'no-version-row': {
    what: 'consumers apply whatever comes, twice and in any order',
    edits: [
      {
        file: 'platform/apply.ts',
        find: "  if (event.aggregateversion <= row.version) return 'duplicate';\n",
        replace: '',
      },
      {
        file: 'platform/apply.ts',
        find: "  if (event.aggregateversion > row.version + 1) return 'gap';\n",
        replace: '',
      },
    ],
  },
  'ack-before-commit': {
    what: 'an event is acked, and then applied',
    edits: [
      {
        file: 'platform/consume.ts',
        find: '    const outcomes = await reachable(() => applyBatch(em, this.#consumer, deliveries, log));\n',
        replace: `    await Promise.all(deliveries.map(({ message }) => message.ackAck()));
    // crash point: planted, acked but not applied
    const outcomes = await reachable(() => applyBatch(em, this.#consumer, deliveries, log));\n`,
      },
    ],
  },
  'mark-before-publish': {
    what: 'the relay marks a row as published, and then publishes it',
    edits: [
      {
        file: 'platform/relay.ts',
        find: '    const acks: Ack[] = [];\n',
        replace: `    const acks: Ack[] = [];
    await this.#database.query('UPDATE outbox SET published_at = now() WHERE id = ANY($1)', [[head, ...rest].map(({ id }) => id)]);
    // crash point: planted, marked but not published\n`,
      },
    ],
  },
  'no-message-id': {
    what: 'the broker cannot know a message that is published twice',
    edits: [{ file: 'platform/relay.ts', find: '{ msgID: event_id, expect }', replace: '{ expect }' }],
  },
  'no-reopen': {
    what: 'what the broker acknowledged and then lost is not published again',
    edits: [
      {
        file: 'platform/relay.ts',
        find: '    await this.#reopenAbove(isYounger ? 0 : state.last_seq);\n',
        replace: '',
      },
      {
        file: 'platform/relay.ts',
        find: 'WHERE stream_seq = ANY($2::bigint[]) AND id <> ALL',
        replace: 'WHERE false AND stream_seq = ANY($2::bigint[]) AND id <> ALL',
      },
    ],
  },
  'bigserial-cursor': {
    what: 'the relay looks only above the highest row it has published',
    edits: [
      {
        file: 'platform/relay.ts',
        find: 'WHERE published_at IS NULL AND NOT reopened ORDER BY id LIMIT $1',
        replace: `WHERE published_at IS NULL AND NOT reopened AND ${ABOVE_THE_PUBLISHED} ORDER BY id LIMIT $1`,
      },
      {
        file: 'platform/relay.ts',
        find: 'WHERE published_at IS NULL AND NOT reopened ORDER BY id LIMIT $3',
        replace: `WHERE published_at IS NULL AND NOT reopened AND ${ABOVE_THE_PUBLISHED} ORDER BY id LIMIT $3`,
      },
    ],
  },
  'dual-write': {
    what: 'an event is no row of the transaction, but sent to the broker beside it',
    edits: [
      {
        file: 'platform/outbox.ts',
        find: '  em.create(OutboxRow, outboxRow(aggregate, type, data, now));\n',
        replace: `  const { eventId, subject, payload } = outboxRow(aggregate, type, data, now);
  setTimeout(async () => {
    const { connectOnce } = await import('./nats.ts');
    const nats = (globalThis.plantedNats ??= connectOnce({ natsUrl: process.env.NATS_URL }));
    await (await nats).jetstream().publish(subject, JSON.stringify(payload), { msgID: eventId });
  }, 20);\n`,
      },
    ],
  },
  'no-idempotency': {
    what: 'a request that is repeated makes another rental',
    edits: [
      {
        file: 'subgraphs/rental/intake.ts',
        find: 'fresh.map(({ request }) => request.idempotencyKey)',
        replace: 'fresh.map(() => randomUUID())',
      },
    ],
  },
  'read-modify-write': {
    what: 'stock is read, worked out and written back, without a lock',
    edits: [
      {
        file: 'subgraphs/book/reserve.ts',
        find: 'SELECT id, status, available, fee_amount, fee_currency FROM book',
        replace: 'SELECT id, status, available, reserved, fee_amount, fee_currency, pg_sleep(0.03) FROM book',
      },
      { file: 'subgraphs/book/reserve.ts', find: 'ORDER BY id FOR NO KEY UPDATE', replace: 'ORDER BY id' },
      {
        file: 'subgraphs/book/reserve.ts',
        find: `SET available = available - taken.quantity, reserved = reserved + taken.quantity
    FROM taken WHERE book.id = taken.book_id`,
        replace: `SET available = locked.available - taken.quantity, reserved = locked.reserved + taken.quantity
    FROM taken JOIN locked ON locked.id = taken.book_id WHERE book.id = taken.book_id`,
      },
    ],
  },
} as const satisfies Record<string, Plant>;

export type PlantName = keyof typeof plants;
export const plantNames = Object.keys(plants) as PlantName[]; // the keys are what the table was written with

/** The source with the bug in it; the same where the bug is in other files. @throws when a piece is not there exactly once. */
export function planted(name: PlantName, file: string, source: string): string {
  let changed = source;
  for (const { find, replace } of plants[name].edits.filter((edit) => edit.file === file)) {
    const times = changed.split(find).length - 1;
    if (times !== 1) throw new Error(`The bug ${name} cannot be planted: ${file} has its place ${times} times`);
    changed = changed.replace(find, () => replace);
  }
  return changed;
}

/** One line each: an own line of comment between two effects, where a statement may stand. */
const CRASH_POINT = /^( *)\/\/ crash point: (.+)$/gm;

export const crashPointsIn = (source: string): string[] =>
  [...source.matchAll(CRASH_POINT)].map(([, , name = '']) => name.trim());

/** Each line that names a crash point becomes a call of `crashPoint`, which the hook defines; all lines keep their numbers. */
export const withCrashPoints = (source: string): string =>
  source.replace(
    CRASH_POINT,
    (_, indent: string, name: string) => `${indent}crashPoint(${JSON.stringify(name.trim())});`,
  );

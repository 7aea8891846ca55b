/**
 * Events that a consumer has given up on, for the one who mends what was wrong: by the command (operate/deadLetters.ts) or
 * through the graph (deadLetterAnswers.ts). All of it is safe beside the running service: a dead letter goes back to the parked
 * events in one transaction, and the service's own sweep applies it, and what waits behind it, in order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from './errors.ts';

/** Sends one statement, in whatever way its caller reaches the database. */
export type Run = <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>;

export interface DeadLetter {
  id: string;
  consumer: string;
  /** Null for a message that is no event. */
  aggregate: string | null;
  version: number | null;
  /** As it came. */
  message: string;
  reason: string;
  since: Date;
  /** Later events of its aggregate that wait behind it. */
  behind: number;
}

/** The id of its event, such as `rental-<id>:4`; null for a message that is no event. */
export const eventIn = ({ aggregate, version }: DeadLetter): string | null => aggregate && `${aggregate}:${version}`;

const LETTERS = `
  SELECT id, consumer, aggregate, version, message, reason, since,
    (SELECT count(*)::int FROM parked p WHERE p.consumer = d.consumer AND p.aggregate = d.aggregate AND p.version > d.version) AS behind
  FROM dead_letter d WHERE dropped_at IS NULL`;

export interface Page {
  limit: number;
  /** Where the page before ended. */
  after: { since: string; id: string } | null;
}

/** Those that were not dropped, the oldest first: all of them, or a page. */
export function deadLetters(run: Run, page?: Page): Promise<DeadLetter[]> {
  const { limit = null, after = null } = page ?? {};
  return read(
    run,
    `${LETTERS} AND ($1::timestamptz IS NULL OR (since, id) > ($1, $2::uuid)) ORDER BY since, id LIMIT $3::int`,
    [after?.since, after?.id, limit],
  );
}

/** @throws Refusal NOT_FOUND */
export async function deadLetter(run: Run, id: string): Promise<DeadLetter> {
  const [letter] = await read(run, `${LETTERS} AND id = $1`, [id]);
  if (!letter) throw gone(id);
  return letter;
}

async function read(run: Run, text: string, values: readonly unknown[]): Promise<DeadLetter[]> {
  const rows = await run<DeadLetter>(text, values);
  return rows.map((row) => ({ ...row, since: new Date(row.since) })); // MikroORM leaves a time as the text that it came as
}

const gone = (id: string) => new Refusal('NOT_FOUND', `There is no dead letter ${id} (any more).`, ['id']);

/**
 * Gives an event back to its consumer.
 * @throws Refusal NOT_ALLOWED_IN_STATE for what is no event, NOT_FOUND when somebody else has done so meanwhile
 */
export async function putBack(run: Run, { id, aggregate }: DeadLetter): Promise<void> {
  if (!aggregate)
    throw new Refusal(
      'NOT_ALLOWED_IN_STATE',
      `${id} is no event, so nobody can apply it: it can be shown and dropped.`,
      ['id'],
    );
  const back = await run(
    `WITH letter AS (DELETE FROM dead_letter WHERE id = $1 RETURNING *)
     INSERT INTO parked (consumer, aggregate, version, event) SELECT consumer, aggregate, version, message::jsonb FROM letter
     ON CONFLICT (consumer, aggregate, version) DO UPDATE SET event = excluded.event, since = now() RETURNING version`,
    [id],
  );
  if (!back.length) throw gone(id);
}

/** Applied, dead again, or neither yet. */
export type Fate = { kind: 'applied' } | { kind: 'dead'; letter: DeadLetter } | { kind: 'waiting' };

/** What has become of an event that was put back. */
async function fateOf(run: Run, { consumer, aggregate, version }: DeadLetter): Promise<Fate> {
  const ofIt = [consumer, aggregate, version];
  const applied = await run('SELECT FROM applied WHERE consumer = $1 AND aggregate = $2 AND version >= $3', ofIt);
  if (applied.length) return { kind: 'applied' };
  const [letter] = await read(run, `${LETTERS} AND consumer = $1 AND aggregate = $2 AND version = $3`, ofIt);
  return letter ? { kind: 'dead', letter } : { kind: 'waiting' };
}

const LOOK_MS = 200;

/** Looks until each is applied or dead again, or the time is up. */
export async function fatesOf(run: Run, letters: DeadLetter[], waitMs: number): Promise<Map<DeadLetter, Fate>> {
  const fates = new Map<DeadLetter, Fate>();
  for (const until = performance.now() + waitMs; ; await sleep(LOOK_MS)) {
    for (const letter of letters)
      if ((fates.get(letter)?.kind ?? 'waiting') === 'waiting') fates.set(letter, await fateOf(run, letter));
    const undecided = [...fates.values()].some(({ kind }) => kind === 'waiting');
    if (!undecided || performance.now() > until) return fates;
  }
}

/**
 * Puts a message that is no event out of sight. It stays in the table, with the reason, and is not kept again when it comes again.
 * @throws Refusal NOT_ALLOWED_IN_STATE for an event, NOT_FOUND when somebody else has done so meanwhile
 */
export async function drop(run: Run, letter: DeadLetter, because: string): Promise<void> {
  const { id } = letter;
  if (letter.aggregate)
    throw new Refusal(
      'NOT_ALLOWED_IN_STATE',
      `${eventIn(letter)} is an event, and what follows it would wait for ever: mend what was wrong and replay it.`,
      ['id'],
    );
  const dropped = await run(
    `UPDATE dead_letter SET dropped_at = now(), dropped_because = $2 WHERE id = $1 AND dropped_at IS NULL RETURNING id`,
    [id, because],
  );
  if (!dropped.length) throw gone(id);
}

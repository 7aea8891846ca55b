/**
 * What customers are told without asking. The wish to tell is a row, written with the change that it is about, one for each
 * channel; the sender reads what is true when it sends, and drops what is over. docs/decisions/0011-notifications.md.
 */
import { type EntityManager, query } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { retryDelayMs, startRounds, UNHURRIED_MS } from '#platform/rounds.ts';
import type { Worker } from '#platform/service.ts';
import { Book, Customer, Notification, Offer, Order } from './entities.ts';
import { letterFor, type NotificationKind, type Refund } from './letters.ts';
import type { Channel, Message, Notifier } from './notifier.ts';

const AT_ONCE = 8;
/** For the statements around a send, before another may take it for one that was left behind. */
const MARGIN_MS = 5000;
/** A send that is under way when the process is to stop. */
const GRACE_MS = 2000;
const DAY_MS = 86_400_000;
const GIVE_UP_AFTER_MS = 3 * DAY_MS;
const DUE_SOON_MS = 2 * DAY_MS;
/** Loans looked at in one statement. */
const LOANS = 200;

interface Wish {
  kind: NotificationKind;
  /** The rental's id, or the waitlist entry's. */
  subject: string;
  /** The same once more is told only once. */
  occasion: string;
  customerId: string;
  bookId: string;
  refund?: Refund;
}

/** What is heard of so late may be over by what is heard next: it is told once that had time to come. */
const LATE_MS = 60_000;
const LATE_PAUSE_MS = 5 * 60_000;

/** Writes the wish in the transaction of what it tells of, and which happened at that time. */
export async function wishToTell(
  em: EntityManager,
  channels: readonly Channel[],
  { kind, subject, occasion, customerId, bookId, refund }: Wish,
  happenedAt: Date,
  now: Date,
): Promise<void> {
  if (!channels.length) return;
  const inMs = now.getTime() - happenedAt.getTime() > LATE_MS ? LATE_PAUSE_MS : 0;
  await query(
    em,
    `INSERT INTO notification (id, channel, kind, subject, occasion, customer_id, book_id, refund, status, attempts, next_attempt_at, created_at)
     SELECT gen_random_uuid(), channel, $2, $3, $4, $5, $6, $7, 'TODO', 0, clock_timestamp() + $9 * interval '1 ms', $8 FROM unnest($1::text[]) AS channel
     ON CONFLICT DO NOTHING`,
    [channels, kind, subject, occasion, customerId, bookId, refund ? JSON.stringify(refund) : null, now, inMs],
  );
}

/** A loan is seen once for each due date; so a renewed one is seen, and told of, again. */
const DUE_SOON = `
  WITH due AS (
    UPDATE customer_order SET due_told_at = due_at WHERE id IN (
      SELECT id FROM customer_order
      WHERE status = 'ON_LOAN' AND due_told_at IS DISTINCT FROM due_at AND due_at > $2 AND due_at <= $3
      ORDER BY due_at LIMIT ${LOANS} FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING id, customer_id, book_id, to_char(due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS occasion)
  INSERT INTO notification (id, channel, kind, subject, occasion, customer_id, book_id, status, attempts, next_attempt_at, created_at)
  SELECT gen_random_uuid(), channel, 'DUE_SOON', id, occasion, customer_id, book_id, 'TODO', 0, clock_timestamp(), $2
  FROM due CROSS JOIN unnest($1::text[]) AS channel
  ON CONFLICT DO NOTHING RETURNING id`;

/** Writes the wish to tell of each loan that is due in two days. Answers how many wishes there are. */
export async function wishDueSoon(em: EntityManager, channels: readonly Channel[], now: Date): Promise<number> {
  const until = new Date(now.getTime() + DUE_SOON_MS);
  const wishes = await query(em, DUE_SOON, [channels, now, until]);
  return wishes.length;
}

interface Telling {
  em: () => EntityManager;
  notifier: Notifier;
}

/** All that tells customers, one worker for each channel, so that none waits for another; nothing without a channel. */
export function startTelling(notifiers: Notifier[], em: () => EntityManager, log: Log): Worker[] {
  if (!notifiers.length) return [];
  const channels = notifiers.map(({ channel }) => channel);
  return [
    startRounds(
      'the look at loans that are due soon',
      () => wishDueSoon(em(), channels, new Date()),
      log,
      UNHURRIED_MS,
    ),
    ...notifiers.map((notifier) => startChannel({ em, notifier }, log)),
  ];
}

/** Sends until it is stopped; what does not end in time then is cut off, and comes again. */
function startChannel(telling: Telling, log: Log): Worker {
  const leaving = new AbortController();
  const { channel } = telling.notifier;
  const rounds = startRounds(`telling customers by ${channel}`, () => tellDue(telling, leaving.signal, log), log);
  return {
    async stop() {
      const cut = setTimeout(() => leaving.abort(), GRACE_MS);
      await rounds.stop();
      clearTimeout(cut);
    },
  };
}

interface Claimed {
  id: string;
  attempts: number;
}

/** One round: claims what is due and tells it. Answers how many there were. */
export async function tellDue(telling: Telling, signal: AbortSignal, log: Log): Promise<number> {
  const { channel, timeoutMs } = telling.notifier;
  const due = await query<Claimed>(
    telling.em(),
    `UPDATE notification SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $3 * interval '1 ms' WHERE id IN (
       SELECT id FROM notification WHERE channel = $1 AND status = 'TODO' AND next_attempt_at <= clock_timestamp()
       ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING id, attempts`,
    [channel, AT_ONCE, timeoutMs + MARGIN_MS],
  );
  await Promise.all(
    due.map((claimed) =>
      tell(telling, claimed, signal, log).catch((error: unknown) =>
        log.error({ err: error, notification: claimed.id }, 'a notification failed; it comes again'),
      ),
    ),
  );
  return due.length;
}

async function tell(
  { em, notifier }: Telling,
  { id, attempts }: Claimed,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  // Another may have claimed it, if this process stood still; or its customer was erased.
  const notification = await em().findOne(Notification, { id, status: 'TODO', attempts });
  if (!notification) return;
  const message = await messageOf(em(), notification, new Date());
  if (!message) return settle(em(), id, 'DROPPED');

  const result = await notifier.send(message, signal);
  // crash point: customer, a notification sent and not noted
  if (result.outcome === 'TAKEN') return settle(em(), id, 'SENT');
  const { channel, kind, createdAt } = notification;
  const facts = { notification: id, channel, kind, reason: result.reason };
  if (result.outcome === 'REFUSED' || Date.now() - createdAt.getTime() > GIVE_UP_AFTER_MS) {
    log.warn({ ...facts, attempts }, 'a customer is not told: it was refused, or tried for three days');
    return settle(em(), id, 'FAILED');
  }
  if (attempts === 1) log.warn(facts, 'a customer could not be told; it is tried again for three days');
  await again(em(), id, attempts);
}

/** Null for what is no longer true, and for whom there is no account any more. */
async function messageOf(em: EntityManager, notification: Notification, now: Date): Promise<Message | null> {
  const { id, kind, subject, occasion, customerId, bookId, createdAt, refund = null } = notification;
  const customer = await em.findOne(Customer, { id: customerId });
  const order = await em.findOne(Order, { id: subject });
  const offer = await em.findOne(Offer, { id: subject });
  const book = await em.findOne(Book, { id: bookId });
  const [title, dueAt] = [book?.title ?? null, order?.dueAt ?? null];
  const known = {
    occasion,
    title,
    order: order && { status: order.status, quantity: order.quantity, dueAt },
    offer,
    refund,
  };
  const letter = letterFor(kind, known, now);
  if (!customer || !letter) return null;

  const about =
    kind === 'OFFER' ? { rentalId: null, waitlistEntryId: subject } : { rentalId: subject, waitlistEntryId: null };
  const expiresAt = offer?.expiresAt ?? null;
  return {
    id,
    kind,
    customerId,
    email: customer.email,
    ...about,
    bookId,
    title,
    dueAt,
    expiresAt,
    refund,
    createdAt,
    ...letter,
  };
}

async function settle(em: EntityManager, id: string, status: 'SENT' | 'DROPPED' | 'FAILED'): Promise<void> {
  await em.nativeUpdate(Notification, { id, status: 'TODO' }, { status, settledAt: new Date() });
}

async function again(em: EntityManager, id: string, attempts: number): Promise<void> {
  await query(
    em,
    `UPDATE notification SET next_attempt_at = clock_timestamp() + $2 * interval '1 ms' WHERE id = $1 AND status = 'TODO'`,
    [id, retryDelayMs(attempts)],
  );
}

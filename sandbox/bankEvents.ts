/** The bank's webhook: what happened to a payment is told as Stripe tells it, signed, in no particular order, again until it is taken. */
import { createHmac, randomBytes } from 'node:crypto';
import type Stripe from 'stripe';
import type { EntityManager } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import { BankEvent } from './entities.ts';
import type { Answer } from './stripeObjects.ts';

/** Sent at once. */
const AT_ONCE = 32;
const TIMEOUT_MS = 3000;
/** A shop that starts again is back within a few seconds. */
const MAX_PAUSE_MS = 8000;
/** Stripe tries for three days. */
const GIVE_UP_MS = 3_600_000;

export interface Webhook {
  url: string;
  secret: string;
}

interface Sending extends Webhook {
  em: EntityManager;
  log: Log;
}

/** In the transaction of what they tell of: there is none without the other. */
export function storeEvents(em: EntityManager, events: NonNullable<Answer['events']>, now: Date): void {
  for (const [type, object] of events) {
    const id = `evt_${randomBytes(12).toString('hex')}`;
    em.create(BankEvent, { id, type, object, createdAt: now, attempts: 0, sendAfter: now });
  }
}

/** One round: sends what is due. Answers how many there were. */
export async function sendEvents(sending: Sending): Promise<number> {
  const em = sending.em.fork();
  const due = await em.find(
    BankEvent,
    { sendAfter: { $lte: new Date() } },
    { orderBy: { sendAfter: 'asc' }, limit: AT_ONCE },
  );
  await Promise.all(
    due.map(async (event) => {
      if (await post(sending, event)) em.remove(event);
      else comeBack(sending, em, event);
    }),
  );
  await em.flush();
  return due.length;
}

/** Whether the shop took it; an outage there is what the next attempt is for. */
async function post({ url, secret, log }: Sending, event: BankEvent): Promise<boolean> {
  const body = JSON.stringify(eventObject(event), null, 2); // Stripe's are written so too
  try {
    const { ok, status } = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature(secret, body) },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!ok) log.debug({ event: event.id, status }, 'the webhook refused a message');
    return ok;
  } catch (error) {
    log.debug({ event: event.id, err: error }, 'the webhook did not answer');
    return false;
  }
}

function comeBack({ log }: Sending, em: EntityManager, event: BankEvent): void {
  if (Date.now() - event.createdAt.getTime() > GIVE_UP_MS) {
    log.warn({ event: event.id, type: event.type }, 'a message was not taken for an hour; it is no longer sent');
    return void em.remove(event);
  }
  event.sendAfter = new Date(Date.now() + Math.min(MAX_PAUSE_MS, retryDelayMs(event.attempts)));
  event.attempts += 1;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

const eventObject = ({ id, type, object, createdAt }: BankEvent) =>
  ({
    id,
    object: 'event',
    api_version: null,
    created: seconds(createdAt.getTime()),
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: null,
    type,
  }) satisfies Partial<Record<keyof Stripe.Event, unknown>>;

function signature(secret: string, body: string): string {
  const time = seconds(Date.now());
  return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`;
}

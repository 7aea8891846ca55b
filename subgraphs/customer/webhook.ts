/** The notifier that posts JSON to a program of the shop's, which brings it to the customer by means of its own. */
import { createHmac } from 'node:crypto';
import { codeOf } from '#platform/errors.ts';
import type { Message, Notifier } from './notifier.ts';

interface WebhookSettings {
  NOTIFY_WEBHOOK_URL: string;
  NOTIFY_WEBHOOK_SECRET: string;
}

const TIMEOUT_MS = 10_000;
/** They ask for patience, where every other 4xx is a no. */
const PATIENCE = [408, 429];

export function webhookNotifier({ NOTIFY_WEBHOOK_URL, NOTIFY_WEBHOOK_SECRET }: WebhookSettings): Notifier {
  return {
    channel: 'WEBHOOK',
    timeoutMs: TIMEOUT_MS,
    async send(message, signal) {
      const body = bodyOf(message);
      try {
        const response = await fetch(NOTIFY_WEBHOOK_URL, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'idempotency-key': message.id,
            'rentabook-signature': signatureOf(NOTIFY_WEBHOOK_SECRET, body, Date.now()),
          },
          body,
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
          redirect: 'error',
        });
        await response.body?.cancel();
        if (response.ok) return { outcome: 'TAKEN' };
        const isNo = response.status >= 400 && response.status < 500 && !PATIENCE.includes(response.status);
        return { outcome: isNo ? 'REFUSED' : 'UNAVAILABLE', reason: `HTTP ${response.status}` };
      } catch (error) {
        const { name, cause } = error as Error; // what fetch throws
        return { outcome: 'UNAVAILABLE', reason: codeOf(cause) || name };
      }
    },
  };
}

/** Whoever gets it knows customers by id: no address leaves the shop. */
const bodyOf = ({ email: _, ...message }: Message): string => JSON.stringify(message);

/** As the carrier signs what it reports: `t=<ms>,v=<hex HMAC-SHA256 of "t.body">`. */
const signatureOf = (secret: string, body: string, time: number): string =>
  `t=${time},v=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`;

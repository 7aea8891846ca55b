/** Payment intents, charges, refunds and errors as Stripe writes them, with the fields that its clients may look at. */
import type Stripe from 'stripe';
import type { Intent, Refund } from './entities.ts';

/** What a request is answered. */
export interface Answer {
  status: number;
  body: object;
  /** What happened, for the webhook: the type of each message and the object that it shows. */
  events?: [type: string, object: object][];
  /** Carried out, but whoever asked first hears nothing; a repetition is answered. */
  silent?: true;
}

interface ErrorBody {
  type: 'invalid_request_error' | 'card_error' | 'idempotency_error';
  message: string;
  code?: string;
  param?: string;
}

/** A request that is not carried out, so its idempotency key stays unused: a wrong key, parameter or id. */
export class NotCarriedOut extends Error {
  readonly answer: Answer;

  constructor(status: number, error: ErrorBody) {
    super(error.message);
    this.answer = { status, body: { error } };
  }
}

const seconds = (time: Date): number => Math.floor(time.getTime() / 1000);

/** `expand` names the fields that are wanted whole instead of as an id. */
export function intentObject(intent: Intent, expand: string[] = []) {
  const { id, amount, amountReceived, currency, metadata, status, paymentMethod, chargeId, createdAt, canceledAt } =
    intent;
  return {
    id,
    object: 'payment_intent',
    amount,
    amount_capturable: status === 'requires_capture' ? amount : 0,
    amount_received: amountReceived,
    canceled_at: canceledAt ? seconds(canceledAt) : null,
    cancellation_reason: null,
    capture_method: 'manual',
    client_secret: `${id}_secret_sandbox`,
    confirmation_method: 'automatic',
    created: seconds(createdAt),
    currency,
    description: null,
    latest_charge: expand.includes('latest_charge') ? chargeObject(intent) : (chargeId ?? null),
    livemode: false,
    metadata,
    next_action: null,
    payment_method: paymentMethod ?? null,
    payment_method_types: ['card'],
    status,
  } satisfies Omit<Partial<Stripe.PaymentIntent>, 'latest_charge'> & { latest_charge: object | string | null };
}

export function chargeObject(intent: Intent) {
  const { chargeId, id, amount, amountReceived, amountRefunded, currency, metadata, status, declineCode } = intent;
  if (!chargeId) return null;
  const succeeded = !declineCode;
  const givenBack = status === 'canceled' && succeeded ? amount : amountRefunded;
  return {
    id: chargeId,
    object: 'charge',
    amount,
    amount_captured: amountReceived,
    amount_refunded: givenBack,
    captured: amountReceived > 0,
    currency,
    metadata,
    paid: succeeded,
    payment_intent: id,
    refunded: givenBack === amount,
    status: succeeded ? 'succeeded' : 'failed',
  } satisfies Partial<Stripe.Charge>;
}

export function refundObject({ id, amount, createdAt }: Refund, intent: Intent) {
  return {
    id,
    object: 'refund',
    amount,
    charge: intent.chargeId ?? null,
    created: seconds(createdAt),
    currency: intent.currency,
    metadata: {},
    payment_intent: intent.id,
    reason: null,
    status: 'succeeded',
  } satisfies Partial<Stripe.Refund>;
}

export const carriedOut = (body: object, ...events: NonNullable<Answer['events']>): Answer => ({
  status: 200,
  body,
  events,
});

/** The bank's own no. */
export const cardDeclined = (intent: Intent): Answer => ({
  status: 402,
  body: {
    error: {
      type: 'card_error',
      code: 'card_declined',
      decline_code: intent.declineCode,
      message: 'Your card was declined.',
      charge: intent.chargeId,
      payment_intent: intentObject(intent),
    },
  },
  events: [['payment_intent.payment_failed', intentObject(intent)]],
});

export const unexpectedState = (intent: Intent, verb: string, allowed: readonly string[]): Answer => ({
  status: 400,
  body: {
    error: {
      type: 'invalid_request_error',
      code: 'payment_intent_unexpected_state',
      message: `This PaymentIntent could not be ${verb} because it has a status of ${intent.status}. Only one with a status of ${allowed.join(', ')} may be.`,
      payment_intent: intentObject(intent),
    },
  },
});

export const invalidRequest = (code: string, message: string): Answer => ({
  status: 400,
  body: { error: { type: 'invalid_request_error', code, message } },
});

export const noSuch = (status: 400 | 404, what: string, id: string, param: string): NotCarriedOut =>
  new NotCarriedOut(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
    param,
  });

/**
 * The port to whoever moves the money, and its adapter to Stripe. Every operation may be asked for again and again: its
 * idempotency key is made of the payment's own, so it has one effect and one answer. A "no" is a result, never an
 * exception; what is thrown is a fault of ours, such as a wrong secret key.
 */
import Stripe from 'stripe';

/** What is to be paid. The same `key` always comes with the same other fields. */
interface PaymentOrder {
  /** The payment's name for good: `<rentalId>`, or `fee:<feeId>:<attempt>`. */
  key: string;
  rentalId: string;
  /** Minor units: KRW 4500 is 4500, USD 4.50 is 450. */
  amount: number;
  /** ISO 4217. */
  currency: string;
}

/** A payment that the provider knows by this id. */
export interface CreatedPayment extends PaymentOrder {
  intentId: string;
}

/** No answer in time, or none that says what happened: it may be done or not. Ask again, with the same arguments. */
interface Unknown {
  status: 'UNKNOWN';
  reason: string;
}

/** DECLINED: there can be no such payment, because it is below the provider's least amount, say. */
type CreateResult = { status: 'CREATED'; intentId: string } | { status: 'DECLINED'; declineCode: string } | Unknown;

/** VOIDED: the payment was voided before, so nothing is or ever will be authorised. */
export type ConfirmResult =
  | { status: 'AUTHORIZED' }
  | { status: 'DECLINED'; declineCode: string }
  | { status: 'VOIDED' }
  | Unknown;

/** REFUSED: there is no authorisation to capture, because it has expired, was voided, or never was. Final. */
type CaptureResult = { status: 'CAPTURED' } | { status: 'REFUSED'; code: string } | Unknown;

/** CAPTURED: too late, the money has been taken; only a refund gives it back. Final, as VOIDED is. */
type VoidResult =
  | { status: 'VOIDED'; wasAuthorized: boolean; intentId: string | null }
  | { status: 'CAPTURED' }
  | Unknown;

/** REFUSED: nothing was captured, or the bank would not take it back. Final. */
type RefundResult = { status: 'REFUNDED' } | { status: 'REFUSED'; code: string } | Unknown;

/** A payment as it stands in the provider's own books, whoever moved its money. */
export interface KnownPayment {
  status: 'KNOWN';
  /** As they were given with the order; null where it came from somebody else. */
  key: string | null;
  rentalId: string | null;
  captured: number;
  refunded: number;
}

/** MISSING: the provider has no payment of this id. */
type LookResult = KnownPayment | { status: 'MISSING' } | Unknown;

export interface PaymentProvider {
  /** Moves no money. Store the id before confirming: whatever happens then, a void finds the payment. Key `<key>:authorize`. */
  createIntent(order: PaymentOrder): Promise<CreateResult>;

  /** Authorises the whole amount. Key `<key>:confirm`. */
  confirmIntent(payment: CreatedPayment & { paymentMethod: string }): Promise<ConfirmResult>;

  /** Takes the whole amount. Key `<key>:capture`. */
  capture(payment: CreatedPayment): Promise<CaptureResult>;

  /**
   * Gives the authorisation back and makes sure that none can follow: a confirm that comes later is refused. Where the
   * id was never stored (null), `createIntent` is repeated first, which gives the one a late confirm would name. Key `<key>:void`.
   */
  void(payment: PaymentOrder & { intentId: string | null }): Promise<VoidResult>;

  /**
   * Gives back what is left of all that was captured: somebody may have given back a part at the provider's own desk. Key
   * `<key>:refund`, or `<key>:refund:<given back before>`, for one key comes with one amount.
   */
  refund(payment: CreatedPayment): Promise<RefundResult>;

  /** What the provider's books say of a payment. */
  look(intentId: string): Promise<LookResult>;

  /** Whether the provider answers. */
  ping(): Promise<boolean>;
}

interface StripeSettings {
  STRIPE_URL: string;
  STRIPE_SECRET_KEY: string;
  PAYMENT_TIMEOUT_MS: number;
}

export function stripeProvider(settings: StripeSettings): PaymentProvider {
  const { balance, paymentIntents, refunds } = connect(settings);

  const withCharge = { expand: ['latest_charge'] };

  const createIntent = ({ key, rentalId, amount, currency }: PaymentOrder) =>
    answerOf<CreateResult>(async () => {
      const intent = await paymentIntents.create(
        {
          amount,
          currency: currency.toLowerCase(),
          capture_method: 'manual',
          allowed_payment_method_types: ['card'],
          metadata: { rentalId, key },
        },
        { idempotencyKey: `${key}:authorize` },
      );
      return { status: 'CREATED', intentId: intent.id };
    }, declined);

  return {
    createIntent,

    confirmIntent: ({ key, intentId, paymentMethod }) =>
      answerOf<ConfirmResult>(
        async () => {
          const intent = await paymentIntents.confirm(
            intentId,
            // Nobody is there to pass a challenge of the card's bank: it counts as a decline.
            { payment_method: paymentMethod, error_on_requires_action: true },
            { idempotencyKey: `${key}:confirm` },
          );
          return confirmed(intent.status);
        },
        (no) => {
          if (no.code === UNEXPECTED_STATE) return confirmed(no.payment_intent?.status);
          return declined(no); // by the bank; or no such card, one that may not be used again: the customer needs another
        },
      ),

    capture: ({ key, intentId, amount }) =>
      answerOf<CaptureResult>(
        async () => {
          await paymentIntents.capture(intentId, { amount_to_capture: amount }, { idempotencyKey: `${key}:capture` });
          return { status: 'CAPTURED' };
        },
        (no) => {
          if (no.payment_intent?.status === 'succeeded') return { status: 'CAPTURED' };
          return refusedFor(no, UNEXPECTED_STATE, 'charge_expired_for_capture', 'capture_charge_authorization_expired');
        },
      ),

    async void({ intentId: known, ...order }) {
      const created = known ? { status: 'CREATED' as const, intentId: known } : await createIntent(order);
      if (created.status === 'UNKNOWN') return created;
      if (created.status === 'DECLINED') return { status: 'VOIDED', wasAuthorized: false, intentId: null };
      const { intentId } = created;
      return answerOf<VoidResult>(
        async () => voided(await paymentIntents.cancel(intentId, withCharge, { idempotencyKey: `${order.key}:void` })),
        async (no) => {
          if (no.payment_intent?.status === 'succeeded') return { status: 'CAPTURED' };
          if (no.payment_intent?.status === 'canceled')
            return voided(await paymentIntents.retrieve(intentId, withCharge));
          throw no;
        },
      );
    },

    refund: ({ key, intentId, amount }) =>
      answerOf<RefundResult>(
        async () => {
          const before = givenBack(await paymentIntents.retrieve(intentId, withCharge));
          if (before >= amount) return { status: 'REFUNDED' };
          const refund = await refunds.create(
            { payment_intent: intentId, amount: amount - before },
            { idempotencyKey: before ? `${key}:refund:${before}` : `${key}:refund` },
          );
          if (refund.status !== 'failed' && refund.status !== 'canceled') return { status: 'REFUNDED' };
          return { status: 'REFUSED', code: refund.failure_reason ?? refund.status };
        },
        (no) => {
          if (no.code === 'charge_already_refunded') return { status: 'REFUNDED' };
          return refusedFor(no, UNEXPECTED_STATE, 'charge_not_refundable', 'charge_disputed');
        },
      ),

    look: (intentId) =>
      answerOf<LookResult>(
        async () => {
          const intent = await paymentIntents.retrieve(intentId, withCharge);
          const { key = null, rentalId = null } = intent.metadata;
          return { status: 'KNOWN', key, rentalId, captured: intent.amount_received, refunded: givenBack(intent) };
        },
        (no) => {
          if (no.code === 'resource_missing') return { status: 'MISSING' };
          throw no;
        },
      ),

    async ping() {
      const pong = await answerOf(async () => {
        await balance.retrieve();
        return { status: 'ANSWERS' as const };
      });
      return pong.status === 'ANSWERS';
    },
  };
}

function connect({ STRIPE_URL, STRIPE_SECRET_KEY, PAYMENT_TIMEOUT_MS }: StripeSettings): Stripe {
  const { protocol, hostname, port } = new URL(STRIPE_URL);
  const plain = protocol === 'http:';
  return new Stripe(STRIPE_SECRET_KEY, {
    protocol: plain ? 'http' : 'https',
    host: hostname,
    port: port || (plain ? 80 : 443),
    timeout: PAYMENT_TIMEOUT_MS,
    // Who asks again, and when, is decided by our callers. (A closed connection it repeats once all the same, by the same key.)
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

type StripeError = InstanceType<typeof Stripe.errors.StripeError>;

const UNEXPECTED_STATE = 'payment_intent_unexpected_state';

/** The result of `ask`; where Stripe says no, what `explain` makes of it; where it says nothing of use, UNKNOWN. */
async function answerOf<R>(
  ask: () => Promise<R>,
  explain: (no: StripeError) => R | Promise<R> = (no) => {
    throw no;
  },
): Promise<R | Unknown> {
  try {
    return await ask().catch((error: unknown) => {
      if (isNo(error)) return explain(error);
      throw error;
    });
  } catch (error) {
    if (isSilence(error)) return { status: 'UNKNOWN', reason: error.message };
    throw error;
  }
}

const isNo = (error: unknown): error is StripeError =>
  error instanceof Stripe.errors.StripeCardError || error instanceof Stripe.errors.StripeInvalidRequestError;

/** No connection, no answer in time, too many requests, a 5xx, a page of some proxy, or a 409: the key's first request still runs. */
const isSilence = (error: unknown): error is StripeError =>
  error instanceof Stripe.errors.StripeConnectionError ||
  error instanceof Stripe.errors.StripeRateLimitError ||
  error instanceof Stripe.errors.StripeAPIError;

function confirmed(status: Stripe.PaymentIntent.Status | undefined): ConfirmResult {
  if (status === 'requires_capture' || status === 'succeeded') return { status: 'AUTHORIZED' };
  if (status === 'canceled') return { status: 'VOIDED' };
  return { status: 'UNKNOWN', reason: `The payment intent is ${status}.` };
}

/** A "no" that is not understood is one as well: asked again it would be the same, and the payment would never come to an end. */
const declined = (no: StripeError): { status: 'DECLINED'; declineCode: string } => ({
  status: 'DECLINED',
  declineCode:
    no.decline_code ?? no.code ?? (no instanceof Stripe.errors.StripeCardError ? 'card_declined' : 'invalid_request'),
});

/** @throws what Stripe said when it is none of these codes. */
function refusedFor(no: StripeError, ...codes: string[]): { status: 'REFUSED'; code: string } {
  if (no.code === undefined || !codes.includes(no.code)) throw no;
  return { status: 'REFUSED', code: no.code };
}

/** Of an authorisation that was voided Stripe says that it was refunded: nothing of that was ever taken. */
function givenBack({ latest_charge: charge }: Stripe.PaymentIntent): number {
  return charge && typeof charge === 'object' && charge.captured ? charge.amount_refunded : 0;
}

/** A charge that succeeded is an authorisation that there was; a declined one failed. */
function voided({ id, latest_charge: charge }: Stripe.PaymentIntent): VoidResult {
  const wasAuthorized = typeof charge === 'object' && charge?.status === 'succeeded';
  return { status: 'VOIDED', wasAuthorized, intentId: id };
}

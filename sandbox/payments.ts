/**
 * What the bank does with a payment intent. Each function is one request of Stripe's API, inside one transaction, with
 * the intent locked. What it returns was carried out, a "no" included; what it throws was not.
 */
import { randomBytes } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { type EntityManager, query } from '#platform/database.ts';
import { Intent, Refund } from './entities.ts';
import {
  type Answer,
  cardDeclined,
  carriedOut,
  chargeObject,
  intentObject,
  invalidRequest,
  noSuch,
  refundObject,
  unexpectedState,
} from './stripeObjects.ts';

/** From which status a payment intent may be what. The last two are final. */
const life = {
  requires_payment_method: ['confirmed', 'canceled'],
  requires_confirmation: ['confirmed', 'canceled'],
  requires_capture: ['captured', 'canceled'],
  succeeded: ['refunded'],
  canceled: [],
} as const satisfies Record<string, readonly string[]>;

export type IntentStatus = keyof typeof life;
type Verb = (typeof life)[IntentStatus][number];

/** The cards there are, by the names that Stripe's test mode has for them, and how each answers. */
const cards = new Map<string, { declineCode?: string; silent?: true }>([
  ['pm_card_visa', {}],
  ['pm_card_chargeDeclined', { declineCode: 'generic_decline' }],
  ['pm_sandbox_timeout', { silent: true }],
]);

const positive = z.coerce.number().int().min(1).max(99_999_999);
const strings = z.record(z.string(), z.string()).default({});
const expand = z
  .record(z.string(), z.literal('latest_charge'))
  .default({})
  .transform(Object.values<string>);

export const createParams = z.strictObject({
  amount: positive,
  currency: z.string().regex(/^[a-z]{3}$/),
  capture_method: z.literal('manual'),
  allowed_payment_method_types: z.record(z.string(), z.literal('card')).optional(),
  payment_method: z.string().optional(),
  metadata: strings,
  expand,
});
export async function createIntent(
  em: EntityManager,
  params: z.infer<typeof createParams>,
  now: Date,
): Promise<Answer> {
  const { amount, currency, metadata, payment_method: paymentMethod = null } = params;
  if (paymentMethod) cardNamed(paymentMethod);
  const intent = em.create(Intent, {
    id: newId('pi'),
    amount,
    amountReceived: 0,
    amountRefunded: 0,
    currency,
    metadata,
    status: paymentMethod ? 'requires_confirmation' : 'requires_payment_method',
    paymentMethod,
    chargeId: null,
    declineCode: null,
    createdAt: now,
    canceledAt: null,
  });
  return carriedOut(intentObject(intent, params.expand), ['payment_intent.created', intentObject(intent)]);
}

export const retrieveParams = z.strictObject({ expand });
export async function retrieveIntent(
  em: EntityManager,
  params: z.infer<typeof retrieveParams>,
  id: string,
): Promise<Answer> {
  const intent = await em.findOne(Intent, { id });
  if (!intent) throw noSuch(404, 'payment_intent', id, 'intent');
  return carriedOut(intentObject(intent, params.expand));
}

export const confirmParams = z.strictObject({
  payment_method: z.string().optional(),
  /** No card here asks for anything, so it makes no difference. */
  error_on_requires_action: z.enum(['true', 'false']).optional(),
  expand,
});
export async function confirmIntent(
  em: EntityManager,
  params: z.infer<typeof confirmParams>,
  id: string,
): Promise<Answer> {
  const intent = await lockIntent(em, id);
  const no = whyNot(intent, 'confirmed');
  if (no) return no;

  const paymentMethod = params.payment_method ?? intent.paymentMethod ?? '';
  const { declineCode = null, silent } = cardNamed(paymentMethod);
  intent.paymentMethod = paymentMethod;
  intent.chargeId = newId('ch');
  intent.declineCode = declineCode;
  intent.status = declineCode ? 'requires_payment_method' : 'requires_capture';
  if (declineCode) return cardDeclined(intent);
  const answer = carriedOut(intentObject(intent, params.expand), [
    'payment_intent.amount_capturable_updated',
    intentObject(intent),
  ]);
  return silent ? { ...answer, silent } : answer;
}

export const captureParams = z.strictObject({ amount_to_capture: positive.optional(), expand });
export async function captureIntent(
  em: EntityManager,
  params: z.infer<typeof captureParams>,
  id: string,
): Promise<Answer> {
  const intent = await lockIntent(em, id);
  const no = whyNot(intent, 'captured');
  if (no) return no;

  const amount = params.amount_to_capture ?? intent.amount;
  if (amount > intent.amount) return invalidRequest('amount_too_large', 'More than was authorised cannot be captured.');
  intent.amountReceived = amount;
  intent.status = 'succeeded';
  return carriedOut(intentObject(intent, params.expand), ['payment_intent.succeeded', intentObject(intent)]);
}

export const cancelParams = z.strictObject({ expand });
export async function cancelIntent(
  em: EntityManager,
  params: z.infer<typeof cancelParams>,
  id: string,
  now: Date,
): Promise<Answer> {
  const intent = await lockIntent(em, id);
  const no = whyNot(intent, 'canceled');
  if (no) return no;

  intent.status = 'canceled';
  intent.canceledAt = now;
  return carriedOut(intentObject(intent, params.expand), ['payment_intent.canceled', intentObject(intent)]);
}

export const refundParams = z.strictObject({ payment_intent: z.string(), amount: positive.optional() });
export async function createRefund(
  em: EntityManager,
  params: z.infer<typeof refundParams>,
  now: Date,
): Promise<Answer> {
  const intent = await lockIntent(em, params.payment_intent);
  const no = whyNot(intent, 'refunded');
  if (no) return no;

  const left = intent.amountReceived - intent.amountRefunded;
  const amount = params.amount ?? left;
  if (left === 0) return invalidRequest('charge_already_refunded', 'This charge has already been refunded.');
  if (amount > left) return invalidRequest('amount_too_large', 'More than was captured cannot be refunded.');
  intent.amountRefunded += amount;
  const refund = em.create(Refund, { id: newId('re'), intentId: intent.id, amount, createdAt: now });
  return carriedOut(
    refundObject(refund, intent),
    ['refund.created', refundObject(refund, intent)],
    ['charge.refunded', chargeObject(intent) ?? {}], // there is one: it was captured
  );
}

/** The shop's account: what was captured and not given back. */
export async function retrieveBalance(em: EntityManager): Promise<Answer> {
  const available = await query(
    em,
    'SELECT currency, sum(amount_received - amount_refunded)::float8 AS amount FROM payment_intent GROUP BY currency',
  );
  return carriedOut({ object: 'balance', available, pending: [], livemode: false });
}

async function lockIntent(em: EntityManager, id: string): Promise<Intent> {
  const intent = await em.findOne(Intent, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!intent) throw noSuch(404, 'payment_intent', id, 'intent');
  return intent;
}

function whyNot(intent: Intent, verb: Verb): Answer | null {
  const mayBe = (status: string) => (life[status as IntentStatus] as readonly Verb[]).includes(verb); // its own keys
  return mayBe(intent.status) ? null : unexpectedState(intent, verb, Object.keys(life).filter(mayBe));
}

function cardNamed(name: string) {
  const card = cards.get(name);
  if (!card) throw noSuch(400, 'PaymentMethod', name, 'payment_method');
  return card;
}

const newId = (kind: string): string => `${kind}_${randomBytes(12).toString('hex')}`;

/** Where Stripe tells what happened to a payment: POST /webhooks/stripe, passed on by the router and signed by Stripe itself. */
import Stripe from 'stripe';
import { z } from 'zod';
import { type EntityManager, query } from '#platform/database.ts';
import { reasonOf } from '#platform/errors.ts';
import { type Handler, readBody, text } from '#platform/http.ts';
import { idInput } from '#platform/ids.ts';
import { meaningOf } from './stripeEvents.ts';

/** A payment intent with its charge has some 5 kB. */
const MAX_BODY_BYTES = 64_000;

/** Answers 2xx once the message is stored, and before anything is done about it; with any other answer Stripe comes again for three days. */
export function stripeWebhook(em: () => EntityManager, secret: string | undefined): Handler {
  return async (request, response) => {
    if (!secret) return text(response, 404, 'This is not configured: STRIPE_WEBHOOK_SECRET is not set.');
    if (request.method !== 'POST') return text(response, 405, 'Events are told by POST.');
    const body = await readBody(request, MAX_BODY_BYTES);
    const verified = verify(body, request.headers['stripe-signature']?.toString() ?? '', secret);
    if (!verified.ok) return text(response, 400, verified.reason);
    await store(em(), verified.facts);
    // crash point: rental, a message of Stripe stored and not confirmed
    text(response, 200, 'Thank you.');
  };
}

const short = z.string().min(1).max(255);
const shortOrNull = short.nullable().catch(null);
const amountOrNull = z.int().nullable().catch(null);

/** What is kept of a message: which payment it is about and what it says of it. The rest may hold names and e-mail addresses. */
const factsSchema = z
  .object({
    id: short,
    type: short,
    created: z.int(),
    data: z.object({
      object: z.object({
        object: short,
        id: shortOrNull,
        payment_intent: shortOrNull,
        metadata: z
          .object({ rentalId: idInput.nullable().catch(null), key: shortOrNull })
          .nullable()
          .catch(null),
        status: shortOrNull,
        amount: amountOrNull,
        amount_refunded: amountOrNull,
      }),
    }),
  })
  .transform(({ id, type, created, data: { object } }) => ({
    id,
    type,
    createdAt: new Date(created * 1000),
    intentId: object.object === 'payment_intent' ? object.id : object.payment_intent,
    rentalId: object.metadata?.rentalId ?? null,
    key: object.metadata?.key ?? null,
    status: object.status,
    amount: object.amount,
    amountRefunded: object.amount_refunded,
  }));
type Facts = z.infer<typeof factsSchema>;

/** Stripe's own library tells whether it is Stripe that speaks, and now: a signature is good for five minutes. */
function verify(
  body: Buffer,
  signature: string,
  secret: string,
): { ok: true; facts: Facts } | { ok: false; reason: string } {
  try {
    const facts = factsSchema.safeParse(Stripe.webhooks.constructEvent(body, signature, secret));
    return facts.success ? { ok: true, facts: facts.data } : { ok: false, reason: z.prettifyError(facts.error) };
  } catch (error) {
    return { ok: false, reason: firstLine(reasonOf(error)) };
  }
}

/** What follows is for who builds the shop, not for who calls it. */
const firstLine = (message: string): string => message.split('\n', 1)[0] ?? '';

/** The same message twice is one row. One that leads to nothing is done with. */
async function store(em: EntityManager, facts: Facts): Promise<void> {
  const { id, type, createdAt, intentId, rentalId, key, status, amount, amountRefunded } = facts;
  await query(
    em,
    `INSERT INTO stripe_event (id, type, created_at, intent_id, rental_id, key, status, amount, amount_refunded, outcome)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING`,
    [id, type, createdAt, intentId, rentalId, key, status, amount, amountRefunded, meaningOf(type) ? null : 'IGNORED'],
  );
}

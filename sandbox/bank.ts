/** The bank: the part of Stripe's REST API that Rental uses, so that the official client works against it unchanged. */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { EntityManager } from '#platform/database.ts';
import { type Handler, json, pathOf, readBody } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { startRounds } from '#platform/rounds.ts';
import { sendEvents, storeEvents, type Webhook } from './bankEvents.ts';
import { hasBearer } from './bearer.ts';
import { parseForm } from './form.ts';
import { createIdempotency } from './idempotency.ts';
import {
  cancelIntent,
  cancelParams,
  captureIntent,
  captureParams,
  confirmIntent,
  confirmParams,
  createIntent,
  createParams,
  createRefund,
  refundParams,
  retrieveBalance,
  retrieveIntent,
  retrieveParams,
} from './payments.ts';
import { createSlots } from './slots.ts';
import { type Answer, NotCarriedOut } from './stripeObjects.ts';

const MAX_BODY_BYTES = 64_000;

type Work = (em: EntityManager, now: Date) => Promise<Answer>;

/** One request that the bank understands. */
interface Operation {
  method: 'GET' | 'POST';
  path: RegExp;
  /** An authorisation: it takes a slot for some time. */
  authorises: boolean;
  /** Checks the parameters. @throws NotCarriedOut naming the one at fault. */
  prepare(form: Record<string, unknown>, id: string): Work;
}

function operation<S extends z.ZodType>(
  method: 'GET' | 'POST',
  path: string,
  params: S,
  run: (em: EntityManager, params: z.output<S>, id: string, now: Date) => Promise<Answer>,
  authorises = false,
): Operation {
  return {
    method,
    path: new RegExp(`^/v1/${path.replace(':id', '(\\w+)')}$`),
    authorises,
    prepare(form, id) {
      const checked = checkParams(params, form);
      return (em, now) => run(em, checked, id, now);
    },
  };
}

const operations: Operation[] = [
  operation('POST', 'payment_intents', createParams, (em, params, _, now) => createIntent(em, params, now)),
  operation('GET', 'payment_intents/:id', retrieveParams, retrieveIntent),
  operation('POST', 'payment_intents/:id/confirm', confirmParams, confirmIntent, true),
  operation('POST', 'payment_intents/:id/capture', captureParams, captureIntent),
  operation('POST', 'payment_intents/:id/cancel', cancelParams, cancelIntent),
  operation('POST', 'refunds', refundParams, (em, params, _, now) => createRefund(em, params, now)),
  operation('GET', 'balance', retrieveParams, retrieveBalance),
];

export interface BankOptions {
  em: EntityManager;
  secretKey: string;
  /** Authorisations at once, and how long each takes. */
  slots: number;
  delayMs: number;
  /** Where it tells what happened; nowhere, and nothing is written for it, where there is none. */
  webhook?: Webhook | undefined;
  log: Log;
}

export interface Bank {
  /** For all below /v1/. */
  handler: Handler;
  /** Hangs up on those who are left without an answer; nobody is from then on. */
  hangUp(): void;
  stop(): Promise<void>;
}

export function startBank({ em, secretKey, slots, delayMs, webhook, log }: BankOptions): Bank {
  const telling = webhook && startRounds("the bank's webhook", () => sendEvents({ em, ...webhook, log }), log);
  const once = createIdempotency(em);
  const takeSlot = createSlots(slots, delayMs);
  const unanswered = new Set<ServerResponse>();
  let stopping = false;

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    if (!hasBearer(request, secretKey)) throw unknownKey();
    const { operation, id } = operationFor(request);
    if (operation.method === 'GET') return operation.prepare(queryOf(request), id)(em.fork(), new Date());

    const body = (await readBody(request, MAX_BODY_BYTES)).toString();
    const work = operation.prepare(parseForm(body), id);
    return once({
      key: request.headers['idempotency-key']?.toString() ?? randomUUID(),
      fingerprint: createHash('sha256')
        .update(`${pathOf(request)}?${body}`)
        .digest('hex'),
      turn: operation.authorises ? takeSlot : async () => {},
      async carryOut(em, now) {
        const answer = await work(em, now);
        if (webhook) storeEvents(em, answer.events ?? [], now);
        return answer;
      },
    });
  }

  return {
    async handler(request, response) {
      const answer = await answerTo(request).catch(answerOfRefusal);
      response.setHeader('request-id', `req_${randomUUID()}`);
      if (!answer.silent || stopping) return json(response, answer.status, answer.body);
      unanswered.add(response);
      response.on('close', () => unanswered.delete(response));
    },
    hangUp() {
      stopping = true;
      for (const response of unanswered) response.destroy();
    },
    async stop() {
      await telling?.stop();
    },
  };
}

const queryOf = ({ url = '' }: IncomingMessage) => parseForm(url.split('?', 2)[1] ?? '');

function operationFor(request: IncomingMessage): { operation: Operation; id: string } {
  const path = pathOf(request);
  for (const operation of operations) {
    const match = operation.method === request.method && operation.path.exec(path);
    if (match) return { operation, id: match[1] ?? '' };
  }
  throw new NotCarriedOut(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${request.method}: ${path}).`,
  });
}

function checkParams<S extends z.ZodType>(schema: S, form: Record<string, unknown>): z.output<S> {
  const result = schema.safeParse(form);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new NotCarriedOut(400, {
    type: 'invalid_request_error',
    message: issue?.message ?? 'The parameters are not understood.',
    param: issue?.path.join('.') ?? '',
  });
}

const unknownKey = () =>
  new NotCarriedOut(401, { type: 'invalid_request_error', message: 'This is not the secret key of any account.' });

function answerOfRefusal(error: unknown): Answer {
  if (error instanceof NotCarriedOut) return error.answer;
  throw error;
}

/** The way that most requests take: a plain one with an operation whose plan is compiled. What both ways share is in `operations.ts`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { plainRequest } from '#platform/plainRequest.ts';
import type { Context } from './context.ts';
import { httpStatusOf, lateError } from './errors.ts';
import type { Operations } from './operations.ts';

/** @param context of the request. Answers whether this has been its way; otherwise nothing has been done. */
export type Shortcut = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  context: () => Promise<Context>,
) => Promise<boolean>;

export const shortcut =
  (operations: Operations): Shortcut =>
  async (request, response, body, context) => {
    const plain = plainRequest(request, body);
    if (!plain) return false;
    const asker = await context().catch(() => null); // the pipeline says what is wrong with it
    const args = asker && operations.prepare(plain.operation, asker);
    const running = args && !Array.isArray(args) && operations.run(args);
    if (!running) return false;

    const result = await running;
    const late = lateError(result.errors);
    const code = ('data' in result ? late : result.errors?.[0])?.extensions?.code;
    if (late) response.setHeader('retry-after', String(late.extensions?.retryAfterSeconds));
    plain.answer(response, result.data || code === undefined ? 200 : httpStatusOf(code), result);
    return true;
  };

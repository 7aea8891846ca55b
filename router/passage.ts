/** The few addresses of subgraphs that the world may reach, and no other: passed on as they are, bodies and signatures untouched. */
import type { IncomingHttpHeaders } from 'node:http';
import { GraphQLError } from 'graphql';
import { BadRequest, type Handler, pathOf, readBody, text } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { type Cause, cause } from '#platform/trace.ts';
import type { ClientOf } from './client.ts';
import type { Limits } from './limits.ts';
import type { Subgraph } from './subgraph.ts';

/** They are about one connection, not about the message; the rest of the list would not come here. */
const OF_THE_CONNECTION = [
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'expect',
  'upgrade',
];

export interface PassageOptions {
  method: 'GET' | 'POST';
  clientOf: ClientOf;
  limits: Limits;
  log: Log;
}

/** Hands requests of one method to the same path of a subgraph, signed by the router too. */
export function passage(subgraph: Subgraph, { method, clientOf, limits, log }: PassageOptions): Handler {
  return async (request, response) => {
    if (request.method !== method) {
      response.setHeader('allow', method);
      return text(response, 405, `Only ${method} is understood here.`);
    }
    const client = clientOf(request);
    const leave = await limits.admit(client).catch(tooMany);
    const headers = { ...endToEnd(request.headers), ...ledBy(cause.getStore()) };
    try {
      const body = await readBody(request, limits.bodyBytes);
      const answer = await subgraph.send({ method, path: pathOf(request), headers, client, body });
      response.writeHead(answer.status, endToEnd(answer.headers));
      response.end(answer.body);
    } catch (error) {
      if (error instanceof BadRequest) throw error;
      log.warn({ err: error, subgraph: subgraph.name }, 'a request could not be passed on');
      text(response, 503, 'The service behind this does not answer.');
    } finally {
      leave();
    }
  };
}

function tooMany(error: unknown): never {
  throw error instanceof GraphQLError ? new BadRequest(429, error.message, 'REQUEST_CONCURRENCY_LIMITED') : error;
}

const ledBy = (led: Cause | undefined) => led && { traceparent: led.traceparent };

const endToEnd = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || OF_THE_CONNECTION.includes(name) ? [] : [[name, String(value)]],
    ),
  );

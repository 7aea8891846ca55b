/**
 * A request under way, as metrics, traces and the log tell of it: begun where it comes in, over when its answer has left or
 * cannot leave any more. Who finds out what it is says so (`tellOperation`, `becomesStream`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Gauge, Histogram } from 'prom-client';
import { registry } from './metrics.ts';
import { beginStep, type Cause, cause, markFailed, type Step, traceparentIn } from './trace.ts';

type Kind = 'query' | 'mutation' | 'http';
/**
 * `errors`: a GraphQL answer that has some. `refused`: 4xx. `failed`: 5xx, cut off, or a GraphQL answer in which a service is
 * missing or has a fault. `left`: the client did not wait for it.
 */
type Outcome = 'ok' | 'errors' | 'refused' | 'failed' | 'left';

type Erred = 'errors' | 'failed';

interface Serving extends Cause {
  operation(type: string, name: string | undefined): void;
  erred(how: Erred): void;
  /** Once; null where it was no request that could be measured. */
  end(outcome: Outcome | null, status?: number): void;
}

const duration = new Histogram({
  name: 'rentabook_request_duration_seconds',
  help: 'How long requests took, by what they were and how they ended',
  labelNames: ['kind', 'outcome'] as const,
  // A read takes milliseconds, a request to rent up to SETTLE_WAIT_MS.
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  registers: [registry],
});
const inFlight = new Gauge({
  name: 'rentabook_requests_in_flight',
  help: 'Requests that are being answered',
  registers: [registry],
});

/** Serves an HTTP request, and tells of it once its answer is through. Never rejects when the work does not. */
export function serveRequest(
  request: IncomingMessage,
  response: ServerResponse,
  route: string,
  work: () => Promise<void>,
): Promise<void> {
  const { method = 'GET', headers } = request;
  const step = beginStep(`${method} ${route}`, {
    kind: 'SERVER',
    after: traceparentIn(headers.traceparent),
    attributes: { 'http.request.method': method, 'http.route': route },
  });
  const serving = begin(step);
  response.once('close', () => serving.end(outcomeOf(response), response.statusCode));
  return cause.run(serving, work);
}

/** Serves a query or a mutation that came over a socket. */
export async function serveOperation<T>(work: () => Promise<T>): Promise<T> {
  const serving = begin(beginStep('graphql-ws', { kind: 'SERVER' }));
  try {
    const result = await cause.run(serving, work);
    serving.end('ok');
    return result;
  } catch (error) {
    serving.end('failed');
    throw error;
  }
}

/** What the request that is being served turned out to be; an answer in `errors` is told as such. */
export const tellOperation = (type: string, name: string | undefined): void => servingNow()?.operation(type, name);
export const tellErrors = (how: Erred): void => servingNow()?.erred(how);

/** It lasts as long as its reader likes, so it is no request under way any more; its trace shows that it has begun. */
export const becomesStream = (): void => servingNow()?.end(null);

const servingNow = (): Serving | undefined => {
  const led = cause.getStore();
  return led && 'erred' in led ? (led as Serving) : undefined; // nothing else has this
};

function begin({ traceparent, span }: Step): Serving {
  const since = performance.now();
  let kind: Kind = 'http';
  let erred: Erred | undefined;
  let over = false;
  inFlight.inc();
  return {
    traceparent,
    operation(type, name) {
      if (type === 'query' || type === 'mutation') kind = type;
      span?.updateName(type).setAttribute('graphql.operation.type', type);
      if (name) span?.setAttribute('graphql.operation.name', name.slice(0, NAME_MOST));
    },
    erred(how) {
      erred = how;
    },
    end(outcome, status) {
      if (over) return;
      over = true;
      inFlight.dec();
      const told = erred === 'failed' || (erred && outcome === 'ok') ? erred : outcome;
      if (status) span?.setAttribute('http.response.status_code', status);
      if (told) duration.observe({ kind, outcome: told }, (performance.now() - since) / 1000);
      if (told === 'failed' || told === 'errors') markFailed(span, told);
      span?.end();
    },
  };
}

/** A client makes it up. */
const NAME_MOST = 100;

function outcomeOf({ statusCode, writableFinished }: ServerResponse): Outcome {
  if (statusCode >= 500) return 'failed';
  if (!writableFinished) return 'left';
  return statusCode >= 400 ? 'refused' : 'ok';
}

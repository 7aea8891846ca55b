/** A plain node:http server with what every process has: routes, health, a bounded body, a drain that loses no request. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from './errors.ts';
import type { Log } from './log.ts';
import { serveRequest, tellErrors } from './serving.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface HttpOptions {
  host: string;
  port: number;
  log: Log;
  /** Path without query -> handler. A path that ends in `/*` takes everything below it. */
  routes: Record<string, Handler>;
  /** Of every answer, unless its handler sets another. */
  headers?: Record<string, string>;
  /** Why this process should get no requests now, or null when it should. */
  notReady: () => Promise<string | null>;
  /** What hangs in this process, so that only a new one helps; null when nothing does. */
  hung?: () => Promise<string | null>;
  /** How long connections that clients keep open are still answered after `close`; 0 by default. */
  lingerMs?: number | undefined;
}

export interface Http {
  server: Server;
  port: number;
  /** Not ready from now on. Each connection is closed with its next answer, or when the time to linger is over; requests under way are finished. */
  close(): Promise<void>;
}

/** To send a request whole: the largest takes a slow line some seconds, and who takes longer holds a connection for nothing. */
const REQUEST_MS = 30_000;
const LOOK_AGAIN_MS = 50;

/** The client's own mistake in the request itself. */
export class BadRequest extends Error {
  readonly status: number;
  readonly code: ErrorCode;

  constructor(status: number, message: string, code: ErrorCode = 'BAD_REQUEST') {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function listen({
  host,
  port,
  log,
  routes,
  headers = {},
  notReady,
  hung = async () => null,
  lingerMs = 0,
}: HttpOptions): Promise<Http> {
  let draining = false;
  const underWay = new Set<ServerResponse>();
  const health: Record<string, Handler> = {
    '/livez': async (_, response) => tell(response, await hung()),
    '/readyz': async (_, response) => tell(response, draining ? 'draining' : await notReady()),
  };
  const all: Record<string, Handler> = { ...health, ...routes };
  const uncounted = [...Object.keys(health), '/metrics']; // asked by machines, all the time

  const server = createServer((request, response) => {
    if (draining) response.setHeader('connection', 'close');
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const route = routeFor(all, pathOf(request));
    const handler = route && all[route];
    if (!handler) return text(response, 404, 'There is nothing here.');
    const answer = () =>
      handler(request, response).catch((error: unknown) => answerFault(request, response, error, log));
    void (uncounted.includes(route) ? answer() : serveRequest(request, response, route, answer));
  });
  // Above the idle time-out of proxies (60 s mostly) and of the router, or reused connections are cut under a request.
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = REQUEST_MS;
  server.requestTimeout = REQUEST_MS;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo; // a TCP server has one

  return {
    server,
    port: address.port,
    async close() {
      draining = true;
      for (const response of underWay) if (!response.headersSent) response.setHeader('connection', 'close');
      await untilUnused(server, lingerMs);
      const closed = once(server, 'close');
      server.close(); // and with it what is idle
      await closed;
    },
  };
}

/** The whole body. @throws BadRequest 413 when it has more than `limit` bytes, 415 when it is compressed: inflated it has no bound. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding !== 'identity') throw new BadRequest(415, 'A compressed body is not read here.');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>(); // `for await` takes twice the time
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else reject(new BadRequest(413, `The body is larger than ${limit} bytes.`, 'PAYLOAD_TOO_LARGE'));
  });
  request.once('end', () => resolve(Buffer.concat(chunks)));
  request.once('error', reject);
  return promise;
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

export function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${body}\n`);
}

const tell = (response: ServerResponse, reason: string | null): void =>
  text(response, reason ? 503 : 200, reason ?? 'ok');

/**
 * A connection that is closed while it is idle may be just about to carry a request, which is lost then. So it is closed with
 * an answer, as far as clients ask anything within the time.
 */
async function untilUnused(server: Server, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  while (performance.now() < until && (await connectionsOf(server))) await sleep(LOOK_AGAIN_MS);
}

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

export const pathOf = (request: IncomingMessage): string => (request.url ?? '/').split('?', 1)[0] ?? '/';

function routeFor(routes: Record<string, Handler>, path: string): string | undefined {
  if (routes[path]) return path;
  return Object.keys(routes).find((route) => route.endsWith('/*') && path.startsWith(route.slice(0, -1)));
}

function answerFault(request: IncomingMessage, response: ServerResponse, error: unknown, log: Log): void {
  if (!(error instanceof BadRequest)) log.error({ err: error }, 'a request failed');
  if (response.headersSent) {
    tellErrors('failed');
    return void response.destroy();
  }
  // What is left of the body would be taken for the next request: this connection is not used again.
  response.setHeader('connection', 'close');
  response.once('finish', () => setTimeout(() => request.destroy(), READ_REFUSAL_MS).unref());
  request.resume();
  if (error instanceof BadRequest)
    json(response, error.status, { errors: [{ message: error.message, extensions: { code: error.code } }] });
  else text(response, 500, 'Something is broken here.');
}

/** Time for the client to read why, before what it still sends is refused. */
const READ_REFUSAL_MS = 500;

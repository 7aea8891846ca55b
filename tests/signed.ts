/** Asks a subgraph of a running system past the router, with the router's own signature or with one that is wrong. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import WebSocket from 'ws';
import { CLIENT_HEADER, SIGNATURE_HEADER, type SignedRequest, sign } from '#platform/signature.ts';
import type { Answer } from './client.ts';
import type { System } from './system.ts';

export const subgraphs = ['book', 'rental', 'delivery', 'customer'] as const;
export type Subgraph = (typeof subgraphs)[number];

export const urlOf = ({ environments }: System, subgraph: Subgraph): string =>
  `http://127.0.0.1:${environments[subgraph].PORT}`;

export const keyOf = ({ environments }: System): string => environments.router.ROUTER_KEY ?? '';

/** What is sent, which need not be what was signed. */
export interface Sent extends SignedRequest {
  signature?: string | undefined;
  authorization?: string;
}

const headersOf = ({ client, signature, authorization }: Sent) => ({
  'content-type': 'application/json',
  ...(client && { [CLIENT_HEADER]: client }),
  ...(signature !== undefined && { [SIGNATURE_HEADER]: signature }),
  ...(authorization && { authorization }),
});

/** Status and body of the answer. */
export async function send(url: string, sent: Sent): Promise<{ status: number; body: string }> {
  const { method, path, body } = sent;
  const request = httpRequest(url + path, { method, headers: headersOf(sent), agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage]; // the event's only argument
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** The status that a wish for a WebSocket is answered with: 101 when it is opened. */
export async function upgrade(url: string, sent: Sent): Promise<number> {
  const { 'content-type': _, ...headers } = headersOf(sent);
  const socket = new WebSocket(url.replace('http', 'ws') + sent.path, 'graphql-transport-ws', { headers });
  const refused = once(socket, 'unexpected-response').then(([, response]) => Number(response.statusCode));
  const status = await Promise.race([once(socket, 'open').then(() => 101), refused]);
  socket.on('error', () => {}); // it may be ended before it was opened
  socket.terminate();
  return status;
}

/** As the router asks, for the one whose token it is. */
export async function askSubgraph(
  system: System,
  subgraph: Subgraph,
  query: string,
  variables: object,
  token: string | null,
): Promise<Answer> {
  const request = { method: 'POST', path: '/graphql', client: '', body: JSON.stringify({ query, variables }) };
  const signature = sign(keyOf(system), request);
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  return JSON.parse((await send(urlOf(system, subgraph), { ...request, signature, ...authorization })).body);
}

/** Reads Server-Sent Events with every field of them, which clients of GraphQL hide: ids, and how a stream ended. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Answer } from './client.ts';

interface Told {
  event?: string;
  id?: string;
  data?: string;
}

export interface EventStream {
  status: number;
  headers: IncomingMessage['headers'];
  /** All that came so far, comments left out. */
  events: Told[];
  /** What the `next` events brought. */
  answers(): Answer[];
  /** Resolves with all that came when the server has ended it. */
  ended: Promise<string>;
  pause(): void;
  resume(): void;
  leave(): void;
}

export interface StreamRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  token?: string | null;
  lastEventId?: string | undefined;
  body?: string;
}

/** Asks at `url`; resolves with the head of the answer. */
export async function openEventStream(
  url: string,
  { method = 'POST', path = '/graphql', headers = {}, token, lastEventId, body }: StreamRequest,
): Promise<EventStream> {
  const asked = request(url + path, {
    method,
    headers: {
      accept: 'text/event-stream',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(lastEventId && { 'last-event-id': lastEventId }),
      ...headers,
    },
  });
  asked.on('error', () => {}); // who leaves early breaks it off
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const events: Told[] = [];
  let text = '';
  let rest = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    events.push(...blocks.map(eventIn).filter((event) => Object.keys(event).length));
  });
  const ended = new Promise<string>((resolve) => response.once('close', () => resolve(text)));
  response.on('error', () => {}); // `close` follows
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    answers: () => events.filter(({ event }) => event === 'next').map(({ data = '' }) => JSON.parse(data)),
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    leave: () => void asked.destroy(),
  };
}

/** A line without a name is a comment. */
const eventIn = (block: string): Told =>
  Object.fromEntries(
    block
      .split('\n')
      .filter((line) => !line.startsWith(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
  );

/** Asks a running system, by its one public door, whether it does what it is for. Each resolves when it does. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

const ANSWER_MS = 5000;
const soon = () => AbortSignal.timeout(ANSWER_MS);

const BOOKS = '{ books(first: 1) { edges { node { id } } } }';

export async function answersReady(url: string): Promise<void> {
  const response = await fetch(`${url}/readyz`, { signal: soon() });
  if (!response.ok) throw new Error((await response.text()).trim());
}

export async function answersQuery(url: string): Promise<void> {
  dataOf(await (await post(url, BOOKS, 'application/json')).json());
}

/** It needs no account: a refusal is an answer too. */
export async function answersMutation(url: string): Promise<void> {
  const mutation = 'mutation { refreshSession(refreshToken: "none") { userErrors { code } } }';
  dataOf(await (await post(url, mutation, 'application/json')).json());
}

export async function answersKeys(url: string): Promise<void> {
  const response = await fetch(`${url}/.well-known/jwks.json`, { signal: soon() });
  if (!response.ok) throw new Error(`It answered ${response.status}.`);
  const { keys } = (await response.json()) as { keys?: object[] };
  if (!keys?.length) throw new Error('There are none.');
}

export async function answersSocket(url: string): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    handshakeTimeout: ANSWER_MS,
  });
  try {
    await once(socket, 'open', { signal: soon() });
    socket.send(JSON.stringify({ type: 'connection_init' }));
    const [message] = await once(socket, 'message', { signal: soon() });
    const { type } = JSON.parse(String(message));
    if (type !== 'connection_ack') throw new Error(`The socket answered ${type}.`);
  } finally {
    socket.on('error', () => {}); // of a handshake that is cut off
    socket.terminate();
  }
}

/** A query, since following an order needs an account; its answer comes as an event, and then the end. */
export async function answersStream(url: string): Promise<void> {
  const response = await post(url, BOOKS, 'text/event-stream');
  const events = await response.text();
  const [, data] = /^event: next\ndata: (.*)$/m.exec(events) ?? [];
  if (!data || !/^event: complete$/m.test(events)) throw new Error(`It answered ${response.status} without events.`);
  dataOf(JSON.parse(data));
}

const post = (url: string, query: string, accept: string): Promise<Response> =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
    signal: soon(),
  });

function dataOf(answer: unknown): object {
  const { data, errors } = answer as { data?: object; errors?: { message: string }[] }; // GraphQL over HTTP
  if (errors?.length) throw new Error(errors.map(({ message }) => message).join(' '));
  if (!data) throw new Error('It answered without data.');
  return data;
}

/** Asks the running system, by its one public door, whether it does what it is for. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { reasonOf } from '#platform/errors.ts';

/** Between the first service's start and the last one's first answer lie migrations and the demo data. */
const PATIENCE_MS = 60_000;

/** Resolves when queries, mutations and subscriptions are answered. @throws with the last reason why not. */
export async function probe(url: string, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await answersReady(url);
      await answersQuery(url);
      await answersMutation(url);
      return await answersSubscription(url);
    } catch (cause) {
      if (Date.now() > deadline)
        throw new Error(`The router at ${url} does not do its work: ${reasonOf(cause)}`, {
          cause,
        });
    }
    await sleep(100, undefined, signal && { signal });
  }
}

async function answersReady(url: string): Promise<void> {
  const response = await fetch(`${url}/readyz`, { signal: soon() });
  if (!response.ok) throw new Error((await response.text()).trim());
}

async function answersQuery(url: string): Promise<void> {
  await ask(url, '{ books(first: 1) { edges { node { id } } } }');
}

/** It needs no account: a refusal is an answer too. */
async function answersMutation(url: string): Promise<void> {
  await ask(url, 'mutation { refreshSession(refreshToken: "none") { userErrors { code } } }');
}

async function answersSubscription(url: string): Promise<void> {
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

async function ask(url: string, query: string): Promise<void> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
    signal: soon(),
  });
  const { data, errors } = (await response.json()) as { data?: object; errors?: { message: string }[] };
  if (errors?.length) throw new Error(errors.map(({ message }) => message).join(' '));
  if (!data) throw new Error(`It answered ${response.status} without data.`);
}

const ANSWER_MS = 5000;
const soon = () => AbortSignal.timeout(ANSWER_MS);

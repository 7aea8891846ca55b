/** A client of the running system: what an app does, over the same HTTP and WebSocket. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { decodeJwt } from 'jose';
import WebSocket from 'ws';

/** Answers are read by their path in a test: a wrong path shows there. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is the operation's own
type Data = any;

export interface Answer {
  data: Data;
  errors?: { message: string; path?: (string | number)[]; extensions?: { code?: string } }[];
}

export interface Client {
  /** The whole answer, errors included. */
  ask(query: string, variables?: object): Promise<Answer>;
  /** The data of an answer that must have no errors. */
  data(query: string, variables?: object): Promise<Data>;
  /** Collects what a subscription delivers. */
  watch(query: string, variables?: object): Watch;
  token: string | null;
}

export interface Watch {
  /** Everything so far, oldest first. */
  results: Answer[];
  /** Why it ended, if it did. */
  ended: Promise<unknown>;
  stop(): Promise<void>;
}

export function clientOf(url: string, token: string | null = null): Client {
  const authorization = token ? { authorization: `Bearer ${token}` } : {};

  async function ask(query: string, variables: object = {}): Promise<Answer> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Answer;
  }

  return {
    token,
    ask,
    async data(query, variables) {
      const { data, errors } = await ask(query, variables);
      if (errors) throw new Error(`The answer has errors: ${JSON.stringify(errors)}`);
      return data;
    },
    watch(query, variables = {}) {
      const socket = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: authorization,
      });
      const results: Answer[] = [];
      const ended = new Promise<unknown>((resolve) => {
        socket.subscribe(
          { query, variables: { ...variables } },
          { next: (result) => results.push(result as Answer), error: resolve, complete: () => resolve(null) },
        );
      });
      const stop = async () => {
        try {
          await socket.dispose();
        } catch {
          // It was connecting, in vain: `ended` tells how.
        }
      };
      return { results, ended, stop };
    },
  };
}

/** The account that the client asks for. */
export const idOf = ({ token }: Client): string => decodeJwt(token ?? '').sub ?? '';

export async function signIn(url: string, email: string, password = 'rentabook'): Promise<Client> {
  const { signIn: session } = await clientOf(url).data(
    'mutation ($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { message } } }',
    { input: { email, password } },
  );
  if (!session.accessToken) throw new Error(`Could not sign in: ${JSON.stringify(session.userErrors)}`);
  return clientOf(url, session.accessToken);
}

/** A new customer of the shop. */
export async function signUp(url: string): Promise<Client> {
  const input = { email: `${randomUUID()}@example.test`, password: 'a long enough password', name: 'A Reader' };
  const { signUp: session } = await clientOf(url).data(
    'mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken userErrors { message } } }',
    { input },
  );
  return clientOf(url, session.accessToken);
}

/** Waits for a condition with a deadline; answers what it found. @throws with the last value seen when the time is up. */
export async function eventually<T>(
  look: () => Promise<T> | T,
  holds: (value: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`Not so within ${withinMs} ms; last seen: ${JSON.stringify(value)}`);
    await sleep(50);
  }
}

export const deliverTo = {
  name: 'A Reader',
  line1: '1 Main Street',
  city: 'Seoul',
  postalCode: '04524',
  country: 'KR',
};

export const REQUEST = `mutation ($input: RequestRentalInput!) {
  requestRental(input: $input) { rental { id status version quantity rejection { code } total { amount currency } payment { status authorized { amount } captured { amount } refunded { amount } } } userErrors { code path message } }
}`;

/** With a key of its own; `more` overrides any part of it. */
export const rentalInput = (bookId: string, more: object = {}) => ({
  idempotencyKey: randomUUID(),
  bookId,
  quantity: 1,
  paymentMethod: 'pm_card_visa',
  deliverTo,
  ...more,
});

/** Asks for a rental; `more` overrides any part of the input. */
export const requestRental = async (client: Client, bookId: string, more: object = {}): Promise<Data> =>
  (await client.data(REQUEST, { input: rentalInput(bookId, more) })).requestRental;

const RENTAL = `query ($id: ID!) {
  rental(id: $id) {
    id status version quantity holdPosition allowedActions pendingCompensations rejection { code }
    payment { status authorized { amount } captured { amount } refunded { amount } }
    deliveries { id direction status sender recipient trackingEvents { status applied } }
  }
}`;

export const rentalOf = async (client: Client, id: string): Promise<Data> =>
  (await client.ask(RENTAL, { id })).data.rental;

/** A new title with so many copies, made by staff. Its fee is 4500 KRW. */
export async function addBook(staff: Client, copies: number, more: object = {}): Promise<string> {
  const input = {
    title: `A Book ${randomUUID()}`,
    authors: ['An Author'],
    rentalFee: { amount: 4500, currency: 'KRW' },
    copies,
    ...more,
  };
  const { addBook: added } = await staff.data(
    'mutation ($input: AddBookInput!) { addBook(input: $input) { book { id } userErrors { message path } } }',
    { input },
  );
  if (!added.book) throw new Error(`Could not add the book: ${JSON.stringify(added.userErrors)}`);
  return added.book.id;
}

export async function stockOf(
  client: Client,
  id: string,
): Promise<{ owned: number; available: number; reserved: number; out: number; inspecting: number }> {
  return (
    await client.data('query ($id: ID!) { book(id: $id) { stock { owned available reserved out inspecting } } }', {
      id,
    })
  ).book.stock;
}

/**
 * Clients that others wrote, behind one small face: what they expect of a server is not ours to choose. And what each must do when its
 * router is gone for a while.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient as createStreamClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { tap } from 'rxjs';
import WebSocket from 'ws';
import { type Answer, addBook, eventually, REQUEST, rentalInput, signIn, type Watch } from './client.ts';
import { appendChanges, changesOf } from './live.ts';
import type { System } from './system.ts';

type Variables = Record<string, unknown>;

/** Of the ways of a client only so much as the story needs. */
export interface Adapter {
  /** Rejects when the client does: each has a way of its own to tell of errors. */
  ask(query: string, variables?: Variables): Promise<Answer>;
  watch(query: string, variables?: Variables): Watch;
  stop(): Promise<void>;
}

interface Sink {
  next(result: unknown): void;
  error(reason: unknown): void;
  complete(): void;
}

/** Begins an operation; answers what ends it. */
type Begin = (request: { query: string; variables: Variables }, sink: Sink) => () => void;

/** Often enough for a router to start again. */
const retryAttempts = 100;
const retryWait = () => sleep(100);

const authorizationOf = (token: string | undefined): Record<string, string> =>
  token ? { authorization: `Bearer ${token}` } : {};

function socketClient(url: string, token?: string) {
  return createSocketClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: authorizationOf(token),
    lazyCloseTimeout: 500, // else it closes the socket after each operation that runs alone
    retryAttempts,
    retryWait,
    shouldRetry: () => true, // by default it gives up on the first connection that is refused
  });
}

function overSocket(url: string, token?: string): Adapter {
  const client = socketClient(url, token);
  const begin: Begin = (request, sink) => client.subscribe(request, sink);
  return { ...operationsOf(begin), stop: async () => void (await client.dispose()) };
}

function overStreams(url: string, token?: string): Adapter {
  const client = createStreamClient({
    url: `${url}/graphql`,
    headers: authorizationOf(token),
    retryAttempts,
    retry: retryWait,
  });
  const begin: Begin = (request, sink) => client.subscribe(request, sink);
  return { ...operationsOf(begin), stop: async () => client.dispose() };
}

function byApollo(url: string, token?: string): Adapter {
  const socket = socketClient(url, token);
  const subscriptions = ApolloLink.from([rememberingCursor, new GraphQLWsLink(socket)]);
  const requests = new HttpLink({ uri: `${url}/graphql`, headers: authorizationOf(token) });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(({ operationType }) => operationType === 'subscription', subscriptions, requests),
  });
  return {
    async ask(query, variables = {}) {
      const document = gql(query);
      const answered = query.startsWith('mutation')
        ? client.mutate({ mutation: document, variables })
        : client.query({ query: document, variables });
      return (await answered) as Answer;
    },
    watch: (query, variables = {}) =>
      watchBy((sink) => {
        const watching = client.subscribe({ query: gql(query), variables }).subscribe(sink);
        return () => watching.unsubscribe();
      }),
    async stop() {
      client.stop();
      await socket.dispose();
    },
  };
}

/** All three write what they send anew at each retry: a cursor that the variables have by then goes with it. */
function keepCursor(variables: Variables, result: unknown): void {
  const { data } = result as Answer;
  if ('after' in variables && data) variables.after = data.orderStatus.cursor;
}

/** Apollo Client copies the variables; only its links see those that are sent. */
const rememberingCursor = new ApolloLink((operation, forward) =>
  forward(operation).pipe(tap((result) => keepCursor(operation.variables, result))),
);

function operationsOf(begin: Begin): Pick<Adapter, 'ask' | 'watch'> {
  return {
    ask: (query, variables = {}) =>
      new Promise((resolve, reject) => {
        begin(
          { query, variables },
          {
            next: (result) => resolve(result as Answer),
            error: reject,
            complete: () => reject(new Error('It ended without an answer')), // unless there was one
          },
        );
      }),
    watch: (query, variables = {}) =>
      watchBy((sink) =>
        begin(
          { query, variables },
          {
            ...sink,
            next(result) {
              keepCursor(variables, result);
              sink.next(result);
            },
          },
        ),
      ),
  };
}

function watchBy(begin: (sink: Sink) => () => void): Watch {
  const results: Answer[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const leave = begin({
    next: (result) => results.push(result as Answer),
    error: resolve,
    complete: () => resolve(null),
  });
  return { results, ended, stop: async () => leave() };
}

const SIGN_UP =
  'mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken customer { id email } userErrors { message } } }';
export const SEARCH = 'query ($search: String!) { books(search: $search) { edges { node { id title } } } }';
const SELECTION = `{
  cursor rentalId status
  order { id bookTitle book { id title } rental { id status deliveries { id status } } customer { id email } }
}`;
const ORDER_STATUS = `subscription { orderStatus ${SELECTION} }`;
const ORDER_STATUS_AFTER = `subscription ($after: String) { orderStatus(after: $after) ${SELECTION} }`;
const NOW = '{ me { id orderCursor } }';
export const CANCEL =
  'mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { rental { id status } userErrors { code } } }';
export const HISTORY =
  'query ($first: Int!) { me { id orders(first: $first) { edges { node { id status bookTitle } } } } }';
export const RENTAL = 'query ($id: ID!) { rental(id: $id) { id status } }';

type Open = (url: string, token?: string) => Adapter;

export interface Reader extends Adapter {
  customerId: string;
}

async function signUpBy(system: System, open: Open, email = `${randomUUID()}@example.test`): Promise<Reader> {
  const anonymous = open(system.url);
  try {
    const input = { email, password: 'a long enough password', name: 'A Reader' };
    const { data } = await anonymous.ask(SIGN_UP, { input });
    expect(data.signUp).toMatchObject({ customer: { email }, userErrors: [] });
    return { ...open(system.url, data.signUp.accessToken), customerId: data.signUp.customer.id };
  } finally {
    await anonymous.stop();
  }
}

/** All that changes from now on, however long the subscription takes to begin. */
export async function watchFromNow(reader: Reader): Promise<Watch> {
  const { data } = await reader.ask(NOW);
  return reader.watch(ORDER_STATUS_AFTER, { after: data.me.orderCursor });
}

/** Answers its id. */
export async function rent(client: Adapter, bookId: string): Promise<string> {
  const { data } = await client.ask(REQUEST, { input: rentalInput(bookId) });
  expect(data.requestRental).toMatchObject({ rental: { status: 'ACCEPTED' }, userErrors: [] });
  return data.requestRental.rental.id;
}

export function told(watch: Watch) {
  expect(watch.results.filter(({ data, errors }) => errors || !data)).toEqual([]);
  return watch.results.map(({ data }) => data.orderStatus);
}

export const statuses = (watch: Watch, id: string): string[] =>
  told(watch)
    .filter(({ rentalId }) => rentalId === id)
    .map(({ status }) => status);

export const seen = (watch: Watch, rentalId: string, status: string, times = 1) =>
  eventually(
    () => statuses(watch, rentalId),
    (all) => all.filter((one) => one === status).length >= times,
  );

export const lent = ['REQUESTED', 'ACCEPTED', 'SHIPPING', 'ON_LOAN'];

const unknownField = [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }];
const badArgument = [{ path: ['me', 'orders'], extensions: { code: 'BAD_USER_INPUT' } }];

interface ForeignClient {
  name: string;
  open: Open;
  /** How it tells of refusals. */
  tells: { unknownField: object; badArgument: object };
}

export const foreignClients: ForeignClient[] = [
  {
    name: "graphql-ws's client, with everything over its socket",
    open: overSocket,
    tells: { unknownField, badArgument: { data: { me: { orders: null } }, errors: badArgument } },
  },
  {
    name: "graphql-sse's client, with a stream for each operation",
    open: overStreams,
    tells: {
      unknownField: { errors: unknownField },
      badArgument: { data: { me: { orders: null } }, errors: badArgument },
    },
  },
  {
    name: 'Apollo Client, over HTTP and a socket',
    open: byApollo,
    tells: {
      unknownField: { name: 'CombinedGraphQLErrors', errors: unknownField },
      badArgument: { name: 'CombinedGraphQLErrors', data: { me: { orders: null } }, errors: badArgument },
    },
  },
];

/** To be called in a `describe`: readers of the client `open`, who are gone after each test. */
export function readersBy(open: Open, system: () => System): (email?: string) => Promise<Reader> {
  const clients: Adapter[] = [];
  afterEach(() => Promise.all(clients.splice(0).map((client) => client.stop())));
  return async (email) => {
    const reader = await signUpBy(system(), open, email);
    clients.push(reader);
    return reader;
  };
}

/** To be called in a `describe`. */
export function survivesRestarts({ open }: ForeignClient, running: () => System): void {
  const newReader = readersBy(open, running);

  test('when the router is killed it comes again by itself: the latest change of each order once more, then all that follows', async () => {
    const system = running();
    const bookId = await addBook(await signIn(system.url, 'staff@demo.test'), 2);
    const reader = await newReader();
    const before = await rent(reader, bookId);
    const watch = reader.watch(ORDER_STATUS);
    await seen(watch, before, 'ON_LOAN');
    const known = statuses(watch, before);

    system.kill('router');
    await seen(watch, before, 'ON_LOAN', 2);
    const after = await rent(reader, bookId);
    await seen(watch, after, 'ON_LOAN');

    expect(statuses(watch, before)).toEqual([...known, 'ON_LOAN']);
    expect(statuses(watch, after)).toEqual(lent);
  }, 60_000);

  test('when the router is stopped and what it sends again has its last cursor, it misses and repeats nothing', async () => {
    const system = running();
    const bookId = await addBook(await signIn(system.url, 'staff@demo.test'), 2);
    const reader = await newReader();
    const watch = await watchFromNow(reader);
    await seen(watch, await rent(reader, bookId), 'ON_LOAN');

    await system.pause('router');
    await appendChanges(system, reader.customerId, 3).finally(() => system.resume('router'));
    await seen(watch, await rent(reader, bookId), 'ON_LOAN');

    const changes = await changesOf(system, reader.customerId);
    expect(changes).toHaveLength(4 + 3 + 4);
    expect(told(watch).map(({ cursor, rentalId, status }) => ({ cursor, rentalId, status }))).toEqual(changes);
  }, 60_000);
}

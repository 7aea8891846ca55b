/** For the tests of the router: small subgraphs as real servers, on the platform's own pieces, and accounts with tokens. */
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { composeServices } from '@apollo/composition';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { answerGraphql } from '#platform/apollo.ts';
import { readConfig } from '#platform/config.ts';
import { overloaded, unauthenticated } from '#platform/errors.ts';
import { maskErrors } from '#platform/graphql.ts';
import { type Handler, json, listen, readBody, text } from '#platform/http.ts';
import { idOf } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { createVerifier, headOf, SIGNATURE_HEADER } from '#platform/signature.ts';
import { Position, serveSubscriptions } from '#platform/subscriptions.ts';
import {
  createTokenVerifier,
  ownTokens,
  TOKEN_ALGORITHM,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
  type VerifyToken,
  type Viewer,
} from '#platform/tokens.ts';
import { type LimitSettings, limitSettings, limitsFrom } from './limits.ts';
import type { PageOptions } from './page.ts';
import type { Manifest } from './persisted.ts';
import { startRouter } from './router.ts';

const KEY = 'only the fixture signs with this key';
const log = createLog('fixture', 'silent');

const FEDERATION = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])`;
const sdl = {
  book: `${FEDERATION}
    type Query { book(id: ID!): Book broken: String }
    type Mutation { rename(id: ID!, title: String!): Book request: Book! }
    type Book @key(fields: "id") { id: ID! title: String askedBy: String trace: String client: String }`,
  customer: `${FEDERATION}
    type Query { me: String book7: Book }
    type Book @key(fields: "id", resolvable: false) { id: ID! }
    enum Parity { ODD EVEN }
    type Event { cursor: String! number: Int! viewer: String book: Book padding(size: Int = 0): String }
    type Subscription {
      "Numbers as they are added to the log; without \`after\`, from the end of it."
      numbers(after: String, parity: Parity): Event!
      "The same, without cursors."
      ticks: Int!
    }`,
  delivery: `${FEDERATION}
    type Query {
      deliveries: Int
      "Takes a while."
      slow: Boolean
    }`,
};
type Name = keyof typeof sdl;
const names = Object.keys(sdl) as Name[]; // the keys of a literal

/** What the customer subgraph tells of: numbers from 1, each its own cursor. */
class NumberLog {
  length = 0;
  /** Subscriptions that are being served now. */
  readers = 0;
  #changes = new EventEmitter().setMaxListeners(0);

  add(count = 1): void {
    this.length += count;
    this.#changes.emit('change');
  }

  /** Where the log stands now, then the numbers after one as they come; `return()` ends a reader that waits. */
  follow(after: number, wanted: (number: number) => boolean = () => true): AsyncIterableIterator<number | Position> {
    const left = new AbortController();
    const first = [new Position(String(after))];
    let last = after;
    this.readers += 1;
    const next = async (): Promise<IteratorResult<number | Position>> => {
      for (;;) {
        const position = first.pop();
        if (position) return { done: false, value: position };
        if (left.signal.aborted) return { done: true, value: undefined };
        if (last >= this.length) await once(this.#changes, 'change', { signal: left.signal }).catch(() => {});
        else if (wanted(++last)) return { done: false, value: last };
      }
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next,
      return: async () => {
        if (!left.signal.aborted) this.readers -= 1;
        left.abort();
        return { done: true, value: undefined };
      },
    };
  }
}

interface Context {
  viewer: Viewer | null;
  client: string;
  traceparent?: string | undefined;
}

function resolversOf(numbers: NumberLog, asked: string[]) {
  const titles = new Map<string, string>();
  return {
    book: {
      Query: {
        book: (_: unknown, { id }: { id: string }) => ({ id }),
        broken: () => {
          throw new Error('the password of the database is hunter2');
        },
      },
      Mutation: {
        rename: (_: unknown, { id, title }: { id: string; title: string }) => {
          titles.set(id, title);
          return { id };
        },
        request: () => {
          throw overloaded('Too many wait.', 30);
        },
      },
      Book: {
        __resolveReference: ({ id }: { id: string }, { viewer }: Context) => {
          asked.push(`${viewer?.customerId}:${id}`);
          return { id };
        },
        title: ({ id }: { id: string }) => titles.get(id) ?? `Title ${id}`,
        askedBy: (_: unknown, __: unknown, { viewer }: Context) => viewer?.customerId,
        trace: (_: unknown, __: unknown, { traceparent }: Context) => traceparent,
        client: (_: unknown, __: unknown, { client }: Context) => client,
      },
    },
    customer: {
      Query: { me: (_: unknown, __: unknown, { viewer }: Context) => viewer?.customerId, book7: () => ({ id: '7' }) },
      Subscription: {
        numbers: {
          subscribe: (
            _: unknown,
            { after, parity }: { after?: string | null; parity?: 'ODD' | 'EVEN' },
            { viewer }: Context,
          ) => {
            if (!viewer) throw unauthenticated();
            const remainder = { ODD: 1, EVEN: 0 };
            const wanted = (number: number) => !parity || number % 2 === remainder[parity];
            return numbers.follow(after ? Number(after) : numbers.length, wanted);
          },
          resolve: (number: number) => number,
        },
        ticks: { subscribe: () => numbers.follow(numbers.length), resolve: (number: number) => number },
      },
      Event: {
        cursor: (number: number) => String(number),
        number: (number: number) => number,
        viewer: (_: number, __: unknown, { viewer }: Context) => viewer?.customerId,
        book: (number: number) => ({ id: String(number % 10) }),
        padding: (_: number, { size }: { size: number }) => '.'.repeat(size),
      },
    },
    delivery: { Query: { deliveries: () => 0, slow: () => sleep(200, true) } },
  };
}

/** One subgraph's server, on an address that stays the same when it is stopped and started again. */
async function startSubgraph(
  name: Name,
  resolvers: object,
  port: number,
  routes: Record<string, Handler>,
  verifyToken: VerifyToken,
) {
  const modules = [{ typeDefs: parse(sdl[name]), resolvers }];
  const schema = buildSubgraphSchema(modules as Parameters<typeof buildSubgraphSchema>[0]); // its type knows no subscribe functions
  const apollo = new ApolloServer<Context>({
    schema,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
    stopOnTerminationSignals: false,
    formatError: maskErrors(log),
    includeStacktraceInErrorResponses: false,
  });
  await apollo.start();
  const verifier = createVerifier(KEY);
  const graphql: Handler = async (request, response) => {
    const body = await readBody(request, 1_000_000);
    const head = headOf(request);
    const signature = String(request.headers[SIGNATURE_HEADER]);
    const refused = verifier.whyRefused(signature, { ...head, body });
    if (refused) return json(response, 403, { errors: [{ message: refused }] });
    const traceparent = request.headers.traceparent?.toString();
    await answerGraphql(apollo, request, response, body, async () => ({
      viewer: await verifyToken(request.headers.authorization),
      client: head.client,
      traceparent,
    }));
  };
  const http = await listen({
    host: '127.0.0.1',
    port,
    log,
    routes: { '/graphql': graphql, ...routes },
    notReady: async () => null,
  });
  const connections = new Set<Socket>();
  let sockets = 0;
  http.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  http.server.on('upgrade', (_request, socket) => {
    sockets += 1;
    socket.once('close', () => {
      sockets -= 1;
    });
  });
  const context = (viewer: Viewer | null, client: string): Context => ({ viewer, client });
  const subscriptions = serveSubscriptions({ server: http.server, schema, verifyToken, verifier, context, log });

  /** As a crash does it: no farewell to anybody. */
  const cut = () => {
    for (const connection of connections) connection.destroy();
  };
  return {
    port: http.port,
    /** How many WebSockets are open. */
    sockets: () => sockets,
    cut,
    async stop() {
      cut();
      await Promise.all([subscriptions.stop(), http.close()]);
      await apollo.stop();
    },
  };
}

export type Fixture = Awaited<ReturnType<typeof startFixture>>;

/** Accounts have ids like everybody's, and names. */
function nameAccounts() {
  const names = new Map<string, string>();
  return {
    idOf(name: string): string {
      const id = idOf(NAMES, name);
      names.set(id, name);
      return id;
    },
    nameOf: (id: string): string => names.get(id) ?? id,
  };
}

/** Any will do. */
const NAMES = '8e1c4f5a-6a5d-4c1e-9d5f-2f6f1a3b7c10';

/** The subgraphs and a router before them. */
export interface FixtureOptions {
  graphiql?: boolean;
  page?: PageOptions | null;
  /** Beside the defaults. */
  limits?: Partial<LimitSettings>;
  safelist?: Manifest | null;
  corsOrigins?: string[];
  trustedProxies?: string[];
}

export async function startFixture({
  graphiql = true,
  page = null,
  limits = {},
  safelist = null,
  corsOrigins = [],
  trustedProxies = [],
}: FixtureOptions = {}) {
  const numbers = new NumberLog();
  /** `<customer>:<id>` of each book that was asked for by reference. */
  const booksAsked: string[] = [];
  const accounts = nameAccounts();
  const webhooks: { headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
  const resolvers = resolversOf(numbers, booksAsked);
  const { privateKey, publicKey } = await generateKeyPair(TOKEN_ALGORITHM, { crv: 'Ed25519' });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: TOKEN_ALGORITHM, kid: 'fixture' }] };
  const routes: Record<Name, Record<string, Handler>> = {
    book: {},
    customer: { '/.well-known/jwks.json': async (_, response) => json(response, 200, jwks) },
    delivery: {
      '/webhooks/carrier': async (request, response) => {
        const body = (await readBody(request, 1_000_000)).toString();
        webhooks.push({ headers: request.headers, body });
        if (body === 'slow') await sleep(200);
        text(response, 202, 'noted');
      },
    },
  };

  let verifier: VerifyToken | undefined; // the keys are at the address of a subgraph that is still to be started
  /** To the subgraphs accounts are names, so that the tests can be read. */
  const verifyToken: VerifyToken = async (authorization) => {
    const viewer = await verifier?.(authorization);
    return viewer ? { ...viewer, customerId: accounts.nameOf(viewer.customerId) } : null;
  };
  const start = (name: Name, port = 0) => startSubgraph(name, resolvers[name], port, routes[name], verifyToken);
  const subgraphs = { book: await start('book'), customer: await start('customer'), delivery: await start('delivery') };
  const jwksUrl = `http://127.0.0.1:${subgraphs.customer.port}/.well-known/jwks.json`;
  verifier = createTokenVerifier(ownTokens(jwksUrl, { log }));

  const { supergraphSdl, errors } = composeServices(
    names.map((name) => ({ name, url: `http://${name}`, typeDefs: parse(sdl[name]) })),
  );
  if (errors) throw new AggregateError(errors);
  const router = await startRouter({
    host: '127.0.0.1',
    port: 0,
    key: KEY,
    verifyToken: verifier,
    trustedProxies,
    supergraphSdl,
    subgraphs: Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${subgraphs[name].port}/graphql`])),
    passages: {
      '/webhooks/carrier': { to: 'delivery', method: 'POST' },
      '/.well-known/jwks.json': { to: 'customer', method: 'GET' },
    },
    graphiql,
    page,
    limits: { ...limitsFrom(readConfig(limitSettings, {})), ...limits },
    safelist,
    corsOrigins,
    log,
  });

  return {
    url: `http://127.0.0.1:${router.port}`,
    numbers,
    booksAsked,
    webhooks,
    subgraphs,
    tokenOf: (name: string, secondsToLive = 600) => tokenOf(privateKey, accounts.idOf(name), secondsToLive),
    async stopSubgraph(name: Name) {
      await subgraphs[name].stop();
    },
    async startSubgraph(name: Name) {
      subgraphs[name] = await start(name, subgraphs[name].port);
    },
    async stop() {
      await router.stop();
      await Promise.all(names.map((name) => subgraphs[name].stop()));
    },
  };
}

const tokenOf = (key: CryptoKey, customerId: string, secondsToLive: number): Promise<string> =>
  new SignJWT({ roles: ['CUSTOMER'] })
    .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: 'fixture' })
    .setSubject(customerId)
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setExpirationTime(Math.floor(Date.now() / 1000) + secondsToLive)
    .sign(key);

/** The router, put together: one address for clients, in front of subgraphs that answer nobody but it. */
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { answerGraphql, tellOfOperations } from '#platform/apollo.ts';
import { setForLibrary } from '#platform/config.ts';
import { type Handler, listen, readBody } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { gauge, readAtScrapes } from '#platform/metrics.ts';
import type { Started } from '#platform/process.ts';
import type { VerifyToken } from '#platform/tokens.ts';
import { type ClientOf, trusting } from './client.ts';
import { type Context, contextOf } from './context.ts';
import { createCostOf } from './cost.ts';
import { createDocuments, MAX_MISTAKES } from './documents.ts';
import { clientErrors } from './errors.ts';
import { createPlans } from './executor.ts';
import { compiledGateway } from './gateway.ts';
import { readGraph } from './graph.ts';
import { graphiqlFiles, graphiqlPage, wantsPage } from './graphiql.ts';
import { createLimits, type LimitSettings } from './limits.ts';
import { createOperations } from './operations.ts';
import { createOrigins, type Origins } from './origins.ts';
import { type PageOptions, servePage } from './page.ts';
import { passage } from './passage.ts';
import { createPersisted, type Manifest, type Persisted } from './persisted.ts';
import { onlyWhatMayRun, retryAfter, withoutInternals, withStatus } from './plugins.ts';
import { type Shortcut, shortcut } from './shortcut.ts';
import { serveSockets } from './sockets.ts';
import { type Streams, serveStreams } from './streams.ts';
import { askWith, connectSubgraph, dataSource } from './subgraph.ts';
import { FederatedSubscriptions } from './subscriptions.ts';
import { connectUpstreams } from './upstream.ts';

export interface RouterOptions {
  host: string;
  port: number;
  /** How long connections that clients keep open are still answered when it is to stop. */
  lingerMs?: number;
  /** Signs what the subgraphs are asked. */
  key: string;
  verifyToken: VerifyToken;
  /** Addresses and blocks of the proxies that are believed about who asks by way of them. */
  trustedProxies: string[];
  supergraphSdl: string;
  /** Name in the supergraph -> GraphQL address. */
  subgraphs: Record<string, string>;
  /** Paths that are a subgraph's own, passed on to it. */
  passages: Record<string, { to: string; method: 'GET' | 'POST' }>;
  /** The page of GraphiQL, and introspection with it. */
  graphiql: boolean;
  /** The page of customers and staff; null: none. */
  page: PageOptions | null;
  limits: LimitSettings;
  /** The operations that may be run; null: any. */
  safelist: Manifest | null;
  /** Of pages elsewhere that may ask from a browser. */
  corsOrigins: string[];
  log: Log;
}

const GRAPHQL = '/graphql';

/** Serves until it is stopped: sockets are told to come back elsewhere, requests under way are finished. */
export async function startRouter(options: RouterOptions): Promise<Started> {
  setForLibrary('APOLLO_TELEMETRY_DISABLED', 'true'); // the gateway would report to its maker
  const { host, port, lingerMs, key, verifyToken, supergraphSdl, graphiql, log } = options;
  const subgraphs = new Map(
    Object.entries(options.subgraphs).map(([name, address]) => [name, connectSubgraph(name, address, key)]),
  );
  const subgraphNamed = (name: string) => subgraphs.get(name) ?? notConfigured(name);
  const asks = new Map([...subgraphs].map(([name, subgraph]) => [name, askWith(subgraph, log)]));
  const sources = Object.fromEntries([...asks].map(([name, ask]) => [name, dataSource(ask)]));

  const upstreams = connectUpstreams(options.subgraphs, key, log);
  const graph = readGraph(supergraphSdl);
  const engine = new FederatedSubscriptions<Context>({
    graph,
    sources,
    upstream: upstreams.subscribe,
    shareKey: ({ authorization }) => authorization,
  });

  const limits = createLimits(options.limits, createCostOf(supergraphSdl, graph.schema));
  warnOfLimits(options, graph.schema);
  const persisted = createPersisted(options.safelist);
  const formatError = clientErrors(log);
  const plans = createPlans(graph, asks);
  const gateway = compiledGateway({
    graph,
    plans,
    config: {
      supergraphSdl,
      buildService: ({ name }) => sources[name] ?? notConfigured(name),
      __exposeQueryPlanExperimental: false,
      logger: log,
    },
  });
  const apollo = new ApolloServer<Context>({
    gateway,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      tellOfOperations,
      onlyWhatMayRun(limits, persisted),
      withoutInternals,
      retryAfter,
    ],
    parseOptions: limits.parsing,
    validationRules: limits.rules,
    validationOptions: MAX_MISTAKES,
    introspection: graphiql,
    formatError,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: { cache: cacheOf(persisted) },
    stopOnTerminationSignals: false,
    logger: log,
  });
  await apollo.start();

  const operations = createOperations({
    apollo,
    engine,
    schema: graph.schema,
    plans,
    limits,
    persisted,
    readDocument: createDocuments(graph.schema, { ...limits, introspection: graphiql }),
    formatError,
  });

  const clientOf = trusting(options.trustedProxies);
  const streams = serveStreams({ operations, verifyToken, clientOf, log });
  const origins = createOrigins(options.corsOrigins);
  const { bodyBytes } = limits;
  const http = await listen({
    host,
    port,
    log,
    headers: SECURITY_HEADERS,
    routes: {
      [GRAPHQL]: endpoint({
        apollo,
        short: shortcut(operations),
        streams,
        verifyToken,
        clientOf,
        origins,
        graphiql,
        bodyBytes,
      }),
      ...(graphiql && { '/graphiql': graphiqlPage, '/graphiql/*': graphiqlFiles }),
      ...Object.fromEntries(
        Object.entries(options.passages).map(([path, { to, method }]) => [
          path,
          passage(subgraphNamed(to), { method, clientOf, limits, log }),
        ]),
      ),
      ...(options.page && { '/*': servePage(options.page) }), // last: for what no other takes
    },
    notReady: async () => null, // subgraphs that are away leave partial answers, which this process alone can give
    lingerMs,
  });
  const sockets = serveSockets({
    server: http.server,
    path: GRAPHQL,
    mayOpen: origins.maySocket,
    messageBytes: bodyBytes,
    operations,
    verifyToken,
    clientOf,
    log,
  });

  const open = gauge('rentabook_sockets', 'Connections that clients keep open for subscriptions', ['transport']);
  readAtScrapes(async () => {
    open.set({ transport: 'websocket' }, sockets.count());
    open.set({ transport: 'event_stream' }, streams.count());
  });

  return {
    port: http.port,
    async stop() {
      await Promise.all([http.close(), sockets.stop(), streams.stop()]);
      await apollo.stop();
      await upstreams.close();
      await Promise.all([...subgraphs.values()].map((subgraph) => subgraph.close()));
    },
  };
}

function notConfigured(name: string): never {
  throw new Error(`The supergraph has a subgraph ${name}, whose address is not configured`);
}

/** For whatever is answered; a page sets what it needs instead. Tokens travel in a header of their own, so there are no cookies. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

interface EndpointOptions {
  apollo: ApolloServer<Context>;
  short: Shortcut;
  streams: Streams;
  verifyToken: VerifyToken;
  clientOf: ClientOf;
  origins: Origins;
  graphiql: boolean;
  bodyBytes: number;
}

function endpoint({ apollo, short, streams, origins, graphiql, bodyBytes, ...asker }: EndpointOptions): Handler {
  return async (request, response) => {
    if (origins.answer(request, response)) return;
    if (graphiql && wantsPage(request)) return graphiqlPage(request, response);
    const body = await readBody(request, bodyBytes);
    if (streams.takes(request, body)) return streams.answer(request, response, body);
    const context = () =>
      contextOf(request, asker).catch((error: unknown) => {
        throw error instanceof GraphQLError ? withStatus(error) : error;
      });
    if (!(await short(request, response, body, context))) await answerGraphql(apollo, request, response, body, context);
  };
}

/** An operator who has meant something else sees it in the log. */
function warnOfLimits({ limits: { quotas }, host, log }: RouterOptions, schema: GraphQLSchema): void {
  if (!quotas && !['127.0.0.1', '::1', 'localhost'].includes(host))
    log.warn('RENTABOOK_LIMITS is off: one caller may ask as much as all others together');
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const known = ['*', ...roots.flatMap((type) => Object.keys(type?.getFields() ?? {}))];
  const unknown = Object.keys(quotas?.rates ?? {}).filter((field) => !known.includes(field));
  if (unknown.length) log.warn({ fields: unknown }, 'RATES names root fields that there are not');
}

/** Where Apollo looks up persisted operations; it puts a word of its own before the hash. */
const cacheOf = (persisted: Persisted) => ({
  get: async (key: string) => persisted.get(hashIn(key)),
  set: async (key: string, text: string) => persisted.keep(hashIn(key), text),
  delete: async () => false,
});
const hashIn = (key: string): string => key.slice(key.indexOf(':') + 1);

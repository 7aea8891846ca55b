/** The router, put together: one address for clients, in front of subgraphs that answer nobody but it. */
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { GraphQLError } from 'graphql';
import { answerGraphql } from '#platform/apollo.ts';
import { setForLibrary } from '#platform/config.ts';
import { type Handler, listen, readBody } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import type { Started } from '#platform/process.ts';
import { createTokenVerifier, type VerifyToken } from '#platform/tokens.ts';
import { type ClientOf, trusting } from './client.ts';
import { type Context, contextOf, statusOf } from './context.ts';
import { createDocuments } from './documents.ts';
import { clientErrors } from './errors.ts';
import { graphiqlFiles, graphiqlPage, wantsPage } from './graphiql.ts';
import { limitSelections, MAX_BODY_BYTES } from './limits.ts';
import { createOperations } from './operations.ts';
import { passage } from './passage.ts';
import { serveSockets } from './sockets.ts';
import { type Streams, serveStreams } from './streams.ts';
import { connectSubgraph, dataSource } from './subgraph.ts';
import { FederatedSubscriptions } from './subscriptions.ts';
import { connectUpstreams } from './upstream.ts';

export interface RouterOptions {
  host: string;
  port: number;
  /** Signs what the subgraphs are asked. */
  key: string;
  jwksUrl: string;
  /** Addresses and blocks of the proxies that are believed about who asks by way of them. */
  trustedProxies: string[];
  supergraphSdl: string;
  /** Name in the supergraph -> GraphQL address. */
  subgraphs: Record<string, string>;
  /** Paths that are a subgraph's own, passed on to it. */
  passages: Record<string, { to: string; method: 'GET' | 'POST' }>;
  /** The page, and introspection with it. */
  graphiql: boolean;
  log: Log;
}

const GRAPHQL = '/graphql';

/** Serves until it is stopped: sockets are told to come back elsewhere, requests under way are finished. */
export async function startRouter(options: RouterOptions): Promise<Started> {
  setForLibrary('APOLLO_TELEMETRY_DISABLED', 'true'); // the gateway would report to its maker
  const { host, port, key, supergraphSdl, graphiql, log } = options;
  const subgraphs = new Map(
    Object.entries(options.subgraphs).map(([name, address]) => [name, connectSubgraph(name, address, key)]),
  );
  const subgraphNamed = (name: string) => {
    const subgraph = subgraphs.get(name);
    if (!subgraph) throw new Error(`The supergraph has a subgraph ${name}, whose address is not configured`);
    return subgraph;
  };
  const sourceNamed = (name: string) => dataSource(subgraphNamed(name), log);

  const formatError = clientErrors(log);
  const apollo = new ApolloServer<Context>({
    gateway: new ApolloGateway({
      supergraphSdl,
      buildService: ({ name }) => sourceNamed(name),
      __exposeQueryPlanExperimental: false,
      logger: log,
    }),
    plugins: [ApolloServerPluginLandingPageDisabled(), onlyWhatCanRun, withoutInternals, retryAfter],
    validationRules: [limitSelections],
    introspection: graphiql,
    formatError,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    logger: log,
  });
  await apollo.start();

  const upstreams = connectUpstreams(options.subgraphs, key, log);
  const engine = new FederatedSubscriptions<Context>({
    supergraphSdl,
    sources: Object.fromEntries([...subgraphs.keys()].map((name) => [name, sourceNamed(name)])),
    upstream: upstreams.subscribe,
    shareKey: ({ authorization }) => authorization,
  });

  const operations = createOperations({
    apollo,
    engine,
    readDocument: createDocuments(engine.schema, graphiql),
    formatError,
  });

  const verifyToken = createTokenVerifier(options.jwksUrl);
  const clientOf = trusting(options.trustedProxies);
  const streams = serveStreams({ operations, verifyToken, clientOf, log });
  const http = await listen({
    host,
    port,
    log,
    routes: {
      [GRAPHQL]: endpoint(apollo, streams, { verifyToken, clientOf }, graphiql),
      ...(graphiql && { '/': graphiqlPage, '/graphiql/*': graphiqlFiles }),
      ...Object.fromEntries(
        Object.entries(options.passages).map(([path, { to, method }]) => [
          path,
          passage(subgraphNamed(to), method, clientOf, log),
        ]),
      ),
    },
    notReady: async () => null, // subgraphs that are away leave partial answers, which this process alone can give
  });
  const sockets = serveSockets({ server: http.server, path: GRAPHQL, operations, verifyToken, clientOf, log });

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

function endpoint(
  apollo: ApolloServer<Context>,
  streams: Streams,
  asker: { verifyToken: VerifyToken; clientOf: ClientOf },
  graphiql: boolean,
): Handler {
  return async (request, response) => {
    if (graphiql && wantsPage(request)) return graphiqlPage(request, response);
    const body = await readBody(request, MAX_BODY_BYTES);
    if (streams.takes(request, body)) return streams.answer(request, response, body);
    await answerGraphql(apollo, request, response, body, () =>
      contextOf(request, asker).catch((error: unknown) => {
        throw error instanceof GraphQLError ? withStatus(error, statusOf(error)) : error;
      }),
    );
  };
}

/** What the gateway would take for a fault of its own: no operation to run, or a subscription, which plain HTTP cannot answer. */
const onlyWhatCanRun: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (!operation)
          throw badRequest(
            'OPERATION_RESOLUTION_FAILURE',
            'There is no operation of this name, or there are several and "operationName" names none.',
          );
        if (operation.operation === 'subscription')
          throw badRequest(
            'BAD_REQUEST',
            'A subscription needs a stream: a WebSocket on this path with the protocol graphql-transport-ws, or "Accept: text/event-stream".',
          );
      },
    };
  },
};

const withStatus = ({ message, extensions }: GraphQLError, status: number) =>
  new GraphQLError(message, { extensions: { ...extensions, http: { status } } });

const badRequest = (code: string, message: string) =>
  new GraphQLError(message, { extensions: { code, http: { status: 400 } } });

/** The gateway's notes on nulls that it had to put in speak of the inside; the errors beside them say what a client can use. */
const withoutInternals: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body } }) {
        if (body.kind === 'single') delete body.singleResult.extensions?.valueCompletion;
      },
    };
  },
};

/** Who is turned away for overload learns, as HTTP says it, when to come again. */
const retryAfter: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body, http } }) {
        if (body.kind !== 'single') return;
        const { data, errors = [] } = body.singleResult;
        const seconds = errors.map(({ extensions }) => Number(extensions?.retryAfterSeconds)).find(Number.isFinite);
        if (seconds === undefined) return;
        http.headers.set('retry-after', String(seconds));
        if (!data) http.status = 503;
      },
    };
  },
};

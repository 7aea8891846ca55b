/**
 * What every subgraph is made of: a database, a stream of its own with a relay, consumers of the others' streams, answers
 * to requests, and a GraphQL endpoint for the router alone. A subgraph's main.ts says what is particular to it.
 */
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import type { NatsConnection } from 'nats';
import type { Stream } from '#schema/events.ts';
import { answerGraphql, tellOfOperations } from './apollo.ts';
import type { AnyConsumer } from './apply.ts';
import type { Config, Setting } from './config.ts';
import { type Consuming, startConsumer } from './consume.ts';
import type { DatabaseContent, EntityManager, Orm } from './database.ts';
import {
  type BaseContext,
  type ContextFor,
  maskErrors,
  type Resolvers,
  readAnewAfterMutations,
  subgraphSchema,
} from './graphql.ts';
import { probeDatabase, whyHung } from './health.ts';
import { BadRequest, type Handler, listen, readBody } from './http.ts';
import type { Log } from './log.ts';
import { metricsRoute } from './metrics.ts';
import { connectForever, type NatsPlace } from './nats.ts';
import { tokenSettings, tokenVerifierFor } from './oidc.ts';
import { plainRequest } from './plainRequest.ts';
import { plainRunner } from './plainRunner.ts';
import type { Started } from './process.ts';
import { startRelay } from './relay.ts';
import { type Ask, createAsk, stopAnswering } from './requestReply.ts';
import { openServiceDatabase } from './serviceDatabase.ts';
import { type Gauges, type Measure, tellService, tellThatItStarts } from './serviceMetrics.ts';
import { createVerifier, headOf, SIGNATURE_HEADER, type Verifier } from './signature.ts';
import { serveSubscriptions } from './subscriptions.ts';
import type { VerifyToken, Viewer } from './tokens.ts';

/** What a subgraph needs whatever it does; its main.ts adds its own. */
export const serviceSettings = [
  'HOST',
  'PORT',
  'DATABASE_URL',
  'DATABASE_POOL',
  'MIGRATE',
  'LINGER_MS',
  'METRICS_PORT',
  'NATS_URL',
  'NATS_CREDENTIALS',
  'NATS_REPLICAS',
  'ROUTER_KEY',
  ...tokenSettings,
] as const satisfies Setting[];
type ServiceConfig = Config<(typeof serviceSettings)[number]>;

/** From the router: far above its own limit, since one request of a client may lead to many references. */
const MAX_BODY_BYTES = 10_000_000;

export interface Service {
  orm: Orm;
  /** A fresh identity map. */
  em(): EntityManager;
  ask: Ask;
  /** Resolves once NATS is there; a service starts, and answers what it can, without it. */
  nats: Promise<NatsConnection>;
}

/** The database with its migrations, and NATS on its way. */
export async function openService(config: ServiceConfig, log: Log, database: DatabaseContent): Promise<Service> {
  tellThatItStarts();
  const orm = await openServiceDatabase({
    ...database,
    url: config.DATABASE_URL,
    pool: config.DATABASE_POOL,
    migrate: config.MIGRATE === 'on',
    log,
  });
  const nats = connectForever(placeOf(config));
  tellUntilThere(nats, config.NATS_URL, log);
  return { orm, nats, em: () => orm.em.fork(), ask: createAsk(nats) };
}

/** A service is ready without NATS, and holds what needs it: whoever misspelt its address would see nothing wrong. */
function tellUntilThere(nats: Promise<NatsConnection>, natsUrl: string, log: Log): void {
  const sentence = `NATS at ${new URL(natsUrl).host} does not let this service in, as NATS_URL and NATS_CREDENTIALS have it: what needs it waits.`;
  const timers = [
    setTimeout(() => log.warn(sentence), FIRST_NATS_MS).unref(),
    setInterval(() => log.warn(sentence), TELL_NATS_EVERY_MS).unref(),
  ];
  void nats.then(() => timers.forEach(clearTimeout));
}

/** Time to start beside it. */
const FIRST_NATS_MS = 5000;
const TELL_NATS_EVERY_MS = 60_000;

const placeOf = ({ NATS_URL, NATS_CREDENTIALS }: ServiceConfig): NatsPlace => ({
  natsUrl: NATS_URL,
  natsCredentials: NATS_CREDENTIALS,
});

/** Something that runs beside the requests until it is told to stop: a drainer, a sweeper. */
export interface Worker {
  stop(): Promise<void>;
}

export interface ServeOptions<C extends BaseContext> {
  stream: Stream;
  sdl: URL;
  resolvers: Resolvers;
  context: ContextFor<C>;
  /** Before anything is done for somebody. @throws GraphQLError when nothing is to be */
  welcome?: (viewer: Viewer) => Promise<void>;
  consumers?: AnyConsumer[];
  workers?: Worker[];
  /** On /metrics, beside what every service has there. */
  gauges?: Gauges;
  measures?: Measure[];
  /** Beside /graphql: webhooks, keys. */
  routes?: Record<string, Handler>;
}

/** Serves until it is stopped: requests finish first, then consumers and workers, then what they wrote is published. */
export async function serve<C extends BaseContext>(
  service: Service,
  config: ServiceConfig,
  log: Log,
  options: ServeOptions<C>,
): Promise<Started> {
  const schema = subgraphSchema(options.sdl, options.resolvers);
  readAnewAfterMutations(schema, options.context);
  const formatError = maskErrors(log);
  const apollo = new ApolloServer<C>({
    schema,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    formatError,
    introspection: true, // nobody but the router can ask
    csrfPrevention: false, // nor a browser
    plugins: [ApolloServerPluginInlineTraceDisabled(), tellOfOperations],
  });
  await apollo.start();

  const database = probeDatabase(config.DATABASE_URL);
  const verifyToken = welcoming(tokenVerifierFor(config, { log }), options.welcome);
  const verifier = createVerifier(config.ROUTER_KEY);
  const consumers = new Map<string, Consuming>();
  const http = await listen({
    host: config.HOST,
    port: config.PORT,
    log,
    routes: {
      '/graphql': graphqlHandler(apollo, schema, formatError, options.context, verifyToken, verifier),
      ...metricsRoute(config),
      ...options.routes,
    },
    notReady: () => database.whyAway(),
    hung: async () => whyHung(consumers, database, await soFar(service.nats)),
    lingerMs: config.LINGER_MS,
  });
  const subscriptions = serveSubscriptions({
    server: http.server,
    schema,
    verifyToken,
    verifier,
    context: options.context,
    log,
  });

  const relayAndConsumers = { ...placeOf(config), replicas: config.NATS_REPLICAS, log };
  const relay = startRelay({ stream: options.stream, databaseUrl: config.DATABASE_URL, ...relayAndConsumers });
  for (const consumer of options.consumers ?? [])
    consumers.set(consumer.name, startConsumer(consumer, { em: service.orm.em, ...relayAndConsumers }));
  tellService({
    database,
    nats: () => soFar(service.nats),
    consumers: options.consumers ?? [],
    subscriptions: subscriptions.count,
    isLeader: relay.isLeader,
    log,
    measures: options.measures,
    gauges: options.gauges,
  });

  return {
    port: http.port,
    async stop() {
      await Promise.all([http.close(), subscriptions.stop()]);
      await Promise.all([...consumers.values(), ...(options.workers ?? [])].map((worker) => worker.stop()));
      const nats = await soFar(service.nats);
      if (nats) await stopAnswering(nats);
      await relay.stop();
      await apollo.stop();
      await nats?.drain().catch(() => {}); // it may be away
      await Promise.all([database.close(), service.orm.close()]);
    },
  };
}

function graphqlHandler<C extends BaseContext>(
  apollo: ApolloServer<C>,
  schema: GraphQLSchema,
  formatError: ReturnType<typeof maskErrors>,
  context: ContextFor<C>,
  verifyToken: VerifyToken,
  verifier: Verifier,
): Handler {
  const run = plainRunner(schema, formatError);
  return async (request, response) => {
    const { headers } = request;
    const signature = headers[SIGNATURE_HEADER]?.toString();
    const head = headOf(request);
    refuse(verifier.whyHeadRefused(signature, head));
    const body = await readBody(request, MAX_BODY_BYTES);
    refuse(verifier.whyRefused(signature, { ...head, body }));

    const contextOf = async () => context(await verifyToken(headers.authorization), head.client);
    const plain = plainRequest(request, body);
    const result = plain && (await run(plain.operation, contextOf));
    if (result) plain.answer(response, 200, result);
    else await answerGraphql(apollo, request, response, body, contextOf);
  };
}

function welcoming(verifyToken: VerifyToken, welcome: ServeOptions<BaseContext>['welcome']): VerifyToken {
  return async (authorization) => {
    const viewer = await verifyToken(authorization);
    if (viewer) await welcome?.(viewer);
    return viewer;
  };
}

function refuse(reason: string | null): void {
  if (reason) throw new BadRequest(403, `Only the router may ask: ${reason}.`, 'FORBIDDEN');
}

/** What is not connected yet is not waited for. */
const soFar = (connecting: Promise<NatsConnection>): Promise<NatsConnection | null> =>
  Promise.race([connecting, Promise.resolve(null)]);

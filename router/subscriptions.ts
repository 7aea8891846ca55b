/**
 * Federated subscriptions for @apollo/gateway, which plans them but does not run them: the events come from one subgraph,
 * and for each the gateway's own executor fetches the rest from the others. How it works, and how to lift it out: README.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { buildOperationContext, executeQueryPlan, type GraphQLDataSource, type ServiceMap } from '@apollo/gateway';
import {
  type DocumentNode,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getVariableValues,
  isEnumType,
} from 'graphql';
import { createCoalescer } from './coalesce.ts';
import { graphqlError, subgraphError } from './fetches.ts';
import type { Graph } from './graph.ts';
import { readUpstream, UpstreamLost, type UpstreamSink } from './readUpstream.ts';
import {
  AFTER,
  cursorOf,
  EVENT,
  type OperationContext,
  type Planning,
  planSubscription,
  type SubscriptionPlan,
  withoutCursor,
} from './subscriptionPlan.ts';

export interface UpstreamRequest<Context> {
  query: string;
  operationName: string | undefined;
  variables: Record<string, unknown>;
  context: Context;
}

/**
 * Subscribes at one subgraph; the function it returns ends that at once. GraphQL errors come as a result without data, then
 * `complete`. It must not come back by itself after a loss: only the engine knows the cursor.
 */
export type Upstream<Context> = (service: string, request: UpstreamRequest<Context>, sink: UpstreamSink) => () => void;

interface EngineOptions<Context extends object> {
  graph: Graph;
  /** The subgraphs by name, for what an event does not bring itself. */
  sources: Record<string, GraphQLDataSource<Context>>;
  upstream: Upstream<Context>;
  /** Subscribers with the same key share what is fetched for the same event; undefined shares nothing. */
  shareKey: (context: Context) => string | undefined;
}

/** Shaped like the arguments of graphql-js' `subscribe`; the document has been validated against `schema`. */
export interface SubscribeArgs<Context> {
  document: DocumentNode;
  operationName?: string | null | undefined;
  variableValues?: Record<string, unknown> | null | undefined;
  contextValue: Context;
}

/** One step of a subscription, for transports that can tell their client where it is. */
export interface Step {
  /** To go on after this step; null where the subscription knows no cursors. */
  cursor: string | null;
  /** Null when nothing came but the position itself. */
  result: ExecutionResult | null;
}

interface Subscription<Context> {
  plan: SubscriptionPlan;
  operation: OperationContext;
  variables: Record<string, unknown>;
  context: Context;
}

type Answer = Awaited<ReturnType<GraphQLDataSource['process']>>;

/** A subgraph that restarts is back within the minute. */
const GIVE_UP_MS = 60_000;
const LONGEST_PAUSE_MS = 2000;
/** A subscription that lasted so long had been made, however quiet it was; no connection takes longer to be made. */
const HELD_MS = 15_000;

export class FederatedSubscriptions<Context extends object> {
  #options: EngineOptions<Context>;
  #planning: Planning;
  /** By document, then by operation name: a cache of documents is a cache of plans. */
  #plans = new WeakMap<DocumentNode, Map<string | undefined, SubscriptionPlan>>();
  #coalesce = createCoalescer<Answer>();

  constructor(options: EngineOptions<Context>) {
    const { planner, api, schema, supergraph } = options.graph;
    this.#options = options;
    this.#planning = { planner, api, trusting: !hidesValues(supergraph, schema) };
  }

  /**
   * A result for each event, or errors when there will be none. Pull-based: nothing is fetched for an event that nobody asks
   * for. `return()` closes upstream in that moment.
   */
  async subscribe(args: SubscribeArgs<Context>): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
    const steps = await this.follow(args);
    return Symbol.asyncIterator in steps ? resultsOf(steps) : steps;
  }

  /** As `subscribe`, but tells cursors with the results, and begins after one when `after` is given. */
  async follow(
    args: SubscribeArgs<Context> & { after?: string | undefined },
  ): Promise<AsyncIterableIterator<Step> | ExecutionResult> {
    try {
      const subscription = this.#prepare(args);
      return abortable((signal) => this.#run(subscription, args.after ?? null, signal));
    } catch (error) {
      return { errors: error instanceof AggregateError ? error.errors : [graphqlError(error)] };
    }
  }

  /** @throws GraphQLError, or AggregateError of several, for a mistake of the client. */
  #prepare({ document, operationName, variableValues, contextValue }: SubscribeArgs<Context>): Subscription<Context> {
    const { schema } = this.#options.graph;
    const operation = buildOperationContext({
      schema,
      operationDocument: document,
      ...(operationName && { operationName }),
    });
    const definitions = operation.operation.variableDefinitions ?? [];
    const { coerced, errors } = getVariableValues(schema, definitions, variableValues ?? {});
    if (errors) throw new AggregateError(errors.map(badVariable));
    return { plan: this.#planFor(document, operation), operation, variables: coerced, context: contextValue };
  }

  #planFor(document: DocumentNode, operation: OperationContext): SubscriptionPlan {
    const plans = this.#plans.get(document) ?? new Map<string | undefined, SubscriptionPlan>();
    this.#plans.set(document, plans);
    const name = operation.operation.name?.value;
    const plan = plans.get(name) ?? planSubscription(document, operation, this.#planning);
    plans.set(name, plan);
    return plan;
  }

  /** Events until upstream completes or the client leaves; a loss of upstream is made good without the client's noticing. */
  async *#run(subscription: Subscription<Context>, after: string | null, signal: AbortSignal): AsyncGenerator<Step> {
    const { plan } = subscription;
    let cursor = plan.again && after;
    let lostAt: number | null = null;

    for (let failures = 0; ; failures += 1) {
      const since = Date.now();
      let away = false;
      try {
        for await (const event of this.#read(subscription, cursor, signal)) {
          away = (cursor !== null || lostAt !== null) && isAway(event);
          if (away) throw new UpstreamLost('Upstream cannot answer just now');
          [failures, lostAt] = [0, null];
          const position = positionOf(event);
          if (plan.again) cursor = position ?? cursorOf(plan, event) ?? cursor;
          yield { cursor, result: position === null ? await this.#complete(subscription, event) : null };
        }
        return;
      } catch (error) {
        if (!(error instanceof UpstreamLost)) return void (yield { cursor, result: { errors: [graphqlError(error)] } });
        if (!away && Date.now() - since > HELD_MS) [failures, lostAt] = [0, null];
        lostAt ??= Date.now();
        if (!plan.again || Date.now() - lostAt > GIVE_UP_MS) break;
      }
      await pause(failures, signal);
    }
    yield { cursor, result: { errors: [upstreamLost()] } };
  }

  #read({ plan, variables, context }: Subscription<Context>, cursor: string | null, signal: AbortSignal) {
    const { service, operationName } = plan;
    const { query, variables: names } = (cursor !== null && plan.again) || plan.first;
    const used = Object.fromEntries(names.filter((name) => name in variables).map((name) => [name, variables[name]]));
    const request = { query, operationName, variables: cursor === null ? used : { ...used, [AFTER]: cursor }, context };
    return readUpstream((sink) => this.#options.upstream(service, request, sink), signal);
  }

  /** The event with what the other subgraphs add to it. */
  async #complete(
    { plan, operation, variables, context }: Subscription<Context>,
    event: FormattedExecutionResult,
  ): Promise<ExecutionResult> {
    const errors = event.errors?.map((error) => subgraphError(plan.service, error, error.path));
    if (!event.data) return { ...(errors && { errors }) };
    if (!plan.execute) return { data: withoutCursor(plan, event.data), ...(errors && { errors }) };
    const { supergraph, api } = this.#options.graph;
    const request = { request: { variables }, context, metrics: {} };
    const { extensions: _, ...result } = await executeQueryPlan(
      plan.execute,
      this.#services(event, context, cursorOf(plan, event)),
      request as unknown as Parameters<typeof executeQueryPlan>[2], // all that the executor reads of it
      operation,
      supergraph,
      api,
    );
    return { ...result, ...(result.errors && { errors: result.errors.map(graphqlError) }) };
  }

  /** The services of one event: itself, and the subgraphs, each asked once for all who share the event. */
  #services(event: FormattedExecutionResult, context: Context, cursor: string | null): ServiceMap {
    const shareKey = this.#options.shareKey(context);
    const services = Object.entries(this.#options.sources).map(([name, source]) => {
      if (shareKey === undefined || cursor === null) return [name, source];
      const shared: GraphQLDataSource<Context> = {
        process: async (options) => {
          const { query, variables } = options.request;
          // With the cursor: what was asked for an earlier event may be older than this one.
          const key = JSON.stringify([shareKey, cursor, name, query, variables]);
          return structuredClone(await this.#coalesce(key, () => source.process(options)));
        },
      };
      return [name, shared];
    });
    // A copy: the executor writes into what it gets, and upstream may have given the same object to others.
    const process = async () => structuredClone({ data: event.data, errors: event.errors }) as Answer;
    return { ...Object.fromEntries(services), [EVENT]: { process } };
  }
}

/**
 * A result without data whose extensions bring a cursor is not for the client: it says where in its log upstream is, so that
 * a subscription which has not had an event yet can go on from there as well.
 */
function positionOf({ data, errors, extensions }: FormattedExecutionResult): string | null {
  return !data && !errors && typeof extensions?.cursor === 'string' ? extensions.cursor : null;
}

/** By `@inaccessible`, which only the executor sees to. */
const hidesValues = (supergraph: GraphQLSchema, api: GraphQLSchema): boolean =>
  Object.values(supergraph.getTypeMap()).some((type) => {
    const seen = api.getType(type.name);
    return isEnumType(type) && isEnumType(seen) && type.getValues().length !== seen.getValues().length;
  });

/** Upstream is there and cannot read on, its database being away, say. A client that has just come is told so. */
const isAway = ({ data, errors }: FormattedExecutionResult): boolean =>
  !data && errors?.some(({ extensions }) => extensions?.code === 'SERVICE_UNAVAILABLE') === true;

/** Without the positions, and as graphql-js would give them. */
function resultsOf(steps: AsyncIterableIterator<Step>): AsyncIterableIterator<ExecutionResult> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      for (;;) {
        const { done, value } = await steps.next();
        if (done) return { done, value: undefined };
        if (value.result) return { done: false, value: value.result };
      }
    },
    async return() {
      await steps.return?.();
      return { done: true, value: undefined };
    },
  };
}

const badVariable = ({ message, nodes }: GraphQLError) =>
  new GraphQLError(message, { nodes: nodes ?? null, extensions: { code: 'BAD_USER_INPUT' } });

const upstreamLost = () =>
  new GraphQLError('The subscription was cut off from its service; subscribe again after your last cursor.', {
    extensions: { code: 'SUBSCRIPTION_UPSTREAM_LOST' },
  });

/** 50 ms, 100 ms … 2 s, each cut short at random: all subscribers of a service lose it in the same moment. */
async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** failures);
  await sleep(longest * Math.random(), undefined, { signal }).catch(() => {}); // left: the next read ends it
}

/** An async generator keeps `return()` waiting for a pending `next()`, in a quiet subscription forever; this one is told at once. */
function abortable<T>(run: (signal: AbortSignal) => AsyncGenerator<T>): AsyncIterableIterator<T> {
  const abort = new AbortController();
  const generator = run(abort.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => generator.next(),
    async return() {
      abort.abort();
      void generator.return(undefined);
      return { done: true, value: undefined };
    },
  };
}

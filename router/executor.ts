/**
 * Runs queries and mutations: by plans of Apollo's planner, compiled once for an operation. What cannot be compiled the
 * gateway's own executor runs. Why, with numbers: docs/decisions/0020-compiled-plans.md.
 */
import { operationFromDocument } from '@apollo/federation-internals';
import type { ApolloGateway } from '@apollo/gateway';
import { type DocumentNode, getVariableValues, Kind, type OperationDefinitionNode, visit } from 'graphql';
import { type Conditions, compileCompletion, type JsonObject } from './completion.ts';
import { fragmentsIn, LONGEST_KEPT } from './documents.ts';
import { type Ask, compileFetches, type Fetching, graphqlError, NotCompiled } from './fetches.ts';
import type { Graph } from './graph.ts';
import { Kept } from './kept.ts';

const KEPT = 1000;
/** Each of them doubles what may have to be compiled of one operation. */
const MOST_CONDITIONS = 4;

type Gateway = Pick<ApolloGateway, 'load' | 'onSchemaLoadOrUpdate' | 'stop'>;
type GatewayExecutor = Awaited<ReturnType<ApolloGateway['load']>>['executor'];

export interface ExecutorOptions<Context> extends Graph {
  subgraphs: ReadonlyMap<string, Ask<Context>>;
}

interface Compiled<Context> {
  fetch: (fetching: Fetching<Context>) => Promise<unknown>;
  complete: (fetched: JsonObject) => JsonObject | null;
}

/** By the values of its conditions; null where an operation cannot be compiled. */
type Variants<Context> = Map<string, Compiled<Context> | null>;

/** The gateway with the compiled executor in front of its own. */
export function withCompiledPlans<Context>(gateway: Gateway, options: ExecutorOptions<Context>): Gateway {
  return {
    onSchemaLoadOrUpdate: (callback) => gateway.onSchemaLoadOrUpdate(callback),
    stop: () => gateway.stop(),
    async load(settings) {
      const loaded = await gateway.load(settings);
      return { ...loaded, executor: compiledExecutor(loaded.executor, options) };
    },
  };
}

export function compiledExecutor<Context>(
  stock: GatewayExecutor,
  { subgraphs, planner, api, schema, supergraph }: ExecutorOptions<Context>,
): GatewayExecutor {
  const operations = new Kept<OperationDefinitionNode, { conditions: string[]; variants: Variants<Context> }>(KEPT);

  return async (requestContext) => {
    const { operation, document, source, request } = requestContext;
    const variables: Readonly<Record<string, unknown>> = request.variables ?? {};
    const { coerced, errors: wrong } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
    const compiled = wrong || source.length > LONGEST_KEPT ? null : compiledFor(operation, document, coerced);
    if (!compiled) return stock(requestContext);

    const context = requestContext.context as Context; // the server's own
    const fetching: Fetching<Context> = { variables, context, data: {}, errors: [] };
    await compiled.fetch(fetching);
    const { data, errors } = fetching;
    try {
      return { ...(errors.length && { errors }), data: compiled.complete(data) };
    } catch (error) {
      return { errors: [graphqlError(error)] };
    }
  };

  function compiledFor(
    operation: OperationDefinitionNode,
    document: DocumentNode,
    variables: Readonly<Record<string, unknown>>,
  ): Compiled<Context> | null {
    let known = operations.get(operation);
    if (!known) {
      known = { conditions: conditionsIn(document), variants: new Map() };
      operations.set(operation, known);
    }
    const { conditions, variants } = known;
    if (conditions.length > MOST_CONDITIONS) return null;
    const key = conditions.map((name) => String(variables[name])).join();
    let compiled = variants.get(key);
    if (compiled === undefined) {
      const values = Object.fromEntries(conditions.map((name) => [name, variables[name] === true]));
      compiled = compile(operation, document, values);
      variants.set(key, compiled);
    }
    return compiled;
  }

  function compile(
    operation: OperationDefinitionNode,
    document: DocumentNode,
    conditions: Conditions,
  ): Compiled<Context> | null {
    try {
      checkNames(document);
      const options = operation.name ? { operationName: operation.name.value } : {};
      const { node } = planner.buildQueryPlan(operationFromDocument(api, document, options));
      if (node?.kind === 'Subscription') throw new NotCompiled('A subscription');
      return {
        fetch: compileFetches(node, { subgraphs, supergraph, conditions }),
        complete: compileCompletion(operation, { schema, fragments: fragmentsIn(document), conditions }),
      };
    } catch (error) {
      if (error instanceof NotCompiled) return null;
      throw error;
    }
  }
}

/** Variables in `@skip` and `@include`. */
function conditionsIn(document: DocumentNode): string[] {
  const names = new Set<string>();
  visit(document, {
    Directive({ name, arguments: [condition] = [] }) {
      const isCondition = name.value === 'skip' || name.value === 'include';
      if (isCondition && condition?.value.kind === Kind.VARIABLE) names.add(condition.value.name.value);
    },
  });
  return [...names];
}

/** Objects have properties that no subgraph has answered, such as "constructor"; and names with two underscores are GraphQL's own. */
function checkNames(document: DocumentNode): void {
  visit(document, {
    Field({ alias, name }) {
      const key = (alias ?? name).value;
      if (key in Object.prototype || (key.startsWith('__') && (alias || key !== '__typename')))
        throw new NotCompiled(`The response key ${key}`);
    },
  });
}

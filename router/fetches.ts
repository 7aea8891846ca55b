/**
 * A query plan of Apollo's planner, compiled: what each step asks a subgraph for, and where its answer goes. All that does not
 * change from request to request is done once. What it does not know it refuses, for the gateway's own executor to run.
 */
import type { FetchNode, FlattenNode, PlanNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import {
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  isAbstractType,
  isInterfaceType,
} from 'graphql';
import type { Conditions, JsonObject } from './completion.ts';

/** A plan, or an operation, that only the gateway's own executor can run. */
export class NotCompiled extends Error {
  override name = 'NotCompiled';
}

type Path = readonly (string | number)[];

/** One request as its fetches see it. */
interface Fetching<Context> {
  variables: Readonly<Record<string, unknown>>;
  context: Context;
  /** Everything fetched so far. */
  data: JsonObject;
  errors: GraphQLError[];
}

/** Asks one subgraph. @param body JSON already. @param path of what is asked for. @throws GraphQLError with it when there is no answer */
export type Ask<Context> = (body: string, context: Context, path: Path) => Promise<FormattedExecutionResult>;

type Step<Context> = (fetching: Fetching<Context>) => Promise<unknown>;

export interface FetchOptions<Context> {
  subgraphs: ReadonlyMap<string, Ask<Context>>;
  /** With all types, also those that clients do not see. */
  supergraph: GraphQLSchema;
  conditions: Conditions;
}

/** Fills in `data` and `errors`. @throws NotCompiled */
export function compileFetches<Context>(
  plan: PlanNode | undefined,
  { subgraphs, supergraph, conditions }: FetchOptions<Context>,
): Step<Context> {
  const represent = representer(supergraph);
  return plan ? compile(plan) : nothing;

  function compile(node: PlanNode): Step<Context> {
    switch (node.kind) {
      case 'Sequence': {
        const steps = node.nodes.map(compile);
        return async (fetching) => {
          for (const step of steps) await step(fetching);
        };
      }
      case 'Parallel': {
        const steps = node.nodes.map(compile);
        return (fetching) => Promise.all(steps.map((step) => step(fetching)));
      }
      case 'Condition': {
        const picked = conditions[node.condition] ? node.ifClause : node.elseClause;
        return picked ? compile(picked) : nothing;
      }
      case 'Fetch':
        return collectingErrors(fetchRoot(node));
      case 'Flatten':
        return collectingErrors(fetchEntities(node));
      default:
        throw new NotCompiled(`The plan has a ${node.kind}`);
    }
  }

  function askerFor({ serviceName }: FetchNode): Ask<Context> {
    const ask = subgraphs.get(serviceName);
    if (!ask) throw new Error(`The plan asks a subgraph ${serviceName}, whose address is not configured`);
    return ask;
  }

  function fetchRoot(fetch: FetchNode): Step<Context> {
    if (fetch.requires) throw new NotCompiled('Entities at the root');
    const ask = askerFor(fetch);
    const bodyFor = bodyOf(fetch);
    return async ({ variables, context, data, errors }) => {
      const answer = await ask(bodyFor(variables), context, []);
      for (const error of answer.errors ?? []) errors.push(subgraphError(fetch.serviceName, error, error.path));
      if (answer.data) merge(data, answer.data);
    };
  }

  /** Places with the same representation are the same entity, which is asked for once. */
  function fetchEntities({ path, node: fetch }: FlattenNode): Step<Context> {
    if (fetch.kind !== 'Fetch' || !fetch.requires) throw new NotCompiled('A Flatten around no entities');
    const { serviceName, requires } = fetch;
    const ask = askerFor(fetch);
    const bodyFor = bodyOf(fetch);

    return async ({ variables, context, data, errors }) => {
      const objects: JsonObject[] = [];
      collect(data, path, 0, objects);
      const asked = new Map<string, JsonObject[]>(); // by representation
      for (const object of objects) {
        const representation = represent(object, requires);
        if (!representation?.__typename) continue;
        const key = JSON.stringify(representation);
        const same = asked.get(key);
        if (same) same.push(object);
        else asked.set(key, [object]);
      }
      if (!asked.size) return;

      const answer = await ask(bodyFor(variables, [...asked.keys()]), context, path);
      const places = [...asked.values()];
      if (answer.errors) {
        const pathOf = pathsIn(data, path);
        for (const error of answer.errors) {
          const [, place, ...below] = error.path ?? [];
          const failed = typeof place === 'number' ? (places[place] ?? []) : null;
          if (!failed) errors.push(subgraphError(serviceName, error, error.path && [...path, ...error.path]));
          for (const object of failed ?? [])
            errors.push(subgraphError(serviceName, error, [...(pathOf.get(object) ?? []), ...below]));
        }
      }
      if (!answer.data) return;
      const { _entities: entities } = answer.data;
      if (!Array.isArray(entities) || entities.length !== places.length)
        throw new Error(`${serviceName} answered other entities than it was asked for`);
      for (const [place, same] of places.entries()) {
        const entity: JsonObject | null = entities[place];
        if (entity) for (const [nth, object] of same.entries()) merge(object, nth ? copyOf(entity) : entity);
      }
    };
  }
}

const nothing = async (): Promise<void> => {};

/** What is not answered is told of beside what is. */
const collectingErrors =
  <Context>(step: Step<Context>): Step<Context> =>
  async (fetching) => {
    try {
      await step(fetching);
    } catch (error) {
      fetching.errors.push(graphqlError(error));
    }
  };

/** As JSON, of which nothing but the variables is left to write. */
function bodyOf({ operation, operationName, variableUsages = [], ...fetch }: FetchNode) {
  if (fetch.inputRewrites?.length || fetch.outputRewrites?.length || fetch.contextRewrites?.length)
    throw new NotCompiled('A fetch with rewrites');
  const head = `{"query":${JSON.stringify(operation)}${operationName ? `,"operationName":${JSON.stringify(operationName)}` : ''},"variables":{`;
  return (variables: Readonly<Record<string, unknown>>, representations?: string[]): string => {
    const members = variableUsages
      .filter((name) => Object.hasOwn(variables, name) && variables[name] !== undefined)
      .map((name) => `${JSON.stringify(name)}:${JSON.stringify(variables[name])}`);
    if (representations) members.push(`"representations":[${representations.join(',')}]`);
    return `${head}${members.join(',')}}}`;
  };
}

/** The objects at a path of the plan, where "@" stands for every item of a list. */
function collect(value: unknown, path: Path, at: number, objects: JsonObject[]): void {
  if (value === null || value === undefined) return;
  const step = path[at];
  if (step === undefined)
    objects.push(value as JsonObject); // a plan leads to entities, which are objects
  else if (step === '@') for (const item of value as unknown[]) collect(item, path, at + 1, objects);
  else collect((value as JsonObject)[step], path, at + 1, objects);
}

/** Where each of these objects is, for errors to say. */
function pathsIn(data: JsonObject, path: Path): Map<JsonObject, Path> {
  const paths = new Map<JsonObject, Path>();
  const walk = (value: unknown, at: number, place: Path): void => {
    if (value === null || value === undefined) return;
    const step = path[at];
    if (step === undefined) paths.set(value as JsonObject, place);
    else if (step === '@')
      for (const [index, item] of (value as unknown[]).entries()) walk(item, at + 1, [...place, index]);
    else walk((value as JsonObject)[step], at + 1, [...place, step]);
  };
  walk(data, 0, []);
  return paths;
}

/** An entity as `_entities` is asked for it, or null where a field that it takes was not answered. */
function representer(supergraph: GraphQLSchema) {
  const subtypes = new Map<string, Set<string>>();

  return function represent(source: JsonObject, selections: readonly QueryPlanSelectionNode[]): JsonObject | null {
    const representation: JsonObject = {};
    for (const selection of selections) {
      if (selection.kind === 'InlineFragment') {
        const more = isOf(source.__typename, selection.typeCondition) ? represent(source, selection.selections) : null;
        if (more) merge(representation, more);
        continue;
      }
      const { name, alias: key = name, selections: below } = selection;
      const value = source[key];
      if (value === undefined) return null;
      representation[key] = below ? representEach(value, below) : value;
    }
    return representation;

    function representEach(value: unknown, below: readonly QueryPlanSelectionNode[]): unknown {
      if (Array.isArray(value)) return value.map((item) => representEach(item, below));
      return value === null ? null : represent(value as JsonObject, below); // the plan selects below it
    }
  };

  function isOf(typename: unknown, condition = ''): boolean {
    const names = subtypes.get(condition) ?? subtypesOf(supergraph, condition);
    subtypes.set(condition, names);
    return typename === condition || names.has(String(typename));
  }
}

function subtypesOf(schema: GraphQLSchema, name: string): Set<string> {
  const type = schema.getType(name);
  if (!isAbstractType(type)) return new Set();
  const interfaces = isInterfaceType(type) ? schema.getImplementations(type).interfaces : [];
  return new Set([...schema.getPossibleTypes(type), ...interfaces].map((subtype) => subtype.name));
}

/** Puts what was answered beside what is there. */
function merge(target: JsonObject, source: JsonObject): void {
  for (const key of Object.keys(source)) {
    const [old, fresh] = [target[key], source[key]];
    if (isJsonObject(old) && isJsonObject(fresh)) merge(old, fresh);
    else if (Array.isArray(old) && Array.isArray(fresh) && old.length === fresh.length) mergeItems(old, fresh);
    else target[key] = fresh;
  }
}

function mergeItems(target: unknown[], source: unknown[]): void {
  for (const [place, fresh] of source.entries()) {
    const old = target[place];
    if (isJsonObject(old) && isJsonObject(fresh)) merge(old, fresh);
    else target[place] = fresh;
  }
}

/** What is in two places must be two objects: an error is told by the place of its object. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T; // the same list
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, copyOf(below)])) as T; // the same object
}

const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Marked with where it comes from, for who formats errors. */
export const subgraphError = (
  serviceName: string,
  { message, extensions }: GraphQLFormattedError,
  path: Path | undefined,
): GraphQLError =>
  new GraphQLError(message || `The ${serviceName} service answered an error without a message.`, {
    path: path ?? null,
    extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', ...extensions, serviceName },
  });

/** What was thrown, as it is where it is meant for clients; anything else is for who formats errors to mask. */
export function graphqlError(thrown: unknown): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  const error = thrown as Error; // thrown values are errors here
  return new GraphQLError(error.message, { originalError: error });
}

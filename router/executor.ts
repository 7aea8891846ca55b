/**
 * Runs queries and mutations: by plans of Apollo's planner, compiled once for an operation. What cannot be compiled the
 * gateway's own executor runs. Why, with numbers: docs/decisions/0020-compiled-plans.md.
 */
import { operationFromDocument } from '@apollo/federation-internals';
import type { ApolloGateway } from '@apollo/gateway';
import {
  type DocumentNode,
  type GraphQLError,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { Kept } from '#platform/kept.ts';
import { type Conditions, compileCompletion, type JsonObject } from './completion.ts';
import { fragmentsIn, LONGEST_KEPT } from './documents.ts';
import { type Ask, compileFetches, graphqlError, NotCompiled } from './fetches.ts';
import type { Graph } from './graph.ts';

const KEPT = 1000;
/** Each of them doubles what may have to be compiled of one operation. */
const MOST_CONDITIONS = 4;

type GatewayExecutor = Awaited<ReturnType<ApolloGateway['load']>>['executor'];

type Variables = Readonly<Record<string, unknown>>;

/** Runs an operation. What goes wrong is in its errors: it never rejects. */
type Run<Context> = (
  variables: Variables,
  context: Context,
) => Promise<{ data: JsonObject | null; errors?: GraphQLError[] }>;

export interface Plans<Context> {
  /** How to run a validated query or mutation with such variables; null where only the gateway's own executor can. */
  compiled(operation: OperationDefinitionNode, document: DocumentNode, variables: Variables): Run<Context> | null;
  /** The same, if it was compiled before: planning takes time, and is for those whom the limits have let in. */
  known(operation: OperationDefinitionNode, document: DocumentNode, variables: Variables): Run<Context> | null;
}

export const executorOf =
  <Context>(plans: Plans<Context>, stock: GatewayExecutor): GatewayExecutor =>
  async (requestContext) => {
    const { operation, document, request, context } = requestContext;
    const variables = request.variables ?? {};
    const run = plans.compiled(operation, document, variables);
    return run ? run(variables, context as Context) : stock(requestContext); // the server's own context
  };

/** @param subgraphs by name */
export function createPlans<Context>(
  { planner, api, schema, supergraph }: Graph,
  subgraphs: ReadonlyMap<string, Ask<Context>>,
): Plans<Context> {
  const operations = new Kept<string, Map<string | undefined, Variants<Context>>>(KEPT); // by text, then by name

  return {
    compiled(operation, document, variables) {
      const variants = variantsOf(operation, document) ?? keep(operation, document);
      const conditions = variants && conditionsFor(variants, operation, variables);
      if (!conditions) return null;
      const values = Object.values(conditions).join();
      let run = variants.byValues.get(values);
      if (run === undefined) {
        run = compile(operation, document, conditions);
        variants.byValues.set(values, run);
      }
      return run;
    },
    known(operation, document, variables) {
      const variants = variantsOf(operation, document);
      const conditions = variants && conditionsFor(variants, operation, variables);
      return (conditions && variants?.byValues.get(Object.values(conditions).join())) ?? null;
    },
  };

  function variantsOf({ name }: OperationDefinitionNode, { loc }: DocumentNode): Variants<Context> | undefined {
    return operations.get(loc?.source.body ?? '')?.get(name?.value);
  }

  function keep({ name }: OperationDefinitionNode, document: DocumentNode): Variants<Context> | null {
    const text = document.loc?.source.body;
    if (text === undefined || text.length > LONGEST_KEPT) return null;
    const names = conditionsIn(document);
    if (names.length > MOST_CONDITIONS) return null;
    const variants: Variants<Context> = { names, byValues: new Map() };
    const byName = operations.get(text) ?? new Map<string | undefined, Variants<Context>>();
    operations.set(text, byName.set(name?.value, variants));
    return variants;
  }

  /** Null for wrong variables. */
  function conditionsFor(
    { names }: Variants<Context>,
    { variableDefinitions = [] }: OperationDefinitionNode,
    variables: Variables,
  ): Conditions | null {
    const { coerced, errors } = getVariableValues(schema, variableDefinitions, variables);
    return errors ? null : Object.fromEntries(names.map((name) => [name, coerced[name] === true]));
  }

  function compile(
    operation: OperationDefinitionNode,
    document: DocumentNode,
    conditions: Conditions,
  ): Run<Context> | null {
    try {
      checkNames(document);
      const options = operation.name ? { operationName: operation.name.value } : {};
      const { node } = planner.buildQueryPlan(operationFromDocument(api, document, options));
      if (node?.kind === 'Subscription') throw new NotCompiled('A subscription');
      const fetch = compileFetches<Context>(node, { subgraphs, supergraph, conditions });
      const complete = compileCompletion(operation, { schema, fragments: fragmentsIn(document), conditions });
      return async (variables, context) => {
        const data: JsonObject = {};
        const errors: GraphQLError[] = [];
        await fetch({ variables, context, data, errors });
        try {
          return { data: complete(data), ...(errors.length && { errors }) };
        } catch (error) {
          return { data: null, errors: [graphqlError(error)] };
        }
      };
    } catch {
      return null; // what is a fault here is one there, too, and is told
    }
  }
}

/** Of an operation: it is compiled for each combination of values that its conditions may have. */
interface Variants<Context> {
  /** Of the variables in conditions. */
  names: string[];
  /** Null where it cannot be compiled. */
  byValues: Map<string, Run<Context> | null>;
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

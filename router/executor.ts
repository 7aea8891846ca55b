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
  const operations = new Kept<OperationDefinitionNode, Variants<Context>>(KEPT);

  return {
    compiled(operation, document, variables) {
      if ((document.loc?.end ?? 0) > LONGEST_KEPT) return null; // nor is the document kept: it would be planned each time
      const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
      if (errors) return null;
      const { conditions, byValues } = operations.get(operation) ?? variantsOf(operation, document);
      if (conditions.length > MOST_CONDITIONS) return null;
      const values = conditions.map((name) => coerced[name] === true);
      const known = byValues.get(values.join());
      if (known !== undefined) return known;
      const run = compile(
        operation,
        document,
        Object.fromEntries(conditions.map((name, nth) => [name, values[nth] === true])),
      );
      byValues.set(values.join(), run);
      return run;
    },
  };

  function variantsOf(operation: OperationDefinitionNode, document: DocumentNode): Variants<Context> {
    const variants: Variants<Context> = { conditions: conditionsIn(document), byValues: new Map() };
    operations.set(operation, variants);
    return variants;
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

/** Of an operation: it is compiled for each combination of what its conditions may be. */
interface Variants<Context> {
  conditions: string[];
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

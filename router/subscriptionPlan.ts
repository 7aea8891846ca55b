/** From a subscription's document to what the engine does: subscribe at one subgraph, fetch the rest for each event. */
import { operationFromDocument, type Schema } from '@apollo/federation-internals';
import type { buildOperationContext } from '@apollo/gateway';
import type { FetchNode, QueryPlan, QueryPlanner } from '@apollo/query-planner';
import {
  type ArgumentNode,
  type ASTNode,
  type DocumentNode,
  type FieldNode,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isObjectType,
  Kind,
  type NameNode,
  type OperationDefinitionNode,
  parse,
  parseType,
  print,
  type SelectionSetNode,
  type VariableNode,
  visit,
} from 'graphql';

export type OperationContext = ReturnType<typeof buildOperationContext>;

/** The name of the service that stands for the event in `SubscriptionPlan.execute`. */
export const EVENT = '#event';
/** The variable of `SubscriptionPlan.again` that takes the cursor. */
export const AFTER = '__after';
/** The response key under which an event brings its own. GraphQL reserves names that begin so, hence no client uses it. */
const CURSOR = '__cursor';

/** A subscription as a subgraph is asked for it. */
interface UpstreamOperation {
  query: string;
  /** The client's variables that it uses. */
  variables: readonly string[];
}

export interface SubscriptionPlan {
  /** The subgraph that the events come from. */
  service: string;
  operationName: string | undefined;
  /** What is asked there first. */
  first: UpstreamOperation;
  /** What is asked to go on after the cursor `$__after`; null when the field knows no cursors. */
  again: UpstreamOperation | null;
  /** The response key of the event. */
  eventKey: string;
  /** Takes the event from the service EVENT, then fetches what other subgraphs add. */
  execute: QueryPlan;
}

/** @throws GraphQLError when the operation has not exactly one root field, or cannot be planned. */
export function planSubscription(
  document: DocumentNode,
  { schema, operation, fragments }: OperationContext,
  api: Schema,
  planner: QueryPlanner,
): SubscriptionPlan {
  checkRoot(operation, fragments);
  const options = operation.name ? { operationName: operation.name.value } : {};
  const { node } = planner.buildQueryPlan(operationFromDocument(api, document, options));
  if (node?.kind !== 'Subscription') throw invalid('The operation is not a subscription.', operation);
  const { primary, rest } = node;
  const event: FetchNode = { ...primary, serviceName: EVENT, variableUsages: [] };
  return {
    ...upstreamOperations(parse(primary.operation), schema),
    service: primary.serviceName,
    operationName: primary.operationName,
    execute: { kind: 'QueryPlan', node: { kind: 'Sequence', nodes: rest ? [event, rest] : [event] } },
  };
}

/** The cursor that an event's result brings, or null. */
export function cursorOf({ eventKey }: SubscriptionPlan, { data }: FormattedExecutionResult): string | null {
  const event = data?.[eventKey];
  const cursor = event && typeof event === 'object' && CURSOR in event ? event[CURSOR] : null;
  return typeof cursor === 'string' ? cursor : null;
}

const NOTHING: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [] };

/** One event is one field: skipped, included at will or in company it would have no meaning (GraphQL specification, 5.2.4). */
function checkRoot(operation: OperationDefinitionNode, fragments: OperationContext['fragments']): void {
  const keys = new Set<string>();
  const walk = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include'))
        throw invalid("A subscription's root field cannot have @skip or @include.", selection);
      if (selection.kind === Kind.FIELD) keys.add(selection.alias?.value ?? selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet);
      else walk(fragments[selection.name.value]?.selectionSet ?? NOTHING);
    }
  };
  walk(operation.selectionSet);
  if (keys.size !== 1) throw invalid('A subscription must have exactly one root field.', operation);
}

const invalid = (message: string, nodes: ASTNode) =>
  new GraphQLError(message, { nodes, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });

/**
 * The convention that makes a subscription resumable: its field takes an argument `after`, and its events have a `cursor`.
 * Both operations ask for the cursor under a name of our own; the second one goes on after one.
 */
function upstreamOperations(
  document: DocumentNode,
  schema: GraphQLSchema,
): Pick<SubscriptionPlan, 'first' | 'again' | 'eventKey'> {
  const field = rootField(document);
  const eventKey = field.alias?.value ?? field.name.value;
  const definition = schema.getSubscriptionType()?.getFields()[field.name.value];
  const after = definition?.args.find(({ name }) => name === 'after');
  const event = definition && getNamedType(definition.type);
  if (!after || !isObjectType(event) || !event.getFields().cursor)
    return { first: upstreamOperation(document), again: null, eventKey };

  const withCursor = changeRoot(document, (root) => ({
    ...root,
    selectionSet: { kind: Kind.SELECTION_SET, selections: [...(root.selectionSet?.selections ?? []), CURSOR_FIELD] },
  }));
  const afterCursor = changeRoot(withCursor, (root) => ({
    ...root,
    arguments: [...(root.arguments ?? []).filter(({ name }) => name.value !== 'after'), AFTER_ARGUMENT],
  }));
  return {
    first: upstreamOperation(withCursor),
    again: upstreamOperation(withVariable(afterCursor, AFTER, String(after.type))),
    eventKey,
  };
}

const nameNode = (value: string): NameNode => ({ kind: Kind.NAME, value });
const variableNode = (name: string): VariableNode => ({ kind: Kind.VARIABLE, name: nameNode(name) });
const CURSOR_FIELD: FieldNode = { kind: Kind.FIELD, alias: nameNode(CURSOR), name: nameNode('cursor') };
const AFTER_ARGUMENT: ArgumentNode = { kind: Kind.ARGUMENT, name: nameNode('after'), value: variableNode(AFTER) };

/** The operation as text, without the variables that a change of it has left unused: a subgraph would refuse those. */
function upstreamOperation(document: DocumentNode): UpstreamOperation {
  const used = new Set<string>();
  visit(document, {
    VariableDefinition: () => false, // a definition is not a use
    Variable: ({ name }) => void used.add(name.value),
  });
  const trimmed = visit(document, {
    VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? undefined : null),
  });
  return { query: print(trimmed), variables: [...used].filter((name) => name !== AFTER) };
}

const withVariable = (document: DocumentNode, name: string, type: string): DocumentNode =>
  changeOperation(document, (operation) => ({
    ...operation,
    variableDefinitions: [
      ...(operation.variableDefinitions ?? []),
      { kind: Kind.VARIABLE_DEFINITION, variable: variableNode(name), type: parseType(type) },
    ],
  }));

const changeRoot = (document: DocumentNode, change: (root: FieldNode) => FieldNode): DocumentNode =>
  changeOperation(document, (operation) => ({
    ...operation,
    selectionSet: { kind: Kind.SELECTION_SET, selections: [change(rootField(document))] },
  }));

const changeOperation = (
  document: DocumentNode,
  change: (operation: OperationDefinitionNode) => OperationDefinitionNode,
): DocumentNode => visit(document, { OperationDefinition: change });

/** The planner writes a primary operation with one plain field at its root. */
function rootField(document: DocumentNode): FieldNode {
  const root = getOperationAST(document)?.selectionSet.selections[0];
  if (root?.kind !== Kind.FIELD) throw new Error('The plan of a subscription does not begin with a field');
  return root;
}

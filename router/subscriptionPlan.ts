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
  type GraphQLObjectType,
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
  type SelectionNode,
  type SelectionSetNode,
  type VariableNode,
  visit,
} from 'graphql';

export type OperationContext = ReturnType<typeof buildOperationContext>;

/** The name of the service that stands for the event in `SubscriptionPlan.execute`. */
export const EVENT = '#event';
/** The variable of `SubscriptionPlan.again` that takes the cursor. */
export const AFTER = '__after';
/** The response key under which an event brings its own. */
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
  /** Takes the event from the service EVENT, then fetches what other subgraphs add; null when the event is the answer as it comes. */
  execute: QueryPlan | null;
}

export interface Planning {
  api: Schema;
  planner: QueryPlanner;
  /** Whether an event may be handed on as it comes, or a subgraph may know values that the API hides. */
  trusting: boolean;
}

/** @throws GraphQLError when the operation has not exactly one root field, or cannot be planned. */
export function planSubscription(
  document: DocumentNode,
  { schema, operation, fragments }: OperationContext,
  { api, planner, trusting }: Planning,
): SubscriptionPlan {
  checkRoot(operation, fragments);
  checkNames(document);
  const options = operation.name ? { operationName: operation.name.value } : {};
  const { node } = planner.buildQueryPlan(operationFromDocument(api, document, options));
  if (node?.kind !== 'Subscription') throw invalid('The operation is not a subscription.', operation);
  const { primary, rest } = node;
  const event: FetchNode = { ...primary, serviceName: EVENT, variableUsages: [] };
  const upstream = parse(primary.operation);
  const isWhole = trusting && !rest && brings(upstream, operation, fragments, schema);
  return {
    ...upstreamOperations(upstream, schema),
    service: primary.serviceName,
    operationName: primary.operationName,
    execute: isWhole ? null : { kind: 'QueryPlan', node: { kind: 'Sequence', nodes: rest ? [event, rest] : [event] } },
  };
}

/** Whether what upstream answers has the client's own keys, all of them, no others and in their order. */
function brings(
  upstream: DocumentNode,
  operation: OperationDefinitionNode,
  fragments: OperationContext['fragments'],
  schema: GraphQLSchema,
): boolean {
  const root = schema.getSubscriptionType();
  const asked = getOperationAST(upstream);
  if (!root || !asked) return false;
  const shape = shapeOf(operation.selectionSet, root, fragments);
  return shape !== null && JSON.stringify(shape) === JSON.stringify(shapeOf(asked.selectionSet, root, {}));
}

/** Keys, each with what is below it. */
type Shape = [key: string, below: Shape][];

/** Of an answer; null where it depends on variables or on the type of what is found. */
function shapeOf(
  { selections }: SelectionSetNode,
  type: GraphQLObjectType,
  fragments: OperationContext['fragments'],
): Shape | null {
  const shape = new Map<string, Shape>();
  for (const selection of selections) {
    if (selection.directives?.length) return null;
    const below = belowOf(selection, type, fragments);
    if (below === null) return null;
    const added: Shape = selection.kind === Kind.FIELD ? [[keyOf(selection), below]] : below;
    for (const [key, more] of added) shape.set(key, merged(shape.get(key) ?? [], more));
  }
  return [...shape];
}

/** Under an object type every valid fragment applies. */
function belowOf(
  selection: SelectionNode,
  type: GraphQLObjectType,
  fragments: OperationContext['fragments'],
): Shape | null {
  if (selection.kind === Kind.INLINE_FRAGMENT) return shapeOf(selection.selectionSet, type, fragments);
  if (selection.kind === Kind.FRAGMENT_SPREAD)
    return shapeOf(fragments[selection.name.value]?.selectionSet ?? NOTHING, type, fragments);
  if (!selection.selectionSet) return [];
  const below = getNamedType(type.getFields()[selection.name.value]?.type);
  return isObjectType(below) ? shapeOf(selection.selectionSet, below, fragments) : null;
}

const merged = (shape: Shape, more: Shape): Shape => {
  const all = new Map(shape);
  for (const [key, below] of more) all.set(key, merged(all.get(key) ?? [], below));
  return [...all];
};

const keyOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

/** What the client asked for and no more. */
export function withoutCursor({ eventKey }: SubscriptionPlan, data: Record<string, unknown>): Record<string, unknown> {
  const event = data[eventKey];
  if (!event || typeof event !== 'object') return data;
  const { [CURSOR]: _, ...seen } = event as Record<string, unknown>; // GraphQL has no other objects
  return { ...data, [eventKey]: seen };
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
      if (selection.kind === Kind.FIELD) keys.add(keyOf(selection));
      else if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet);
      else walk(fragments[selection.name.value]?.selectionSet ?? NOTHING);
    }
  };
  walk(operation.selectionSet);
  if (keys.size !== 1) throw invalid('A subscription must have exactly one root field.', operation);
}

/** Names that begin with two underscores are GraphQL's (specification, 2.1.8), and two of them are the engine's. */
function checkNames(document: DocumentNode): void {
  const refuse = (node: ASTNode, name: string) => {
    throw invalid(`The name "${name}" is reserved.`, node);
  };
  visit(document, {
    Field: (field) => (field.alias?.value === CURSOR ? refuse(field, CURSOR) : undefined),
    VariableDefinition: (definition) =>
      definition.variable.name.value === AFTER ? refuse(definition, `$${AFTER}`) : undefined,
  });
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
  const eventKey = keyOf(field);
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

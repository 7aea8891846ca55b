/**
 * What an operation may cost at most, known before it is run: so many objects, as `@cost` and `@listSize` of the supergraph
 * have them (IBM's GraphQL Cost Directives specification). An upper bound: what `@skip` leaves out, and a field that is
 * selected twice, count all the same.
 */
import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';
import { fragmentsIn } from './documents.ts';

/** A list of which nothing is known. */
const ASSUMED_LIST = 10;
/** Unless `@cost` says otherwise: it locks rows and writes events. */
const MUTATION = 10;

interface ListSize {
  assumedSize?: number;
  slicingArguments?: string[];
  /** The size is that of these fields below, the edges of a connection. */
  sizedFields?: string[];
}

/** What the supergraph says of a type, or of a field as `Type.field`. */
interface Annotation {
  weight: number | undefined;
  listSize: ListSize | undefined;
}

type Variables = Readonly<Record<string, unknown>>;
/** Where no size depends on a variable it is a number: computed once for a document. */
type Cost = number | ((variables: Variables) => number);

/** @param variables as they were sent, or coerced: sizes are plain numbers in both */
export type CostOf = (document: DocumentNode, operation: OperationDefinitionNode, variables: Variables) => number;

/** @param schema what clients see of the supergraph */
export function createCostOf(supergraphSdl: string, schema: GraphQLSchema): CostOf {
  const annotations = annotationsIn(supergraphSdl);
  const known = new WeakMap<OperationDefinitionNode, Cost>();

  return (document, operation, variables) => {
    const cost = known.get(operation) ?? costOfOperation(document, operation);
    known.set(operation, cost);
    return typeof cost === 'number' ? cost : cost({ ...defaultsOf(operation), ...variables });
  };

  function costOfOperation(document: DocumentNode, operation: OperationDefinitionNode): Cost {
    const root = schema.getRootType(operation.operation);
    return root ? costOfSelections(operation.selectionSet, root, fragmentsIn(document), undefined) : 0;
  }

  function costOfSelections(
    { selections }: SelectionSetNode,
    parent: GraphQLNamedType,
    fragments: Map<string, FragmentDefinitionNode>,
    sized: Sized | undefined,
  ): Cost {
    return sum(
      selections.map((selection): Cost => {
        if (selection.kind === Kind.FIELD) return costOfField(selection, parent, fragments, sized);
        const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
        const type = fragment?.typeCondition ? schema.getType(fragment.typeCondition.name.value) : parent;
        return fragment && type ? costOfSelections(fragment.selectionSet, type, fragments, sized) : 0;
      }),
    );
  }

  function costOfField(
    node: FieldNode,
    parent: GraphQLNamedType,
    fragments: Map<string, FragmentDefinitionNode>,
    sized: Sized | undefined,
  ): Cost {
    const field = isCompositeType(parent) && 'getFields' in parent ? parent.getFields()[node.name.value] : undefined;
    if (!field) return 0; // __typename and introspection, which other limits bound
    const { weight, listSize } = annotations.get(`${parent.name}.${field.name}`) ?? {};
    const size = listSize && sizeOf(listSize, field, node);
    const below = listSize?.sizedFields && size ? { fields: listSize.sizedFields, size } : undefined;
    const selected = node.selectionSet
      ? costOfSelections(node.selectionSet, getNamedType(field.type), fragments, below)
      : 0;
    const times = isList(field) ? sizeOfList(field, sized, below ? undefined : size) : 1;
    return product(sum([weight ?? weightOf(parent, field), selected]), times);
  }

  function weightOf(parent: GraphQLNamedType, field: GraphQLField<unknown, unknown>): number {
    if (parent === schema.getMutationType()) return MUTATION;
    const type = getNamedType(field.type);
    return annotations.get(type.name)?.weight ?? (isCompositeType(type) ? 1 : 0);
  }
}

/** Of fields below, as their connection was asked for. */
interface Sized {
  fields: string[];
  size: Cost;
}

const sizeOfList = (field: GraphQLField<unknown, unknown>, sized: Sized | undefined, own: Cost | undefined): Cost =>
  own ?? (sized?.fields.includes(field.name) ? sized.size : ASSUMED_LIST);

const isList = ({ type }: GraphQLField<unknown, unknown>): boolean =>
  isListType(isNonNullType(type) ? type.ofType : type);

/** The greatest of the slicing arguments, as they are given, by their default, or by a variable. */
function sizeOf(
  { assumedSize = ASSUMED_LIST, slicingArguments = [] }: ListSize,
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
): Cost {
  const sizeWith = (variables: Variables): number => {
    const sizes = slicingArguments
      .map((name) => argumentIn(name, field, node, variables))
      .filter((size) => size !== null);
    return sizes.length ? Math.max(0, ...sizes) : assumedSize;
  };
  const byVariable = node.arguments?.some(
    ({ name, value }) => value.kind === Kind.VARIABLE && slicingArguments.includes(name.value),
  );
  return byVariable ? sizeWith : sizeWith({});
}

/** Null where it is not given, or is null; what is no number is refused when the variables are coerced. */
function argumentIn(
  name: string,
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Variables,
): number | null {
  const given = node.arguments?.find((argument) => argument.name.value === name)?.value;
  const value = given && valueFromASTUntyped(given, variables);
  const size = value === undefined ? field.args.find((argument) => argument.name === name)?.defaultValue : value;
  return typeof size === 'number' ? size : null;
}

const defaultsOf = ({ variableDefinitions = [] }: OperationDefinitionNode): Variables =>
  Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );

const evaluate = (cost: Cost, variables: Variables): number => (typeof cost === 'number' ? cost : cost(variables));

function sum(costs: Cost[]): Cost {
  const fixed = costs.filter((cost) => typeof cost === 'number').reduce((total, cost) => total + cost, 0);
  const open = costs.filter((cost) => typeof cost !== 'number');
  return open.length ? (variables) => open.reduce((total, cost) => total + cost(variables), fixed) : fixed;
}

const product = (one: Cost, other: Cost): Cost =>
  typeof one === 'number' && typeof other === 'number'
    ? one * other
    : (variables) => evaluate(one, variables) * evaluate(other, variables);

function annotationsIn(supergraphSdl: string): Map<string, Annotation> {
  const annotations = new Map<string, Annotation>();
  const note = (name: string, directives: readonly ConstDirectiveNode[] = []) => {
    const weight = argumentsOf(directives, 'cost')?.weight as number | undefined; // Int! in the directive's definition
    const listSize = argumentsOf(directives, 'listSize') as ListSize | undefined; // likewise
    if (weight !== undefined || listSize) annotations.set(name, { weight, listSize });
  };
  for (const definition of parse(supergraphSdl, { noLocation: true }).definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    note(definition.name.value, definition.directives);
    for (const field of definition.fields ?? []) note(`${definition.name.value}.${field.name.value}`, field.directives);
  }
  return annotations;
}

function argumentsOf(directives: readonly ConstDirectiveNode[], name: string): Record<string, unknown> | undefined {
  const directive = directives.find((one) => one.name.value === name);
  return (
    directive &&
    Object.fromEntries((directive.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value)]))
  );
}

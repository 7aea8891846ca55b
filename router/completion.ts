/**
 * From what the subgraphs have answered to what the client has asked for: its keys, in its order, and null where a value is
 * missing or not of its type (GraphQL specification, 6.4.3). Compiled once for an operation.
 */
import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLBoolean,
  type GraphQLCompositeType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  type GraphQLLeafType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLString,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

export type JsonObject = { [key: string]: unknown };

/** The values of the variables that stand in `@skip` and `@include`. */
export type Conditions = Readonly<Record<string, boolean>>;

export interface Completing {
  /** What clients see. */
  schema: GraphQLSchema;
  fragments: Map<string, FragmentDefinitionNode>;
  conditions: Conditions;
}

/** In place of a value that must not be null and is: what it belongs to becomes null. */
const MISSING = Symbol('missing');
type Complete = (value: unknown) => unknown;

/** Makes the client's data of all that was fetched. It throws when that has an object or a list where there is none. */
export function compileCompletion(
  operation: OperationDefinitionNode,
  { schema, fragments, conditions }: Completing,
): (fetched: JsonObject) => JsonObject | null {
  const root = schema.getRootType(operation.operation);
  if (!root) throw new Error(`The schema has no ${operation.operation}`);
  const complete = completeFields([operation.selectionSet], root);
  return (fetched) => {
    const data = complete(fetched);
    return data === MISSING ? null : (data as JsonObject); // completeFields makes nothing else
  };

  function completeType(type: GraphQLOutputType, nodes: FieldNode[]): Complete {
    if (isNonNullType(type)) {
      const complete = completeType(type.ofType, nodes);
      return (value) => complete(value) ?? MISSING;
    }
    if (isListType(type)) return completeList(completeType(type.ofType, nodes));
    return isCompositeType(type) ? completeObject(type, nodes) : completeLeaf(type);
  }

  /** By the type that an object has at run time, each compiled when the first of them comes. */
  function completeObject(type: GraphQLCompositeType, nodes: FieldNode[]): Complete {
    const selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const byType = new Map<string, Complete>();
    const compile = (name: string): Complete => {
      const known = schema.getType(name);
      const complete: Complete = isCompositeType(known) ? completeFields(selections, known) : () => null; // clients do not see that type
      byType.set(name, complete);
      return complete;
    };
    return (value) => {
      if (value === null || value === undefined) return null;
      if (typeof value !== 'object') throw new Error(`A subgraph answered a ${typeof value} for ${type.name}`);
      const { __typename: name = type.name } = value as { __typename?: string };
      const completed = (byType.get(name) ?? compile(name))(value);
      return completed === MISSING ? null : completed;
    };
  }

  function completeFields(selections: SelectionSetNode[], type: GraphQLCompositeType): Complete {
    const fields = [...fieldsOf(selections, type)].map(([key, nodes]) => ({
      key,
      complete: completeField(nodes, type),
    }));
    return (value) => {
      const object: JsonObject = {};
      for (const { key, complete } of fields) {
        const completed = complete((value as JsonObject)[key]); // completeObject has seen that it is one
        if (completed === MISSING) return MISSING;
        object[key] = completed;
      }
      return object;
    };
  }

  function completeField(nodes: FieldNode[], type: GraphQLCompositeType): Complete {
    const name = nodes[0]?.name.value ?? '';
    if (name === '__typename') return () => (isObjectType(type) ? type.name : MISSING);
    const field = isUnionType(type) ? undefined : type.getFields()[name];
    if (!field) throw new Error(`${type.name} has no field ${name}`); // the operation was validated
    return completeType(field.type, nodes);
  }

  /** By response key, what is asked for of an object of this type. */
  function fieldsOf(selectionSets: SelectionSetNode[], type: GraphQLCompositeType): Map<string, FieldNode[]> {
    const fields = new Map<string, FieldNode[]>();
    const add = (selection: SelectionNode): void => {
      if (!isIncluded(selection.directives, conditions)) return;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        fields.set(key, [...(fields.get(key) ?? []), selection]);
        return;
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      if (fragment && applies(fragment.typeCondition?.name.value, type)) fragment.selectionSet.selections.forEach(add);
    };
    for (const { selections } of selectionSets) selections.forEach(add);
    return fields;
  }

  function applies(condition: string | undefined, type: GraphQLCompositeType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const wanted = schema.getType(condition);
    return isAbstractType(wanted) && !isUnionType(type) && schema.isSubType(wanted, type);
  }
}

const isIncluded = (directives: readonly DirectiveNode[] = [], conditions: Conditions): boolean =>
  directives.every(({ name, arguments: [condition] = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true;
    const value = condition?.value;
    const holds =
      value?.kind === Kind.VARIABLE ? conditions[value.name.value] : value?.kind === Kind.BOOLEAN && value.value;
    return holds === (name.value === 'include');
  });

function completeList(complete: Complete): Complete {
  return (value) => {
    if (value === null || value === undefined) return null;
    if (!Array.isArray(value)) throw new Error(`A subgraph answered a ${typeof value} for a list`);
    const list = new Array<unknown>(value.length);
    for (let place = 0; place < value.length; place++) {
      const completed = complete(value[place]);
      if (completed === MISSING) return null;
      list[place] = completed;
    }
    return list;
  };
}

/** Subgraphs are not trusted to know only values that clients see: an enum may have more. */
function completeLeaf(type: GraphQLLeafType): Complete {
  const fits = isEnumType(type)
    ? (value: unknown) => typeof value === 'string' && type.getValue(value) !== undefined
    : (fitsScalar.get(type.name) ?? (() => true));
  return (value) => (value !== null && value !== undefined && fits(value) ? value : null);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isWhole = (value: unknown): boolean => Number.isInteger(value);
const fitsScalar = new Map<string, (value: unknown) => boolean>([
  [GraphQLString.name, isText],
  [GraphQLID.name, (value) => isText(value) || isWhole(value)],
  [GraphQLInt.name, isWhole],
  [GraphQLFloat.name, (value) => typeof value === 'number'],
  [GraphQLBoolean.name, (value) => typeof value === 'boolean'],
]);

/** Any operation that a schema allows, for properties of whatever runs operations. */
import fc, { type GeneratorValue } from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  isUnionType,
  type OperationTypeNode,
} from 'graphql';

export interface AnyOperation {
  query: string;
  variables: Record<string, unknown>;
}

const DEEPEST = 5;
/** Rarely more, so that most operations stay small. */
const FIELDS = 4;

/** With aliases, fragments, conditions and variables. It may have fields that cannot be merged: validate it. */
export function anyOperation(g: GeneratorValue, schema: GraphQLSchema, kind: OperationTypeNode): AnyOperation {
  const root = schema.getRootType(kind);
  if (!root) throw new Error(`The schema has no ${kind}`);
  const variables: Record<string, unknown> = {};
  const definitions: string[] = [];
  const fragments: string[] = [];
  const upTo = (most: number): number => g(fc.nat, most);
  const oneOf = <T>(values: readonly T[]): T => values[upTo(values.length - 1)] as T; // there is one
  const query = selectionSet(root, 0);
  const head = definitions.length ? `(${definitions.join(', ')})` : '';
  return { query: [`${kind} Any${head} ${query}`, ...fragments].join('\n'), variables };

  function selectionSet(type: GraphQLCompositeType, depth: number, fragments = depth > 0): string {
    const selections = Array.from({ length: 1 + upTo(FIELDS - 1) }, () => selection(type, depth, fragments));
    return `{ ${selections.join(' ')} }`;
  }

  function selection(type: GraphQLCompositeType, depth: number, fragments: boolean): string {
    const choice = upTo(9);
    if (fragments && (choice === 0 || (isUnionType(type) && choice > 1))) return fragment(type, depth);
    if (choice === 1 || isUnionType(type)) return upTo(1) ? '__typename' : 'kind: __typename';
    const fields = Object.values(type.getFields());
    const shallow = fields.filter((field) => !isCompositeType(getNamedType(field.type)));
    const field = oneOf(depth < DEEPEST || !shallow.length ? fields : shallow);
    const below = getNamedType(field.type);
    if (isCompositeType(below) && depth >= DEEPEST) return '__typename';
    const given = argumentsOf(field.args);
    const alias = given || upTo(5) === 0 ? `a${upTo(2)}_${field.name}: ` : '';
    return `${alias}${field.name}${given}${condition()}${isCompositeType(below) ? ` ${selectionSet(below, depth + 1)}` : ''}`;
  }

  function fragment(type: GraphQLCompositeType, depth: number): string {
    const narrower = isAbstractType(type) ? [type, ...schema.getPossibleTypes(type)] : [type];
    const wider = Object.values(schema.getTypeMap())
      .filter(isAbstractType)
      .filter((wide) => !isUnionType(type) && schema.isSubType(wide, type));
    const wanted = oneOf<GraphQLCompositeType>([...narrower, ...wider]);
    // In a wider type the gateway's own executor forgets which type it had, and loses what fragments in it select.
    const body = selectionSet(wanted, depth, narrower.includes(wanted));
    if (upTo(2) === 0) {
      const name = `F${fragments.length}`;
      fragments.push(`fragment ${name} on ${wanted.name} ${body}`);
      return `...${name}${condition()}`;
    }
    return `... ${wanted === type && upTo(1) ? '' : `on ${wanted.name} `}${condition()} ${body}`;
  }

  function condition(): string {
    const choice = upTo(11);
    if (choice > 1) return '';
    const directive = choice ? 'skip' : 'include';
    if (upTo(1)) return ` @${directive}(if: ${upTo(1) === 1})`;
    return ` @${directive}(if: $${oneOf([variable('Boolean!', upTo(1) === 1, 'c1'), variable('Boolean! = true', undefined, 'c2')])})`;
  }

  function variable(type: string, value: unknown, name = `v${definitions.length}`): string {
    if (!definitions.some((definition) => definition.startsWith(`$${name}:`))) {
      definitions.push(`$${name}: ${type}`);
      if (value !== undefined) variables[name] = value;
    }
    return name;
  }

  function argumentsOf(args: readonly GraphQLArgument[]): string {
    const given = args.filter((argument) => isRequiredInputField(argument) || upTo(2) === 0);
    if (!given.length) return '';
    const written = given.map(({ name, type }) => {
      if (upTo(1)) return `${name}: ${literal(type)}`;
      return `${name}: $${variable(String(type), value(type))}`;
    });
    return `(${written.join(', ')})`;
  }

  function value(type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return value(type.ofType);
    if (isListType(type)) return [value(type.ofType)];
    if (isEnumType(type)) return oneOf(type.getValues()).name;
    if (isInputObjectType(type)) {
      const required = Object.values(type.getFields()).filter(isRequiredInputField);
      return Object.fromEntries(required.map((field) => [field.name, value(field.type)]));
    }
    const scalars: Record<string, unknown> = {
      Int: 1 + upTo(3),
      Float: 0.5,
      Boolean: true,
      DateTime: '2026-01-01T00:00:00Z',
    };
    return scalars[type.name] ?? String(upTo(2));
  }

  function literal(type: GraphQLInputType): string {
    if (isNonNullType(type)) return literal(type.ofType);
    if (isListType(type)) return `[${literal(type.ofType)}]`;
    if (isEnumType(type)) return oneOf(type.getValues()).name;
    if (!isInputObjectType(type)) return JSON.stringify(value(type));
    const required = Object.values(type.getFields()).filter(isRequiredInputField);
    return `{ ${required.map((field) => `${field.name}: ${literal(field.type)}`).join(', ')} }`;
  }
}

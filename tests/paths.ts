/** Every way through the public graph, as operations to send: from each root, through every type a few times, with an argument for all that takes one. */
import { readFileSync } from 'node:fs';
import { Supergraph } from '@apollo/federation-internals';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';

/** What clients see of the supergraph. */
export function publicSchema(): GraphQLSchema {
  const sdl = readFileSync(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8');
  return Supergraph.build(sdl).apiSchema().toGraphQLJSSchema();
}

type Field = GraphQLField<unknown, unknown>;

export interface Walk {
  /** The root field. */
  field: string;
  operation: string;
}

export interface Wish {
  kind: 'query' | 'mutation' | 'subscription';
  /** How often a type may come on one path. */
  visits: number;
  /** Whether connections are read from `$after`. */
  paged?: boolean;
}

/** The variables that an operation may have: it declares those that it has. */
const variables = { id: 'ID!', text: 'String', after: 'String' };

/** So many fields are in an operation, about. */
const FIELDS = 500;

/** The operations that together select every path there is. */
export function walksOf(schema: GraphQLSchema, { kind, visits, paged = false }: Wish): Walk[] {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  return Object.values(root[kind]?.getFields() ?? {}).flatMap((field) =>
    callsOf(field, paged).flatMap((call) =>
      selectionsOf(getNamedType(field.type), { visits, paged }, new Map()).map((selection) => ({
        field: field.name,
        operation: withVariables(kind, `${call} ${selection.text}`),
      })),
    ),
  );
}

function withVariables(kind: string, text: string): string {
  const used = Object.entries(variables).filter(([name]) => text.includes(`$${name}`));
  const declared = used.map(([name, type]) => `$${name}: ${type}`).join(', ');
  return `${kind} ${declared && `(${declared})`} { ${text} }`;
}

interface Selection {
  text: string;
  fields: number;
}

/** All below a type, in pieces of a size; each has the scalars, too. */
function selectionsOf(
  type: GraphQLNamedType,
  wish: { visits: number; paged: boolean },
  visited: ReadonlyMap<string, number>,
): Selection[] {
  if (!isObjectType(type)) return [{ text: '', fields: 0 }];
  const times = (visited.get(type.name) ?? 0) + 1;
  if (times > wish.visits) return [];
  const seen = new Map(visited).set(type.name, times);
  const fields = Object.values(type.getFields());
  const scalars = fields.filter((field) => !isObjectType(getNamedType(field.type))).map(({ name }) => name);
  const below = fields
    .filter((field) => isObjectType(getNamedType(field.type)))
    .flatMap((field) =>
      selectionsOf(getNamedType(field.type), wish, seen).map(({ text, fields }) => ({
        text: `${callOf(field, wish.paged)} ${text}`,
        fields: fields + 1,
      })),
    );
  return pack(below).map((pieces) => ({
    text: `{ ${[...scalars, ...pieces.map(({ text }) => text)].join(' ') || '__typename'} }`,
    fields: scalars.length + pieces.reduce((sum, { fields }) => sum + fields, 0),
  }));
}

/** At least one pack, be it empty. */
function pack(pieces: Selection[]): Selection[][] {
  const packs: Selection[][] = [[]];
  let size = 0;
  for (const piece of pieces) {
    if (size + piece.fields > FIELDS && size > 0) {
      packs.push([]);
      size = 0;
    }
    packs.at(-1)?.push(piece);
    size += piece.fields;
  }
  return packs;
}

/** As little as a field must be given. */
function callOf({ name, args }: Field, paged: boolean): string {
  return call(
    name,
    args.flatMap((arg) => given(arg, paged)),
  );
}

const call = (name: string, args: string[]): string => (args.length ? `${name}(${args.join(', ')})` : name);

function given(arg: GraphQLArgument, paged: boolean): string[] {
  if (arg.name === 'first') return ['first: 2'];
  if (arg.name === 'after') return paged ? ['after: $after'] : [];
  return isRequiredArgument(arg) ? [`${arg.name}: ${valueFor(arg.type, arg.name)}`] : [];
}

/** A root field in every way that it takes an id, or a text to search for. */
function callsOf(field: Field, paged: boolean): string[] {
  const least = field.args.flatMap((arg) => given(arg, paged));
  const more = field.args.filter((arg) => !isRequiredArgument(arg)).flatMap(pointers);
  return [call(field.name, least), ...more.map((pointer) => call(field.name, [...least, pointer]))];
}

/** The ways to point at something with an optional argument. */
function pointers({ name, type }: { name: string; type: GraphQLInputType }): string[] {
  const named = getNamedType(type);
  if (isInputObjectType(named))
    return Object.values(named.getFields())
      .flatMap(pointers)
      .map((pointer) => `${name}: { ${pointer} }`);
  if (named.name === 'ID') return [`${name}: $id`];
  return named.name === 'String' && name === 'search' ? [`${name}: $text`] : [];
}

/** Texts that pass the rules of the field of this name. */
const texts: Record<string, string> = {
  email: 'b@example.test',
  password: 'a long enough password',
  current: 'a long enough password',
  new: 'a long enough password',
  paymentMethod: 'pm_card_visa',
  country: 'KR',
  currency: 'KRW',
};

function valueFor(type: GraphQLInputType, name: string): string {
  if (isNonNullType(type)) return valueFor(type.ofType, name);
  if (isListType(type)) return `[${valueFor(type.ofType, name)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (field) => isRequiredInputField(field) || getNamedType(field.type).name === 'ID',
    );
    return `{ ${fields.map((field) => `${field.name}: ${valueFor(field.type, field.name)}`).join(', ')} }`;
  }
  const values: Record<string, string> = { ID: '$id', Int: '1', Float: '1', Boolean: 'true' };
  return values[type.name] ?? JSON.stringify(texts[name] ?? 'x');
}

/** Graphs to run any operation over, whose subgraphs are real schemas that invent their answers: the same for the same entity, wherever it is asked for. */
import { createHash } from 'node:crypto';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type DocumentNode,
  execute,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
} from 'graphql';
import { readSdl } from '#platform/graphql.ts';

const FEDERATION = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@key", "@external", "@requires", "@provides", "@shareable"])`;

const shop = Object.fromEntries(
  ['book', 'rental', 'delivery', 'customer'].map((name) => [
    name,
    readSdl(new URL(`../subgraphs/${name}/schema.graphql`, import.meta.url)),
  ]),
);

/** Of the Guild's public benchmark of gateways (graphql-hive/graphql-gateways-benchmark). */
const benchmark = {
  accounts: `${FEDERATION}
    type Query { me: User user(id: ID!): User users: [User] }
    type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }`,
  inventory: `${FEDERATION}
    type Product @key(fields: "upc") {
      upc: String! weight: Int @external price: Int @external inStock: Boolean
      shippingEstimate: Int @requires(fields: "price weight")
    }`,
  products: `${FEDERATION}
    type Query { topProducts(first: Int = 5): [Product] }
    type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }`,
  reviews: `${FEDERATION}
    type Review @key(fields: "id") { id: ID! body: String product: Product author: User @provides(fields: "username") }
    type User @key(fields: "id") { id: ID! username: String @external reviews: [Review] }
    type Product @key(fields: "upc") { upc: String! reviews: [Review] }`,
};

/** What the other two have little of: interfaces and unions across subgraphs, lists of lists, keys with objects in them. */
const library = {
  catalogue: `${FEDERATION}
    type Query { shelf(first: Int = 3): [[Medium!]!]! found: [Found] medium: Medium node: Node! newest: Book! }
    type Mutation { lend(id: ID!): Medium! take(id: ID!): Book }
    interface Node { id: ID! }
    interface Medium implements Node { id: ID! title: String! maker: Maker! }
    enum Language { KO EN }
    type Book implements Medium & Node @key(fields: "id") { id: ID! title: String! maker: Maker! language: Language! next: Book }
    type Film implements Medium & Node @key(fields: "id") { id: ID! title: String! maker: Maker! minutes: Int }
    type Maker @key(fields: "name { first last }") { name: Name! }
    type Name @shareable { first: String! last: String! }
    union Found = Book | Film | Maker`,
  lending: `${FEDERATION}
    type Query { popular: [Book!] }
    interface Lent { id: ID! loans: [Loan!]! }
    type Book implements Lent @key(fields: "id") { id: ID! loans: [Loan!]! overdue: Int! }
    type Film implements Lent @key(fields: "id") { id: ID! loans: [Loan!]! price: Float }
    type Loan { number: Int! of: Book back: Boolean! }`,
  people: `${FEDERATION}
    type Maker @key(fields: "name { first last }") { name: Name! born: Int! works: [Book] }
    type Name @shareable { first: String! last: String! }
    type Book @key(fields: "id") { id: ID! reader: Maker }`,
};

export const graphs = { shop, benchmark, library } as const;

type Answer = (body: string) => Promise<FormattedExecutionResult>;

export interface InventedGraph {
  supergraphSdl: string;
  /** Its subgraphs, each asked as over HTTP, without the one that is away. The seed is that of all that is invented. */
  subgraphsFor(seed: number, away: string | null): Map<string, Answer>;
}

export function inventGraph(sdls: Readonly<Record<string, string>>): InventedGraph {
  const services = Object.entries(sdls).map(([name, sdl]) => ({ name, url: `http://${name}`, typeDefs: parse(sdl) }));
  const { supergraphSdl, errors } = composeServices(services);
  if (errors) throw new AggregateError(errors);
  const invention = { seed: 0 };
  const answers = services.map(({ name, typeDefs }) => [name, answering(inventing(typeDefs, invention))] as const);
  return {
    supergraphSdl,
    subgraphsFor(seed, away) {
      invention.seed = seed;
      return new Map(answers.filter(([name]) => name !== away));
    },
  };
}

function answering(schema: GraphQLSchema): Answer {
  return async (body) => {
    const { query, variables: variableValues, operationName } = JSON.parse(body);
    const result = await execute({ schema, document: parse(query), variableValues, operationName });
    return JSON.parse(JSON.stringify(result));
  };
}

function inventing(typeDefs: DocumentNode, invention: { seed: number }): GraphQLSchema {
  const schema = buildSubgraphSchema(typeDefs);
  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type) && type.name !== '_Entity') type.resolveType = (value) => value.__typename;
    if (!isObjectType(type) || type.name.startsWith('_')) continue;
    for (const field of Object.values(type.getFields()))
      if (!field.name.startsWith('_')) field.resolve = inventor(schema, type, field, invention);
  }
  return schema;
}

type Source = Readonly<Record<string, unknown>>;

/** An entity is known by its key, anything else by the place where it was found. */
const identityOf = ({ id, upc, name, place }: Source = {}): string => JSON.stringify(id ?? upc ?? name ?? place);

function inventor(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  field: GraphQLField<Source, unknown>,
  invention: { seed: number },
) {
  return (source: Source | undefined, args: object): unknown => {
    const brought = source?.[field.name];
    if (brought !== undefined) return brought;
    const place = `${invention.seed} ${type.name} ${identityOf(source)} ${field.name} ${JSON.stringify(args)}`;
    const fate = number(place) % 40;
    if (fate === 0) throw new GraphQLError(`No ${field.name}`, { extensions: { code: 'INVENTED' } });
    if (fate === 1) throw new GraphQLError(`No ${field.name} at all`);
    return invent(field.type, place);
  };

  function invent(wanted: GraphQLOutputType, place: string): unknown {
    if (isNonNullType(wanted)) return number(`${place}!`) % 60 === 0 ? null : inventSome(wanted.ofType, place);
    return number(`${place}?`) % 6 === 0 ? null : inventSome(wanted, place);
  }

  function inventSome(wanted: GraphQLOutputType, place: string): unknown {
    const chance = number(place);
    if (isListType(wanted))
      return Array.from({ length: chance % 4 }, (_, nth) => invent(wanted.ofType, `${place}#${nth}`));
    if (isEnumType(wanted)) return wanted.getValues()[chance % wanted.getValues().length]?.value;
    if (isAbstractType(wanted)) {
      const possible = schema.getPossibleTypes(wanted);
      return inventSome(possible[chance % possible.length] as GraphQLObjectType, place);
    }
    if (isObjectType(wanted)) return inventObject(wanted, place);
    return inventScalar(String(wanted), chance);
  }
}

/** Few of a kind, so that an answer has the same one in several places. */
function inventObject(type: GraphQLObjectType, place: string): Source {
  const fields = type.getFields();
  const few = String(number(place) % 3);
  return {
    __typename: type.name,
    place,
    ...(fields.id && { id: few }),
    ...(fields.upc && { upc: few }),
    ...(fields.name?.type.toString() === 'Name!' && { name: { __typename: 'Name', first: few, last: 'Kim' } }),
  };
}

function inventScalar(name: string, chance: number): unknown {
  if (name === 'Int') return chance % 100;
  if (name === 'Float') return (chance % 100) / 4;
  if (name === 'Boolean') return chance % 2 === 0;
  if (name === 'DateTime') return new Date(1_700_000_000_000 + chance).toISOString();
  return `t${chance % 100}`;
}

const number = (text: string): number => createHash('md5').update(text).digest().readUInt32LE();

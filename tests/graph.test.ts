/** The public graph: two composers accept it, nothing of it breaks the rules that schema/common.graphql states. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { composeServices } from '@theguild/federation-composition';
import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isNonNullType,
  isObjectType,
  parse,
} from 'graphql';
import { authRule } from '#platform/auth.ts';
import { readSdl, subgraphSchema } from '#platform/graphql.ts';

const subgraphs = globSync('subgraphs/*/schema.graphql').map((path) => {
  const file = new URL(`../${path}`, import.meta.url);
  return { name: basename(dirname(path)), sdl: readSdl(file), schema: subgraphSchema(file, {}) };
});

test('all four subgraphs were read', () =>
  expect(subgraphs.map(({ name }) => name).sort()).toEqual(['book', 'customer', 'delivery', 'rental']));

test("the Guild's composer accepts the same SDLs", () => {
  const result = composeServices(
    subgraphs.map(({ name, sdl }) => ({ name, typeDefs: parse(sdl), url: `http://${name}` })),
  );
  expect(result.errors ?? []).toEqual([]);
  expect(result.supergraphSdl).toContain('type Rental');
});

/** Which entity type belongs to which subgraph: the one that can resolve it and holds more than its key. */
const owners: Record<string, string> = {
  Book: 'book',
  BookCopy: 'book',
  WaitlistEntry: 'book',
  DailyReport: 'rental',
  Rental: 'rental',
  Delivery: 'delivery',
  Customer: 'customer',
};

interface Place {
  subgraph: string;
  schema: GraphQLSchema;
  type: GraphQLObjectType;
  field: GraphQLField<unknown, unknown>;
}

const fields: Place[] = subgraphs.flatMap(({ name, schema }) =>
  Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => !type.name.startsWith('_'))
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ subgraph: name, schema, type, field }))),
);
const isKey = ({ type, field }: Place) =>
  type.astNode?.directives?.some(
    ({ name, arguments: given = [] }) =>
      name.value === 'key' && given.some(({ value }) => value.kind === 'StringValue' && value.value === field.name),
  ) ?? false;
const isPersonal = ({ field }: Place) => field.astNode?.directives?.some(({ name }) => name.value === 'tag') ?? false;
const refersAway = ({ subgraph, field }: Place) => (owners[getNamedType(field.type).name] ?? subgraph) !== subgraph;
const contributes = (place: Place) => (owners[place.type.name] ?? place.subgraph) !== place.subgraph && !isKey(place);
const guarded = ({ schema, type, field }: Place) =>
  type !== schema.getMutationType() && type !== schema.getSubscriptionType() && authRule(schema, field) !== null;
const isQueryRoot = ({ schema, type, field }: Place) => type === schema.getQueryType() && !field.name.startsWith('_');

test.each([
  ['every Query root field', isQueryRoot],
  ["every reference to another subgraph's entity", refersAway],
  ["every field contributed to another's entity", contributes],
  ['every field under @auth', guarded],
  ['all personal data', isPersonal],
])('%s is nullable', (_, concerns) => {
  const concerned = fields.filter(concerns);
  const breaking = concerned
    .filter(({ field }) => isNonNullType(field.type))
    .map(({ subgraph, type, field }) => `${subgraph}: ${type.name}.${field.name}`);
  expect(concerned.length).toBeGreaterThan(0);
  expect(breaking).toEqual([]);
});

test('every mutation has a rule, but for those that sign in', () => {
  const open = ['signUp', 'signIn', 'refreshSession', 'signOut'];
  const without = fields
    .filter(({ schema, type, field }) => type === schema.getMutationType() && !authRule(schema, field))
    .map(({ field }) => field.name);
  expect(without.sort()).toEqual(open.sort());
});

test('every list in pages says how long it may be, by which its cost is known', () => {
  const connections = fields.filter(({ field }) => getNamedType(field.type).name.endsWith('Connection'));
  const without = connections
    .filter(({ field }) => !field.astNode?.directives?.some(({ name }) => name.value === 'listSize'))
    .map(({ type, field }) => `${type.name}.${field.name}`);
  expect(connections.length).toBeGreaterThan(0);
  expect(without).toEqual([]);
});

/** What tells of a person, wherever it stands; a field of a name like these is personal unless it is shown not to be. */
const personalFields = [
  'Customer.name',
  'Customer.orderCursor',
  'Delivery.carrier',
  'Delivery.trackingNumber',
  'Delivery.trackingUrl',
  'Order.id',
  'Order.status',
  'Order.timeline',
  'OrderEvent.message',
  'Rental.status',
  'Rental.payment',
  'Rental.deliveries',
  'StockMovement.rental',
  'BookCopy.rental',
];
const personalNames =
  /^(e?mail|phone|address(es)?|line\d|city|postalCode|recipient|sender|orders?|roles|customers?|payment|note|actor|actorId)$/;
const isOfAPerson = (place: Place) =>
  isPersonal(place) ||
  personalNames.test(place.field.name) ||
  personalFields.includes(`${place.type.name}.${place.field.name}`);

/** Fields that a request reaches without passing any rule, from the operations and from references to entities. */
function openFields(schema: GraphQLSchema): Set<GraphQLField<unknown, unknown>> {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  const isEntity = ({ astNode }: GraphQLObjectType) => astNode?.directives?.some(({ name }) => name.value === 'key');
  const open = new Set<GraphQLField<unknown, unknown>>();
  const visit = (type: GraphQLObjectType) => {
    if (authRule(schema, type)) return;
    for (const field of Object.values(type.getFields())) {
      if (open.has(field) || authRule(schema, field)) continue;
      const returned = getNamedType(field.type);
      if (isObjectType(returned) && authRule(schema, returned)) continue;
      open.add(field);
      if (isObjectType(returned)) visit(returned);
    }
  };
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  for (const type of types) if (roots.includes(type) || isEntity(type)) visit(type);
  return open;
}

/** Open, and nobody else's: the account that has just proved who it is. */
const ownAccount = ['SessionPayload.customer'];

test("no personal field is reached without passing a rule, be it its own, its object's or one on the way", () => {
  const open = subgraphs.flatMap(({ schema }) => [...openFields(schema)]);
  const personal = fields.filter(isOfAPerson);
  const reached = personal
    .filter(({ field }) => open.includes(field))
    .map(({ type, field }) => `${type.name}.${field.name}`);

  expect(personal.map(({ type, field }) => `${type.name}.${field.name}`)).toEqual(
    expect.arrayContaining(personalFields),
  );
  expect(reached).toEqual(ownAccount);
});

test('the supergraph shows who may do what', () => {
  const sdl = readFileSync(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8');
  expect(sdl).toMatch(/setRoles\(.*@auth\(roles: \["ADMIN"\]\)/);
});

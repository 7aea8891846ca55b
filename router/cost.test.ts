/** Costs worked out by hand, on a small graph that has every kind of annotation. */
import { buildSchema, getOperationAST, parse } from 'graphql';
import { createCostOf } from './cost.ts';

const SDL = `
  directive @cost(weight: Int!) on FIELD_DEFINITION | OBJECT
  directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!]) on FIELD_DEFINITION
  type Query {
    book: Book
    title: String
    heavy: String @cost(weight: 7)
    books(first: Int = 20): BookConnection @listSize(assumedSize: 50, slicingArguments: ["first"], sizedFields: ["edges"])
    newest(first: Int, last: Int): [Book] @listSize(assumedSize: 3, slicingArguments: ["first", "last"])
    shelves: [Shelf!]!
  }
  type Mutation { rename: Book rent: Book @cost(weight: 25) }
  type Book { id: ID authors: [Author] tags: [String] similar(first: Int = 5): BookConnection @listSize(slicingArguments: ["first"], sizedFields: ["edges"]) }
  type Author { name: String }
  type Shelf @cost(weight: 4) { books: [Book] }
  type BookConnection { edges: [BookEdge] total: Int pageInfo: PageInfo }
  type BookEdge { node: Book }
  type PageInfo { hasNextPage: Boolean }`;

const costOf = createCostOf(SDL, buildSchema(SDL));

function cost(source: string, variables: Record<string, unknown> = {}): number {
  const document = parse(source);
  const operation = getOperationAST(document);
  if (!operation) throw new Error('The test has no operation');
  return costOf(document, operation, variables);
}

test.each([
  ['a leaf is free', '{ title }', 0],
  ['an object is one', '{ book { id } }', 1],
  ['a field has the weight that it is given', '{ heavy }', 7],
  ['introspection is free: depth and size bound it', '{ __schema { types { fields { name } } } }', 0],
  ['a list of which nothing is known counts as ten', '{ book { authors { name } } }', 1 + 10],
  ['a list of leaves is free', '{ book { tags } }', 1],
  ['a type has the weight that it is given, each time', '{ shelves { books { id } } }', 10 * (4 + 10 * 1)],
  [
    'a connection is one, and its edges as many as were asked for',
    '{ books(first: 3) { edges { node { id } } } }',
    1 + 3 * 2,
  ],
  ['without the argument its default counts', '{ books { edges { node { id } } } }', 1 + 20 * 2],
  ['with null in its place the assumed size does', '{ books(first: null) { edges { node { id } } } }', 1 + 50 * 2],
  ['what is beside the edges is not multiplied', '{ books(first: 9) { total pageInfo { hasNextPage } } }', 2],
  [
    'lists within lists multiply',
    '{ books(first: 3) { edges { node { similar(first: 4) { edges { node { id } } } } } } }',
    1 + 3 * (2 + 1 + 4 * 2),
  ],
  ['the greatest slicing argument counts', '{ newest(first: 2, last: 6) { id } }', 6],
  ['a list that is asked for without one has its assumed size', '{ newest { id } }', 3],
  ['a mutation is ten', 'mutation { rename { id } }', 10],
  ['unless it has a weight of its own', 'mutation { rent { id } }', 25],
  ['each alias counts', '{ a: book { id } b: book { id } }', 2],
  [
    'a fragment counts wherever it is spread',
    '{ a: book { ...B } b: book { ...B ... on Book { authors { name } } } } fragment B on Book { authors { name } }',
    1 + 10 + 1 + 20,
  ],
  ['less than nothing is nothing', '{ newest(first: -5) { id } }', 0],
])('%s', (_, source, expected) => expect(cost(source)).toBe(expected));

test('a size may be a variable, by its value or by its default', () => {
  const source = 'query ($n: Int = 7) { books(first: $n) { edges { node { id } } } }';
  expect(cost(source, { n: 30 })).toBe(1 + 30 * 2);
  expect(cost(source)).toBe(1 + 7 * 2);
  expect(cost(source, { n: null })).toBe(1 + 50 * 2);
});

test('a variable that is not given leaves the default of the argument', () =>
  expect(cost('query ($n: Int) { books(first: $n) { edges { node { id } } } }')).toBe(1 + 20 * 2));

test('what was worked out for a document once is right for other variables too', () => {
  const document = parse('query ($n: Int) { newest(first: $n) { id } }');
  const operation = getOperationAST(document);
  expect(operation && [1, 2, 3].map((n) => costOf(document, operation, { n }))).toEqual([1, 2, 3]);
});

import { connectionOf, pageOf } from './pages.ts';

const rows = Array.from({ length: 5 }, (_, number) => ({ number, name: `n${number}` }));
const keysOf = ({ number, name }: (typeof rows)[number]) => [number, name];
const types = ['int', 'text'] as const;

/** Reads the list as a resolver does, page by page. */
function page(first: number, after: string | null = null) {
  const { limit, keys } = pageOf({ first, after }, types);
  const from = keys ? Number(keys[0]) + 1 : 0;
  return connectionOf(rows.slice(from, from + limit), { first, after }, keysOf);
}

test('pages follow one another without a gap, and the last says so', () => {
  const first = page(2);
  const second = page(2, first.pageInfo.endCursor);
  const third = page(2, second.pageInfo.endCursor);

  const numbers = [first, second, third].map(({ edges }) => edges.map(({ node }) => node.number));
  expect(numbers).toEqual([[0, 1], [2, 3], [4]]);
  expect([first, second, third].map(({ pageInfo }) => pageInfo.hasNextPage)).toEqual([true, true, false]);
  expect([first, second, third].map(({ pageInfo }) => pageInfo.hasPreviousPage)).toEqual([false, true, true]);
});

test('a page that ends with the list has no next one', () => {
  expect(page(5).pageInfo.hasNextPage).toBe(false);
  expect(page(4).pageInfo.hasNextPage).toBe(true);
});

test('a cursor stands at each edge, and names the ends', () => {
  const { edges, pageInfo } = page(3);
  expect(pageInfo.startCursor).toBe(edges[0]?.cursor);
  expect(pageInfo.endCursor).toBe(edges[2]?.cursor);
  expect(page(2, edges[1]?.cursor).edges[0]?.node.number).toBe(2);
});

test('an empty list has no cursors', () => {
  expect(connectionOf([], { first: 3 }, () => [])).toEqual({
    edges: [],
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  });
});

test('one row more than the page is asked for', () => {
  expect(pageOf({ first: 20 }, types)).toEqual({ limit: 21, keys: null });
});

test.each([0, -1, 101])('a page of %i is refused', (first) => {
  expect(() => pageOf({ first }, types)).toThrow(`"first" must be from 1 to 100, not ${first}.`);
});

const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test.each([
  ['no base64', '!'],
  ['no JSON', Buffer.from('[1,').toString('base64url')],
  ['no list', cursorOf({ number: 1 })],
  ['a key too few', cursorOf([1])],
  ['a key too many', cursorOf([1, 'n1', 2])],
  ['a key of another type', cursorOf(['n1', 1])],
  ['a number that the column cannot hold', cursorOf([2 ** 31, 'n1'])],
  ['a key that is no plain value', cursorOf([1, ['n1']])],
  ['text that PostgreSQL cannot hold', cursorOf([1, '\0'])],
])('a cursor with %s is refused', (_, after) => {
  expect(() => pageOf({ first: 1, after }, types)).toThrow('"after" is not a cursor of this list.');
});

test.each([
  ['uuid', 'no id'],
  ['timestamptz', 'yesterday'],
  ['bigint', 1.5],
] as const)('a key of type %s cannot be %p', (type, key) => {
  expect(() => pageOf({ first: 1, after: cursorOf([key]) }, [type])).toThrow('not a cursor');
});

/** The catalogue search on a real database. */
import { createRequire } from 'node:module';
import { createDatabase } from '../../tests/services.ts';
import { openShop, type Shop } from './fixture.ts';

let shop: Shop;
let url: string;
beforeAll(async () => {
  url = await createDatabase('book');
  shop = await openShop(url);
  for (const book of catalogue) await shop.addTitle(book.copies ?? 1, book);
});
afterAll(() => shop?.close());

const catalogue: { title: string; copies?: number; [field: string]: unknown }[] = [
  {
    title: 'The Hobbit',
    authors: ['J.R.R. Tolkien'],
    publisher: 'Allen & Unwin',
    publishedYear: 1937,
    language: 'en',
    tags: ['fantasy'],
    isbn: '9780261103344',
  },
  {
    title: 'The Fellowship of the Ring',
    authors: ['J.R.R. Tolkien'],
    publishedYear: 1954,
    language: 'en',
    tags: ['fantasy'],
  },
  {
    title: 'Tolkien: A Biography',
    authors: ['Humphrey Carpenter'],
    publishedYear: 1977,
    language: 'en',
    tags: ['biography'],
  },
  {
    title: 'Cien años de soledad',
    authors: ['Gabriel García Márquez'],
    publisher: 'Sudamericana',
    publishedYear: 1967,
    language: 'es',
    copies: 0,
  },
  { title: '홍길동전', authors: ['허균'], publishedYear: 1612, language: 'ko', tags: ['고전'] },
  { title: '토지', authors: ['박경리'], publishedYear: 1969, language: 'ko', tags: ['장편'] },
  { title: 'Catch-22', authors: ['Joseph Heller'], publishedYear: 1961, language: 'en', isbn: '9780684833392' },
  { title: 'Ὀδύσσεια', authors: ['Ὅμηρος'], publishedYear: -720, language: 'grc', tags: ['epic'] },
];

const BOOKS = `query ($search: String, $filter: BookFilter, $orderBy: BookOrder, $first: Int, $after: String) {
  books(search: $search, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    edges { node { title } } pageInfo { hasNextPage endCursor } totalCount
  }
}`;
interface Answer {
  edges: { node: { title: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  totalCount: number;
}
const books = async (args: object): Promise<Answer> => (await shop.ask(BOOKS, args)).books;
const titles = async (args: object) => (await books(args)).edges.map(({ node }) => node.title);

test.each([
  ['tolkien', ['Tolkien: A Biography', 'The Fellowship of the Ring', 'The Hobbit']],
  ['TOLKIEN hobbit', ['The Hobbit']],
  ['hobb tolk', ['The Hobbit']],
  ['tolkien carpenter fantasy', []],
  ['unwin', ['The Hobbit']],
  ['biography', ['Tolkien: A Biography']],
  ['garcia marquez', ['Cien años de soledad']],
  ['anos de soledad', ['Cien años de soledad']],
  ['홍길동', ['홍길동전']],
  ['홍길동'.normalize('NFD'), ['홍길동전']],
  ['토지', ['토지']],
  ['박경리', ['토지']],
  ['고전', ['홍길동전']],
  ['οδυσσεια', ['Ὀδύσσεια']],
  ['catch 22', ['Catch-22']],
  ['978-0-684-83339-2', ['Catch-22']],
  ['9780684833392', ['Catch-22']],
  ['0-684-83339-5', ['Catch-22']],
  ['0684833395', ['Catch-22']],
  ['100%', []],
])('F8 searching "%s" finds %j', async (search, expected) => expect(await titles({ search })).toEqual(expected));

test('F8 the very title comes first, then its beginning, then words that begin so, then the rest', async () => {
  await shop.addTitle(1, { title: 'Zen' });
  await shop.addTitle(1, { title: 'Zen and Its Art' });
  await shop.addTitle(1, { title: 'A Zenith' });
  await shop.addTitle(1, { title: 'A Frozen Lake' });

  expect(await titles({ search: 'zen' })).toEqual(['Zen', 'Zen and Its Art', 'A Zenith', 'A Frozen Lake']);
});

test.each([
  [{ author: 'j.r.r. tolkien', publishedFrom: 1950 }, ['The Fellowship of the Ring']],
  [{ tag: 'Fantasy', publishedTo: 1937 }, ['The Hobbit']],
  [{ publisher: 'SUDAMERICANA' }, ['Cien años de soledad']],
  [{ language: 'ko' }, ['토지', '홍길동전']],
  [{ language: 'es', available: true }, []],
  [{ language: 'es', available: false }, ['Cien años de soledad']],
  [{ publishedTo: -1 }, ['Ὀδύσσεια']],
  [{ author: 'tolkien' }, []],
])('the filter %j leaves %j', async (filter, expected) =>
  expect(await titles({ filter, orderBy: 'TITLE' })).toEqual(expected),
);

test.each(['RELEVANCE', 'TITLE', 'NEWEST', 'POPULAR'])('pages in the order %s hold each book once', async (orderBy) => {
  for (const search of [null, 'e']) {
    const { totalCount } = await books({ search });
    const found: string[] = [];
    let after: string | null = null;
    do {
      const page: Answer = await books({ search, orderBy, first: 3, after });
      found.push(...page.edges.map(({ node }) => node.title));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after);
    expect(found).toHaveLength(totalCount);
    expect(new Set(found).size).toBe(totalCount);
    expect(found).toEqual(await titles({ search, orderBy, first: 100 }));
  }
});

test('the newest come first, those of an unknown year last', async () => {
  const found = await titles({ orderBy: 'NEWEST', filter: { tag: 'fantasy' } });
  expect(found).toEqual(['The Fellowship of the Ring', 'The Hobbit']);
});

const WHOLE_BOOKS = `query ($search: String, $first: Int) { books(search: $search, first: $first) {
  edges { cursor node {
    id isbn sourceId title authors publisher publishedYear language tags status version rentalFee { amount currency }
    stock { owned available reserved out inspecting } waitlist { length estimatedAt }
    copies(first: 2) { edges { node { id barcode book { title } status statusSince rental { id } } } }
  } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
} }`;

/** The driver's own copy. */
const pg = createRequire(createRequire(import.meta.url).resolve('@mikro-orm/postgresql'))('pg');

test('a page takes as many statements for six books as for two', async () => {
  const statementsFor = async (args: object) => {
    const { query } = pg.Client.prototype;
    let statements = 0;
    pg.Client.prototype.query = function counted(...args: unknown[]) {
      statements += 1;
      return query.apply(this, args);
    };
    const other = await openShop(url); // its connections are made with this
    try {
      await other.ask(WHOLE_BOOKS, args, 'STAFF');
      statements = 0; // what came before was read once: the sample
      const { books } = await other.ask(WHOLE_BOOKS, args, 'STAFF');
      return { books: books.edges.length, statements };
    } finally {
      await other.close();
      pg.Client.prototype.query = query;
    }
  };

  const [two, six] = [await statementsFor({ search: 'e', first: 2 }), await statementsFor({ search: 'e', first: 6 })];
  expect([two.books, six.books]).toEqual([2, 6]);
  expect(six.statements).toBe(two.statements);
  expect(six.statements).toBeGreaterThan(3); // books, count, copies and waitlists: they were counted
});

test('a book that is withdrawn is found by staff only, and by its id by anybody', async () => {
  const { id } = await shop.addTitle(1, { title: 'Forgotten' });
  await shop.ask(
    'mutation ($id: ID!) { updateBook(input: { id: $id, status: WITHDRAWN }) { book { id } } }',
    { id },
    'STAFF',
  );

  expect(await titles({ search: 'forgotten' })).toEqual([]);
  expect((await shop.ask(BOOKS, { search: 'forgotten' }, 'STAFF')).books.totalCount).toBe(1);
  expect((await shop.ask('query ($id: ID!) { book(id: $id) { status } }', { id })).book).toEqual({
    status: 'WITHDRAWN',
  });
});

test('a change of a title changes what finds it', async () => {
  const { id } = await shop.addTitle(1, { title: 'Before' });
  await shop.ask(
    'mutation ($id: ID!) { updateBook(input: { id: $id, title: "Afterwards" }) { book { id } } }',
    { id },
    'STAFF',
  );

  expect([await titles({ search: 'before' }), await titles({ search: 'afterwards' })]).toEqual([[], ['Afterwards']]);
});

test('a single book is found by id or by ISBN, however it is written; what is malformed or unknown is null', async () => {
  const by = async (args: string) => (await shop.ask(`{ book(${args}) { title } }`)).book?.title ?? null;
  expect(await by('isbn: "978-0-684-83339-2"')).toBe('Catch-22');
  expect(await by('isbn: "0684833395"')).toBe('Catch-22');
  expect(await by('isbn: "nonsense"')).toBeNull();
  expect(await by('id: "nonsense"')).toBeNull();
  expect(await by('id: "00000000-0000-4000-8000-000000000000"')).toBeNull();
  expect(await shop.errorsOf('{ book { title } }')).toEqual(['BAD_USER_INPUT']);
});

test('a page that cannot be is BAD_USER_INPUT', async () => {
  const cursor = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');
  for (const args of [
    { first: 0 },
    { first: 101 },
    { after: 'rubbish' },
    { orderBy: 'TITLE', after: cursor('a', 'b') },
    { orderBy: 'TITLE', after: cursor('\0', '00000000-0000-4000-8000-000000000000') },
    { orderBy: 'POPULAR', after: cursor(1e99, 'a', '00000000-0000-4000-8000-000000000000') },
    { orderBy: 'NEWEST', after: cursor('a', 'a', '00000000-0000-4000-8000-000000000000') },
    { search: 'x'.repeat(201) },
  ])
    expect(await shop.errorsOf(BOOKS, args)).toEqual(['BAD_USER_INPUT']);
});

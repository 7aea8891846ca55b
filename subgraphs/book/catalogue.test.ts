/** Registering and changing titles on a real database: what is told, what is refused and where the mistake was. */
import { randomUUID } from 'node:crypto';
import { query, transaction } from '#platform/database.ts';
import { createDatabase } from '../../tests/services.ts';
import { addBook, updateBook } from './catalogue.ts';
import { Book } from './entities.ts';
import { expectSums, openShop, type Shop, staff, terms } from './fixture.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(await createDatabase('book'));
});
afterAll(() => shop?.close());

const BOOK = `book { id isbn sourceId title authors publisher publishedYear language tags status version rentalFee { amount currency } stock { owned available reserved out inspecting } }
  userErrors { code path }`;
const ADD = `mutation ($input: AddBookInput!) { addBook(input: $input) { ${BOOK} } }`;
const UPDATE = `mutation ($input: UpdateBookInput!) { updateBook(input: $input) { ${BOOK} } }`;
const ADD_COPIES = `mutation ($input: AddCopiesInput!) { addCopies(input: $input) { ${BOOK} } }`;
const WITHDRAW_COPIES = `mutation ($input: WithdrawCopiesInput!) { withdrawCopies(input: $input) { ${BOOK} } }`;
const LEDGER = `query ($id: ID!, $first: Int, $after: String) {
  stockMovements(bookId: $id, first: $first, after: $after) {
    edges { cursor node { id type from to quantity reason actor copy { barcode status } rental { id } occurredAt } } pageInfo { hasNextPage endCursor }
  }
}`;

const dune = {
  title: 'Dune',
  authors: ['Frank Herbert'],
  rentalFee: { amount: 4500, currency: 'KRW' },
};
const add = async (input: object) => (await shop.ask(ADD, { input }, 'STAFF')).addBook;
const update = async (input: object) => (await shop.ask(UPDATE, { input }, 'STAFF')).updateBook;
const addCopies = async (input: object) => (await shop.ask(ADD_COPIES, { input }, 'STAFF')).addCopies;
const withdrawCopies = async (input: object) => (await shop.ask(WITHDRAW_COPIES, { input }, 'STAFF')).withdrawCopies;
const numberOf = async (table: 'book' | 'outbox' | 'book_copy') =>
  (await query<{ count: number }>(shop.em(), `SELECT count(*)::int AS count FROM ${table}`))[0]?.count;
const dataOfLast = async (bookId: string) =>
  (
    await query<{ data: object }>(
      shop.em(),
      `SELECT payload->'data' AS data FROM outbox WHERE aggregate = $1 ORDER BY id DESC LIMIT 1`,
      [`book-${bookId}`],
    )
  )[0]?.data;

test('F9 a book is registered with its copies, and told of once, with its whole state', async () => {
  const { book, userErrors } = await add({
    ...dune,
    isbn: '0-306-40615-2',
    sourceId: 'shop:1',
    publisher: 'Chilton',
    publishedYear: 1965,
    language: 'en',
    tags: ['science fiction'],
    copies: 3,
  });

  const told = {
    isbn: '9780306406157',
    sourceId: 'shop:1',
    title: 'Dune',
    authors: ['Frank Herbert'],
    publisher: 'Chilton',
    publishedYear: 1965,
    language: 'en',
    tags: ['science fiction'],
    status: 'LISTED',
    rentalFee: { amount: 4500, currency: 'KRW' },
  };
  expect(userErrors).toEqual([]);
  expect(book).toEqual({
    ...told,
    id: book.id,
    version: 1,
    stock: { owned: 3, available: 3, reserved: 0, out: 0, inspecting: 0 },
  });
  expect(await shop.eventsOf(`book-${book.id}`)).toEqual(['book.saved']);
  expect(await dataOfLast(book.id)).toEqual({ ...told, bookId: book.id });
  await expectSums(shop, book.id);
});

test('F9 a change is one event with the next version; what is left out stays, and a change of nothing is none', async () => {
  const { id } = await shop.addTitle(1, { ...dune, publisher: 'Chilton', tags: ['a'] });

  const { book } = await update({ id, expectedVersion: 1, title: 'Dune Messiah', publisher: null });
  expect(book).toMatchObject({
    title: 'Dune Messiah',
    publisher: null,
    tags: ['a'],
    authors: ['Frank Herbert'],
    version: 2,
  });

  const same = await update({ id, title: 'Dune Messiah', tags: null, status: 'LISTED' });
  expect(same.book.version).toBe(2);
  expect(await shop.eventsOf(`book-${id}`)).toEqual(['book.saved', 'book.saved']);
  expect(await dataOfLast(id)).toMatchObject({ title: 'Dune Messiah', publisher: null });
});

test('F9 a book that is withdrawn is told of as such, too', async () => {
  const { id } = await shop.addTitle(1);

  expect((await update({ id, status: 'WITHDRAWN' })).book).toMatchObject({ status: 'WITHDRAWN', version: 3 });
  expect((await update({ id, status: 'LISTED' })).book).toMatchObject({ status: 'LISTED', version: 4 });

  expect(await shop.eventsOf(`book-${id}`)).toEqual(['book.saved', 'book.saved', 'book.withdrawn', 'book.saved']);
});

test('F9 nothing is told after a rollback, and nothing changes', async () => {
  const { id } = await shop.addTitle(1, { title: 'As It Was' });
  const before = [await numberOf('book'), await numberOf('outbox'), await numberOf('book_copy')];

  const work = transaction(shop.em(), async (em) => {
    await addBook(em, { ...dune, copies: 2 }, 'KRW', null);
    await updateBook(em, { id, title: 'As It Never Was' }, terms, staff());
    await em.flush();
    throw new Error('the power fails');
  });

  await expect(work).rejects.toThrow('the power fails');
  expect([await numberOf('book'), await numberOf('outbox'), await numberOf('book_copy')]).toEqual(before);
  expect(await shop.em().findOneOrFail(Book, { id })).toMatchObject({ title: 'As It Was', version: 1 });
});

test.each([
  [{ title: ' ' }, ['title']],
  [{ title: '\u200B' }, ['title']],
  [{ title: 'x'.repeat(501) }, ['title']],
  [{ isbn: '9780306406158' }, ['isbn']],
  [{ isbn: 'not one' }, ['isbn']],
  [{ sourceId: '' }, ['sourceId']],
  [{ authors: ['Frank Herbert', ''] }, ['authors', '1']],
  [{ publishedYear: 10_000 }, ['publishedYear']],
  [{ language: 'English' }, ['language']],
  [{ tags: [''] }, ['tags', '0']],
  [{ rentalFee: { amount: -1, currency: 'KRW' } }, ['rentalFee', 'amount']],
  [{ rentalFee: { amount: 1, currency: 'USD' } }, ['rentalFee', 'currency']],
  [{ copies: -1 }, ['copies']],
  [{ copies: 1001 }, ['copies']],
])('addBook with %j is INVALID_INPUT at %j, and nothing changes', async (wrong, path) => {
  const before = await numberOf('book');
  expect(await add({ ...dune, ...wrong })).toEqual({
    book: null,
    userErrors: [{ code: 'INVALID_INPUT', path: ['input', ...path] }],
  });
  expect(await numberOf('book')).toBe(before);
});

test('every mistake of an input is told', async () => {
  const { userErrors } = await add({ ...dune, title: '', copies: 5000 });
  expect(userErrors).toEqual([
    { code: 'INVALID_INPUT', path: ['input', 'title'] },
    { code: 'INVALID_INPUT', path: ['input', 'copies'] },
  ]);
});

test('a second book with the same ISBN or source id is DUPLICATE, at whichever it is', async () => {
  await add({ ...dune, isbn: '9780439023481', sourceId: 'shop:2' });

  expect(await add({ ...dune, isbn: '0439023483' })).toEqual({
    book: null,
    userErrors: [{ code: 'DUPLICATE', path: ['input', 'isbn'] }],
  });
  expect(await add({ ...dune, sourceId: 'shop:2' })).toEqual({
    book: null,
    userErrors: [{ code: 'DUPLICATE', path: ['input', 'sourceId'] }],
  });
});

test('a change of a book that has moved on is VERSION_CONFLICT; of an unknown one NOT_FOUND; with a malformed id INVALID_INPUT', async () => {
  const { id } = await shop.addTitle(1);
  await update({ id, title: 'Moved on' });

  const refused = (code: string, ...path: string[]) => ({
    book: null,
    userErrors: [{ code, path: ['input', ...path] }],
  });
  expect(await update({ id, expectedVersion: 1, title: 'Late' })).toEqual(
    refused('VERSION_CONFLICT', 'expectedVersion'),
  );
  expect(await update({ id: randomUUID(), title: 'None' })).toEqual(refused('NOT_FOUND', 'id'));
  expect(await update({ id: 'x', title: 'None' })).toEqual(refused('INVALID_INPUT', 'id'));
  expect(await update({ id, rentalFee: { amount: 1, currency: 'EUR' } })).toEqual(
    refused('INVALID_INPUT', 'rentalFee', 'currency'),
  );
});

test('copies are added and withdrawn, and the ledger says by whom and why', async () => {
  const { id } = await shop.addTitle(2);

  expect((await addCopies({ bookId: id, count: 3, reason: 'a gift' })).book.stock).toMatchObject({
    owned: 5,
    available: 5,
  });
  expect((await withdrawCopies({ bookId: id, count: 1, reason: 'mould' })).book.stock).toMatchObject({
    owned: 4,
    available: 4,
  });
  await expectSums(shop, id);

  const { stockMovements } = await shop.ask(LEDGER, { id, first: 2 }, 'STAFF');
  expect(stockMovements.edges.map(({ node }: { node: object }) => node)).toMatchObject([
    {
      type: 'WRITE_OFF',
      from: 'AVAILABLE',
      to: 'OUTSIDE',
      quantity: 1,
      reason: 'mould',
      actor: expect.any(String),
      copy: { status: 'WITHDRAWN' },
      rental: null,
    },
    { type: 'ACQUIRE', from: 'OUTSIDE', to: 'AVAILABLE', quantity: 3, reason: 'a gift', copy: null },
  ]);
  const { hasNextPage, endCursor } = stockMovements.pageInfo;
  expect(hasNextPage).toBe(true);
  const rest = await shop.ask(LEDGER, { id, first: 2, after: endCursor }, 'STAFF');
  expect(rest.stockMovements.edges.map(({ node }: { node: { quantity: number } }) => node.quantity)).toEqual([2]);
  expect(await shop.eventsOf(`book-${id}`)).toEqual(['book.saved']);
});

test('no more copies can be withdrawn than are available', async () => {
  const { id } = await shop.addTitle(2);

  expect(await withdrawCopies({ bookId: id, count: 3, reason: 'all' })).toEqual({
    book: null,
    userErrors: [{ code: 'WOULD_BE_NEGATIVE', path: ['input', 'count'] }],
  });
  for (const [input, path] of [
    [{ count: 0, reason: 'none' }, 'count'],
    [{ count: 1, reason: ' ' }, 'reason'],
  ] as const)
    expect((await withdrawCopies({ bookId: id, ...input })).userErrors).toEqual([
      { code: 'INVALID_INPUT', path: ['input', path] },
    ]);
  expect((await addCopies({ bookId: id, count: 1001 })).userErrors).toEqual([
    { code: 'INVALID_INPUT', path: ['input', 'count'] },
  ]);
  expect(await expectSums(shop, id)).toMatchObject({ available: 2 });
});

test('customers and strangers see the stock, but neither the copies nor the ledger, and change nothing', async () => {
  const { id } = await shop.addTitle(1);
  const read = `query ($id: ID!) { book(id: $id) { stock { owned } copies { edges { node { id } } } } stockMovements(bookId: $id) { edges { cursor } } }`;

  for (const role of ['CUSTOMER', undefined] as const) {
    expect(await shop.errorsOf(read, { id }, role)).toEqual(['FORBIDDEN']);
    expect(await shop.errorsOf(ADD, { input: dune }, role)).toEqual([role ? 'FORBIDDEN' : 'UNAUTHENTICATED']);
  }
  expect((await shop.ask(LEDGER, { id }, 'CUSTOMER')).stockMovements).toBeNull();
  expect((await shop.ask(LEDGER, { id: 'x' }, 'STAFF')).stockMovements).toBeNull();
});

test('references to books, and their copies, come back in order; what is malformed or unknown is null', async () => {
  const books = await Promise.all([2, 0, 3].map((copies) => shop.addTitle(copies)));
  const representations = [
    ...books.map(({ id }) => ({ __typename: 'Book', id })),
    { __typename: 'Book', id: 'x' },
    { __typename: 'Book', id: randomUUID() },
  ];

  const { _entities } = await shop.ask(
    `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Book { id copies(first: 2) { edges { node { barcode book { id } } } pageInfo { hasNextPage } } } } }`,
    { representations },
    'STAFF',
  );

  const shape = _entities.map(
    (book: { copies: { edges: unknown[]; pageInfo: { hasNextPage: boolean } } } | null) =>
      book && [book.copies.edges.length, book.copies.pageInfo.hasNextPage],
  );
  expect(shape).toEqual([[2, false], [0, false], [2, true], null, null]);
});

test('the copies of a book come page by page', async () => {
  const { id } = await shop.addTitle(3);
  const page =
    'query ($id: ID!, $after: String) { book(id: $id) { copies(first: 2, after: $after) { edges { node { barcode } } pageInfo { endCursor } } } }';

  const first = (await shop.ask(page, { id }, 'STAFF')).book.copies;
  const second = (await shop.ask(page, { id, after: first.pageInfo.endCursor }, 'STAFF')).book.copies;

  const barcodes = [...first.edges, ...second.edges].map(({ node }) => node.barcode);
  expect(new Set(barcodes).size).toBe(3);
  expect(barcodes).toEqual([...barcodes].sort());
});

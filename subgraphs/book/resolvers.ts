/** What people ask of Book. */
import { type EntityManager, transaction } from '#platform/database.ts';
import { badUserInput, payload } from '#platform/errors.ts';
import type { Resolvers } from '#platform/graphql.ts';
import { rowsById } from '#platform/loaders.ts';
import { connectionOf, type PageArgs, pageOf } from '#platform/pages.ts';
import { isStaff, type Viewer } from '#platform/tokens.ts';
import { isbn13, ownedOf, type Stock } from './book.ts';
import { addBook, refusingDuplicates, updateBook } from './catalogue.ts';
import { copiesOfBooks } from './copies.ts';
import { Book, BookCopy, StockMovement } from './entities.ts';
import { type Found, type SearchArgs, searchBooks } from './search.ts';
import { addCopies, inspectCopy, withdrawCopies } from './stock.ts';

/** One for each request; `em` is its own. */
export const contextOf = (em: EntityManager, viewer: Viewer | null, client: string, currency: string) => ({
  viewer,
  client,
  em,
  currency,
  books: rowsById(() => em, Book),
  copies: rowsById(() => em, BookCopy),
  copiesOfBook: copiesOfBooks(em),
});
type Context = ReturnType<typeof contextOf>;

/** @auth has let in staff only. */
type Staff = Context & { viewer: Viewer };
interface Input {
  input: unknown;
}

export const resolvers: Resolvers = {
  Query: {
    book(_: unknown, { id, isbn }: { id?: string | null; isbn?: string | null }, { books, em }: Context) {
      if (Boolean(id) === Boolean(isbn)) throw badUserInput('Give either "id" or "isbn".');
      if (id) return books.load(id);
      const digits = isbn13(isbn ?? '');
      return digits ? em.findOne(Book, { isbn: digits }) : null;
    },

    books: (_: unknown, args: SearchArgs, { em, viewer }: Context) =>
      searchBooks(em, args, { withdrawn: isStaff(viewer) }),

    async stockMovements(_: unknown, { bookId, ...page }: PageArgs & { bookId: string }, { em, books }: Context) {
      const { limit, keys } = pageOf(page, ['bigint']);
      const before = Number(keys?.[0] ?? Number.MAX_SAFE_INTEGER);
      if (!(await books.load(bookId))) return null;
      const rows = await em.find(StockMovement, { bookId, id: { $lt: before } }, { orderBy: { id: 'desc' }, limit });
      return connectionOf(rows, page, ({ id }) => [id]);
    },
  },

  Mutation: {
    addBook: (_: unknown, { input }: Input, { em, viewer, currency }: Staff) =>
      payload(async () => ({
        book: await refusingDuplicates(transaction(em, (em) => addBook(em, input, currency, viewer))),
      })),

    updateBook: (_: unknown, { input }: Input, { em, viewer, currency }: Staff) =>
      payload(async () => ({ book: await transaction(em, (em) => updateBook(em, input, currency, viewer)) })),

    addCopies: (_: unknown, { input }: Input, { em, viewer }: Staff) =>
      payload(async () => ({ book: await transaction(em, (em) => addCopies(em, input, viewer)) })),

    withdrawCopies: (_: unknown, { input }: Input, { em, viewer }: Staff) =>
      payload(async () => ({ book: await transaction(em, (em) => withdrawCopies(em, input, viewer)) })),

    inspectCopy: (_: unknown, { input }: Input, { em, viewer }: Staff) =>
      payload(async () => ({ copy: await transaction(em, (em) => inspectCopy(em, input, viewer)) })),
  },

  BookEdge: {
    node: ({ node }: { node: Found }, _: unknown, { books }: Context) => books.load(node.id),
  },

  Book: {
    __resolveReference: ({ id }: { id: string }, { books }: Context) => books.load(id),
    rentalFee: ({ feeAmount, feeCurrency }: Book) => ({ amount: feeAmount, currency: feeCurrency }),
    stock: ({ available, reserved, out, inspecting }: Book): Stock => ({ available, reserved, out, inspecting }),
    copies: ({ id }: Book, page: PageArgs, { copiesOfBook }: Context) => copiesOfBook.load({ bookId: id, page }),
  },

  Stock: { owned: (stock: Stock) => ownedOf(stock) },

  BookCopy: {
    __resolveReference: ({ id }: { id: string }, { copies }: Context) => copies.load(id),
    book: ({ bookId }: BookCopy, _: unknown, { books }: Context) => books.load(bookId),
    rental: ({ rentalId }: BookCopy) => rentalReference(rentalId),
  },

  StockMovement: {
    copy: ({ copyId }: StockMovement, _: unknown, { copies }: Context) => (copyId ? copies.load(copyId) : null),
    rental: ({ rentalId }: StockMovement) => rentalReference(rentalId),
  },
};

const rentalReference = (id: string | null | undefined) => (id ? { __typename: 'Rental', id } : null);

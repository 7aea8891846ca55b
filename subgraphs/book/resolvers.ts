/** What people ask of Book. */
import { type EntityManager, transaction } from '#platform/database.ts';
import { badUserInput, payload } from '#platform/errors.ts';
import type { Resolvers } from '#platform/graphql.ts';
import { rowsById } from '#platform/loaders.ts';
import { connectionOf, type PageArgs, pageOf } from '#platform/pages.ts';
import { isStaff, type Viewer } from '#platform/tokens.ts';
import { estimatedAt, isbn13, ownedOf, type Stock } from './book.ts';
import { addBook, refusingDuplicates, type Terms, updateBook } from './catalogue.ts';
import { type CopyFilter, copiesOfBooks, listCopies } from './copies.ts';
import { Book, BookCopy, StockMovement, WaitlistEntry } from './entities.ts';
import { importBooks } from './importBooks.ts';
import type { Report } from './importRows.ts';
import { waitlistsOf } from './positions.ts';
import { reportsOf, type StockReport } from './report.ts';
import { type SearchArgs, type SearchMemory, searchBooks } from './search.ts';
import { addCopies, inspectCopy, receiveCopy, withdrawCopies } from './stock.ts';
import { joinWaitlist, leaveWaitlist } from './waitlist.ts';

/** One for each request; `em` is its own. */
export const contextOf = (
  em: EntityManager,
  viewer: Viewer | null,
  client: string,
  terms: Terms,
  memory: SearchMemory,
) => ({
  viewer,
  client,
  em,
  terms,
  memory,
  books: rowsById(() => em, Book),
  copies: rowsById(() => em, BookCopy),
  copiesOfBook: copiesOfBooks(em),
  entries: rowsById(() => em, WaitlistEntry),
  waitlists: waitlistsOf(em),
  reports: reportsOf(em),
});
type Context = ReturnType<typeof contextOf>;

/** @auth has let in signed-in viewers only, and staff where it says so. */
type SignedIn = Context & { viewer: Viewer };
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

    books: (_: unknown, args: SearchArgs, { em, viewer, memory }: Context) =>
      searchBooks(em, args, { withdrawn: isStaff(viewer), ...memory }),

    copies: (_: unknown, { filter, ...page }: PageArgs & { filter?: CopyFilter | null }, { em }: Context) =>
      listCopies(em, filter ?? {}, page),

    async stockMovements(_: unknown, { bookId, ...page }: PageArgs & { bookId: string }, { em, books }: Context) {
      const { limit, keys } = pageOf(page, ['bigint']);
      const before = Number(keys?.[0] ?? Number.MAX_SAFE_INTEGER);
      if (!(await books.load(bookId))) return null;
      const rows = await em.find(StockMovement, { bookId, id: { $lt: before } }, { orderBy: { id: 'desc' }, limit });
      return connectionOf(rows, page, ({ id }) => [id]);
    },
  },

  Mutation: {
    addBook: (_: unknown, { input }: Input, { em, viewer, terms }: SignedIn) =>
      payload(async () => ({
        book: await refusingDuplicates(transaction(em, (em) => addBook(em, input, terms.currency, viewer))),
      })),

    updateBook: (_: unknown, { input }: Input, { em, viewer, terms }: SignedIn) =>
      payload(async () => ({ book: await transaction(em, (em) => updateBook(em, input, terms, viewer)) })),

    addCopies: (_: unknown, { input }: Input, { em, viewer, terms }: SignedIn) =>
      payload(async () => ({ book: await transaction(em, (em) => addCopies(em, input, viewer, terms.offerMs)) })),

    withdrawCopies: (_: unknown, { input }: Input, { em, viewer }: SignedIn) =>
      payload(async () => ({ book: await transaction(em, (em) => withdrawCopies(em, input, viewer)) })),

    inspectCopy: (_: unknown, { input }: Input, { em, viewer, terms }: SignedIn) =>
      payload(async () => ({ copy: await transaction(em, (em) => inspectCopy(em, input, viewer, terms.offerMs)) })),

    receiveCopy: (_: unknown, { copyId }: { copyId: string }, { em, viewer }: SignedIn) =>
      payload(async () => ({ copy: await transaction(em, (em) => receiveCopy(em, copyId, viewer)) })),

    importBooks: async (_: unknown, { input }: Input, { em, viewer, terms }: SignedIn) => ({
      results: [],
      ...(await payload(async () => ({ results: await importBooks(em, input, terms.currency, viewer) }))),
    }),

    joinWaitlist: (_: unknown, { bookId }: { bookId: string }, { em, viewer }: SignedIn) =>
      payload(async () => ({ entry: await transaction(em, (em) => joinWaitlist(em, bookId, viewer)) })),

    leaveWaitlist: (_: unknown, { entryId }: { entryId: string }, { em, viewer, terms }: SignedIn) =>
      payload(async () => ({
        entry: await transaction(em, (em) => leaveWaitlist(em, entryId, viewer, terms.offerMs)),
      })),
  },

  Book: {
    __resolveReference: ({ id }: { id: string }, { books }: Context) => books.load(id),
    rentalFee: ({ feeAmount, feeCurrency }: Book) => ({ amount: feeAmount, currency: feeCurrency }),
    stock: ({ available, reserved, out, inspecting }: Book): Stock => ({ available, reserved, out, inspecting }),
    copies: ({ id }: Book, page: PageArgs, { copiesOfBook }: Context) => copiesOfBook.load({ bookId: id, page }),
    waitlist: (book: Book) => book,
  },

  Stock: { owned: (stock: Stock) => ownedOf(stock) },

  WaitlistSummary: {
    length: ({ id }: Book, _: unknown, { waitlists }: Context) => waitlists.lengths.load(id),
    async estimatedAt(book: Book, _: unknown, { waitlists }: Context) {
      const [length, loansMs] = await Promise.all([waitlists.lengths.load(book.id), waitlists.loansMs.load(book.id)]);
      return estimatedAt(new Date(), length + 1, ownedOf(book), loansMs);
    },
  },

  WaitlistEntry: {
    __resolveReference: ({ id }: { id: string }, { entries }: Context) => entries.load(id),
    book: ({ bookId }: WaitlistEntry, _: unknown, { books }: Context) => books.load(bookId),
    position: ({ id }: WaitlistEntry, _: unknown, { waitlists }: Context) => waitlists.positions.load(id),
    async estimatedAt({ id, bookId }: WaitlistEntry, _: unknown, { books, waitlists }: Context) {
      const position = await waitlists.positions.load(id);
      if (position === null) return null;
      const [book, loansMs] = await Promise.all([books.load(bookId), waitlists.loansMs.load(bookId)]);
      return book && estimatedAt(new Date(), position, ownedOf(book), loansMs);
    },
  },

  Customer: {
    __resolveReference: ({ id }: { id: string }) => ({ id }),
    waitlist: ({ id }: { id: string }, _: unknown, { waitlists }: Context) => waitlists.ofCustomers.load(id),
  },

  DailyReport: {
    __resolveReference: ({ date }: { date: string }) => ({ date }),
    copiesOwned: reported('copiesOwned'),
    copiesIssued: reported('copiesIssued'),
    stockTurn: reported('stockTurn'),
  },

  ImportResult: {
    outcome: ({ outcome }: Report) => (outcome === 'left out' ? 'LEFT_OUT' : outcome.toUpperCase()),
  },

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

/** A function, since the table above comes first. */
function reported(field: keyof StockReport) {
  return async ({ date }: { date: string }, _: unknown, { reports }: Context) => {
    const report = await reports.load(date);
    return report?.[field] ?? null;
  };
}

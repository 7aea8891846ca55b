/** For the tests of Book: a shop of its own, with titles, rentals and parcels as the other services tell of them. */
import { randomUUID } from 'node:crypto';
import { graphql } from 'graphql';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { subgraphSchema } from '#platform/graphql.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { Role, Viewer } from '#platform/tokens.ts';
import { addBook } from './catalogue.ts';
import { bookDatabase } from './database.ts';
import { Book } from './entities.ts';
import { contextOf, resolvers } from './resolvers.ts';
import type { RentalFacts } from './stock.ts';

const schema = subgraphSchema(new URL('schema.graphql', import.meta.url), resolvers);

// biome-ignore lint/suspicious/noExplicitAny: answers are read by their path; a wrong path shows in the test
type Data = any;

export interface Shop {
  em(): EntityManager;
  /** A new title with so many copies; `more` overrides any part of the input. */
  addTitle(copies: number, more?: object): Promise<Book>;
  /** The data of an operation's answer, which must have no errors. Without a role, anybody's. */
  ask(operation: string, variables?: object, role?: Role): Promise<Data>;
  /** The codes of an answer's errors. */
  errorsOf(operation: string, variables?: object, role?: Role): Promise<unknown[]>;
  stockOf(bookId: string): Promise<Stock>;
  /** Types of the events about it, oldest first. */
  eventsOf(aggregate: string): Promise<string[]>;
  close(): Promise<void>;
}

interface Stock {
  available: number;
  reserved: number;
  out: number;
  inspecting: number;
}

const viewerAs = (role: Role): Viewer => ({
  customerId: randomUUID(),
  roles: [role],
  expiresAt: new Date(Date.now() + 60_000),
});

export const staff = (): Viewer => viewerAs('STAFF');

export async function openShop(url: string): Promise<Shop> {
  const orm = await openServiceDatabase({ ...bookDatabase, url, log: createLog('test', 'silent') });
  const em = () => orm.em.fork();

  const answer = (source: string, variableValues: object, role?: Role) => {
    const viewer = role ? viewerAs(role) : null;
    return graphql({
      schema,
      source,
      variableValues: { ...variableValues },
      contextValue: contextOf(em(), viewer, '', 'KRW'),
    });
  };

  return {
    em,
    addTitle: (copies, more = {}) => {
      const input = { title: 'A Book', authors: ['An Author'], rentalFee: { amount: 4500, currency: 'KRW' }, copies };
      return transaction(em(), (em) => addBook(em, { ...input, ...more }, 'KRW', null));
    },
    async ask(operation, variables = {}, role) {
      const { data, errors } = await answer(operation, variables, role);
      if (errors) throw new AggregateError(errors, errors.map(({ message }) => message).join(' '));
      return data;
    },
    async errorsOf(operation, variables = {}, role) {
      const { errors = [] } = await answer(operation, variables, role);
      return errors.map(({ extensions }) => extensions.code);
    },
    async stockOf(bookId) {
      const { available, reserved, out, inspecting } = await em().findOneOrFail(Book, { id: bookId });
      return { available, reserved, out, inspecting };
    },
    async eventsOf(aggregate) {
      const rows = await query<{ type: string }>(
        em(),
        `SELECT payload->>'type' AS type FROM outbox WHERE aggregate = $1 ORDER BY id`,
        [aggregate],
      );
      return rows.map(({ type }) => type.replace(/^rentabook\.|\.v1$/g, ''));
    },
    close: () => orm.close(),
  };
}

/** A rental of this title that nobody has told Book of. */
export const rentalOf = (book: Book, quantity = 1): RentalFacts => ({
  rentalId: randomUUID(),
  customerId: randomUUID(),
  bookId: book.id,
  quantity,
});

/** What the movements of a title add up to, and how its copies stand: both must give its counts. */
async function proofOf({ em }: Shop, bookId: string): Promise<{ ledger: Stock; copies: object }> {
  const ledger = await query<Stock>(
    em(),
    `SELECT ${(['AVAILABLE', 'RESERVED', 'OUT', 'INSPECTING'] as const)
      .map(
        (bucket) =>
          `(coalesce(sum(quantity) FILTER (WHERE to_bucket = '${bucket}'), 0) - coalesce(sum(quantity) FILTER (WHERE from_bucket = '${bucket}'), 0))::int AS ${bucket.toLowerCase()}`,
      )
      .join(', ')}
     FROM stock_movement WHERE book_id = $1`,
    [bookId],
  );
  const copies = await query<object>(
    em(),
    `SELECT count(*) FILTER (WHERE status = 'ON_SHELF')::int AS "onShelf", count(*) FILTER (WHERE status = 'OUT')::int AS out,
       count(*) FILTER (WHERE status IN ('INSPECTING', 'REPAIR'))::int AS inspecting
     FROM book_copy WHERE book_id = $1`,
    [bookId],
  );
  return { ledger: ledger[0] as Stock, copies: copies[0] ?? {} }; // an aggregate has one row
}

/** The ledger and the copies agree with the counts. */
export async function expectSums(shop: Shop, bookId: string): Promise<Stock> {
  const stock = await shop.stockOf(bookId);
  const { available, reserved, out, inspecting } = stock;
  expect(await proofOf(shop, bookId)).toEqual({
    ledger: stock,
    copies: { onShelf: available + reserved, out, inspecting },
  });
  return stock;
}

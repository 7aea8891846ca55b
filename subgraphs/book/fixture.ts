/** For the tests of Book: a shop of its own, with titles, rentals and parcels as the other services tell of them. */
import { randomUUID } from 'node:crypto';
import { graphql } from 'graphql';
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { subgraphSchema } from '#platform/graphql.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { Role, Viewer } from '#platform/tokens.ts';
import type { DataOf, EventType } from '#schema/events.ts';
import { arrived, deliver } from '../../tests/events.ts';
import { addBook } from './catalogue.ts';
import { bookDatabase } from './database.ts';
import { Book } from './entities.ts';
import { deliveryConsumer, rentalConsumer } from './events.ts';
import { contextOf, resolvers } from './resolvers.ts';
import { searchMemory } from './search.ts';
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
  /** The data, for one account. */
  askAs(viewer: Viewer, operation: string, variables?: object): Promise<Data>;
  stockOf(bookId: string): Promise<Stock>;
  copiesOf(bookId: string): Promise<Copy[]>;
  /** By staff; the whole answer. */
  inspect(copyId: string | undefined, condition: string): Promise<Data>;
  /** The rental's events, each the next version; `reserve` and `rental.accepted` lie before them. */
  tellOf(
    rental: RentalFacts,
  ): (type: 'rental.cancelled' | 'rental.rejected' | 'rental.lost', more: object) => Promise<unknown>;
  /** The events of one of the rental's parcels, scanned when they are told unless it says otherwise. */
  parcelOf(
    rental: RentalFacts,
    direction: 'OUTBOUND' | 'RETURN',
  ): (type: Extract<EventType, `delivery.${string}`>, occurredAt?: Date) => Promise<unknown>;
  /** How many statements wait for a lock. */
  waitingStatements(): Promise<number>;
  /** Types of the events about it, oldest first. */
  eventsOf(aggregate: string): Promise<string[]>;
  close(): Promise<void>;
}

interface Copy {
  id: string;
  status: string;
  rental: { id: string } | null;
}

interface Stock {
  available: number;
  reserved: number;
  out: number;
  inspecting: number;
}

const COPIES =
  'query ($id: ID!) { book(id: $id) { copies(first: 100) { edges { node { id barcode status rental { id } } } } } }';
const INSPECT = `mutation ($copyId: ID!, $condition: CopyCondition!) {
  inspectCopy(input: { copyId: $copyId, condition: $condition, note: "seen" }) { copy { status rental { id } } userErrors { code message path } }
}`;

const viewerAs = (role: Role): Viewer => ({
  customerId: randomUUID(),
  roles: [role],
  expiresAt: new Date(Date.now() + 60_000),
});

export const staff = (): Viewer => viewerAs('STAFF');
export const reader = (): Viewer => viewerAs('CUSTOMER');

const HOUR_MS = 3_600_000;
export const terms = { currency: 'KRW', offerMs: 48 * HOUR_MS };

export async function openShop(url: string): Promise<Shop> {
  const orm = await openServiceDatabase({ ...bookDatabase, url, log: createLog('test', 'silent') });
  const em = () => orm.em.fork();
  const memory = searchMemory(em);

  const answer = (source: string, variableValues: object, viewer: Viewer | null) =>
    graphql({
      schema,
      source,
      variableValues: { ...variableValues },
      contextValue: contextOf(em(), viewer, '', terms, memory),
    });
  const dataFor = async (viewer: Viewer | null, operation: string, variables: object): Promise<Data> => {
    const { data, errors } = await answer(operation, variables, viewer);
    if (errors) throw new AggregateError(errors, errors.map(({ message }) => message).join(' '));
    return data;
  };

  return {
    em,
    addTitle: (copies, more = {}) => {
      const input = { title: 'A Book', authors: ['An Author'], rentalFee: { amount: 4500, currency: 'KRW' }, copies };
      return transaction(em(), (em) => addBook(em, { ...input, ...more }, terms.currency, null));
    },
    ask: (operation, variables = {}, role) => dataFor(role ? viewerAs(role) : null, operation, variables),
    askAs: (viewer, operation, variables = {}) => dataFor(viewer, operation, variables),
    async errorsOf(operation, variables = {}, role) {
      const { errors = [] } = await answer(operation, variables, role ? viewerAs(role) : null);
      return errors.map(({ extensions }) => extensions.code);
    },
    async stockOf(bookId) {
      const { available, reserved, out, inspecting } = await em().findOneOrFail(Book, { id: bookId });
      return { available, reserved, out, inspecting };
    },
    async copiesOf(id) {
      const { book } = await dataFor(staff(), COPIES, { id });
      return book.copies.edges.map(({ node }: { node: Copy }) => node);
    },
    inspect: async (copyId, condition) => (await dataFor(staff(), INSPECT, { copyId, condition })).inspectCopy,
    tellOf(rental) {
      const aggregate = { id: rental.rentalId, version: 0 };
      return (type, more) => {
        aggregate.version += 1;
        const data = { ...rental, ...more } as DataOf<typeof type>; // the tests know what each holds
        return deliver(em(), rentalConsumer(terms.offerMs), arrived(type, aggregate, data));
      };
    },
    parcelOf(rental, direction) {
      const delivery = { id: randomUUID(), version: 0 };
      return (type, occurredAt = new Date()) => {
        delivery.version += 1;
        const facts = { ...rental, deliveryId: delivery.id, direction, occurredAt: occurredAt.toISOString() };
        return deliver(em(), deliveryConsumer(terms.offerMs), arrived(type, delivery, facts as DataOf<typeof type>)); // likewise
      };
    },
    async waitingStatements() {
      const [row] = await query<{ count: number }>(
        em(),
        `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return row?.count ?? 0;
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
export const rentalOf = (book: Book, quantity = 1, customerId: string = randomUUID()): RentalFacts => ({
  rentalId: randomUUID(),
  customerId,
  bookId: book.id,
  quantity,
});

/** What the movements of a title add up to, how its copies stand and who has them: each must give its counts. */
async function proofOf({ em }: Shop, bookId: string): Promise<{ ledger: Stock; copies: object; held: object }> {
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
  const held = await query<object>(
    em(),
    `SELECT (SELECT coalesce(sum(quantity), 0)::int FROM reservation WHERE book_id = $1 AND status = 'RESERVED')
         + (SELECT count(*)::int FROM waitlist_entry WHERE book_id = $1 AND status = 'OFFERED') AS reserved,
       (SELECT coalesce(sum(quantity), 0)::int FROM reservation WHERE book_id = $1 AND status = 'ISSUED') AS out`,
    [bookId],
  );
  return { ledger: ledger[0] as Stock, copies: copies[0] ?? {}, held: held[0] ?? {} }; // an aggregate has one row
}

/** The ledger, the copies, and the reservations with the offers, agree with the counts. */
export async function expectSums(shop: Shop, bookId: string): Promise<Stock> {
  const stock = await shop.stockOf(bookId);
  const { available, reserved, out, inspecting } = stock;
  expect(await proofOf(shop, bookId)).toEqual({
    ledger: stock,
    copies: { onShelf: available + reserved, out, inspecting },
    held: { reserved, out },
  });
  return stock;
}

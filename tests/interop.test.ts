/** Clients that others wrote, each with the main story by itself; the restarts of the router of all but one are in interop.long.ts. */
import { randomUUID } from 'node:crypto';
import { addBook, requestRental, signIn } from './client.ts';
import {
  CANCEL,
  foreignClients,
  HISTORY,
  lent,
  RENTAL,
  readersBy,
  rent,
  SEARCH,
  seen,
  statuses,
  survivesRestarts,
  told,
  watchFromNow,
} from './foreignClients.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '400' });
}, 90_000);
afterAll(() => system?.stop());

describe.each(foreignClients)('$name', ({ open, tells }) => {
  const newReader = readersBy(open, () => system);

  test('a reader signs up, finds a book, rents it, watches the order live, and cancels another', async () => {
    const title = `The Story of ${randomUUID()}`;
    const bookId = await addBook(await signIn(system.url, 'staff@demo.test'), 3, { title });
    const email = `${randomUUID()}@example.test`;
    const reader = await newReader(email);

    const found = await reader.ask(SEARCH, { search: title.toLowerCase() });
    expect(found.data.books.edges).toMatchObject([{ node: { id: bookId, title } }]);
    const watch = await watchFromNow(reader);
    const first = await rent(reader, bookId);
    await seen(watch, first, 'ON_LOAN');
    const [delivered] = told(watch).slice(-1);
    const second = await rent(reader, bookId);
    const cancelled = await reader.ask(CANCEL, { id: second });
    await seen(watch, second, 'CANCELLED');
    const history = await reader.ask(HISTORY, { first: 10 });

    expect(statuses(watch, first)).toEqual(lent);
    expect(delivered.order).toMatchObject({
      bookTitle: title,
      book: { title },
      rental: { status: 'ON_LOAN', deliveries: [{ status: 'DELIVERED' }] },
      customer: { email },
    });
    expect(cancelled.data.cancelRental).toMatchObject({ rental: { status: 'CANCELLED' }, userErrors: [] });
    expect(statuses(watch, second)).toEqual([
      ...lent.filter((status) => statuses(watch, second).includes(status)), // the parcel may have been quicker
      'CANCELLED',
    ]);
    expect(history.data.me.orders.edges).toMatchObject([
      { node: { id: second, status: 'CANCELLED', bookTitle: title } },
      { node: { id: first, status: 'ON_LOAN', bookTitle: title } },
    ]);
  }, 30_000);

  test('it tells of refusals in its own way', async () => {
    const staff = await signIn(system.url, 'staff@demo.test');
    const { rental } = await requestRental(staff, await addBook(staff, 1));
    const reader = await newReader();

    const [unknown, bad] = await Promise.all(
      [reader.ask('{ me { id shoeSize } }'), reader.ask(HISTORY, { first: 0 })].map((answer) =>
        answer.catch((reason) => reason),
      ),
    );
    const theirs = await reader.ask(RENTAL, { id: rental.id });

    expect(unknown).toMatchObject(tells.unknownField);
    expect(bad).toMatchObject(tells.badArgument);
    expect(theirs.data).toEqual({ rental: null });
    expect(theirs.errors).toBeUndefined();
  });
});

const [first] = foreignClients;
if (!first) throw new Error('There are no clients');
describe(first.name, () => survivesRestarts(first, () => system));

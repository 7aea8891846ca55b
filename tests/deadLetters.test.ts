/** The dead letters of the whole shop: real processes, each with its own, seen to by an admin through the router. */
import { randomUUID } from 'node:crypto';
import { type Client, eventually } from './client.ts';
import { aDeadBook, bury } from './deadBook.ts';
import { type System, startSystem } from './system.ts';

let system: System;
let admin: Client;
let staff: Client;
beforeAll(async () => {
  system = await startSystem();
  [admin, staff] = await Promise.all([system.clientWith('ADMIN'), system.clientWith('STAFF')]);
}, 90_000);
afterAll(() => system?.stop());

const LETTERS = `query ($first: Int, $after: String, $service: Service) { deadLetters(first: $first, after: $after, service: $service) {
  edges { node { id service consumer event reason since behind message } } pageInfo { hasNextPage endCursor }
} }`;
const PAYLOAD = '{ fate deadLetter { id service event reason } userErrors { code path } }';
const replay = async (service: string, id: string) =>
  (await admin.data(`mutation { replayDeadLetter(service: ${service}, id: "${id}") ${PAYLOAD} }`)).replayDeadLetter;
const drop = async (service: string, id: string, reason: string) =>
  (await admin.data(`mutation { dropDeadLetter(service: ${service}, id: "${id}", reason: "${reason}") ${PAYLOAD} }`))
    .dropDeadLetter;

// biome-ignore lint/suspicious/noExplicitAny: letters are read by their path in a test, a wrong one shows there
const lettersOf = async (variables: object = {}): Promise<any[]> =>
  (await admin.data(LETTERS, variables)).deadLetters.edges.map(({ node }: { node: object }) => node);

test('an admin sees what no service could apply, the oldest first, and gives it back', async () => {
  const strangers = {
    BOOK: await bury(system, 'book', { consumer: 'book-rental', message: 'not even JSON' }),
    DELIVERY: await bury(system, 'delivery', { consumer: 'delivery-rental', message: '[]' }),
    CUSTOMER: await bury(system, 'customer', { consumer: 'customer-book', message: '"?"' }),
  };
  const { letter, event, applied } = await aDeadBook(system, staff);

  const letters = await eventually(lettersOf, (seen) => seen.at(-1)?.behind === 1);
  const answer = await replay('RENTAL', letter);

  expect(letters.map(({ service, id }) => [service, id])).toEqual([...Object.entries(strangers), ['RENTAL', letter]]);
  expect(letters.at(0)).toMatchObject({ event: null, message: 'not even JSON', behind: 0 });
  expect(letters.at(-1)).toMatchObject({ event, consumer: 'rental-book', message: expect.stringContaining(event) });
  expect(answer).toMatchObject({ fate: 'APPLIED', deadLetter: { id: letter, service: 'RENTAL' }, userErrors: [] });
  await eventually(applied, (version) => version === 3);
  expect(await lettersOf({ service: 'RENTAL' })).toEqual([]);

  for (const [service, id] of Object.entries(strangers)) {
    expect(await replay(service, id)).toMatchObject({ userErrors: [{ code: 'NOT_ALLOWED_IN_STATE', path: ['id'] }] });
    expect(await drop(service, id, 'A test of the broker')).toMatchObject({
      fate: null,
      deadLetter: { id },
      userErrors: [],
    });
  }
  expect(await lettersOf()).toEqual([]);
});

test('what is given up on again is told of anew', async () => {
  const event = `book-${randomUUID()}:1`;
  const message = JSON.stringify({ type: 'rentabook.book.saved.v1', id: event, aggregateversion: 1 });
  const letter = await bury(system, 'rental', { consumer: 'rental-book', event, message });

  const { fate, deadLetter } = await replay('RENTAL', letter);

  expect(fate).toBe('DEAD');
  expect(deadLetter).toMatchObject({ event, service: 'RENTAL' });
  expect(deadLetter.id).not.toBe(letter);
  expect(await lettersOf()).toMatchObject([{ id: deadLetter.id, reason: deadLetter.reason }]);
  await system.query('rental', 'DELETE FROM parked');
  await system.query('rental', 'DELETE FROM dead_letter');
});

test('one page after another tells all of them once', async () => {
  for (const owner of ['book', 'rental', 'delivery', 'customer', 'rental'] as const)
    await bury(system, owner, { consumer: `${owner}-none`, message: randomUUID() });
  const all = await lettersOf();
  expect(all).toHaveLength(5);

  const seen = [];
  for (let after: string | null = null; seen.length < all.length; ) {
    const { deadLetters } = await admin.data(LETTERS, { first: 2, after });
    seen.push(...deadLetters.edges.map(({ node }: { node: object }) => node));
    expect(deadLetters.pageInfo.hasNextPage).toBe(seen.length < all.length);
    after = deadLetters.pageInfo.endCursor;
  }

  expect(seen).toEqual(all);
});

test('what is wrong with a wish is said', async () => {
  const event = `book-${randomUUID()}:7`;
  const letter = await bury(system, 'customer', { consumer: 'customer-book', event, message: '{}' });

  expect(await replay('BOOK', letter)).toMatchObject({ fate: null, userErrors: [{ code: 'NOT_FOUND', path: ['id'] }] });
  expect(await replay('BOOK', 'none')).toMatchObject({ userErrors: [{ code: 'INVALID_INPUT', path: ['id'] }] });
  expect(await drop('CUSTOMER', letter, ' ')).toMatchObject({
    userErrors: [{ code: 'INVALID_INPUT', path: ['reason'] }],
  });
  expect(await drop('CUSTOMER', letter, 'It is in the way')).toMatchObject({
    userErrors: [{ code: 'NOT_ALLOWED_IN_STATE', path: ['id'] }],
  });
});

test('while a service is silent there is no page, and nothing is given back to it', async () => {
  await system.pause('delivery');
  try {
    const { data, errors } = await admin.ask(LETTERS);
    expect(data).toEqual({ deadLetters: null });
    const silent = { code: 'SERVICE_UNAVAILABLE', service: 'delivery' };
    expect(errors).toMatchObject([{ path: ['deadLetters'], extensions: silent }]);
    const replayed = await admin.ask(
      `mutation { replayDeadLetter(service: DELIVERY, id: "${randomUUID()}") ${PAYLOAD} }`,
    );
    expect(replayed.errors).toMatchObject([{ extensions: silent }]);
    expect(await lettersOf({ service: 'BOOK' })).toHaveLength(1);
  } finally {
    await system.resume('delivery');
  }
});

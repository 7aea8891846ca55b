/**
 * Every process is killed in turn (kill -9: services, PostgreSQL, nats-server) while customers rent and cancel. Afterwards
 * nothing acknowledged is lost, doubled or stuck.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { addBook, type Client, eventually, rentalOf, requestRental, signIn, signUp, stockOf } from './client.ts';
import { type System, startSystem } from './system.ts';

const LASTS_MS = 60_000;
const KILL_EVERY_MS = 4000;
const parts = ['book', 'rental', 'delivery', 'customer', 'sandbox', 'router', 'postgres', 'nats'] as const;

let system: System;
let staff: Client;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '300' });
  staff = await signIn(system.url, 'staff@demo.test');
}, 90_000);
afterAll(() => system?.stop());

interface Acknowledged {
  reader: Client;
  id: string;
  key: string;
  cancelled: boolean;
}

const CANCEL =
  'mutation ($id: ID!) { cancelRental(input: { rentalId: $id }) { rental { status } userErrors { code } } }';

/** Asks again until there is an answer; the same key makes that safe. */
async function untilAnswered<T>(ask: () => Promise<T>, deadline: number): Promise<T | null> {
  for (;;) {
    try {
      return await ask();
    } catch {
      if (Date.now() > deadline) return null;
      await sleep(200);
    }
  }
}

async function rentAndCancel(reader: Client, books: string[], until: number): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  for (let turn = 0; Date.now() < until; turn++) {
    const key = randomUUID();
    const bookId = books[turn % books.length] ?? '';
    const answer = await untilAnswered(() => requestRental(reader, bookId, { idempotencyKey: key }), until + 30_000);
    if (!answer?.rental) continue;
    const rental = { reader, id: answer.rental.id as string, key, cancelled: false };
    acknowledged.push(rental);
    if (turn % 3 !== 0) continue;
    const { data } = (await untilAnswered(async () => reader.ask(CANCEL, { id: rental.id }), until + 30_000)) ?? {
      data: null,
    };
    rental.cancelled = data?.cancelRental?.rental?.status === 'CANCELLED';
  }
  return acknowledged;
}

async function killInTurn(until: number): Promise<number> {
  let kills = 0;
  while (Date.now() < until) {
    await sleep(KILL_EVERY_MS);
    system.kill(parts[kills++ % parts.length] ?? 'book');
  }
  return kills;
}

test('nothing acknowledged is lost, doubled or stuck, whatever was killed', async () => {
  const books = await Promise.all([1, 2, 3].map(() => addBook(staff, 40)));
  const readers = await Promise.all(Array.from({ length: 6 }, () => signUp(system.url)));
  const until = Date.now() + LASTS_MS;

  const [kills, ...histories] = await Promise.all([
    killInTurn(until),
    ...readers.map((reader) => rentAndCancel(reader, books, until)),
  ]);
  const acknowledged = histories.flat();
  expect(kills).toBeGreaterThan(parts.length);
  expect(acknowledged.length).toBeGreaterThan(30);

  let borrowed = 0;
  for (const { reader, id, cancelled } of acknowledged) {
    const settled = await eventually(
      () => rentalOf(reader, id).catch(() => null),
      (rental) =>
        ['REJECTED', 'CANCELLED', 'ON_LOAN'].includes(rental?.status) &&
        rental.pendingCompensations.length === 0 &&
        (rental.status !== 'ON_LOAN' || rental.payment.status === 'CAPTURED'),
      60_000,
    );
    const { payment } = await rentalOf(reader, id); // read after the steps, whose end it must show
    if (cancelled) expect(settled.status).toBe('CANCELLED');
    const intents = await system.bank.intentsOf(id);
    expect(intents.length).toBeLessThanOrEqual(1);
    if (settled.status === 'ON_LOAN') {
      borrowed += 1;
      expect(intents[0]?.status).toBe('succeeded');
      expect(settled.deliveries.map(({ status }: { status: string }) => status)).toEqual(['DELIVERED']);
    } else
      expect(intents[0]?.status ?? 'canceled').toMatch(
        payment.status === 'REFUNDED' ? 'succeeded' : /canceled|requires_payment_method/,
      );
  }
  expect(new Set(acknowledged.map(({ id }) => id)).size).toBe(acknowledged.length);

  const stocks = await Promise.all(books.map((id) => stockOf(staff, id)));
  expect(stocks.reduce((sum, { out, reserved }) => sum + out + reserved, 0)).toBe(borrowed);
  for (const { owned, available, reserved, out, inspecting } of stocks) {
    expect(available + reserved + out + inspecting).toBe(owned);
    expect(Math.min(available, reserved, out, inspecting)).toBeGreaterThanOrEqual(0);
  }
}, 300_000);

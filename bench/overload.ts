/** Twice as many requests as the bank can authorise: what the gate makes of them, beside the same system without a limit. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Environment } from '../local/services.ts';
import { addBook, type Client, eventually, rentalInput, signIn } from '../tests/client.ts';
import { type System, startSystem } from '../tests/system.ts';
import { percentile, rounded } from './figures.ts';
import type { Outcome } from './outcome.ts';
import { printTable, say, type Table } from './table.ts';

/** The bank: 10 slots of 100 ms are 100 authorisations a second. */
const BANK = { slots: 10, delayMs: 100 };
const CAPACITY = (BANK.slots * 1000) / BANK.delayMs;
const OFFERED = { perSecond: 200, clients: 255, forMs: 60_000 };
const BOOKS = 20;
const PATIENCE_MS = 300_000;

const bank: Environment = {
  SANDBOX_PAYMENT_SLOTS: String(BANK.slots),
  SANDBOX_PAYMENT_DELAY_MS: String(BANK.delayMs),
  SANDBOX_CARRIER_STEP_MS: '3600000', // parcels are made, and stay where they are
};
const rivals: Record<string, Environment> = {
  'with the gate': bank,
  'without a limit': { ...bank, ADMISSION_LIMIT: '1000000', ADMISSION_TARGET_MS: '86400000' },
};

export async function overload(): Promise<Outcome> {
  say(
    `${OFFERED.perSecond} requests a second for ${OFFERED.forMs / 1000} s, ${CAPACITY} can be paid; the whole system on this machine`,
  );
  const table = printTable(
    ['', 'answered', 'errors', 'held', 'held p99', 'decided p99', 'decided/s', 'drained in', 'bound', 'lost'],
    [16, 9, 7, 6, 9, 11, 9, 10, 9, 5],
  );
  const figures: Record<string, Figures> = {};
  for (const [name, settings] of Object.entries(rivals)) figures[name] = await measure(name, settings, table);
  const { 'with the gate': ours, 'without a limit': theirs } = figures;
  if (!ours || !theirs) throw new Error('One of the two was not measured.');
  return {
    ratio: ours.decidedPerSecond / theirs.decidedPerSecond,
    against: 'the same system with a limit that is never reached: decided requests a second under the load',
    figures: { offered: OFFERED, capacityPerSecond: CAPACITY, ...figures },
    servers: {},
  };
}

interface Figures {
  /** From the first request to the last answer. */
  tookMs: number;
  answered: number;
  errors: number;
  held: number;
  heldP50Ms: number;
  heldP99Ms: number;
  decidedAtOnceP99Ms: number | null;
  decidedPerSecond: number;
  backlog: number;
  drainedMs: number;
  /** 1.3 times what the backlog takes at the bank's capacity. */
  drainBoundMs: number;
  lost: number;
}

async function measure(name: string, settings: Environment, table: Table): Promise<Figures> {
  const system = await startSystem(settings);
  try {
    const offeredAt = performance.now();
    const answers = await offer(system);
    const tookMs = performance.now() - offeredAt; // longer than it was offered for, when the answers are late
    const decided = await count(system, "status NOT IN ('REQUESTED', 'ON_HOLD')");
    const backlog = await count(system, "status IN ('REQUESTED', 'ON_HOLD')");
    const drainedMs = await drain(system);
    const held = answers.filter(({ status }) => status === 'ON_HOLD').map(({ tookMs }) => tookMs);
    const atOnce = answers.filter(({ status }) => status === 'ACCEPTED').map(({ tookMs }) => tookMs);
    const answered = answers.filter(({ id }) => id);
    const figures = {
      answered: answered.length,
      errors: answers.length - answered.length,
      held: held.length,
      heldP50Ms: held.length ? rounded(percentile(held, 0.5)) : 0,
      heldP99Ms: held.length ? rounded(percentile(held, 0.99)) : 0,
      decidedAtOnceP99Ms: atOnce.length ? rounded(percentile(atOnce, 0.99)) : null,
      tookMs: rounded(tookMs),
      decidedPerSecond: rounded((1000 * decided) / tookMs),
      backlog,
      drainedMs: rounded(drainedMs),
      drainBoundMs: rounded((1.3 * backlog * 1000) / CAPACITY),
      lost: await lostOf(
        system,
        answered.map(({ id }) => id ?? ''),
      ),
    };
    table.row(
      name,
      figures.answered,
      figures.errors,
      figures.held,
      `${figures.heldP99Ms} ms`,
      `${figures.decidedAtOnceP99Ms ?? '-'} ms`,
      figures.decidedPerSecond,
      `${figures.drainedMs} ms`,
      `${figures.drainBoundMs} ms`,
      figures.lost,
    );
    return figures;
  } finally {
    await system.stop();
  }
}

interface Answered {
  tookMs: number;
  /** None for an error. */
  id?: string;
  status?: string;
}

const REQUEST = `mutation ($input: RequestRentalInput!) {
  requestRental(input: $input) { rental { id status holdPosition } userErrors { code } } }`;

/** An open loop: the next request goes out when its time has come, whether the others are answered or not. */
async function offer(system: System): Promise<Answered[]> {
  const staff = await signIn(system.url, 'staff@demo.test');
  const books = await Promise.all(Array.from({ length: BOOKS }, () => addBook(staff, 1000)));
  const customers = await system.newCustomers(OFFERED.clients);
  const pool = new Pool(system.url, { connections: OFFERED.clients });
  const from = performance.now();
  const total = (OFFERED.perSecond * OFFERED.forMs) / 1000;
  const answers: Promise<Answered>[] = [];
  for (let number = 0; number < total; number++) {
    await sleep(Math.max(0, from + (number * 1000) / OFFERED.perSecond - performance.now()));
    const [client, book] = [customers[number % customers.length], books[number % books.length]];
    if (client && book) answers.push(ask(pool, client, book));
  }
  const all = await Promise.all(answers);
  await pool.close();
  return all;
}

async function ask(pool: Pool, { token }: Client, bookId: string): Promise<Answered> {
  const askedAt = performance.now();
  try {
    const { body } = await pool.request({
      method: 'POST',
      path: '/graphql',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: REQUEST, variables: { input: rentalInput(bookId) } }),
    });
    const answer = (await body.json()) as { data?: { requestRental?: { rental?: { id: string; status: string } } } };
    return { tookMs: performance.now() - askedAt, ...answer.data?.requestRental?.rental };
  } catch {
    return { tookMs: performance.now() - askedAt };
  }
}

async function count(system: System, where: string): Promise<number> {
  const [row] = await system.query<{ count: number }>(
    'rental',
    `SELECT count(*)::int AS count FROM rental WHERE ${where}`,
  );
  return row?.count ?? 0;
}

async function drain(system: System): Promise<number> {
  const from = performance.now();
  await eventually(
    () => count(system, "status IN ('REQUESTED', 'ON_HOLD')"),
    (left) => left === 0,
    PATIENCE_MS,
  );
  return performance.now() - from;
}

/** Acknowledged, and neither accepted nor refused for a reason of the shop's. */
async function lostOf(system: System, ids: string[]): Promise<number> {
  const rows = await system.query<{ id: string }>(
    'rental',
    "SELECT id FROM rental WHERE status IN ('ACCEPTED', 'REJECTED')",
  );
  const kept = new Set(rows.map(({ id }) => id));
  return ids.filter((id) => !kept.has(id)).length;
}

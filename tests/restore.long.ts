/**
 * A backup of the databases, taken while nothing runs, put back hours of rentals later before an empty broker: what the backup
 * has goes on as if nothing had been, what came later has never been, and the services agree on both.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client as Database } from 'pg';
import { owners, services } from '../local/services.ts';
import { addBook, type Client, eventually, rentalOf, requestRental, signIn, signUp, stockOf } from './client.ts';
import { runCommand } from './command.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '300' });
}, 90_000);
afterAll(() => system?.stop());

/** Statements as the server's own administrator. */
async function asAdmin(...statements: string[]): Promise<void> {
  const read = (file: string) => JSON.parse(readFileSync(join(system.folder, file), 'utf8'));
  const admin = new Database({
    connectionString: `postgresql://postgres:${read('secrets.json').postgresPassword}@127.0.0.1:${read('ports.json').postgres}/postgres`,
  });
  await admin.connect();
  try {
    for (const statement of statements) await admin.query(statement);
  } finally {
    await admin.end();
  }
}

async function whileStopped(work: () => Promise<void>): Promise<void> {
  await system.pause('router');
  await Promise.all(owners.map((owner) => system.pause(owner)));
  await work();
  await Promise.all(owners.map((owner) => system.resume(owner)));
  await system.resume('router');
}

const backUp = () =>
  asAdmin(
    ...owners.map((owner) => `CREATE DATABASE backup_${owner} TEMPLATE rentabook_${owner} OWNER rentabook_${owner}`),
  );

const restore = () =>
  asAdmin(
    ...owners.flatMap((owner) => [
      `DROP DATABASE rentabook_${owner}`,
      `ALTER DATABASE backup_${owner} RENAME TO rentabook_${owner}`,
    ]),
  );

async function emptyBroker(): Promise<void> {
  await system.pause('nats');
  rmSync(join(system.folder, 'nats', 'streams'), { recursive: true });
  await system.resume('nats');
}

const requestMany = async (readers: Client[], bookId: string): Promise<string[]> =>
  Promise.all(readers.map(async (reader) => (await requestRental(reader, bookId)).rental.id));

test('databases put back as they were, before a wiped broker, agree with one another and go on', async () => {
  expect([...services]).toEqual(expect.arrayContaining([...owners, 'router'])); // all that whileStopped stops
  const staff = await signIn(system.url, 'staff@demo.test');
  const readers = await Promise.all(Array.from({ length: 5 }, () => signUp(system.url)));
  const bookId = await addBook(staff, 100);
  const [early] = await requestMany(readers, bookId);
  await eventually(
    () => rentalOf(staff, early ?? ''),
    ({ status }) => status === 'ON_LOAN',
  );
  const kept = await requestMany(readers, bookId); // parcels are on their way: events of all kinds are under way too
  await whileStopped(backUp);
  const lost = [...(await requestMany(readers, bookId)), ...(await requestMany(readers, bookId))];
  await eventually(
    () => rentalOf(staff, lost.at(-1) ?? ''),
    ({ status }) => status === 'ON_LOAN',
    60_000,
  );

  await whileStopped(restore);
  await eventually(
    () => readFileSync(join(system.folder, 'logs', 'rental.log'), 'utf8'),
    (log) => log.includes('which this database has never written'),
  );
  await whileStopped(emptyBroker);

  for (const [place, id] of kept.entries())
    await eventually(
      async () => (await rentalOf(readers[place] as Client, id))?.status,
      (status) => status === 'ON_LOAN',
      60_000,
    );
  for (const id of lost) expect(await rentalOf(staff, id)).toBeNull();
  expect(await stockOf(staff, bookId)).toMatchObject({ owned: 100, available: 90, out: 10 });
  const [again] = await requestMany(readers, bookId);
  await eventually(
    () => rentalOf(staff, again ?? ''),
    ({ status }) => status === 'ON_LOAN',
    60_000,
  );
  const { code, stdout } = await runCommand('operate/reconcile.ts', { RENTABOOK_DATA: system.folder });
  expect({ code, stdout }).toMatchObject({ code: 0 });
}, 240_000);

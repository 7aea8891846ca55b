import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { createDatabase } from '../tests/services.ts';
import { readConfig } from './config.ts';
import { provision, serviceUrl } from './provision.ts';

const { DATABASE_URL } = readConfig(['DATABASE_URL']);
const unique = (name: string) => `${name}_${randomUUID().slice(0, 8)}`;

/** The rows of one statement, on a connection of its own. */
async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("a service enters its own database and no other's", async () => {
  const [rental, book] = [unique('rental'), unique('book')];

  await provision(DATABASE_URL, { [rental]: 'r', [book]: 'b' });

  expect(await ask(serviceUrl(DATABASE_URL, rental, 'r'), 'SELECT current_database() AS name')).toEqual([
    { name: rental },
  ]);
  const trespass = new URL(serviceUrl(DATABASE_URL, rental, 'r'));
  trespass.pathname = book;
  await expect(ask(trespass.href, 'SELECT 1')).rejects.toThrow(`permission denied for database "${book}"`);
});

test('a service may not create roles or databases, nor enter without its password', async () => {
  const url = await createDatabase();

  await expect(ask(url, 'CREATE ROLE intruder')).rejects.toThrow('permission denied');
  await expect(ask(url, 'CREATE DATABASE other')).rejects.toThrow('permission denied');
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(ask(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
});

test('to provision again keeps the data and sets the password', async () => {
  const name = unique('again');
  await provision(DATABASE_URL, { [name]: 'first' });
  await ask(serviceUrl(DATABASE_URL, name, 'first'), 'CREATE TABLE kept AS SELECT 42 AS answer');

  await provision(DATABASE_URL, { [name]: 'second' });

  expect(await ask(serviceUrl(DATABASE_URL, name, 'second'), 'TABLE kept')).toEqual([{ answer: 42 }]);
  await expect(ask(serviceUrl(DATABASE_URL, name, 'first'), 'TABLE kept')).rejects.toThrow('password');
});

test('an account that may create roles and databases is enough, as on a hosted server', async () => {
  const [admin, name] = [unique('admin'), unique('hosted')];
  await ask(DATABASE_URL, `CREATE ROLE ${admin} LOGIN CREATEROLE CREATEDB PASSWORD 'a'`);
  const adminUrl = new URL(DATABASE_URL);
  adminUrl.username = admin;
  adminUrl.password = 'a';

  await provision(adminUrl.href, { [name]: 'p' });
  await provision(adminUrl.href, { [name]: 'p' });

  expect(await ask(serviceUrl(DATABASE_URL, name, 'p'), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('the letters of Hangul are letters to the trigram search', async () => {
  const url = await createDatabase();

  await ask(url, 'CREATE EXTENSION pg_trgm');

  expect(
    await ask(url, "SELECT '어린 왕자' % '어린왕자' AS alike, cardinality(show_trgm('왕자')) AS trigrams"),
  ).toEqual([{ alike: true, trigrams: 3 }]);
});

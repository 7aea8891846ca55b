import { randomUUID } from 'node:crypto';
import { askDatabase } from '../tests/askDatabase.ts';
import { createDatabase } from '../tests/services.ts';
import { readConfig } from './config.ts';
import { provision, serviceUrl } from './provision.ts';

const { DATABASE_URL } = readConfig(['DATABASE_URL']);
const unique = (name: string) => `${name}_${randomUUID().slice(0, 8)}`;

test("a service enters its own database and no other's", async () => {
  const [rental, book] = [unique('rental'), unique('book')];

  await provision(DATABASE_URL, { [rental]: 'r', [book]: 'b' });

  expect(await askDatabase(serviceUrl(DATABASE_URL, rental, 'r'), 'SELECT current_database() AS name')).toEqual([
    { name: rental },
  ]);
  const trespass = new URL(serviceUrl(DATABASE_URL, rental, 'r'));
  trespass.pathname = book;
  await expect(askDatabase(trespass.href, 'SELECT 1')).rejects.toThrow(`permission denied for database "${book}"`);
});

test('a service may not create roles or databases, nor enter without its password', async () => {
  const url = await createDatabase();

  await expect(askDatabase(url, 'CREATE ROLE intruder')).rejects.toThrow('permission denied');
  await expect(askDatabase(url, 'CREATE DATABASE other')).rejects.toThrow('permission denied');
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(askDatabase(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
});

test('to provision again keeps the data and sets the password', async () => {
  const name = unique('again');
  await provision(DATABASE_URL, { [name]: 'first' });
  await askDatabase(serviceUrl(DATABASE_URL, name, 'first'), 'CREATE TABLE kept AS SELECT 42 AS answer');

  await provision(DATABASE_URL, { [name]: 'second' });

  expect(await askDatabase(serviceUrl(DATABASE_URL, name, 'second'), 'TABLE kept')).toEqual([{ answer: 42 }]);
  await expect(askDatabase(serviceUrl(DATABASE_URL, name, 'first'), 'TABLE kept')).rejects.toThrow('password');
});

test('an account that may create roles and databases is enough, as on a hosted server', async () => {
  const [admin, name] = [unique('admin'), unique('hosted')];
  await askDatabase(DATABASE_URL, `CREATE ROLE ${admin} LOGIN CREATEROLE CREATEDB PASSWORD 'a'`);
  const adminUrl = new URL(DATABASE_URL);
  adminUrl.username = admin;
  adminUrl.password = 'a';

  await provision(adminUrl.href, { [name]: 'p' });
  await provision(adminUrl.href, { [name]: 'p' });

  expect(await askDatabase(serviceUrl(DATABASE_URL, name, 'p'), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('the letters of Hangul are letters to the trigram search', async () => {
  const url = await createDatabase();

  await askDatabase(url, 'CREATE EXTENSION pg_trgm');

  expect(
    await askDatabase(url, "SELECT '어린 왕자' % '어린왕자' AS alike, cardinality(show_trgm('왕자')) AS trigrams"),
  ).toEqual([{ alike: true, trigrams: 3 }]);
});

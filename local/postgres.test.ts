import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askDatabase } from '../tests/askDatabase.ts';
import { claimFolder } from './folder.ts';
import { freePort } from './ports.ts';
import { launchPostgres, postgresUrl, preparePostgres, stopOrphanedPostgres } from './postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-postgres-'));
claimFolder(folder); // which also lets PostgreSQL's account pass
const data = join(folder, 'postgres');
afterAll(async () => {
  await stopOrphanedPostgres(data);
  rmSync(folder, { recursive: true });
});

test('a server left by a killed start is ended by the next one, which has its data', async () => {
  const port = await freePort();
  const launch = async () =>
    launchPostgres(await preparePostgres(data, 'secret'), { port, careless: true, onLine: () => {} });
  const orphan = await launch();
  await orphan.ready;
  await ask(port, 'CREATE TABLE kept AS SELECT 42 AS answer');

  await stopOrphanedPostgres(data);
  expect(await orphan.ended).toBe('exit code 0');
  const next = await launch();
  await next.ready;

  expect(await ask(port, 'TABLE kept')).toEqual([{ answer: 42 }]);
  await next.stop();
});

test('nobody else reads the data', () => {
  expect(statSync(data).mode & 0o077).toBe(0);
});

const ask = (port: number, sql: string) => askDatabase(postgresUrl(port, 'secret'), sql);

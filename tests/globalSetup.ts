/** One PostgreSQL and one nats-server for the whole run; test files get theirs of it by services.ts. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { claimFolder } from '../local/folder.ts';
import { launchNats, natsUrl, prepareNats } from '../local/nats.ts';
import { natsProgram } from '../local/natsProgram.ts';
import { freePort } from '../local/ports.ts';
import { launchPostgres, postgresUrl, preparePostgres } from '../local/postgres.ts';
import type { Running } from '../local/running.ts';
import { makeFolder, removeFolder, sweepFolders } from './folders.ts';

let stopServers: () => Promise<void>;

export default async function start(): Promise<void> {
  await sweepFolders();
  const folder = claimFolder(makeFolder());
  if (!folder) throw new Error('Somebody else claimed a new folder');
  const password = randomBytes(16).toString('hex');
  const running: Running[] = [];
  stopServers = async () => {
    await Promise.all(running.map((server) => server.stop()));
    await removeFolder(folder);
  };

  const postgresPort = await freePort();
  const cluster = await preparePostgres(join(folder.path, 'postgres'), password);
  running.push(launchPostgres(cluster, { port: postgresPort, careless: true, onLine: () => {} }));

  const nats = { folder: join(folder.path, 'nats'), port: await freePort(), password };
  prepareNats(nats);
  running.push(launchNats((await natsProgram()).path, nats.folder, () => {}));
  await Promise.all(running.map(({ ready }) => ready));

  // Test files run in processes of their own, which inherit the environment.
  Object.assign(process.env, { DATABASE_URL: postgresUrl(postgresPort, password), NATS_URL: natsUrl(nats) });
}

export const stop = (): Promise<void> => stopServers();

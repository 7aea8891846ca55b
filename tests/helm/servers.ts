/** PostgreSQL and NATS beside a cluster whose pods are processes, to be stopped and started again at will. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { claimFolder } from '../../local/folder.ts';
import { launchNats, natsUrl, prepareNats } from '../../local/nats.ts';
import { natsProgram } from '../../local/natsProgram.ts';
import { freePort } from '../../local/ports.ts';
import { launchPostgres, postgresUrl, preparePostgres } from '../../local/postgres.ts';
import type { Running } from '../../local/running.ts';
import { makeFolder, removeFolder } from '../folders.ts';

/** Ten pods of Rental alone, while another ten take over from them. */
const CONNECTIONS = 500;

interface Server {
  /** Entered as an account that may do anything there. */
  url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface Servers {
  database: Server;
  nats: Server;
  stop(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const folder = claimFolder(makeFolder());
  if (!folder) throw new Error('Somebody else claimed a new folder');
  const password = randomBytes(16).toString('hex');

  const [postgresPort, natsPort] = [await freePort(), await freePort()];
  const cluster = await preparePostgres(join(folder.path, 'postgres'), password);
  const database = server(postgresUrl(postgresPort, password), () =>
    launchPostgres(cluster, { port: postgresPort, connections: CONNECTIONS, careless: true, onLine: () => {} }),
  );

  const place = { folder: join(folder.path, 'nats'), port: natsPort, password };
  prepareNats(place);
  const program = await natsProgram();
  const nats = server(natsUrl(place), () => launchNats(program.path, place.folder, () => {}));

  await Promise.all([database.start(), nats.start()]);
  return {
    database,
    nats,
    async stop() {
      await Promise.all([database.stop(), nats.stop()]);
      await removeFolder(folder);
    },
  };
}

function server(url: string, launch: () => Running): Server {
  let running: Running | undefined;
  return {
    url,
    async start() {
      running = launch();
      await running.ready;
    },
    async stop() {
      await running?.stop();
    },
  };
}

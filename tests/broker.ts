/** A nats-server for one test: it can be stopped, wiped, or set back to an older state, as a broker may be after a bad night. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { connectOnce } from '#platform/nats.ts';
import { claimFolder } from '../local/folder.ts';
import { launchNats, natsUrl, prepareNats } from '../local/nats.ts';
import { natsProgram } from '../local/natsProgram.ts';
import { freePort } from '../local/ports.ts';
import type { Running } from '../local/running.ts';
import { makeFolder, removeFolder } from './folders.ts';

export interface Broker {
  url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** From the next start on it lets in only who has this password. */
  changePassword(password: string): void;
  /** Notes the state of its disk; `setBack` brings that back. In between it is stopped for a moment, both times. */
  remember(): Promise<void>;
  /** `keepPositions`: the consumers stay where they are, only messages are lost. */
  setBack(options?: { keepPositions?: boolean }): Promise<void>;
  /** Does something with a connection of its own. */
  with<T>(work: (nats: NatsConnection) => Promise<T>): Promise<T>;
  /** Ends it and removes what it has stored. */
  close(): Promise<void>;
}

export async function startBroker(): Promise<Broker> {
  const folder = claimFolder(makeFolder());
  if (!folder) throw new Error('Somebody else claimed a new folder');
  const files = join(folder.path, 'nats');
  const remembered = join(folder.path, 'remembered');
  const { path: program } = await natsProgram();
  const options = { folder: files, port: await freePort(), password: 'of a test' };
  prepareNats(options);
  const url = natsUrl(options);

  let server: Running;
  const start = async () => {
    server = launchNats(program, files, () => {});
    await server.ready;
  };
  await start();
  const stop = () => server.stop();
  const whileStopped = async (work: () => void) => {
    await stop();
    work();
    await start();
  };

  return {
    url,
    stop,
    start,
    changePassword: (password) => prepareNats({ ...options, password }),
    remember: () => whileStopped(() => cpSync(join(files, 'streams'), remembered, { recursive: true })),
    setBack: ({ keepPositions = false } = {}) =>
      whileStopped(() => {
        const isPosition = (path: string) => path.includes('/obs/');
        if (!keepPositions) rmSync(join(files, 'streams'), { recursive: true });
        cpSync(remembered, join(files, 'streams'), {
          recursive: true,
          filter: (path) => !keepPositions || !isPosition(path),
        });
      }),
    async with(work) {
      const nats = await connectOnce({ natsUrl: url });
      try {
        return await work(nats);
      } finally {
        await nats.close();
      }
    },
    async close() {
      await stop();
      await removeFolder(folder);
    },
  };
}

/** Whether the service in this container wants requests, as its /readyz tells: the image's HEALTHCHECK. One sentence; exit code 0 or 1. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { readConfig } from './config.ts';
import { reasonOf } from './errors.ts';
import { reachedAt } from './network.ts';

/** Docker gives up after five. */
const TIMEOUT_MS = 3000;

/** What it answers, when it is ready. @throws when it is not */
async function look(): Promise<string> {
  const { HOST, PORT } = readConfig(['HOST', 'PORT']);
  const request = get({ host: reachedAt(HOST), port: PORT, path: '/readyz', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const [response] = (await once(request, 'response').catch((cause: unknown) => {
    throw new Error(`Nothing answers on port ${PORT}: ${reasonOf(cause)}.`, { cause });
  })) as [IncomingMessage]; // the event's only argument
  const reason = (await text(response)).trim();
  if (response.statusCode !== 200) throw new Error(`Not ready: ${reason}.`);
  return 'Ready.';
}

await look().then(
  (sentence) => process.stdout.write(`${sentence}\n`),
  (error: unknown) => {
    process.stdout.write(`${reasonOf(error)}\n`);
    process.exitCode = 1;
  },
);

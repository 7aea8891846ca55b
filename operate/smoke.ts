/** `npm run smoke`: whether a system answers its clients in every way there is. `helm test` runs it. */
import { parseArgs } from 'node:util';
import { reasonOf } from '#platform/errors.ts';
import {
  answersKeys,
  answersMutation,
  answersQuery,
  answersReady,
  answersSocket,
  answersStream,
} from '#platform/publicDoor.ts';
import { Complaint, print, runCommand } from './command.ts';

const HELP = `npm run smoke -- URL [--foreign-keys]

Asks the router at URL whether it is ready, a query, a mutation, the keys of its tokens, a WebSocket and an event stream. It needs no
account and changes nothing. With --foreign-keys the keys are an outside provider's, and are not asked for.

Exit code: 0 when all is answered, 1 when something is not, 2 when it could not be asked.`;

const checks: [string, (url: string) => Promise<void>][] = [
  ['is not ready', answersReady],
  ['does not answer a query', answersQuery],
  ['does not answer a mutation', answersMutation],
  ['does not show the keys of its tokens', answersKeys],
  ['does not answer a WebSocket', answersSocket],
  ['does not answer with an event stream', answersStream],
];

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, 'foreign-keys': { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const [url = '', ...more] = positionals;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '') || more.length)
    throw new Complaint('Say where the router is, such as http://127.0.0.1:4000. See --help.');
  const router = url.replace(/\/$/, '');

  for (const [otherwise, check] of checks) {
    if (check === answersKeys && values['foreign-keys']) continue;
    try {
      await check(router);
    } catch (error) {
      print(`The router at ${router} ${otherwise}: ${reasonOf(error)}`);
      return 1;
    }
  }
  print(`The router at ${router} answers in every way.`);
  return 0;
});

/** `npm run smoke` where there is nothing to ask; that it finds a whole system whole is in `tests/start.test.ts`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runCommand } from '../tests/command.ts';

const smoke = (...args: string[]) => runCommand('operate/smoke.ts', {}, ...args);

test('a router that does not answer is told of in one sentence', async () => {
  const { code, stdout } = await smoke('http://127.0.0.1:1');

  expect(code).toBe(1);
  expect(stdout).toMatch(/^The router at http:\/\/127\.0\.0\.1:1 is not ready: .*\n$/);
});

test('something else that answers is no router', async () => {
  const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has one

  const { code, stdout } = await smoke(`${url}/`);

  expect([code, stdout]).toEqual([1, `The router at ${url} does not answer a query: It answered without data.\n`]);
  server.close();
});

test.each([[[]], [['127.0.0.1:4000']], [['ftp://127.0.0.1']], [['http://a', 'http://b']]])(
  'with %j it says what it wants to know',
  async (args) => {
    const { code, stdout, stderr } = await smoke(...args);

    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe('Say where the router is, such as http://127.0.0.1:4000. See --help.\n');
  },
);

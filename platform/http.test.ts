/** The HTTP server of every process, over real connections. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type Http, json, listen, readBody } from './http.ts';
import { createLog } from './log.ts';

let http: Http;
beforeAll(async () => {
  http = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: {
      '/echo': async (incoming, response) => json(response, 200, { size: (await readBody(incoming, 1000)).length }),
      '/fault': async () => {
        throw new Error('secret of the inside');
      },
    },
    notReady: async () => null,
  });
});
afterAll(() => http?.close());

/** One client that would use its connection again, as the router does. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
afterAll(() => agent.destroy());

async function send(path: string, body: string): Promise<{ status: number | undefined; text: string }> {
  const outgoing = request({ host: '127.0.0.1', port: http.port, path, method: 'POST', agent });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  const chunks: Buffer[] = await response.toArray();
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}

test('after a body that is too large the same client is answered again', async () => {
  const refused = await send('/echo', 'x'.repeat(300_000));
  const next = await send('/echo', 'x'.repeat(10));

  expect(refused.status).toBe(413);
  expect(JSON.parse(refused.text)).toEqual({
    errors: [{ message: 'The body is larger than 1000 bytes.', extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
  });
  expect(next).toEqual({ status: 200, text: '{"size":10}' });
});

test('a fault is not told', async () => {
  const { status, text } = await send('/fault', '');
  expect(status).toBe(500);
  expect(text).not.toContain('secret');
});

test('what is not there is 404, and health is', async () => {
  expect((await send('/nothing', '')).status).toBe(404);
  expect(await send('/readyz', '')).toEqual({ status: 200, text: 'ok\n' });
});

test('a process that is told to end closes each connection with its next answer, and none under a request', async () => {
  const release = Promise.withResolvers<void>();
  const lingering = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: {
      '/quick': async (_, response) => json(response, 200, {}),
      '/slow': async (_, response) => release.promise.then(() => json(response, 200, {})),
    },
    notReady: async () => null,
    lingerMs: 60_000,
  });
  const keeping = new Agent({ keepAlive: true });
  const ask = async (path: string) => {
    const outgoing = request({ host: '127.0.0.1', port: lingering.port, path, agent: keeping });
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode, connection: response.headers.connection, reused: outgoing.reusedSocket };
  };
  const slow = ask('/slow');
  await ask('/quick');

  const closed = lingering.close();

  expect(await ask('/quick')).toEqual({ status: 200, connection: 'close', reused: true });
  expect(await ask('/readyz')).toMatchObject({ status: 503, connection: 'close' });
  release.resolve();
  expect((await slow).status).toBe(200);
  await closed; // long before its 60 s: nobody has a connection any more
  keeping.destroy();
});

test('what hangs is told to whoever asks whether it lives', async () => {
  let hanging: string | null = null;
  const watched = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: {},
    notReady: async () => null,
    hung: async () => hanging,
  });
  const livez = async () => {
    const answer = await fetch(`http://127.0.0.1:${watched.port}/livez`);
    return [answer.status, await answer.text()];
  };

  expect(await livez()).toEqual([200, 'ok\n']);
  hanging = 'the consumer book-rental hangs';
  expect(await livez()).toEqual([503, 'the consumer book-rental hangs\n']);
  await watched.close();
});

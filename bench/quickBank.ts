/**
 * A bank that does nothing but answer: creating and confirming in Stripe's API, as Rental asks for it, at the edge of the world
 * that `rent` measures. Its payments are named by their idempotency keys, so that it need remember none.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { run } from '#platform/process.ts';

await run('bank', ['HOST', 'PORT'], async ({ HOST, PORT }) => {
  const server = createServer((request, response) => {
    const [, confirmed] = /^\/v1\/payment_intents\/(\w+)\/confirm$/.exec(request.url ?? '') ?? [];
    const body = JSON.stringify(
      request.url === '/v1/balance'
        ? { object: 'balance', available: [], pending: [] }
        : {
            object: 'payment_intent',
            id: confirmed ?? `pi_${String(request.headers['idempotency-key']).replaceAll(/\W/g, '')}`,
            status: confirmed ? 'requires_capture' : 'requires_payment_method',
          },
    );
    request.resume(); // what is in it makes no difference
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(PORT, HOST, resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on one
    stop: async () => void server.close().closeAllConnections(),
  };
});

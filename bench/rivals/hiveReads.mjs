/**
 * Hive Gateway before the subgraphs, as a process of its own: its newer engine (1.8 times as quick as its default one), and its usual
 * transport with kept-alive connections, which shares a request that is under way with the same headers. Nothing makes it slower: it
 * verifies, limits and counts nobody.
 */
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';
import { signatureOf, supergraph } from './supergraph.mjs';

const gateway = createGatewayRuntime({
  supergraph,
  unifiedGraphHandler,
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') }),
  },
  plugins: () => [
    {
      onFetch({ url, options }) {
        options.headers = { ...options.headers, ...signatureOf(url, options.body) };
      },
    },
  ],
  graphqlEndpoint: '/graphql',
  logging: false,
  requestId: false,
  graphiql: false,
  landingPage: false,
});

for (const end of ['SIGTERM', 'disconnect']) process.on(end, () => process.exit(0));
await gateway.getSchema();
createServer(gateway).listen(Number(process.env.PORT), process.env.HOST, () => process.send?.({ ready: true }));

/**
 * Hive Gateway before the subgraphs, as a process of its own: its newer engine, and its usual transport with kept-alive connections. It
 * verifies nobody, counts nobody and logs nothing, all of which our router does.
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

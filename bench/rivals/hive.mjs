/**
 * Hive Gateway before the customer subgraph, as a process of its own. It is set up to be light: its newer engine, one socket
 * to the subgraph for everybody, nothing logged, polled or reported. Only subscriptions are served.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime, getGraphQLWSOptions } from '@graphql-hive/gateway-runtime';
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';
import { buildGraphQLWSExecutor } from '@graphql-tools/executor-graphql-ws';
import { normalizeNodeRequest } from '@whatwg-node/server';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { SIGNATURE_HEADER, sign } from '../../platform/signature.ts';

// Not by platform/config.ts and process.ts: what they load would be in the figures.
const { HOST: host, PORT: port, ROUTER_KEY: key, CUSTOMER_URL: customerUrl } = process.env;

/**
 * Hive's own transport opens a socket for each distinct set of headers and `connectionParams`, so for each viewer: 79 kB of
 * heap a client against 29 on one socket (200 clients). This is its own executor, too, on a client that is shared.
 */
const sharedSocket = {
  getSubgraphExecutor() {
    const client = createClient({
      url: customerUrl.replace(/^http/, 'ws'),
      webSocketImpl: SigningSocket,
      lazyCloseTimeout: 3000, // as in Hive's transport
    });
    const execute = buildGraphQLWSExecutor(client);
    return (request) => {
      const { authorization } = request.context.connectionParams ?? {};
      return withoutPositions(execute({ ...request, extensions: { authorization } }));
    };
  },
};

/** As in router/upstream.ts. */
class SigningSocket extends WebSocket {
  constructor(address, protocols) {
    const { pathname: path } = new URL(address);
    super(address, protocols, { headers: { [SIGNATURE_HEADER]: sign(key, { method: 'GET', path, body: '' }) } });
  }
}

/** A position (platform/subscriptions.ts) is a result without data: Hive would tell the client of an error in its place. */
const withoutPositions = (results) => ({
  [Symbol.asyncIterator]() {
    return this;
  },
  async next() {
    for (;;) {
      const result = await results.next();
      if (result.done || result.value.data || result.value.errors) return result;
    }
  },
  return: () => results.return(),
});

const gateway = createGatewayRuntime({
  supergraph: readFileSync(new URL('../../schema/supergraph.graphql', import.meta.url), 'utf8'),
  unifiedGraphHandler, // 27 kB of heap a client; with the default engine 29
  transports: { http: sharedSocket }, // a supergraph's subgraphs are all of the kind "http"
  graphqlEndpoint: '/graphql',
  logging: false,
  requestId: false,
  graphiql: false,
  landingPage: false,
});

// From here on as Hive's command line serves it.
const server = createServer(gateway);
const sockets = new WebSocketServer({ server, path: gateway.graphqlEndpoint });
useServer(
  getGraphQLWSOptions(gateway, ({ extra: { request, socket } }) => ({
    req: request,
    socket,
    request: normalizeNodeRequest(request, gateway.fetchAPI),
  })),
  sockets,
);

for (const end of ['SIGTERM', 'disconnect']) process.on(end, () => process.exit(0));
await gateway.getSchema();
server.listen(Number(port), host, () => process.send?.({ ready: true }));

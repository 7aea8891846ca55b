/** Apollo's gateway as it comes, in Apollo's standalone server, as a process of its own: what our router is built on, in the same version. */
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { signatureOf, supergraph } from './supergraph.mjs';

class Subgraph extends RemoteGraphQLDataSource {
  willSendRequest({ request, context: { authorization } }) {
    if (authorization) request.http.headers.set('authorization', authorization);
  }
}

function subgraphAt(url) {
  const subgraph = new Subgraph({ url });
  const { fetcher } = subgraph;
  subgraph.fetcher = (to, options) =>
    fetcher(to, { ...options, headers: { ...options.headers, ...signatureOf(to, options.body) } });
  return subgraph;
}

const gateway = new ApolloGateway({ supergraphSdl: supergraph, buildService: ({ url }) => subgraphAt(url) });

for (const end of ['SIGTERM', 'disconnect']) process.on(end, () => process.exit(0));
await startStandaloneServer(new ApolloServer({ gateway }), {
  listen: { host: process.env.HOST, port: Number(process.env.PORT) },
  context: async ({ req }) => ({ authorization: req.headers.authorization }),
});
process.send?.({ ready: true });

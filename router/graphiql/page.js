/**
 * GraphiQL for Rentabook. One Authorization serves both ways: as the header of HTTP requests and in the `connection_init`
 * of the WebSocket that carries subscriptions. A token that an answer brings (signIn, signUp) is put there by itself.
 */
import { createClient } from '/graphiql/graphql-ws/client.js';

const { React, ReactDOM, GraphiQL } = window;
const authorization = document.querySelector('#authorization');

let socket = { token: null, client: null };

/** A socket belongs to one account: another token is another socket. */
function clientFor(token) {
  if (socket.client && socket.token === token) return socket.client;
  socket.client?.dispose();
  const url = new URL('/graphql', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const connectionParams = token ? { authorization: token } : {};
  socket = { token, client: createClient({ url: url.href, connectionParams }) };
  return socket.client;
}

async function ask(request, headers) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  const session = Object.values(answer.data ?? {}).find((value) => value?.accessToken);
  if (session) authorization.value = `Bearer ${session.accessToken}`;
  return answer;
}

function isSubscription(document, operationName) {
  const operations = document?.definitions.filter(({ kind }) => kind === 'OperationDefinition') ?? [];
  const chosen = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  return chosen?.operation === 'subscription';
}

/** The headers editor has the last word. */
function fetcher(request, { headers = {}, documentAST }) {
  const own = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  const token = own ?? authorization.value.trim();
  if (isSubscription(documentAST, request.operationName)) return clientFor(token).iterate(request);
  return ask(request, token ? { ...headers, authorization: token } : headers);
}

const examples = await (await fetch('/graphiql/examples.json')).json();
ReactDOM.createRoot(document.querySelector('#graphiql')).render(
  React.createElement(GraphiQL, { fetcher, defaultTabs: examples.map((query) => ({ query })) }),
);

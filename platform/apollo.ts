/** GraphQL over HTTP: node:http in, Apollo Server's pipeline, node:http out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ApolloServer, type ApolloServerPlugin, type BaseContext, HeaderMap } from '@apollo/server';
import type { GraphQLFormattedError } from 'graphql';
import { json } from './http.ts';
import { tellErrors, tellOperation } from './serving.ts';

/** Tells metrics and traces what a request turned out to be. */
export const tellOfOperations: ApolloServerPlugin = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation) tellOperation(operation.operation, operation.name?.value);
      },
      async willSendResponse({ response: { body } }) {
        if (body.kind === 'single') tellOfErrors(body.singleResult.errors);
      },
    };
  },
};

export function tellOfErrors(errors: readonly GraphQLFormattedError[] = []): void {
  if (errors.length) tellErrors(errors.some(isFault) ? 'failed' : 'errors');
}

/** Nothing that a client could have done otherwise. */
const isFault = ({ extensions }: GraphQLFormattedError): boolean =>
  extensions?.code === 'INTERNAL_SERVER_ERROR' || extensions?.code === 'SERVICE_UNAVAILABLE';

/** Answers one request whose body has been read; a context that throws a GraphQLError is an answer too. */
export async function answerGraphql<C extends BaseContext>(
  apollo: ApolloServer<C>,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  context: () => Promise<C>,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  const parsed = body.length ? parseJson(body) : '';
  if (parsed === undefined)
    return json(response, 400, { errors: [{ message: 'The body is not JSON.', extensions: { code: 'BAD_REQUEST' } }] });

  const { search } = new URL(url, 'http://localhost');
  const httpGraphQLRequest = { method, headers: headerMap(headers), search, body: parsed };
  const answer = await apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context });
  if (answer.body.kind !== 'complete') throw new Error('Incremental delivery is not in this schema');
  response.writeHead(answer.status ?? 200, Object.fromEntries(answer.headers));
  response.end(answer.body.string);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // JSON itself has no such value
  }
}

function headerMap(headers: NodeJS.Dict<string | string[]>): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) map.set(name, String(value));
  return map;
}

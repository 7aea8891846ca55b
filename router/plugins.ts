/** What the router adds to Apollo's way of a query or a mutation. */
import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { GraphQLError } from 'graphql';
import type { Context } from './context.ts';
import { httpStatusOf, lateError } from './errors.ts';
import type { Limits, Passed } from './limits.ts';
import { notListed, type Persisted } from './persisted.ts';

/** Turns away what cannot be run and what the limits do not let in; says in `extensions.cost` what the rest may have cost. */
export const onlyWhatMayRun = (limits: Limits, persisted: Persisted): ApolloServerPlugin<Context> => ({
  async requestDidStart() {
    let passed: Passed | undefined;
    return {
      async didResolveOperation({ operation, document, source, request, contextValue }) {
        if (!operation) throw noOperation();
        if (operation.operation === 'subscription') throw needsStream();
        try {
          // What has come over a socket was looked up there: its text is not the client's any more.
          if (request.http && !persisted.allows(source)) throw notListed();
          passed = await limits.pass(document, operation, request.variables ?? {}, contextValue);
        } catch (error) {
          throw error instanceof GraphQLError ? withStatus(error) : error;
        }
      },
      async willSendResponse({ response: { body } }) {
        passed?.leave();
        if (passed && body.kind === 'single')
          body.singleResult.extensions = { ...body.singleResult.extensions, cost: passed.cost };
      },
    };
  },
});

/** The gateway's notes on nulls that it had to put in speak of the inside; the errors beside them say what a client can use. */
export const withoutInternals: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body } }) {
        if (body.kind === 'single') delete body.singleResult.extensions?.valueCompletion;
      },
    };
  },
};

/** Who is turned away for overload, or has asked too often, learns as HTTP says it when to come again. */
export const retryAfter: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body, http } }) {
        if (body.kind !== 'single') return;
        const { data, errors = [] } = body.singleResult;
        const late = lateError(errors);
        if (!late) return;
        http.headers.set('retry-after', String(late.extensions?.retryAfterSeconds));
        if (!data) http.status = httpStatusOf(late.extensions?.code);
      },
    };
  },
};

/** The same error with the status of its code, for Apollo to answer with. */
export const withStatus = ({ message, extensions }: GraphQLError): GraphQLError =>
  new GraphQLError(message, {
    extensions: { ...extensions, http: { status: httpStatusOf(extensions.code), headers: new HeaderMap() } },
  });

const noOperation = () =>
  withStatus(
    new GraphQLError('There is no operation of this name, or there are several and "operationName" names none.', {
      extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
    }),
  );

const needsStream = () =>
  withStatus(
    new GraphQLError(
      'A subscription needs a stream: a WebSocket on this path with the protocol graphql-transport-ws, or "Accept: text/event-stream".',
      { extensions: { code: 'BAD_REQUEST' } },
    ),
  );

/** How requests are counted, by what they were and how they ended. */
import { once } from 'node:events';
import { request } from 'node:http';
import { ApolloServer } from '@apollo/server';
import { GraphQLError } from 'graphql';
import { eventually } from '../tests/client.ts';
import { answerGraphql, tellOfOperations } from './apollo.ts';
import { BadRequest, type Http, listen, readBody, text } from './http.ts';
import { createLog } from './log.ts';
import { metricsRoute } from './metrics.ts';
import { becomesStream, serveOperation } from './serving.ts';

const apollo = new ApolloServer({
  typeDefs: 'type Query { answer: Int broken: Int refused: Int } type Mutation { change: Int }',
  resolvers: {
    Query: {
      answer: () => 42,
      broken: () => {
        throw new Error('broken');
      },
      refused: () => {
        throw new GraphQLError('Not yours', { extensions: { code: 'FORBIDDEN' } });
      },
    },
    Mutation: { change: () => 1 },
  },
  plugins: [tellOfOperations],
  stopOnTerminationSignals: false,
});

let http: Http;
let letGo = () => {};
beforeAll(async () => {
  await apollo.start();
  http = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: {
      '/graphql': async (request, response) =>
        answerGraphql(apollo, request, response, await readBody(request, 10_000), async () => ({})),
      '/slow/*': async (_, response) => {
        await new Promise<void>((resolve) => (letGo = resolve));
        text(response, 200, 'at last');
      },
      '/refused': async () => {
        throw new BadRequest(403, 'No.');
      },
      '/broken': async () => {
        throw new Error('broken');
      },
      '/stream': async (_, response) => {
        becomesStream();
        response.write('one');
      },
      ...metricsRoute({ METRICS_PORT: undefined }),
    },
    notReady: async () => null,
  });
});
afterAll(async () => {
  http.server.closeAllConnections();
  await http.close();
  await apollo.stop();
});

const get = (path: string) => fetch(`http://127.0.0.1:${http.port}${path}`);
const ask = (query: string) =>
  fetch(`http://127.0.0.1:${http.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });

interface Told {
  inFlight: number;
  /** `kind outcome` -> how many. */
  ended: Record<string, number>;
}

async function told(): Promise<Told> {
  const lines = (await (await get('/metrics')).text()).split('\n');
  const ended = lines.flatMap((line) => {
    const [, kind, outcome, count] = /^rentabook_request_duration_seconds_count{(.*)} (.*)$/.test(line)
      ? (/kind="(\w+)",outcome="(\w+)"} (\d+)/.exec(line) ?? [])
      : [];
    return kind ? [[`${kind} ${outcome}`, Number(count)]] : [];
  });
  const inFlight = lines.find((line) => line.startsWith('rentabook_requests_in_flight '));
  return { inFlight: Number(inFlight?.split(' ')[1]), ended: Object.fromEntries(ended) };
}

/** What has been counted since `before`, once so many requests have ended. */
async function since(before: Told, count: number): Promise<Record<string, number>> {
  const more = ({ ended }: Told) =>
    Object.fromEntries(
      Object.entries(ended)
        .map(([what, count]) => [what, count - (before.ended[what] ?? 0)] as const)
        .filter(([, count]) => count),
    );
  const after = await eventually(told, (now) => Object.values(more(now)).reduce((sum, n) => sum + n, 0) >= count);
  return more(after);
}

test('requests are told apart by what they were and how they ended; probes and scrapes are not counted', async () => {
  const before = await told();

  await ask('{ answer }');
  await ask('query Named { broken }');
  await ask('{ refused }');
  await ask('mutation { change }');
  await ask('{ nothing }');
  await get('/refused');
  await get('/broken');
  await get('/livez');
  await get('/nowhere');

  expect(await since(before, 7)).toEqual({
    'query ok': 1,
    'query errors': 1,
    'query failed': 1,
    'mutation ok': 1,
    'http refused': 2, // what is no valid operation is neither a query nor a mutation
    'http failed': 1,
  });
});

test('who leaves before the answer has left', async () => {
  const before = await told();

  const asking = request({ port: http.port, path: '/slow/one' }).end();
  asking.on('error', () => {});
  await eventually(told, ({ inFlight }) => inFlight === 1);
  asking.destroy();

  expect(await since(before, 1)).toEqual({ 'http left': 1 });
  expect((await told()).inFlight).toBe(0);
  letGo();
});

test('a stream is no request under way', async () => {
  const before = await told();

  const asking = request({ port: http.port, path: '/stream' }).end();
  asking.on('error', () => {});
  await once(asking, 'response');

  expect(await told()).toEqual({ ...before, inFlight: 0 });
  asking.destroy();
});

test('an operation that came over a socket is counted too', async () => {
  const before = await told();
  const run = (query: string) =>
    serveOperation(async () => {
      const { body } = await apollo.executeOperation({ query });
      return body.kind === 'single' ? body.singleResult : {};
    });

  await run('{ answer }');
  await run('mutation { change }');
  await run('{ refused }');

  expect(await since(before, 3)).toEqual({ 'query ok': 1, 'mutation ok': 1, 'query errors': 1 });
});

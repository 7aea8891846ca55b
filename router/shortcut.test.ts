/** Whichever way a request takes, its answer is the same. */
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture({ limits: { cost: 200 } });
});
afterAll(() => fixture.stop());

/** The same operation on both ways: extensions, be they empty, are for the pipeline. */
async function both(body: object, headers: Record<string, string> = {}) {
  const ask = async (body: object) => {
    const response = await fetch(`${fixture.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const seen = ['content-type', 'retry-after', 'cache-control'].map((name) => [name, response.headers.get(name)]);
    const text = (await response.text()).replaceAll(/"id":"[-0-9a-f]{36}"/g, '"id":"<any>"'); // of faults, in the log
    return { status: response.status, ...Object.fromEntries(seen), answer: JSON.parse(text) };
  };
  const long = await ask({ ...body, extensions: {} }); // first: it makes the plan, which the short way goes by
  return [await ask(body), long] as const;
}

const cases: Record<string, [body: object, headers?: Record<string, string>]> = {
  'a query': [{ query: '{ deliveries book7 { id title } }' }],
  'a query of two subgraphs by name': [
    {
      query: 'query A { me } query B($id: ID!) { book(id: $id) { title } }',
      operationName: 'B',
      variables: { id: '1' },
    },
  ],
  'a fault of a subgraph': [{ query: '{ deliveries broken }' }],
  'a mutation': [{ query: 'mutation { rename(id: "1", title: "Emma") { id title } }' }],
  'a mutation that is turned away for overload': [{ query: 'mutation { request { id } }' }],
  'GraphQL over HTTP': [
    { query: '{ deliveries }' },
    { accept: 'application/graphql-response+json, application/json;q=0.9' },
  ],
  'GraphQL over HTTP, turned away': [
    { query: 'mutation { request { id } }' },
    { accept: 'application/graphql-response+json' },
  ],
  'a type that is not to be had': [{ query: '{ deliveries }' }, { accept: 'text/csv' }],
  introspection: [{ query: '{ __schema { queryType { name } } deliveries }' }],
  'too high a cost': [
    { query: `{ ${Array.from({ length: 20 }, (_, nth) => `a${nth}: book(id: "1") { id }`).join(' ')} }` },
  ],
  'a variable that is missing': [{ query: 'query ($id: ID!) { book(id: $id) { id } }' }],
  'a variable of the wrong type': [{ query: 'query ($id: ID!) { book(id: $id) { id } }', variables: { id: {} } }],
  'variables that are a list': [{ query: '{ deliveries }', variables: [] }],
  'a field that there is not': [{ query: '{ nothing }' }],
  'no document': [{ query: '{' }],
  'no operation of that name': [{ query: 'query A { me }', operationName: 'B' }],
  'a subscription': [{ query: 'subscription { ticks }' }],
  'a token that does not verify': [{ query: '{ deliveries }' }, { authorization: 'Bearer a.b.c' }],
};

test.each(Object.entries(cases))('%s', async (_, [body, headers]) => {
  const [short, long] = await both(body, headers);
  expect(short).toEqual(long);
});

test('who asks is known on both', async () => {
  const token = await fixture.tokenOf('ann');
  const [short, long] = await both({ query: '{ me }' }, { authorization: `Bearer ${token}` });
  expect(short).toEqual(long);
  expect(short.answer.data).toEqual({ me: 'ann' });
});

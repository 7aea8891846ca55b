/**
 * Book, Rental and Delivery by their own SDL, in one process, as cheap as they can be: rows in memory, each query compiled once,
 * tokens and signatures not looked at. `GET` tells how many requests there were.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse, validate } from 'graphql';
import { compileQuery } from 'graphql-jit';

const PAGE = 20;
const RENTALS = 4000;
const BOOKS = 1000;
const STATUSES = ['ACCEPTED', 'ON_LOAN', 'CLOSED'];

const idOf = (kind, number) => `${kind}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const rows = (count, make) => Array.from({ length: count }, (_, number) => make(number));
const byId = (all) => new Map(all.map((row) => [row.id, row]));

const books = byId(
  rows(BOOKS, (number) => ({
    __typename: 'Book',
    id: idOf('b', number),
    title: `The Title of Book ${number}`,
    authors: [`Author ${number % 97}`, `Author ${number % 89}`],
  })),
);
const rentals = rows(RENTALS, (number) => ({
  id: idOf('a', number),
  status: STATUSES[number % STATUSES.length],
  book: { __typename: 'Book', id: idOf('b', (number * 37) % BOOKS) },
}));
const parcels = byId(
  rentals.map(({ id }, number) => ({
    __typename: 'Rental',
    id,
    deliveries: [{ status: number % 2 ? 'IN_TRANSIT' : 'DELIVERED' }],
  })),
);
const edges = rentals.map((node) => ({ cursor: node.id, node }));
const pages = new Map(
  Array.from({ length: RENTALS / PAGE }, (_, page) => {
    const from = page * PAGE;
    const until = from + PAGE;
    const pageInfo = { hasNextPage: until < RENTALS, endCursor: rentals[until - 1].id };
    return [page ? rentals[from - 1].id : undefined, { edges: edges.slice(from, until), pageInfo }];
  }),
);

const resolvers = {
  book: { Book: { __resolveReference: ({ id }) => books.get(id) } },
  rental: { Query: { rentals: (_, { after }) => pages.get(after ?? undefined) } },
  delivery: { Rental: { __resolveReference: ({ id }) => parcels.get(id) } },
};

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

function answererOf(name) {
  const typeDefs = parse(read('schema/common.graphql') + read(`subgraphs/${name}/schema.graphql`));
  const schema = buildSubgraphSchema([{ typeDefs, resolvers: resolvers[name] }]);
  const compiled = new Map();
  const compile = (text) => {
    const document = parse(text);
    const [mistake] = validate(schema, document);
    if (mistake) throw mistake;
    const query = compileQuery(schema, document, undefined, { customJSONSerializer: true });
    compiled.set(text, query);
    return query;
  };
  return async (body) => {
    const { query: text, variables } = JSON.parse(body);
    const { query, stringify } = compiled.get(text) ?? compile(text);
    return stringify(await query(undefined, undefined, variables ?? {}));
  };
}

let asked = 0;

async function listen(name) {
  const answer = answererOf(name);
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end(String(asked));
    asked += 1;
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      const body = await answer(Buffer.concat(parts));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
  });
  const { hostname, port } = new URL(process.env[`${name.toUpperCase()}_URL`]);
  await new Promise((listening) => server.listen(Number(port), hostname, listening));
}

for (const end of ['SIGTERM', 'disconnect']) process.on(end, () => process.exit(0));
await Promise.all(Object.keys(resolvers).map(listen));
process.send?.({ ready: true });

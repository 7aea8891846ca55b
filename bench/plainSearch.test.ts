/** The catalogue search finds what a statement finds that ranks every match, in the same order. */
import type { Pool } from 'pg';
import type { Orm } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { bookDatabase } from '../subgraphs/book/database.ts';
import { type SearchArgs, searchBooks, searchMemory } from '../subgraphs/book/search.ts';
import { createDatabase } from '../tests/services.ts';
import { plainSearch } from './plainSearch.ts';
import { searchesFor } from './searches.ts';
import { openPool } from './servers.ts';
import { fillCatalogue, modelsFor } from './titles.ts';

const TITLES = 15_000;
const SEARCHES = 300;

let orm: Orm;
let pool: Pool;
const models = await modelsFor(undefined);
beforeAll(async () => {
  const url = await createDatabase('book');
  orm = await openServiceDatabase({ ...bookDatabase, url, log: createLog('test', 'silent') });
  pool = openPool(url, 2);
  await fillCatalogue(pool, models, TITLES);
}, 60_000);
afterAll(async () => {
  await pool?.end();
  await orm?.close();
});

test('a page and the next one hold what the obvious statement finds, whatever is searched for', async () => {
  const memory = searchMemory(() => orm.em.fork());
  const idsAndCursor = async (args: SearchArgs) => {
    const { edges, pageInfo } = await searchBooks(orm.em.fork(), args, { withdrawn: false, ...memory });
    return { ids: edges.map(({ node }) => node.id), ...pageInfo };
  };
  let [further, isbns] = [0, 0];
  for (const { kind, variables } of searchesFor(models, SEARCHES)) {
    const args: SearchArgs = { ...variables, first: 20 };
    const { ids, endCursor, hasNextPage } = await idsAndCursor(args);
    expect({ kind, args, ids }).toEqual({ kind, args, ids: (await plainSearch(pool, args)).slice(0, 20) });

    if (kind === 'an ISBN') isbns += ids.length;
    if (!hasNextPage) continue;
    further += 1;
    const next = { ...args, after: endCursor };
    expect({ kind, next, ids: (await idsAndCursor(next)).ids }).toEqual({
      kind,
      next,
      ids: (await plainSearch(pool, next)).slice(0, 20),
    });
  }
  expect(further).toBeGreaterThan(SEARCHES / 4);
  expect(isbns).toBeGreaterThan(0);
}, 60_000);

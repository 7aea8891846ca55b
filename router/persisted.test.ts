/** Persisted operations over every transport: automatic ones, and the safelist that leaves nothing else. */
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { Answer } from '../tests/client.ts';
import { openEventStream } from '../tests/eventStream.ts';
import { makeFolder } from '../tests/folders.ts';
import { type Fixture, startFixture } from './fixture.ts';
import { type Manifest, readSafelist } from './persisted.ts';

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const byHash = (text: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(text) } } });

const post = async ({ url }: Fixture, body: object) => {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { data, errors = [] } = (await answer.json()) as Answer;
  return { status: answer.status, data, code: errors[0]?.extensions?.code };
};

const byStream = async ({ url }: Fixture, body: object) =>
  (await openEventStream(url, { body: JSON.stringify(body) })).ended;

/** What one operation over a WebSocket comes to. */
async function bySocket({ url }: Fixture, payload: object): Promise<unknown> {
  const socket = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  try {
    return await new Promise((resolve) =>
      socket.subscribe({ query: '', ...payload }, { next: resolve, error: resolve, complete: () => resolve(null) }),
    );
  } finally {
    await socket.dispose();
  }
}

describe('without a safelist', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.stop());

  test('a text is asked for once and kept, for every transport', async () => {
    const text = 'query Kept { book7 { id title } }';
    const data = { book7: { id: '7', title: 'Title 7' } };

    expect(await post(fixture, byHash(text))).toMatchObject({ status: 200, code: 'PERSISTED_QUERY_NOT_FOUND' });
    expect(await bySocket(fixture, byHash(text))).toMatchObject([
      { extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
    ]);
    expect(await byStream(fixture, byHash(text))).toContain('PERSISTED_QUERY_NOT_FOUND');

    expect(await post(fixture, { query: text, ...byHash(text) })).toMatchObject({ data });
    expect(await post(fixture, byHash(text))).toMatchObject({ status: 200, data });
    expect(await bySocket(fixture, byHash(text))).toMatchObject({ data });
    expect(await byStream(fixture, byHash(text))).toContain('Title 7');
    const parts = new URLSearchParams({ extensions: JSON.stringify(byHash(text).extensions) });
    const got = await fetch(`${fixture.url}/graphql?${parts}`, { headers: { 'apollo-require-preflight': '1' } });
    expect(await got.json()).toMatchObject({ data });
  });

  test('what came over a socket is kept as well', async () => {
    const text = 'query BySocket { book7 { id } }';
    await bySocket(fixture, { query: text, ...byHash(text) });
    expect(await post(fixture, byHash(text))).toMatchObject({ data: { book7: { id: '7' } } });
  });

  test('a text that is not what the hash says is refused, and not kept under it', async () => {
    const wanted = 'query Wanted { book7 { id } }';
    const forged = { query: 'query Forged { me }', ...byHash(wanted) };

    expect((await post(fixture, forged)).status).toBe(400);
    expect(await bySocket(fixture, forged)).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    expect((await post(fixture, byHash(wanted))).code).toBe('PERSISTED_QUERY_NOT_FOUND');
  });

  test('a text that is mostly comment is run, and not kept', async () => {
    const text = `query Long { book7 { id } } # ${'.'.repeat(10_000)}`;
    expect(await post(fixture, { query: text, ...byHash(text) })).toMatchObject({ data: { book7: { id: '7' } } });
    expect((await post(fixture, byHash(text))).code).toBe('PERSISTED_QUERY_NOT_FOUND');
  });

  test('a text that is not valid is not kept', async () => {
    const text = 'query Wrong { nothing }';
    expect((await post(fixture, { query: text, ...byHash(text) })).status).toBe(400);
    expect(await bySocket(fixture, { query: text, ...byHash(text) })).toMatchObject([{ message: expect.any(String) }]);
    expect((await post(fixture, byHash(text))).code).toBe('PERSISTED_QUERY_NOT_FOUND');
  });
});

describe('with a safelist', () => {
  const listed = 'query Listed { book7 { id } }';
  const watched = 'subscription Watched { ticks }';
  const operations: Manifest['operations'] = [
    { id: hashOf(listed), name: 'Listed', type: 'query', body: listed },
    { id: hashOf(watched), name: 'Watched', type: 'subscription', body: watched },
  ];
  const safelist: Manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations };
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await startFixture({ safelist });
  });
  afterAll(() => fixture.stop());

  test('its operations are run, by their hash and by their text', async () => {
    const data = { book7: { id: '7' } };
    for (const body of [byHash(listed), { query: listed }, { query: listed, ...byHash(listed) }]) {
      expect(await post(fixture, body)).toMatchObject({ status: 200, data });
      expect(await bySocket(fixture, body)).toMatchObject({ data });
      expect(await byStream(fixture, body)).toContain('"book7":{"id":"7"}');
    }
  });

  test.each(['query Other { me }', `${listed} `, 'subscription { ticks }', '{ __typename }'])(
    'nothing else is: %s',
    async (query) => {
      for (const body of [{ query }, { query, ...byHash(query) }]) {
        if (!query.startsWith('subscription'))
          expect(await post(fixture, body)).toMatchObject({ status: 403, code: 'QUERY_NOT_IN_SAFE_LIST' });
        expect(await bySocket(fixture, body)).toMatchObject([{ extensions: { code: 'QUERY_NOT_IN_SAFE_LIST' } }]);
        expect(await byStream(fixture, body)).toContain('QUERY_NOT_IN_SAFE_LIST');
      }
      expect((await post(fixture, byHash(query))).code).toBe('PERSISTED_QUERY_NOT_FOUND');
    },
  );

  test('is read from a file, and a mistake in that is told in a sentence', () => {
    const folder = makeFolder();
    const fileWith = (content: string) => {
      writeFileSync(join(folder, 'safelist.json'), content);
      return join(folder, 'safelist.json');
    };
    try {
      expect(readSafelist(fileWith(JSON.stringify(safelist)))).toEqual(safelist);
      const forged = { ...safelist, operations: [{ ...operations[0], body: '{ me }' }] };
      expect(() => readSafelist(fileWith(JSON.stringify(forged)))).toThrow('not the SHA-256 of its body');
      expect(() => readSafelist(fileWith('{}'))).toThrow('is no manifest of persisted operations');
      expect(() => readSafelist(join(folder, 'none.json'))).toThrow('cannot be read');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

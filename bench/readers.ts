/** Clients that read pages of rentals through a gateway, on as many kept-alive connections as there are tokens; these take turns. */
import { isDeepStrictEqual } from 'node:util';
import { Pool } from 'undici';
import { type Load, measure, type Round } from './load.ts';

const QUERY = `query Rentals($after: String) { rentals(first: 20, after: $after) {
  edges { node { id status book { title authors } deliveries { status } } } pageInfo { hasNextPage endCursor } } }`;

interface Page {
  edges: { node: { id: string; book: { title: string } | null; deliveries: { status: string }[] | null } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
}

interface Answer {
  data?: { rentals: Page | null };
  errors?: unknown;
}

export interface Readers {
  /** As many as there are, by one client. @throws for an answer with errors, or with a part missing */
  readAll(): Promise<Page[]>;
  /** Any of the pages that were read. @throws for an answer that is not as long as it was then */
  measure(load: Load): Promise<Round & { reads: number }>;
  close(): Promise<void>;
}

export function openReaders(url: string, tokens: readonly string[]): Readers {
  const pool = new Pool(url, { connections: tokens.length });
  const headers = tokens.map((token) => ({ 'content-type': 'application/json', authorization: `Bearer ${token}` }));
  const bodyOf = (after: string | null) => JSON.stringify({ query: QUERY, variables: { after } });
  const pages: { body: string; bytes: number }[] = [];

  return {
    async readAll() {
      const found: Page[] = [];
      for (let after: string | null = null; ; ) {
        const body = bodyOf(after);
        const answer = await pool.request({ method: 'POST', path: '/graphql', headers: headers[0] ?? {}, body });
        const text = await answer.body.text();
        const page = pageIn(text);
        pages.push({ body, bytes: Buffer.byteLength(text) });
        found.push(page);
        if (!page.pageInfo.hasNextPage) return found;
        after = page.pageInfo.endCursor;
      }
    },
    async measure(load) {
      let reads = 0;
      const round = await measure(load, async () => {
        const page = pages[Math.floor(Math.random() * pages.length)];
        const bytes = await read(pool, headers[reads++ % headers.length] ?? {}, page?.body ?? '');
        if (bytes !== page?.bytes)
          throw new Error(`An answer has ${bytes} bytes, not ${page?.bytes} as it had before.`);
      });
      return { ...round, reads };
    },
    close: () => pool.close(),
  };
}

function pageIn(text: string): Page {
  const { data, errors } = JSON.parse(text) as Answer;
  const page = data?.rentals;
  if (errors || !page?.edges.length || page.edges.some(({ node }) => !node.book || !node.deliveries?.length))
    throw new Error(`A gateway does not answer all of it: ${text.slice(0, 1000)}`);
  return page;
}

/** How many bytes the answer has; no more of a client than HTTP asks for. */
function read(pool: Pool, headers: Record<string, string>, body: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let bytes = 0;
  pool.dispatch(
    { method: 'POST', path: '/graphql', headers, body },
    {
      onRequestStart() {}, // without it undici takes this for a handler of its older kind
      onResponseStart(_, status) {
        if (status !== 200) reject(new Error(`A gateway answers with HTTP status ${status}.`));
      },
      onResponseData(_, part) {
        bytes += part.length;
      },
      onResponseEnd: () => resolve(bytes),
      onResponseError: (_, error) => reject(error),
    },
  );
  return promise;
}

/** @throws when two gateways do not answer the same */
export function checkSame(answers: Record<string, Page[]>): void {
  const [[first, pages] = ['', []], ...others] = Object.entries(answers);
  for (const [name, theirs] of others)
    if (!isDeepStrictEqual(theirs, pages)) throw new Error(`${first} and ${name} do not answer the same.`);
}

/** Lists that are read page by page: each page begins where the one before it ends now, so that what comes in meanwhile makes no gap and no double. */
import type { AnyVariables, CombinedError, OperationResult, TypedDocumentNode } from '@urql/core';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { type Client, createRequest, stringifyVariables, useClient } from 'urql';
import { type ReadOptions, useAgain } from './hooks.ts';

export interface Connection {
  edges: readonly { node: unknown }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}
export type NodeOf<List extends Connection> = List['edges'][number]['node'];

export interface Pages<List extends Connection> {
  /** Another one for other variables. */
  key: string;
  /** The first page, with what else it tells of the whole list; undefined until it is there. */
  first: List | undefined;
  /** Of all pages that are shown. Those of other variables until the first page of the new ones is there. */
  nodes: readonly NodeOf<List>[];
  /** Nothing is there to be shown yet. */
  loading: boolean;
  /** Something is shown, and newer or further pages are under way. */
  refreshing: boolean;
  error: CombinedError | undefined;
  again(): void;
  /** Shows the next page; null after the last one. */
  more: (() => void) | null;
}

interface Page<Data> {
  after: string | undefined;
  data: Data | undefined;
  error: CombinedError | undefined;
  underWay: boolean;
  stop(): void;
}

/** Reads the first page of what `connectionIn` finds, and the next ones as they are asked for; all of them again as `useRead` does. */
export function usePages<Data, Variables extends AnyVariables, List extends Connection>(
  document: TypedDocumentNode<Data, Variables>,
  given: Omit<Variables, 'after'>,
  connectionIn: (data: Data) => List | null | undefined,
  options: ReadOptions = {},
): Pages<List> {
  const { when = true } = options;
  const client = useClient();
  const key = stringifyVariables(given);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is what they say
  const variables = useMemo(() => given, [key]);
  const remembered = useMemo(() => rememberedPages(document, variables), [document, variables]);
  const [wanted, setWanted] = useState({ key, pages: remembered.pages });
  const count = wanted.key === key ? wanted.pages : remembered.pages;
  const [round, setRound] = useState(0);
  const [found, setFound] = useState<{ key: string; pages: Page<Data>[] }>({ key, pages: [] });
  // There at the first rendering: the browser goes back to where the reader was only if the list is as long as it was.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what a list begins with; what comes afterwards is in `found`
  const cached = useMemo(
    () => (when ? readCached(client, document, variables, connectionIn, remembered.pages) : []),
    [client, document, variables, when],
  );
  const again = useCallback(() => setRound((round) => round + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `connectionIn` is a new function each time, and always the same; a new round reads again
  useEffect(() => {
    if (!when) return;
    const pages: Page<Data>[] = [];

    function read(place: number, after: string | undefined): void {
      const page: Page<Data> = { after, data: undefined, error: undefined, underWay: true, stop: () => {} };
      pages[place] = page;
      const all = { ...variables, after } as unknown as Variables; // what is given, and the one that was left out
      const reading = client
        .query(document, all, { requestPolicy: 'cache-and-network' })
        .subscribe((result) => take(page, place, result));
      page.stop = () => reading.unsubscribe();
    }

    function take(page: Page<Data>, place: number, { data, error, stale }: OperationResult<Data, Variables>): void {
      if (pages[place] !== page) return; // it began where its predecessor does not end any more
      Object.assign(page, { data: data ?? page.data, error, underWay: stale });
      const { hasNextPage, endCursor } = (page.data && connectionIn(page.data)?.pageInfo) ?? {};
      const next = hasNextPage && place + 1 < count ? (endCursor ?? undefined) : undefined;
      if (pages[place + 1]?.after !== next) {
        for (const late of pages.splice(place + 1)) late.stop();
        if (next) read(place + 1, next);
      }
      // While one is missing the list stays as it was, or it would jump.
      const whole = pages.every(({ data, error }) => data !== undefined || error !== undefined);
      if (whole)
        setFound((before) => ({
          key,
          pages: pages.map((page, place) =>
            page.data === undefined && before.key === key ? { ...page, data: before.pages[place]?.data } : page,
          ),
        }));
    }

    read(0, undefined);
    return () => {
      for (const page of pages.splice(0)) page.stop();
    };
  }, [client, document, variables, key, count, when, round]);

  const current = found.key === key && found.pages.length > 0;
  const shown = current || !cached.length ? found.pages.map(({ data }) => data) : cached;
  const lists = shown.flatMap((data) => (data && connectionIn(data)) ?? []);
  const { hasNextPage = false } = lists.at(-1)?.pageInfo ?? {};
  const underWay =
    when && (!current || found.pages.some(({ underWay }) => underWay) || (hasNextPage && found.pages.length < count));
  useAgain(again, underWay, options);

  return {
    key,
    first: lists[0],
    nodes: lists.flatMap(({ edges }) => edges.map(({ node }) => node)),
    loading: underWay && !lists.length,
    refreshing: underWay,
    error: found.pages.find(({ error }) => error)?.error,
    again,
    more: hasNextPage
      ? () => {
          setWanted({ key, pages: shown.length + 1 });
          remembered.keep(shown.length + 1);
        }
      : null,
  };
}

/** As many pages of a list as are cached, one after the other. */
function readCached<Data, Variables extends AnyVariables>(
  client: Client,
  document: TypedDocumentNode<Data, Variables>,
  given: Omit<Variables, 'after'>,
  connectionIn: (data: Data) => Connection | null | undefined,
  count: number,
): Data[] {
  const pages: Data[] = [];
  let after: string | undefined;
  do {
    const all = { ...given, after } as unknown as Variables; // what is given, and the one that was left out
    const data = client.readQuery(document, all, { requestPolicy: 'cache-only' })?.data;
    if (!data) break;
    pages.push(data);
    const { hasNextPage, endCursor } = connectionIn(data)?.pageInfo ?? {};
    after = (hasNextPage && endCursor) || undefined;
  } while (after && pages.length < count);
  return pages;
}

/** How many pages of a list were shown at this place of the browser's history. */
function rememberedPages<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  given: Omit<Variables, 'after'>,
) {
  const name = `pages ${createRequest(document, given as unknown as Variables).key}`; // several lists may stand in one view
  const state = () => (history.state ?? {}) as Record<string, number | undefined>; // of this name; others keep theirs beside it
  return {
    pages: state()[name] ?? 1,
    keep: (pages: number) => history.replaceState({ ...state(), [name]: pages }, ''),
  };
}

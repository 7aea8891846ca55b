/** Lists that are read page by page: each page begins where the one before it ends now, so that what comes in meanwhile makes no gap and no double. */
import type { AnyVariables, CombinedError, OperationResult, TypedDocumentNode } from '@urql/core';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { stringifyVariables, useClient } from 'urql';
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
  const [wanted, setWanted] = useState({ key, pages: 1 });
  const count = wanted.key === key ? wanted.pages : 1;
  const [round, setRound] = useState(0);
  const [found, setFound] = useState<{ key: string; pages: Page<Data>[] }>({ key, pages: [] });
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

  const lists = found.pages.flatMap(({ data }) => (data && connectionIn(data)) ?? []);
  const current = found.key === key && found.pages.length > 0;
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
    more: hasNextPage ? () => setWanted({ key, pages: found.pages.length + 1 }) : null,
  };
}

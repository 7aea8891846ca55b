/** How a view reads and changes things. */

import { useCallback, useEffect, useRef, useState } from 'react';
import {
  type AnyVariables,
  type CombinedError,
  stringifyVariables,
  type TypedDocumentNode,
  useClient,
  useMutation,
  useQuery,
  useSubscription,
} from 'urql';
import { useSessionEnded } from './session.ts';

/** Tells the other tabs of this browser that something has changed. */
const changes = new BroadcastChannel('rentabook.changes');

interface Reading<Data> {
  /** The last answer, which may be that to other variables while the new one is under way. */
  data: Data | undefined;
  /** Nothing is there to be shown yet. */
  loading: boolean;
  /** Something is shown, and a newer answer is under way. */
  refreshing: boolean;
  error: CombinedError | undefined;
  again(): void;
}

export interface ReadOptions {
  /** Asked only when true. */
  when?: boolean;
  /** While the page is looked at. */
  everyMs?: number | undefined;
}

/** Reads, and reads again when another tab has changed something, when the reader comes back to this one, and when they have signed in again. */
export function useRead<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  options: ReadOptions = {},
): Reading<Data> {
  const [{ data, fetching, stale, error }, execute] = useQuery<Data, Variables>({
    query: document,
    variables,
    pause: options.when === false,
  });
  const again = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute]);
  useAgain(again, fetching || stale, options);

  // urql drops what it had when asking again fails.
  const key = stringifyVariables(variables);
  const last = useRef<{ key: string; data: Data }>();
  if (data !== undefined && !fetching) last.current = { key, data };
  const shown = data ?? (last.current?.key === key ? last.current.data : undefined);

  return { data: shown, loading: fetching && !shown, refreshing: stale || fetching, error, again };
}

/** Calls `again` whenever what was read may be old. */
export function useAgain(again: () => void, isUnderWay: boolean, { when = true, everyMs }: ReadOptions): void {
  const underWay = useRef(false);
  underWay.current = isUnderWay;

  useEffect(() => {
    if (!when) return;
    const ifLookedAt = () => {
      if (document.visibilityState === 'visible') again();
    };
    const onTime = () => {
      if (!underWay.current) ifLookedAt(); // a server that is slow is not asked more and more
    };
    const timer = everyMs ? setInterval(onTime, everyMs) : undefined;
    changes.addEventListener('message', ifLookedAt);
    document.addEventListener('visibilitychange', ifLookedAt);
    addEventListener('online', ifLookedAt);
    return () => {
      clearInterval(timer);
      changes.removeEventListener('message', ifLookedAt);
      document.removeEventListener('visibilitychange', ifLookedAt);
      removeEventListener('online', ifLookedAt);
    };
  }, [again, everyMs, when]);

  const ended = useSessionEnded();
  const hadEnded = useRef(ended);
  useEffect(() => {
    if (hadEnded.current && !ended && when) again();
    hadEnded.current = ended;
  }, [again, ended, when]);
}

/** Has the server tell what happens for as long as the view is shown; the cache takes it in, and whatever is read moves by itself. */
export function useFollow<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): void {
  useSubscription<Data, Data, Variables>({ query: document, variables });
}

interface Sending<Data, Variables> {
  /** Resolves with the data, or undefined when the server could not be asked: `error` says why. A second call while one is under way is ignored. */
  send(variables: Variables): Promise<Data | undefined>;
  sending: boolean;
  error: CombinedError | undefined;
}

export function useSend<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
): Sending<Data, Variables> {
  const [{ error }, execute] = useMutation<Data, Variables>(document);
  const [sending, setSending] = useState(false);
  const underWay = useRef(false); // a double click comes before the next rendering

  async function send(variables: Variables): Promise<Data | undefined> {
    if (underWay.current) return undefined;
    underWay.current = true;
    setSending(true);
    try {
      const { data } = await execute(variables);
      if (data) changes.postMessage(null);
      return data;
    } finally {
      underWay.current = false;
      setSending(false);
    }
  }

  return { send, sending, error };
}

interface Asking<Data, Variables> {
  /** Resolves with the data, or undefined when the server could not be asked, or something else has been asked for meanwhile. */
  ask(variables: Variables): Promise<Data | undefined>;
  asking: boolean;
  error: CombinedError | undefined;
}

/** Reads at a moment, past the cache: what somebody has just scanned. */
export function useAsk<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
): Asking<Data, Variables> {
  const client = useClient();
  const latest = useRef(0);
  const [{ asking, error }, setState] = useState<{ asking: boolean; error: CombinedError | undefined }>(notAsked);

  async function ask(variables: Variables): Promise<Data | undefined> {
    const turn = ++latest.current;
    setState({ asking: true, error: undefined });
    const { data, error } = await client.query(document, variables, { requestPolicy: 'network-only' }).toPromise();
    if (turn !== latest.current) return undefined;
    setState({ asking: false, error });
    return error ? undefined : data;
  }

  return { ask, asking, error };
}
const notAsked = { asking: false, error: undefined };

/** Names one wish: asked again by the same key, the server does it once. `renew` it when the wish is another one. */
export function useIdempotencyKey(): { key: string; renew(): void } {
  const [key, setKey] = useState(newIdempotencyKey);
  return { key, renew: useCallback(() => setKey(newIdempotencyKey()), []) };
}

/** randomUUID is only there on HTTPS and on this machine. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** From a subgraph that pushes to a reader who pulls: at most one page waits in between, whatever the speed of either. */
import type { FormattedExecutionResult } from 'graphql';

/** What a subscription upstream tells, in the order it happens; after `complete` or `lost` nothing more. */
export interface UpstreamSink {
  next(result: FormattedExecutionResult): void;
  complete(): void;
  /** The connection went, for a reason that says nothing about the subscription itself. */
  lost(cause: unknown): void;
}

/** Subscribes; the function it returns ends that at once. */
export type Subscribe = (sink: UpstreamSink) => () => void;

/** Upstream cannot be read any further now: ask again, after the last cursor. */
export class UpstreamLost extends Error {
  override name = 'UpstreamLost';
}

/** So many results wait for a slow reader, then upstream is left, to be read on later from the last cursor. */
const PAGE = 100;

/**
 * The results in order, until upstream completes or the signal says that the reader has left; upstream is left in that moment,
 * also while it is quiet. @throws UpstreamLost once all that came before the loss is read.
 */
export async function* readUpstream(
  subscribe: Subscribe,
  signal: AbortSignal,
): AsyncGenerator<FormattedExecutionResult> {
  if (signal.aborted) return;
  const waiting: FormattedExecutionResult[] = [];
  let ended: (() => void) | undefined;
  let wake = () => {};

  const end = (how: () => void) => {
    ended ??= how;
    wake();
  };
  const lose = (cause: unknown) =>
    end(() => {
      throw new UpstreamLost('The upstream subscription was cut', { cause });
    });
  const leave = subscribe({
    next(result) {
      if (ended) return;
      waiting.push(result);
      if (waiting.length < PAGE) return wake();
      leave();
      lose('the reader is slow');
    },
    complete: () => end(() => {}),
    lost: lose,
  });
  const abandon = () => {
    leave();
    end(() => {});
  };
  signal.addEventListener('abort', abandon, { once: true });

  try {
    for (;;) {
      const result = waiting.shift();
      if (result) yield result;
      else if (ended) return ended();
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', abandon);
    leave();
  }
}

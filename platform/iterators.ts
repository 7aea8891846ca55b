/** Iterations made of others. An async generator would keep `return()` waiting behind a pending `next()`; here it passes through at once. */

/** The same iteration with each value turned into another. `over` is called once, when either side has ended it. */
export function mapped<T, R>(
  source: AsyncIterableIterator<T>,
  turn: (value: T) => R | Promise<R>,
  over: () => void = () => {},
): AsyncIterableIterator<R> {
  let open = true;
  const end = () => {
    if (open) over();
    open = false;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const { done, value } = await source.next();
        if (!done) return { done: false, value: await turn(value) };
        end();
        return { done, value: undefined };
      } catch (error) {
        end();
        throw error;
      }
    },
    async return() {
      end();
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
}

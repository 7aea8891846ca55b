/** Work that several want at the same time is done once: whoever comes with the key of work under way gets its result too. */
export function createCoalescer<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  const underWay = new Map<string, Promise<T>>();

  return (key, work) => {
    const joined = underWay.get(key);
    if (joined) return joined;
    const started = work().finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  };
}

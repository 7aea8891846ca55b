/** What the browser keeps for the page. One that keeps nothing (its settings may refuse it) is no fault: then this page alone knows it. */

const PROBE = 'rentabook.probe';

type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'clear'>;

/** For all tabs. */
export const ofBrowser = kept(() => localStorage);
/** For this one, until another account is here. */
export const ofTab = kept(() => sessionStorage);

function kept(open: () => Storage): Kept {
  try {
    const storage = open();
    storage.setItem(PROBE, '');
    storage.removeItem(PROBE);
    return storage;
  } catch {
    return inMemory();
  }
}

function inMemory(): Kept {
  const texts = new Map<string, string>();
  return {
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, text) => void texts.set(key, text),
    removeItem: (key) => void texts.delete(key),
    clear: () => texts.clear(),
  };
}

/** Null also for what cannot be read: the next one is written over it. */
export function readJson<T>(storage: Kept, key: string): T | null {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null') as T | null; // nobody but the page writes it
  } catch {
    return null;
  }
}

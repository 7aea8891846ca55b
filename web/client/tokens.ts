/**
 * Where the tokens are kept: in IndexedDB, whose transactions show every tab what the one before has written. What another tab
 * writes to localStorage is seen a moment later, and a refresh token that is used a second time ends the session.
 */
const STORE = 'session';
const KEY = 'tokens';

export interface Tokens {
  refreshToken: string;
  access: Access;
}

export interface Access {
  token: string;
  /** On this machine's clock, in ms. */
  expiresAt: number;
}

let opened: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('rentabook');
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

export const readTokens = async (): Promise<Tokens | undefined> =>
  (await inStore('readonly', (store) => store.get(KEY))) as Tokens | undefined; // nobody else writes it

/** Null forgets them. */
export const writeTokens = (tokens: Tokens | null): Promise<unknown> =>
  inStore('readwrite', (store) => (tokens === null ? store.delete(KEY) : store.put(tokens, KEY)));

/** Answers once the transaction is done. */
async function inStore(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  const transaction = (await database()).transaction(STORE, mode);
  const request = work(transaction.objectStore(STORE));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

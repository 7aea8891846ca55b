/**
 * Where the refresh token is kept: in IndexedDB, whose transactions show every tab what the one before has written. What another
 * tab writes to localStorage is seen a moment later, and a token that is used a second time ends the session.
 */
const STORE = 'session';
const KEY = 'refreshToken';

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

export const readRefreshToken = async (): Promise<string | undefined> => {
  const kept: unknown = await inStore('readonly', (store) => store.get(KEY));
  return typeof kept === 'string' ? kept : undefined;
};

/** Null forgets it. */
export const writeRefreshToken = (token: string | null): Promise<unknown> =>
  inStore('readwrite', (store) => (token === null ? store.delete(KEY) : store.put(token, KEY)));

/** Answers once the transaction is done. */
async function inStore(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  const transaction = (await database()).transaction(STORE, mode);
  const request = work(transaction.objectStore(STORE));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

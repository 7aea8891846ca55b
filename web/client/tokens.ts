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
/** Of a browser that keeps nothing (its settings may refuse it): this page alone knows them. */
let unkept: Tokens | undefined;

/** Null where there is none. */
function database(): Promise<IDBDatabase | null> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('rentabook');
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      request.result.onclose = () => {
        opened = undefined; // the reader has cleared the browser's data
      };
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
  return opened.catch(() => null);
}

export async function readTokens(): Promise<Tokens | undefined> {
  const db = await database();
  if (!db) return unkept;
  return (await inStore(db, 'readonly', (store) => store.get(KEY))) as Tokens | undefined; // nobody else writes it
}

/** Null forgets them. */
export async function writeTokens(tokens: Tokens | null): Promise<void> {
  const db = await database();
  if (db) await inStore(db, 'readwrite', (store) => (tokens ? store.put(tokens, KEY) : store.delete(KEY)));
  else unkept = tokens ?? undefined;
}

/** Answers once the transaction is done. */
function inStore(db: IDBDatabase, mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest) {
  const transaction = db.transaction(STORE, mode);
  const request = work(transaction.objectStore(STORE));
  return new Promise<unknown>((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

/**
 * Who is signed in, in every tab of this browser. A refresh token works once, and a second use ends the session for all; so the
 * tabs take turns, and share the access token: a page that is loaded anew, or left in the middle of it, needs none of its own.
 */
import { Client, fetchExchange } from '@urql/core';
import type { Role } from './enums.generated.ts';
import { type NewSessionFragment, RefreshSessionDocument, SignOutDocument } from './session.generated.ts';
import { ofBrowser, ofTab, readJson } from './storage.ts';
import { createStore, useStore } from './store.ts';
import { type Access, readTokens, writeTokens } from './tokens.ts';

export interface Account {
  id: string;
  roles: readonly Role[];
}

interface Kept {
  account: Account;
  /** Of the access token: another one each time, so that the other tabs are told. */
  expiresAt: string;
}

const KEY = 'rentabook.session';
/** A token that is about to expire could do so on its way. */
const SPARE_MS = 30_000;
/** Of an access token, where this machine's clock is wrong. */
const SHORTEST_MS = 60_000;

/** A refresh has all tabs wait for it. */
const ANSWER_MS = 15_000;

/** Asks without a token, and past everything that waits for one. */
const bare = new Client({
  url: '/graphql',
  exchanges: [fetchExchange],
  preferGetMethod: false,
  fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(ANSWER_MS) }),
});

let access: Access | null = null;
/** The server has refused it before its time. */
let distrusted: string | undefined;
const account = createStore<Account | null>(kept()?.account ?? null);
/** Whether the session came to an end by itself: then the page stays as it is, and asks to sign in again. */
const ended = createStore(false);

export const useAccount = (): Account | null => useStore(account);
export const useSessionEnded = (): boolean => useStore(ended);
export const followAccount = account.follow;
export const currentAccount = account.get;

export const has = (account: Account | null, ...roles: Role[]): boolean =>
  roles.some((role) => account?.roles.includes(role));

/** @throws when the answer has no session: its `userErrors` say why. */
export async function beginSession({
  accessToken,
  refreshToken,
  expiresAt,
  customer,
}: NewSessionFragment): Promise<void> {
  if (!accessToken || !refreshToken || !expiresAt || !customer) throw new Error('The answer has no session');
  const { id, roles } = customer;
  const next = { token: accessToken, expiresAt: Math.max(Date.parse(expiresAt), Date.now() + SHORTEST_MS) };
  await writeTokens({ refreshToken, access: next });
  access = next;
  keep({ account: { id, roles: roles ?? [] }, expiresAt });
  ended.set(false);
}

/** Here and in the other tabs at once; the server is told as well as it can be. */
export async function signOut(): Promise<void> {
  forget();
  const tokens = await readTokens();
  await writeTokens(null);
  if (tokens) await bare.mutation(SignOutDocument, { refreshToken: tokens.refreshToken }).toPromise();
}

/** Forgets a session that the server has ended, for a customer who does not want to go on with it. */
export async function leaveSession(): Promise<void> {
  forget();
  await writeTokens(null);
}

function forget(): void {
  access = null;
  keep(null);
  ended.set(false);
}

export const needsRefresh = (): boolean => account.get() !== null && !ended.get() && !(access && isGood(access));

const isGood = ({ token, expiresAt }: Access): boolean => token !== distrusted && expiresAt > Date.now() + SPARE_MS;

/** The token to ask with now; null when nobody is signed in. */
export const currentToken = (): string | null => (account.get() && !ended.get() ? (access?.token ?? null) : null);

/** The same, made new if need be. @throws CombinedError when the server cannot be asked. */
export async function freshToken(): Promise<string | null> {
  if (needsRefresh()) await refresh();
  return currentToken();
}

/** The server does not take the token any more. */
export function distrustToken(): void {
  distrusted = access?.token ?? distrusted;
  access = null;
}

/** @throws CombinedError when the server cannot be asked; a session that is over is no error, but `useSessionEnded`. */
export const refresh = (): Promise<void> =>
  inTurn(async () => {
    if (!needsRefresh()) return; // another request of this tab was first
    const tokens = await readTokens();
    if (!tokens) return forget();
    if (isGood(tokens.access)) {
      access = tokens.access; // another tab was first, or this page before it was loaded anew
      return;
    }
    const { refreshToken } = tokens;
    const { data, error } = await bare.mutation(RefreshSessionDocument, { refreshToken }).toPromise();
    if (error) throw error;
    if ((await readTokens())?.refreshToken !== refreshToken) return; // signed out meanwhile, or in anew
    if (data?.refreshSession.accessToken) await beginSession(data.refreshSession);
    else ended.set(true);
  });

let turn = Promise.resolve();

/** navigator.locks is only there on HTTPS and on this machine; elsewhere a tab takes turns with itself alone. */
function inTurn(work: () => Promise<void>): Promise<void> {
  if (navigator.locks) return navigator.locks.request(KEY, work);
  turn = turn.then(work, work);
  return turn;
}

function keep(session: Kept | null): void {
  if (session) ofBrowser.setItem(KEY, JSON.stringify(session));
  else ofBrowser.removeItem(KEY);
  become(session?.account ?? null);
}

function kept(): Kept | null {
  return readJson(ofBrowser, KEY);
}

/** Those who follow are told of another account or other roles alone. */
function become(next: Account | null): void {
  if (next?.id !== account.get()?.id) ofTab.clear(); // who comes next does not see what was typed here
  const same = JSON.stringify(next) === JSON.stringify(account.get());
  if (!same) account.set(next);
}

/** Another tab has signed in or out. */
addEventListener('storage', ({ key }) => {
  if (key !== KEY && key !== null) return;
  const next = kept()?.account ?? null;
  if (next?.id !== account.get()?.id) access = null;
  if (next) ended.set(false);
  become(next);
});

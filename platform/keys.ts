/**
 * The public keys of an issuer of tokens, kept as they were read last and read anew in the background: a key that it withdraws
 * is not believed for long, and an issuer that is away signs nobody out.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Log } from './log.ts';

const READ_EVERY_MS = 5 * 60_000;
/** A key that nobody knows may be new. But anybody can make one up, so it is not asked for at each token. */
const PAUSE_MS = 5000;
const TIMEOUT_MS = 2000;

export interface Keys {
  /** The one that a token names. @throws JWKSNoMatchingKey when there is none, another Error while none could be read */
  find: JWTVerifyGetKey;
  /** How often they have been read: what was verified before may not hold any more. */
  readings(): number;
}

export interface KeepOptions {
  log: Log;
  readEveryMs?: number;
  pauseMs?: number;
}

export function keepKeys(
  read: () => Promise<JSONWebKeySet>,
  { log, readEveryMs = READ_EVERY_MS, pauseMs = PAUSE_MS }: KeepOptions,
): Keys {
  let known: JWTVerifyGetKey | undefined;
  let reading: Promise<JWTVerifyGetKey> | undefined;
  let readings = 0;
  let askedAt = Number.NEGATIVE_INFINITY;

  /** Who comes while they are being read waits for the same answer. */
  function readAnew(): Promise<JWTVerifyGetKey> {
    reading ??= readOnce().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function readOnce(): Promise<JWTVerifyGetKey> {
    askedAt = Date.now();
    try {
      known = createLocalJWKSet(await read());
      readings += 1;
      return known;
    } catch (cause) {
      log.warn({ err: cause }, 'the keys of access tokens could not be read');
      throw new Error('The keys of access tokens could not be read', { cause });
    }
  }

  const inBackground = () => void readAnew().catch(() => {}); // it is in the log
  inBackground(); // early: later requests then need no issuer
  setInterval(inBackground, readEveryMs).unref();

  return {
    readings: () => readings,
    async find(header, token) {
      const keys = known ?? (await readAnew());
      try {
        return await keys(header, token);
      } catch (error) {
        const mayBeNew = error instanceof errors.JWKSNoMatchingKey && Date.now() - askedAt > pauseMs;
        if (!mayBeNew) throw error;
        return (await readAnew())(header, token);
      }
    },
  };
}

/** @throws when there is no JSON within two seconds */
export async function readJson(url: string): Promise<unknown> {
  const answer = await fetch(url, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`${url} answers with HTTP status ${answer.status}`);
  return answer.json();
}

/**
 * Proof that a request comes from the router: an HMAC over time, nonce, method, path, the client's address and body. The router
 * signs each call to a subgraph (and each WebSocket upgrade, with an empty body and nobody's address); a subgraph answers nobody else.
 */
import { createHmac, hash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export const SIGNATURE_HEADER = 'rentabook-signature';
/** On whose behalf: the address of the router's client. */
export const CLIENT_HEADER = 'rentabook-client';
const MAX_AGE_MS = 30_000;

/** What is known of a request before its body comes. */
interface Head {
  method: string;
  /** With the query string, as it stands in the request line. */
  path: string;
  /** What `CLIENT_HEADER` says; '' without one. */
  client: string;
}

export interface SignedRequest extends Head {
  body: string | Buffer;
}

/** As it has come. */
export const headOf = ({ method = 'GET', url = '/', headers }: IncomingMessage): Head => ({
  method,
  path: url,
  client: headers[CLIENT_HEADER]?.toString() ?? '',
});

/** The header's value: `t=<ms since 1970>,n=<nonce>,b=<hash of the body>,v=<hmac>`. */
export function sign(key: string, { body, ...head }: SignedRequest, now = Date.now()): string {
  const nonce = randomUUID(); // unlike other random bytes it is made in stock: 6 % less CPU for a read of the router
  const bodyHash = hashOf(body);
  return `t=${now},n=${nonce},b=${bodyHash},v=${mac(key, head, bodyHash, now, nonce)}`;
}

/** Why a request is refused, or null when it is genuine. */
export interface Verifier {
  /** By its head alone, whose signature names the body's hash: nothing is read of the body of one who has no key. */
  whyHeadRefused(header: string | undefined, head: Head, now?: number): string | null;
  /** As it came, with its body; one that is genuine is remembered, and refused the next time. */
  whyRefused(header: string | undefined, request: SignedRequest, now?: number): string | null;
}

/** Remembers what it has seen, so one verifier serves a whole process. */
export function createVerifier(key: string): Verifier {
  const seen = new Map<string, number>();

  function whyHeadRefused(header: string | undefined, head: Head, now = Date.now()): string | null {
    const { time, nonce, bodyHash, value } = parseHeader(header);
    if (!nonce || !bodyHash || !value || !Number.isSafeInteger(time)) return 'the request is not signed';
    if (Math.abs(now - time) > MAX_AGE_MS) return 'the signature is too old';
    if (!equal(value, mac(key, head, bodyHash, time, nonce))) return 'the signature does not match';
    return seen.has(nonce) ? 'the request is a repetition' : null;
  }

  function whyRefused(header: string | undefined, { body, ...head }: SignedRequest, now = Date.now()): string | null {
    forget(seen, now);
    const refused = whyHeadRefused(header, head, now);
    if (refused) return refused;
    const { nonce = '', bodyHash } = parseHeader(header);
    if (bodyHash !== hashOf(body)) return 'the signature does not match';
    seen.set(nonce, now + 2 * MAX_AGE_MS);
    return null;
  }

  return { whyHeadRefused, whyRefused };
}

const hashOf = (body: string | Buffer): string => hash('sha256', body);

function mac(key: string, { method, path, client }: Head, bodyHash: string, time: number, nonce: string): string {
  const signed = [time, nonce, method, path, client, bodyHash].join('\n');
  return createHmac('sha256', key).update(signed).digest('base64url');
}

function parseHeader(header = '') {
  const parts = new Map(header.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
  const [nonce, bodyHash, value] = [parts.get('n'), parts.get('b'), parts.get('v')];
  return { time: Number(parts.get('t') || Number.NaN), nonce, bodyHash, value };
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Insertion order is order of expiry, near enough: drop from the front. */
function forget(seen: Map<string, number>, now: number): void {
  for (const [nonce, until] of seen) {
    if (until >= now) return;
    seen.delete(nonce);
  }
}

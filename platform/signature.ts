/**
 * Proof that a request comes from the router: an HMAC over time, nonce, method, path, the client's address and body. The router
 * signs each call to a subgraph (and each WebSocket upgrade, with an empty body and nobody's address); a subgraph answers nobody else.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export const SIGNATURE_HEADER = 'rentabook-signature';
/** On whose behalf: the address of the router's client. */
export const CLIENT_HEADER = 'rentabook-client';
const MAX_AGE_MS = 30_000;

export interface SignedRequest {
  method: string;
  /** With the query string, as it stands in the request line. */
  path: string;
  /** What `CLIENT_HEADER` says; '' without one. */
  client: string;
  body: string | Buffer;
}

/** The header's value: `t=<ms since 1970>,n=<nonce>,v=<hmac>`. */
export function sign(key: string, request: SignedRequest, now = Date.now()): string {
  const nonce = randomBytes(12).toString('base64url');
  return `t=${now},n=${nonce},v=${mac(key, request, now, nonce)}`;
}

/** Remembers what it has seen, so one verifier serves a whole process. Answers why a request is refused, or null when it is genuine. */
export function createVerifier(key: string) {
  const seen = new Map<string, number>();

  return function whyRefused(header: string | undefined, request: SignedRequest, now = Date.now()): string | null {
    const { time, nonce, value } = parseHeader(header);
    if (!nonce || !value || !Number.isSafeInteger(time)) return 'the request is not signed';
    if (Math.abs(now - time) > MAX_AGE_MS) return 'the signature is too old';
    if (!equal(value, mac(key, request, time, nonce))) return 'the signature does not match';
    forget(seen, now);
    if (seen.has(nonce)) return 'the request is a repetition';
    seen.set(nonce, now + 2 * MAX_AGE_MS);
    return null;
  };
}

function mac(key: string, { method, path, client, body }: SignedRequest, time: number, nonce: string): string {
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const signed = [time, nonce, method, path, client, bodyHash].join('\n');
  return createHmac('sha256', key).update(signed).digest('base64url');
}

function parseHeader(header = '') {
  const parts = new Map(header.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
  return { time: Number(parts.get('t') || Number.NaN), nonce: parts.get('n'), value: parts.get('v') };
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

/** Who asks: the access token (EdDSA JWT, RFC 8037) of a request, verified against the issuer's JWKS by each process itself. */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { unauthenticated, unavailable } from './errors.ts';

export const TOKEN_ISSUER = 'rentabook';
export const TOKEN_AUDIENCE = 'rentabook';
export const TOKEN_ALGORITHM = 'EdDSA';

export const roles = ['CUSTOMER', 'STAFF', 'COURIER', 'ADMIN'] as const;
export type Role = (typeof roles)[number];

/** The account that asks, as opposed to the one a row is about. */
export interface Viewer {
  customerId: string;
  roles: Role[];
  expiresAt: Date;
}

const staffRoles: readonly Role[] = ['STAFF', 'ADMIN'];

/** Whether the one who asks works for the shop. */
export const isStaff = (viewer: Viewer | null): boolean =>
  viewer?.roles.some((role) => staffRoles.includes(role)) ?? false;

/**
 * From an Authorization header to who asks; null without a header. @throws UNAUTHENTICATED for a token that does not verify,
 * SERVICE_UNAVAILABLE while the keys cannot be read
 */
export type VerifyToken = (authorization: string | undefined) => Promise<Viewer | null>;

/** The keys came late, or something else came in their place. */
const NOT_THE_TOKENS_FAULT = ['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC'];

/** A key that is withdrawn is believed for a minute more. */
const REMEMBER_MS = 60_000;
const REMEMBERED = 10_000;

/** Keys stay good until an unknown `kid` asks for a fresh set, so an issuer that is down does not sign everybody out. */
export function createTokenVerifier(jwksUrl: string): VerifyToken {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: 1000,
    timeoutDuration: 2000,
  });
  // Asked for early, and again until it is there: later requests then need no issuer.
  void keys.reload().catch(() => {});
  const verified = new Map<string, { viewer: Viewer; until: number }>();

  /** A client sends the same token with each request, and verifying it takes 0.2 ms of CPU. */
  function remember(token: string, viewer: Viewer): Viewer {
    const [oldest] = verified.keys();
    if (oldest && verified.size >= REMEMBERED) verified.delete(oldest);
    verified.set(token, { viewer, until: Math.min(viewer.expiresAt.getTime(), Date.now() + REMEMBER_MS) });
    return viewer;
  }

  return async (authorization) => {
    if (!authorization) return null;
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
    if (!token) throw unauthenticated('The Authorization header must be "Bearer <access token>".');
    const known = verified.get(token);
    if (known && Date.now() < known.until) return known.viewer;
    verified.delete(token);
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [TOKEN_ALGORITHM],
        issuer: TOKEN_ISSUER,
        audience: TOKEN_AUDIENCE,
        requiredClaims: ['sub', 'exp'],
      });
      return remember(token, viewerOf(payload));
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw unauthenticated('The access token has expired; refresh the session.');
      if (error instanceof errors.JOSEError && !NOT_THE_TOKENS_FAULT.includes(error.code))
        throw unauthenticated('The access token does not verify.');
      throw unavailable('Access tokens cannot be verified just now; try again in a moment.');
    }
  };
}

function viewerOf(claims: { sub?: string; exp?: number; roles?: unknown }): Viewer {
  const claimed = Array.isArray(claims.roles) ? claims.roles : [];
  return {
    customerId: claims.sub ?? '',
    roles: roles.filter((role) => claimed.includes(role)),
    expiresAt: new Date((claims.exp ?? 0) * 1000),
  };
}

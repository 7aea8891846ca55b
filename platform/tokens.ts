/** Who asks: the access token (JWT) of a request, verified against its issuer's public keys by each process itself. */
import { GraphQLError } from 'graphql';
import { errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { unauthenticated, unavailable } from './errors.ts';
import { isId } from './ids.ts';
import { type KeepOptions, type Keys, keepKeys, readJson } from './keys.ts';

/** Of our own tokens (RFC 8037). */
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
  /** What the token of an outside provider tells of the person; our own tells nothing. */
  profile?: { email: string; name: string };
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

/** Whose tokens are believed, and about what. */
export interface Trust {
  issuer: string;
  audience: string;
  /** Never one of a shared secret: the keys are public. */
  algorithms: string[];
  keys: Keys;
  /** Between the issuer's clock and ours. */
  clockToleranceSeconds: number;
  /** @throws UNAUTHENTICATED when the claims do not tell who it is */
  viewerOf(claims: JWTPayload & { sub: string }): Promise<Viewer>;
}

/** In the tokens that Customer signs. */
export function ownTokens(jwksUrl: string, options: KeepOptions): Trust {
  return {
    issuer: TOKEN_ISSUER,
    audience: TOKEN_AUDIENCE,
    algorithms: [TOKEN_ALGORITHM],
    keys: keepKeys(async () => (await readJson(jwksUrl)) as JSONWebKeySet, options), // jose looks what it is
    clockToleranceSeconds: 0,
    async viewerOf({ sub, exp, roles: claimed }) {
      if (!isId(sub)) throw unauthenticated('The access token does not verify.');
      return { customerId: sub, roles: rolesAmong(Array.isArray(claimed) ? claimed : []), expiresAt: timeOf(exp) };
    },
  };
}

export const rolesAmong = (names: unknown[]): Role[] => roles.filter((role) => names.includes(role));

export const timeOf = (seconds = 0): Date => new Date(seconds * 1000);

const REMEMBERED = 10_000;

export function createTokenVerifier(trust: Trust): VerifyToken {
  const { keys } = trust;
  const verified = new Map<string, { viewer: Viewer; readings: number }>();

  /** A client sends the same token with each request, and verifying it takes 0.2 ms of CPU. Until the keys are read anew. */
  function remember(token: string, viewer: Viewer, readings: number): Viewer {
    const [oldest] = verified.keys();
    if (oldest && verified.size >= REMEMBERED) verified.delete(oldest);
    verified.set(token, { viewer, readings });
    return viewer;
  }

  return async (authorization) => {
    if (!authorization) return null;
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
    if (!token) throw unauthenticated('The Authorization header must be "Bearer <access token>".');
    const known = verified.get(token);
    if (known && known.readings === keys.readings() && Date.now() < known.viewer.expiresAt.getTime())
      return known.viewer;
    verified.delete(token);
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        algorithms: trust.algorithms,
        issuer: trust.issuer,
        audience: trust.audience,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: trust.clockToleranceSeconds,
      });
      const readings = keys.readings();
      return remember(token, await trust.viewerOf({ ...payload, sub: String(payload.sub) }), readings);
    } catch (error) {
      if (error instanceof GraphQLError) throw error;
      if (error instanceof errors.JWTExpired)
        throw unauthenticated('The access token has expired; refresh the session.');
      if (error instanceof errors.JOSEError) throw unauthenticated('The access token does not verify.');
      throw unavailable('Access tokens cannot be verified just now; try again in a moment.');
    }
  };
}

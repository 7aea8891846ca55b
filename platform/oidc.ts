/**
 * Accounts that an outside provider keeps (OpenID Connect): its access tokens are believed instead of our own. What it has to
 * put into them, and how it is set up: subgraphs/customer/README.md.
 */
import type { JSONWebKeySet, JWTPayload } from 'jose';
import { z } from 'zod';
import type { Config, Setting } from './config.ts';
import { unauthenticated } from './errors.ts';
import { idOf } from './ids.ts';
import { type KeepOptions, keepKeys, readJson } from './keys.ts';
import { type Superusers, superuserSettings, superusersOf } from './superuser.ts';
import { shown } from './text.ts';
import { createTokenVerifier, ownTokens, rolesAmong, type Trust, timeOf, type VerifyToken } from './tokens.ts';

/** What a process needs to verify tokens. */
export const tokenSettings = [
  'JWKS_URL',
  'OIDC_ISSUER',
  'OIDC_AUDIENCE',
  'OIDC_ROLES',
  ...superuserSettings,
] as const satisfies Setting[];
type TokenConfig = Config<(typeof tokenSettings)[number]>;

/** Our own tokens, or those of the one outside provider that is named: never both. */
export function tokenVerifierFor(config: TokenConfig, options: KeepOptions): VerifyToken {
  const { JWKS_URL, OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience = '', OIDC_ROLES } = config;
  return createTokenVerifier(
    issuer
      ? providersTokens({ issuer, audience, roles: OIDC_ROLES, superusers: superusersOf(config) }, options)
      : ownTokens(JWKS_URL, options),
  );
}

interface Provider {
  issuer: string;
  /** Of this shop's API, as the provider knows it. */
  audience: string;
  roles: TokenConfig['OIDC_ROLES'];
  superusers: Superusers;
}

const ALGORITHMS = ['RS', 'PS', 'ES'].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits}`));

function providersTokens({ issuer, audience, roles, superusers }: Provider, options: KeepOptions): Trust {
  return {
    issuer,
    audience,
    algorithms: [...ALGORITHMS, 'EdDSA'],
    keys: keepKeys(() => discoverKeys(issuer), options),
    clockToleranceSeconds: 5,
    async viewerOf(claims) {
      const profile = profileIn(claims);
      const isSuperuser = claims.email_verified === true && (await superusers.include(profile.email));
      const given = roles.filter(({ claim, value }) => valuesAt(claims, claim).includes(value)).map(({ role }) => role);
      return {
        customerId: customerIdOf(issuer, claims.sub),
        roles: rolesAmong(['CUSTOMER', ...given, isSuperuser && 'ADMIN']),
        expiresAt: timeOf(claims.exp),
        profile,
      };
    },
  };
}

/** OpenID Connect Discovery 1.0, section 3: all that is read of it. */
const discovered = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Anew each time: a provider may move its keys. */
async function discoverKeys(issuer: string): Promise<JSONWebKeySet> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = discovered.parse(await readJson(url));
  if (found.issuer !== issuer) throw new Error(`${url} tells of the issuer ${found.issuer}, not of ${issuer}`); // section 4.3
  return (await readJson(found.jwks_uri)) as JSONWebKeySet; // jose looks what it is
}

/** RFC 9562's namespace of URLs. */
const URLS = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';

/** Of the one person that `sub` is at the issuer; every service works it out alone. */
export const customerIdOf = (issuer: string, sub: string): string => idOf(idOf(URLS, issuer), sub);

function profileIn(claims: JWTPayload): { email: string; name: string } {
  const email = textAt(claims, 'email');
  if (!email) throw unauthenticated('The access token has no claim "email"; its provider has to put one in.');
  return { email, name: textAt(claims, 'name') || textAt(claims, 'preferred_username') || email };
}

function textAt(claims: JWTPayload, name: string): string {
  const text = claims[name];
  return typeof text === 'string' ? shown(text) : '';
}

/** At a path such as `realm_access.roles`, or at a claim that has such a name, as a list. */
function valuesAt(claims: JWTPayload, path: string): unknown[] {
  const found = claims[path] ?? path.split('.').reduce<unknown>((part, name) => partOf(part, name), claims);
  return Array.isArray(found) ? found : [found];
}

const partOf = (whole: unknown, name: string): unknown =>
  typeof whole === 'object' && whole !== null ? new Map(Object.entries(whole)).get(name) : undefined;

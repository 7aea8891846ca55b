/**
 * Sessions: a short-lived access token (JWT) that every service can verify by itself, and a refresh token for the next one.
 * A refresh token is used once; using it again means that two have it, and ends the session for both.
 */
import { createHash, createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { calculateJwkThumbprint, importJWK, type JSONWebKeySet, type JWK, SignJWT } from 'jose';
import { type EntityManager, transaction } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import { isId } from '#platform/ids.ts';
import type { Superusers } from '#platform/superuser.ts';
import { roles as allRoles, type Role, TOKEN_ALGORITHM, TOKEN_AUDIENCE, TOKEN_ISSUER } from '#platform/tokens.ts';
import { Customer, Session } from './entities.ts';

const ACCESS_MS = 15 * 60_000;
/** From its last use. */
const SESSION_MS = 30 * 24 * 60 * 60_000;

/** What a client gets. */
export interface NewSession {
  accessToken: string;
  refreshToken: string;
  /** Of the access token. */
  expiresAt: Date;
  customer: Customer;
  /** As the access token tells them. */
  roles: Role[];
}

export interface TokenIssuer {
  sign(account: Pick<Customer, 'id' | 'roles'>, expiresAt: Date): Promise<string>;
  /** The public keys, for everybody who verifies. */
  jwks: JSONWebKeySet;
}

/** What makes a session of an account. */
export interface Signing {
  issuer: TokenIssuer;
  superusers: Superusers;
}

/** What the account may do now: the roles that are stored, and ADMIN, which never is, when its e-mail address is named for it. */
export async function rolesOf({ roles, email }: Customer, superusers: Superusers): Promise<Role[]> {
  const isSuperuser = await superusers.include(email);
  return allRoles.filter((role) => (role === 'ADMIN' ? isSuperuser : roles.includes(role)));
}

/** Signs with the first key of the set; the others are still published, so that a key can be changed while its tokens live. */
export async function createTokenIssuer(tokenKeys: string): Promise<TokenIssuer> {
  const keys = keysIn(tokenKeys);
  const published = await Promise.all(keys.map(publicPart));
  const [first] = keys;
  const kid = published[0]?.kid;
  if (!first || !kid) throw new Error('TOKEN_KEYS has no key to sign with');
  const privateKey = await importJWK(first, TOKEN_ALGORITHM);
  return {
    jwks: { keys: published },
    sign: ({ id, roles }, expiresAt) =>
      new SignJWT({ roles })
        .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid })
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .setSubject(id)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime(expiresAt)
        .sign(privateKey),
  };
}

/** @throws when the text is neither of the two forms */
function keysIn(text: string): JWK[] {
  const pems = text.match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g);
  try {
    if (pems) return pems.map((pem) => createPrivateKey(pem).export({ format: 'jwk' }) as JWK); // Node's type says less
    return (JSON.parse(text) as { keys: JWK[] }).keys; // the operator's own; what is wrong with a key shows where it is used
  } catch {
    throw new Error('TOKEN_KEYS is neither a JSON Web Key Set nor private keys as PEM');
  }
}

async function publicPart({ kty, crv, x, kid, ...key }: JWK): Promise<JWK> {
  if (kty !== 'OKP' || crv !== 'Ed25519' || !x || !key.d) throw new Error('TOKEN_KEYS must be private Ed25519 keys');
  const open = { kty, crv, x };
  return { ...open, kid: kid ?? (await calculateJwkThumbprint(open)), alg: TOKEN_ALGORITHM, use: 'sig' };
}

/** Begins a session; those of the account that have expired are forgotten. Within the caller's transaction. */
export async function openSession(em: EntityManager, signing: Signing, customer: Customer): Promise<NewSession> {
  await em.nativeDelete(Session, { customerId: customer.id, expiresAt: { $lt: new Date() } });
  const { secret, ...stored } = newSecret();
  const { id } = em.create(Session, { id: randomUUID(), customerId: customer.id, ...stored });
  return newSession(signing, customer, id, secret);
}

/** The next pair of tokens for the current refresh token. @throws Refusal INVALID_CREDENTIALS for any other; one used before ends its session. */
export async function refreshSession(em: EntityManager, signing: Signing, token: string): Promise<NewSession> {
  const refreshed = await transaction(em, async (em) => {
    const session = await sessionOf(em, token);
    if (!session) return null;
    const current = session.expiresAt > new Date() && session.tokenHash === hash(partsOf(token).secret);
    const customer = current ? await em.findOne(Customer, { id: session.customerId }) : null;
    if (!customer) {
      em.remove(session);
      return null; // not thrown: the end of the session has to be committed
    }
    const { secret, ...stored } = newSecret();
    Object.assign(session, stored);
    return newSession(signing, customer, session.id, secret);
  });
  if (refreshed) return refreshed;
  throw new Refusal('INVALID_CREDENTIALS', 'This refresh token is not valid (any more); sign in again.', [
    'refreshToken',
  ]);
}

/** Ends the session that a refresh token belongs to, if there is one. */
export async function closeSession(em: EntityManager, token: string): Promise<void> {
  await transaction(em, async (em) => {
    const session = await sessionOf(em, token);
    if (session) em.remove(session);
  });
}

/** Ends every session of the account. Access tokens that are out already live on until they expire. */
export async function closeSessions(em: EntityManager, customerId: string): Promise<void> {
  await em.nativeDelete(Session, { customerId });
}

async function newSession(
  { issuer, superusers }: Signing,
  customer: Customer,
  id: string,
  secret: string,
): Promise<NewSession> {
  const expiresAt = new Date(Date.now() + ACCESS_MS);
  const roles = await rolesOf(customer, superusers);
  const accessToken = await issuer.sign({ id: customer.id, roles }, expiresAt);
  return { accessToken, refreshToken: `${id}.${secret}`, expiresAt, customer, roles };
}

function newSecret(): { secret: string; tokenHash: string; expiresAt: Date } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, tokenHash: hash(secret), expiresAt: new Date(Date.now() + SESSION_MS) };
}

/** Under its row lock, whether the token's secret is the current one or was before. */
async function sessionOf(em: EntityManager, token: string): Promise<Session | null> {
  const { id } = partsOf(token);
  return isId(id) ? em.findOne(Session, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE }) : null;
}

function partsOf(token: string): { id: string; secret: string } {
  const [id = '', secret = ''] = token.split('.');
  return { id, secret };
}

/** 256 random bits need no salt and no slow hash. */
const hash = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

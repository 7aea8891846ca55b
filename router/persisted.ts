/**
 * Persisted operations: a client sends the SHA-256 of a text in its place. Automatic ones, which clients register by sending
 * both once (Apollo's protocol), or, with a safelist, those of the list and no other operation at all.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError } from 'graphql';
import { z } from 'zod';
import type { ErrorCode } from '#platform/errors.ts';
import { Kept } from '#platform/kept.ts';
import { LONGEST_KEPT } from './documents.ts';

/** Automatic ones that are kept, the last used of them. */
const KEPT = 1000;

/** The format of Apollo's tools, `generate-persisted-query-manifest` among them. */
const manifestShape = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      type: z.enum(['query', 'mutation', 'subscription']),
      body: z.string(),
    }),
  ),
});
export type Manifest = z.infer<typeof manifestShape>;

export interface Persisted {
  /** What the hash stands for. */
  get(hash: string): string | undefined;
  /** Remembers an automatic one, once it has turned out to be valid. */
  keep(hash: string, text: string): void;
  /** Whether an operation with this text may be run. */
  allows(text: string): boolean;
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function createPersisted(safelist: Manifest | null): Persisted {
  if (safelist) {
    const texts = new Map(safelist.operations.map(({ id, body }) => [id, body]));
    return { get: (hash) => texts.get(hash), keep() {}, allows: (text) => texts.has(hashOf(text)) };
  }

  const texts = new Kept<string, string>(KEPT);
  return {
    get: (hash) => texts.get(hash),
    keep(hash, text) {
      if (text.length <= LONGEST_KEPT) texts.set(hash, text);
    },
    allows: () => true,
  };
}

/** @throws Error that says in a sentence what is wrong with the file */
export function readSafelist(file: string): Manifest {
  const manifest = manifestShape.safeParse(readJson(file));
  if (!manifest.success)
    throw new Error(`The safelist ${file} is no manifest of persisted operations; npm run safelist writes one.`);
  const forged = manifest.data.operations.find(({ id, body }) => id !== hashOf(body));
  if (forged)
    throw new Error(`The safelist ${file} has an id for "${forged.name}" that is not the SHA-256 of its body.`);
  return manifest.data;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`The safelist ${file} cannot be read.`, { cause: error });
  }
}

/** `extensions.persistedQuery` of a request, as far as it is one. */
const extensionShape = z.object({
  persistedQuery: z.object({ version: z.literal(1), sha256Hash: z.string() }),
});

/** The text that a request means, with its own or by its hash. @throws GraphQLError that says why there is none */
export function textOf(persisted: Persisted, query: string | undefined, extensions: unknown): string {
  const meant = extensionShape.safeParse(extensions);
  const hash = meant.success ? meant.data.persistedQuery.sha256Hash : undefined;
  if (query !== undefined && hash !== undefined && hash !== hashOf(query))
    throw refusal('BAD_REQUEST', 'provided sha does not match query');
  const text = query ?? (hash === undefined ? undefined : persisted.get(hash));
  if (text === undefined && hash === undefined) throw refusal('BAD_REQUEST', 'A "query" is missing.');
  if (text === undefined) throw refusal('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
  if (!persisted.allows(text)) throw notListed();
  return text;
}

export const notListed = () =>
  refusal(
    'QUERY_NOT_IN_SAFE_LIST' satisfies ErrorCode,
    'Only operations of the safelist are run here, and this is none of them.',
  );

const refusal = (code: string, message: string) => new GraphQLError(message, { extensions: { code } });

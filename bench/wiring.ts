/** What it takes to wire services together for a benchmark. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { keepSecrets, type Secrets } from '../local/secrets.ts';
import { makeFolder } from '../tests/folders.ts';

/** Of one system, kept nowhere. */
export async function makeSecrets(): Promise<Secrets> {
  const folder = makeFolder();
  const secrets = await keepSecrets(join(folder, 'secrets.json'));
  rmSync(folder, { recursive: true });
  return secrets;
}

export async function forEach<Name extends string, T>(
  names: readonly Name[],
  make: (name: Name) => T | Promise<T>,
): Promise<Record<Name, T>> {
  const made = await Promise.all(names.map(async (name) => [name, await make(name)] as const));
  return Object.fromEntries(made) as Record<Name, T>; // one of each
}

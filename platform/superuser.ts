/** Who has ADMIN: the accounts whose e-mail addresses the settings name, and nobody else (docs/decisions/0008-accounts.md). */
import { readFile } from 'node:fs/promises';
import { type Config, partsOf } from './config.ts';
import { codeOf } from './errors.ts';

export const superuserSettings = ['SUPERUSER', 'SUPERUSER_FILE'] as const;

export interface Superusers {
  /** As they are named now, in lower case. */
  emails(): Promise<string[]>;
  /** However it is spelt. */
  include(email: string): Promise<boolean>;
}

/** The file is read each time, so that a change in a mounted ConfigMap counts without a restart; one that is not there names nobody. */
export function superusersOf({ SUPERUSER, SUPERUSER_FILE }: Config<(typeof superuserSettings)[number]>): Superusers {
  async function emails(): Promise<string[]> {
    const inFile = SUPERUSER_FILE ? partsOf(await readIfThere(SUPERUSER_FILE)) : [];
    return [...SUPERUSER, ...inFile].map((email) => email.toLowerCase());
  }
  return { emails, include: async (email) => (await emails()).includes(email.toLowerCase()) };
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

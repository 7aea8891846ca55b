/** What a file of the source imports: paths from the root of the repository, or the names of libraries. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';

export const importsOf = (file: string): string[] =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /^\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm,
    ),
  ]
    .map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? '')
    .map((to) => (to.startsWith('.') ? join(dirname(file), to) : to.replace(/^#/, '')));

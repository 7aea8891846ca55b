/**
 * `npm run codegen`: beside each file of operations (`orders.graphql`) its types and documents (`orders.generated.ts`), from the
 * API of the supergraph. With `--check` it writes nothing, and fails when a committed file is not what the sources give.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Supergraph } from '@apollo/federation-internals';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse, printSchema, Source } from 'graphql';

const here = import.meta.dirname;
const supergraph = Supergraph.build(readFileSync(join(here, '..', 'schema', 'supergraph.graphql'), 'utf8'));
const schema = parse(printSchema(supergraph.apiSchema().toGraphQLJSSchema()));

const config = {
  useTypeImports: true,
  documentMode: 'documentNode',
  enumType: 'string-literal',
  strictScalars: true,
  scalars: { DateTime: 'string', JSON: 'unknown' },
  optimizeDocumentNode: true,
  dedupeFragments: true,
  skipTypename: false,
  nonOptionalTypename: false,
  arrayInputCoercion: false,
};

/** @throws GraphQLError with every mistake in the operations of the file. */
async function generated(file: string): Promise<string> {
  const rawSDL = readFileSync(join(here, file), 'utf8');
  const code = await codegen({
    filename: file.replace('.graphql', '.generated.ts'),
    schema,
    documents: [{ location: file, document: parse(new Source(rawSDL, file)), rawSDL }],
    config,
    plugins: [{ operations: {} }, { typedDocumentNode: {} }],
    pluginMap: { operations, typedDocumentNode },
  });
  return `// Written by \`npm run codegen\`.\n${code}`;
}

async function main(check: boolean): Promise<void> {
  for (const file of globSync('*/**/*.graphql', { cwd: here })) {
    const target = join(here, file.replace('.graphql', '.generated.ts'));
    const content = await generated(file);
    if (existsSync(target) && readFileSync(target, 'utf8') === content) continue;
    if (check)
      throw new Error(`The types of web/${file} are stale: run \`npm run codegen\` and commit what it writes.`);
    writeFileSync(target, content);
    process.stdout.write(`Wrote web/${file.replace('.graphql', '.generated.ts')}.\n`);
  }
}

await main(process.argv.includes('--check')).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});

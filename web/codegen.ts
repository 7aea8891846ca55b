/**
 * `npm run codegen`: beside each file of operations (`orders.graphql`) its types and documents (`orders.generated.ts`), and once
 * the API's enums (`client/enums.generated.ts`), from the supergraph. With `--check` it writes nothing, and fails when a committed file is not what the sources give.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Supergraph } from '@apollo/federation-internals';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { type GraphQLEnumType, isEnumType, parse, printSchema, Source } from 'graphql';

const here = import.meta.dirname;
const supergraph = Supergraph.build(readFileSync(join(here, '..', 'schema', 'supergraph.graphql'), 'utf8'));
const api = supergraph.apiSchema().toGraphQLJSSchema();
const schema = parse(printSchema(api));
const enums = Object.values(api.getTypeMap())
  .filter(isEnumType)
  .filter(({ name }) => !name.startsWith('__'));

/** From any folder of web/. */
const ENUMS = 'client/enums.generated.ts';

const config = {
  useTypeImports: true,
  documentMode: 'documentNode',
  enumType: 'string-literal',
  enumValues: Object.fromEntries(enums.map(({ name }) => [name, `../${ENUMS}#${name}`])),
  strictScalars: true,
  scalars: { DateTime: 'string', JSON: 'unknown' },
  optimizeDocumentNode: true,
  dedupeFragments: true,
  skipTypename: false,
  nonOptionalTypename: false,
  arrayInputCoercion: false,
};

const WRITTEN = '// Written by `npm run codegen`.\n';

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
  // The plugin would have each file pass the enums on.
  return WRITTEN + code.replace(/^export \{ \w+ \};\n+/gm, '');
}

const unionOf = (type: GraphQLEnumType): string =>
  `export type ${type.name} = ${type
    .getValues()
    .map(({ name }) => `'${name}'`)
    .join(' | ')};\n`;

async function main(check: boolean): Promise<void> {
  keep(ENUMS, WRITTEN + enums.map(unionOf).join(''), check);
  for (const file of globSync('*/**/*.graphql', { cwd: here }))
    keep(file.replace('.graphql', '.generated.ts'), await generated(file), check);
}

function keep(file: string, content: string, check: boolean): void {
  const target = join(here, file);
  if (existsSync(target) && readFileSync(target, 'utf8') === content) return;
  if (check) throw new Error(`web/${file} is stale: run \`npm run codegen\` and commit what it writes.`);
  writeFileSync(target, content);
  process.stdout.write(`Wrote web/${file}.\n`);
}

await main(process.argv.includes('--check')).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});

/** `npm run safelist`: from files of operations to the one list by which the router runs these and no others. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Supergraph } from '@apollo/federation-internals';
import { type GraphQLSchema, Kind, type OperationDefinitionNode } from 'graphql';
import { readConfig } from '#platform/config.ts';
import { reasonOf } from '#platform/errors.ts';
import { createCostOf } from '../router/cost.ts';
import { createDocuments, type ReadDocument } from '../router/documents.ts';
import { createLimits, limitSettings, limitsFrom } from '../router/limits.ts';
import { hashOf, type Manifest } from '../router/persisted.ts';
import { Complaint, print, runCommand } from './command.ts';

const HELP = `npm run safelist -- [--out FILE] OPERATION.graphql ...

Writes the list of the operations in these files, each with the SHA-256 of its text, in the format of Apollo's persisted query
manifest. Give the router its path as SAFELIST: it then runs these operations and no others, by their hash or by their text.

A file holds one operation with a name, and the fragments it needs, byte for byte as clients send it: a line's end at the end of the
file counts. Each is checked against schema/supergraph.graphql and the limits that the environment sets, as the router would do it.

--out FILE   where to write; safelist.json by default

Exit code: 0 when the list is written, 2 when it could not be done.`;

await runCommand(async () => {
  const { values, positionals: files } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, out: { type: 'string', default: 'safelist.json' } },
    allowPositionals: true,
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  if (!files.length) throw new Complaint('Name the files of the operations. See --help.');

  const read = reader();
  const operations = files.map((file) => entryOf(file, read));
  const twice = operations.find(({ name }, place) => operations.findIndex((other) => other.name === name) !== place);
  if (twice) throw new Complaint(`Two operations have the name ${twice.name}.`);
  const manifest: Manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations };
  write(values.out, `${JSON.stringify(manifest, null, 2)}\n`);
  print(`Wrote ${values.out} with ${operations.length} operation${operations.length === 1 ? '' : 's'}.`);
  return 0;
});

/** As the router reads what clients send. */
function reader(): ReadDocument {
  const supergraphSdl = readFileSync(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8');
  const schema: GraphQLSchema = Supergraph.build(supergraphSdl).apiSchema().toGraphQLJSSchema();
  const limits = createLimits(limitsFrom(readConfig(limitSettings)), createCostOf(supergraphSdl, schema));
  return createDocuments(schema, { ...limits, introspection: true });
}

function entryOf(file: string, read: ReadDocument): Manifest['operations'][number] {
  const body = textOf(file);
  const document = read(body);
  if (Array.isArray(document)) throw new Complaint(`${file}: ${document[0]?.message}`);
  const [operation, ...others] = document.definitions.filter(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  if (!operation || others.length)
    throw new Complaint(`${file} must hold one operation, not ${operation ? others.length + 1 : 0}.`);
  if (!operation.name) throw new Complaint(`${file}: the operation has no name.`);
  return { id: hashOf(body), name: operation.name.value, type: operation.operation, body };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Complaint(`${file} cannot be read: ${reasonOf(error)}.`);
  }
}

function write(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw new Complaint(`${file} cannot be written: ${reasonOf(error)}.`);
  }
}

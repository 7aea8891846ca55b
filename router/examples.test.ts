/** The example operations of the GraphiQL page, against the committed supergraph. */
import { globSync, readFileSync } from 'node:fs';
import { Supergraph } from '@apollo/federation-internals';
import { createDocuments } from './documents.ts';

const supergraphSdl = readFileSync(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8');
const schema = Supergraph.build(supergraphSdl).apiSchema().toGraphQLJSSchema();
const examples = globSync('examples/*.graphql', { cwd: import.meta.dirname });

test.each(examples)('%s is a valid operation', (file) => {
  const example = readFileSync(new URL(file, import.meta.url), 'utf8');
  expect(createDocuments(schema, true)(example)).toMatchObject({ kind: 'Document' });
});

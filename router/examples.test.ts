/** The example operations of the GraphiQL page, against the committed supergraph. */
import { globSync, readFileSync } from 'node:fs';
import { Supergraph } from '@apollo/federation-internals';
import { type DocumentNode, getOperationAST } from 'graphql';
import { readConfig } from '#platform/config.ts';
import { createCostOf } from './cost.ts';
import { createDocuments } from './documents.ts';
import { createLimits, limitSettings, limitsFrom } from './limits.ts';

const supergraphSdl = readFileSync(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8');
const schema = Supergraph.build(supergraphSdl).apiSchema().toGraphQLJSSchema();
const examples = globSync('examples/*.graphql', { cwd: import.meta.dirname });

const settings = limitsFrom(readConfig(limitSettings, {}));
const costOf = createCostOf(supergraphSdl, schema);
const readDocument = createDocuments(schema, { ...createLimits(settings, costOf), introspection: true });

test.each(examples)('%s is a valid operation, far within the limits', (file) => {
  const document = readDocument(readFileSync(new URL(file, import.meta.url), 'utf8'));
  expect(document).toMatchObject({ kind: 'Document' });

  const operation = getOperationAST(document as DocumentNode); // the line before says so
  expect(operation && costOf(document as DocumentNode, operation, {})).toBeLessThan(settings.cost / 2);
});

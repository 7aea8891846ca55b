/**
 * `npm run compose`: writes what is generated into schema/, the supergraph that the router plans by and the AsyncAPI
 * document. With `--check` it writes nothing, and fails when a committed file is not what the sources give.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { readSdl } from '#platform/graphql.ts';
import { asyncApiDocument } from '#schema/asyncapi.ts';

const subgraphs = new URL('../subgraphs/', import.meta.url);
const schema = new URL('../schema/', import.meta.url);

/** @throws Error with every mistake that composition found. */
function supergraph(): string {
  const services = readdirSync(subgraphs)
    .sort()
    .map((name) => ({
      name,
      url: `http://${name}/graphql`, // a placeholder: where a subgraph really is stands in the router's settings
      typeDefs: parse(readSdl(new URL(`${name}/schema.graphql`, subgraphs))),
    }));
  const { supergraphSdl, errors } = composeServices(services);
  if (errors) throw new Error(errors.map((error) => error.message).join('\n'));
  return supergraphSdl;
}

const generated: Record<string, () => string> = {
  'supergraph.graphql': supergraph,
  'asyncapi.json': () => `${JSON.stringify(asyncApiDocument(), null, 2)}\n`,
};

function compose(check: boolean): void {
  for (const [name, generate] of Object.entries(generated)) {
    const file = new URL(name, schema);
    const content = generate();
    if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
    if (check) throw new Error(`schema/${name} is stale: run \`npm run compose\` and commit what it writes.`);
    writeFileSync(file, content);
    process.stdout.write(`Wrote schema/${name}.\n`);
  }
}

try {
  compose(process.argv.includes('--check'));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

/**
 * The API of a cluster as kubeconform reads it: from its `/openapi/v2` one JSON schema for each kind. `node tests/helm/schemas.ts FILE
 * FOLDER`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Schema = { [key: string]: unknown };
interface Definition extends Schema {
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

const [from = '', to = ''] = process.argv.slice(2);
const { definitions } = JSON.parse(readFileSync(from, 'utf8')) as { definitions: Record<string, Definition> };

/** Unknown fields are refused, as the API server does when it is strict; what may be number or text is so. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as Schema;
  if (schema.format === 'int-or-string' || schema['x-kubernetes-int-or-string']) return { type: ['integer', 'string'] };
  const fields = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, strict(part)]));
  const open = schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'];
  return isSchemaOfObject(schema) && !open ? { ...fields, additionalProperties: false } : fields;
}

/** A field may be called `properties` as well: it has no type beside it. */
const isSchemaOfObject = (schema: Schema): boolean =>
  schema.type === 'object' && typeof schema.properties === 'object' && schema.properties !== null;

const all: Record<string, unknown> = {
  ...Object.fromEntries(Object.entries(definitions).map(([name, definition]) => [name, strict(definition)])),
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: ['string', 'number'] },
};

/** The definitions that one leads to. */
function reached(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, next = ''] of JSON.stringify(all[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) reached(next, found);
  return found;
}

mkdirSync(to, { recursive: true });
for (const [name, definition] of Object.entries(definitions)) {
  const kinds = definition['x-kubernetes-group-version-kind'] ?? [];
  if (kinds.length !== 1) continue; // of every group, such as DeleteOptions
  const [{ group, version, kind } = { group: '', version: '', kind: '' }] = kinds;
  const suffix = [group.split('.')[0], version].filter(Boolean).join('-');
  const file = join(to, `${kind.toLowerCase()}-${suffix}.json`);
  const used = Object.fromEntries([...reached(name)].map((each) => [each, all[each]]));
  writeFileSync(file, JSON.stringify({ $ref: `#/definitions/${name}`, definitions: used }));
}

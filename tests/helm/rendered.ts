/** What a rendered chart promises beyond the schema of Kubernetes: `node tests/helm/rendered.ts FILE…`. Complains, and exits with 1. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

interface Pods {
  podSelector?: { matchLabels?: Record<string, string> };
}
interface Thing {
  kind: string;
  spec: Pods & {
    ingress?: { ports: { port: string }[]; from?: Pods[] }[];
    rules?: { http?: { paths: { path: string; pathType: string }[] } }[];
  };
}

const COMPONENT = 'app.kubernetes.io/component';
const componentOf = ({ podSelector }: Pods) => podSelector?.matchLabels?.[COMPONENT];

/** They ask the router for keys, call its webhooks, or try it. */
const ASKS_ROUTER = ['book', 'customer', 'delivery', 'rental', 'test'];

function* lockedOut({ kind, spec }: Thing): Generator<string> {
  if (kind !== 'NetworkPolicy' || componentOf(spec) !== 'router') return;
  for (const { ports, from } of spec.ingress ?? []) {
    if (!from || !ports.some(({ port }) => port === 'http')) continue;
    const missing = ASKS_ROUTER.filter((name) => !from.some((pods) => componentOf(pods) === name));
    if (missing.length > 0) yield `the router does not let in ${missing.join(', ')}`;
  }
}

/** ingress-nginx takes these characters alone, wherever it is strict (1.12). */
function* strictPaths({ kind, spec }: Thing): Generator<string> {
  if (kind !== 'Ingress') return;
  for (const { path, pathType } of spec.rules?.flatMap(({ http }) => http?.paths ?? []) ?? []) {
    if (pathType !== 'ImplementationSpecific' && !/^\/[\w/-]*$/.test(path)) yield `${path} cannot be ${pathType}`;
  }
}

const complaints = process.argv.slice(2).flatMap((file) =>
  parseAllDocuments(readFileSync(file, 'utf8'))
    .map((document) => document.toJS() as Thing | null)
    .flatMap((thing) => (thing ? [...lockedOut(thing), ...strictPaths(thing)] : []))
    .map((complaint) => `${file}: ${complaint}`),
);
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.exitCode = complaints.length > 0 ? 1 : 0;

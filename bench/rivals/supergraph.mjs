/** What the rivals of `reads` have in common: the shop's supergraph before the subgraphs of the environment, and a signature for these. */
import { readFileSync } from 'node:fs';
import { SIGNATURE_HEADER, sign } from '../../platform/signature.ts';

// Not by platform/config.ts and process.ts: what they load would be in the figures.
const { ROUTER_KEY: key, ...environment } = process.env;

export const supergraph = readFileSync(new URL('../../schema/supergraph.graphql', import.meta.url), 'utf8').replace(
  /(@join__graph\(name: "(\w+)", url: )"[^"]*"/g,
  (_, beginning, name) => `${beginning}"${environment[`${name.toUpperCase()}_URL`]}"`,
);

/** As a header; none without a key, for subgraphs that do not look at it. */
export function signatureOf(url, body) {
  if (!key) return {};
  const { pathname: path } = new URL(url);
  return { [SIGNATURE_HEADER]: sign(key, { method: 'POST', path, client: '', body }) };
}

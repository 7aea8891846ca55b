/** The GraphiQL page, whole from this machine: page, libraries and examples; nothing is asked of any other host. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Handler, json, pathOf, text } from '#platform/http.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const packageFolder = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const graphqlWs = join(packageFolder('graphql-ws'), 'dist');

/** Address -> file. The graphql-ws client is a module and imports its neighbour, whose name changes with each version. */
const files: Record<string, string> = {
  '/graphiql/page.js': join(here, 'graphiql', 'page.js'),
  '/graphiql/page.css': join(here, 'graphiql', 'page.css'),
  '/graphiql/react.js': join(packageFolder('react'), 'umd', 'react.production.min.js'),
  '/graphiql/react-dom.js': join(packageFolder('react-dom'), 'umd', 'react-dom.production.min.js'),
  '/graphiql/graphiql.js': join(packageFolder('graphiql'), 'graphiql.min.js'),
  '/graphiql/graphiql.css': join(packageFolder('graphiql'), 'graphiql.min.css'),
  ...Object.fromEntries(
    readdirSync(graphqlWs)
      .filter((name) => extname(name) === '.js')
      .map((name) => [`/graphiql/graphql-ws/${name}`, join(graphqlWs, name)]),
  ),
};

const types: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html' };

/** GraphiQL sets styles from script and carries its fonts in its style sheet; nothing else is allowed but this host. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export const wantsPage = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');

export const graphiqlPage: Handler = async (_request, response) => {
  response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
  await send(response, join(here, 'graphiql', 'page.html'));
};

/** Everything below /graphiql/. */
export const graphiqlFiles: Handler = async (request, response) => {
  const path = pathOf(request);
  if (path === '/graphiql/examples.json') return json(response, 200, examples());
  const file = Object.hasOwn(files, path) ? files[path] : undefined;
  if (!file) return text(response, 404, 'There is nothing here.');
  response.setHeader('cache-control', 'max-age=3600');
  await send(response, file);
};

async function send(response: Parameters<Handler>[1], file: string): Promise<void> {
  const content = await readFile(file);
  response.writeHead(200, {
    'content-type': `${types[extname(file)]}; charset=utf-8`,
    'x-content-type-options': 'nosniff',
  });
  response.end(content);
}

/** The tabs of the page, in the order of their file names. */
function examples(): string[] {
  const folder = join(here, 'examples');
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

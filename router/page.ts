/** The page of customers and staff, as web/build.ts has built it: its files as they are, and index.html wherever a browser goes. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import sirv from 'sirv';
import { type Handler, pathOf, text } from '#platform/http.ts';
import { wantsPage } from './graphiql.ts';

/** What the page is told, in index.html. */
export interface PageConfig {
  /** Stripe's publishable key; null where cards are not Stripe's. */
  stripe: string | null;
  /** Whether accounts are an outside provider's. */
  oidc: boolean;
}

export interface PageOptions {
  /** Where web/build.ts puts what it builds. */
  folder: string;
  config: PageConfig;
}

/** For whatever no other route takes. What is built later is served by the next router. */
export function servePage({ folder, config }: PageOptions): Handler {
  const build = currentBuild(folder);
  if (!build) return notBuilt;
  const html = filled(readFileSync(join(build, 'index.html'), 'utf8'), config);
  const etag = `W/"${createHash('sha256').update(html).digest('base64url')}"`;
  const headers = pageHeaders(config);
  const files = sirv(build, { etag: true, brotli: true, gzip: true, extensions: [] });

  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return nothing(response);
    const path = pathOf(request);
    const index = () => {
      if (!wantsPage(request) || path.startsWith('/assets/')) return nothing(response);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.setHeader('etag', etag);
      if (request.headers['if-none-match']?.includes(etag)) return void response.writeHead(304).end();
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-length': Buffer.byteLength(html),
      });
      response.end(html);
    };
    if (path === '/index.html') return index();
    // Names in assets/ have a hash of what they name in them.
    response.setHeader(
      'cache-control',
      path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
    // For sirv a range that ends before it begins is a fault, and what is here is small.
    delete request.headers.range;
    // sirv does not look after the file that it streams: one that is gone since would end the process.
    response.once('pipe', (file) => file.once('error', () => response.destroy()));
    files(request, response, index);
  };
}

/** The folder that web/build.ts has named last; undefined before it has named any. */
function currentBuild(folder: string): string | undefined {
  const name = join(folder, 'current');
  return existsSync(name) ? join(folder, readFileSync(name, 'utf8')) : undefined;
}

const filled = (html: string, config: PageConfig): string =>
  html.replace(
    '<meta name="rentabook" content="{}"',
    () => `<meta name="rentabook" content="${escaped(JSON.stringify(config))}"`,
  );

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function pageHeaders({ stripe }: PageConfig): Record<string, string> {
  return {
    'cache-control': 'no-cache',
    'content-security-policy': Object.entries({ ...POLICY, ...(stripe ? STRIPE_POLICY : TRUSTED_TYPES) })
      .map(([directive, sources]) => `${directive} ${sources}`)
      .join('; '),
    'permissions-policy': [
      ...DENIED.map((feature) => `${feature}=()`),
      `payment=${stripe ? STRIPE_PAYMENT : '()'}`,
    ].join(', '),
  };
}

/**
 * A socket to this very address counts as 'self' since Chrome 71 and Safari 16, and in Firefox for longer
 * (github.com/w3c/webappsec-csp/issues/7); an older Safari gets none.
 */
const POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'self'",
  'manifest-src': "'self'",
  'worker-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

const TRUSTED_TYPES = { 'require-trusted-types-for': "'script'", 'trusted-types': "'none'" };

/**
 * What Stripe's security guide (docs.stripe.com/security/guide) asks for Stripe.js with Elements. Its loader sets the address of a
 * script as a string, which trusted types allow by a policy named `default` alone: one for the whole page, so as good as none. Styles
 * need no exception: it constructs its style sheets where a browser can, as all can since 2023.
 */
const STRIPE_POLICY = {
  'script-src': "'self' https://js.stripe.com https://*.js.stripe.com",
  'frame-src': 'https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com',
  'connect-src': "'self' https://api.stripe.com",
};
/** For wallets, whose buttons are in its frames. */
const STRIPE_PAYMENT = '(self "https://js.stripe.com")';

const DENIED = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'microphone',
  'midi',
  'screen-wake-lock',
  'serial',
  'usb',
  'xr-spatial-tracking',
];

const notBuilt: Handler = async (request, response) =>
  pathOf(request) === '/'
    ? text(
        response,
        503,
        'The page is not built here: npm ci && npm run build:web builds it, and the next start serves it.',
      )
    : nothing(response);

function nothing(response: ServerResponse): void {
  response.setHeader('cache-control', 'no-store');
  text(response, 404, 'There is nothing here.');
}

/** The router's process: the committed supergraph, and from the settings where its subgraphs are. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tokenSettings, tokenVerifierFor } from '#platform/oidc.ts';
import { run } from '#platform/process.ts';
import { limitSettings, limitsFrom } from './limits.ts';
import { readSafelist } from './persisted.ts';
import { startRouter } from './router.ts';

const supergraphSdl = readFileSync(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8');

await run(
  'router',
  [
    'HOST',
    'PORT',
    'LINGER_MS',
    'ROUTER_KEY',
    ...tokenSettings,
    'TRUSTED_PROXIES',
    'BOOK_URL',
    'RENTAL_URL',
    'DELIVERY_URL',
    'CUSTOMER_URL',
    'GRAPHIQL',
    'STRIPE_PUBLISHABLE_KEY',
    'CORS_ORIGINS',
    'SAFELIST',
    ...limitSettings,
  ],
  (config, log) =>
    startRouter({
      host: config.HOST,
      port: config.PORT,
      lingerMs: config.LINGER_MS,
      key: config.ROUTER_KEY,
      verifyToken: tokenVerifierFor(config, { log }),
      trustedProxies: config.TRUSTED_PROXIES,
      supergraphSdl,
      subgraphs: {
        book: config.BOOK_URL,
        rental: config.RENTAL_URL,
        delivery: config.DELIVERY_URL,
        customer: config.CUSTOMER_URL,
      },
      passages: {
        '/webhooks/carrier': { to: 'delivery', method: 'POST' },
        '/webhooks/stripe': { to: 'rental', method: 'POST' },
        ...(!config.OIDC_ISSUER && { '/.well-known/jwks.json': { to: 'customer', method: 'GET' } as const }),
      },
      graphiql: config.GRAPHIQL === 'on',
      page: {
        folder: fileURLToPath(new URL('../web/dist', import.meta.url)),
        config: {
          stripe: config.STRIPE_PUBLISHABLE_KEY ?? null,
          oidc: Boolean(config.OIDC_ISSUER),
        },
      },
      limits: limitsFrom(config),
      safelist: config.SAFELIST ? readSafelist(config.SAFELIST) : null,
      corsOrigins: config.CORS_ORIGINS,
      log,
    }),
);

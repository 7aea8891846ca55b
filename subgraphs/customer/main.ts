import { json } from '#platform/http.ts';
import { run } from '#platform/process.ts';
import { startRounds } from '#platform/rounds.ts';
import { openService, serve, serviceSettings } from '#platform/service.ts';
import { superusersOf } from '#platform/superuser.ts';
import { warnOfUnclaimed } from './accounts.ts';
import { hangBells, ringer } from './bells.ts';
import { customerDatabase } from './database.ts';
import { makeDemoAccounts } from './demo.ts';
import { sweepErasures } from './erasure.ts';
import { bookConsumer, deliveryConsumer, rentalConsumer } from './events.ts';
import { loadersOf } from './loaders.ts';
import { measures } from './metrics.ts';
import { startTelling } from './notifications.ts';
import { notifierSettings, notifiersOf } from './notifiers.ts';
import { openLive } from './orderStatus.ts';
import { createWelcome, elsewhere } from './provider.ts';
import { type Context, resolvers } from './resolvers.ts';
import { createTokenIssuer } from './sessions.ts';

const settings = [...serviceSettings, ...notifierSettings, 'TOKEN_KEYS', 'RENTABOOK_DEMO'] as const;

await run('customer', settings, async (config, log) => {
  const { OIDC_ISSUER: provider, TOKEN_KEYS: keys = '' } = config;
  const superusers = superusersOf(config);
  const issuer = provider ? null : await createTokenIssuer(keys);
  const service = await openService(config, log, customerDatabase);
  if (config.RENTABOOK_DEMO === 'on') await makeDemoAccounts(service.em());
  if (issuer) await warnOfUnclaimed(service.em(), superusers, log);
  const bells = hangBells(service.nats, service.em, log);
  service.orm.em.getEventManager().registerSubscriber(ringer(bells));
  const live = openLive(service.em, bells);
  const signing = issuer ? () => ({ issuer, superusers }) : elsewhere(provider ?? '');

  const notifiers = notifiersOf(config);
  const channels = notifiers.map(({ channel }) => channel);

  return serve(service, config, log, {
    stream: 'CUSTOMER',
    sdl: new URL('schema.graphql', import.meta.url),
    resolvers,
    welcome: createWelcome(service.em),
    context: (viewer, client): Context => {
      const em = service.em();
      return { viewer, client, em, ask: service.ask, signing, superusers, live, loaders: loadersOf(() => em) };
    },
    consumers: [rentalConsumer(channels), deliveryConsumer, bookConsumer(channels)],
    workers: [
      bells,
      startRounds('the sweep of erasures', () => sweepErasures(service.em(), service.ask, log), log),
      ...startTelling(notifiers, service.em, log),
    ],
    measures,
    routes: issuer ? { '/.well-known/jwks.json': async (_, response) => json(response, 200, issuer.jwks) } : {},
  });
});

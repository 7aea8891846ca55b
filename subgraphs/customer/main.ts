import { json } from '#platform/http.ts';
import { run } from '#platform/process.ts';
import { openService, serve, serviceSettings } from '#platform/service.ts';
import { hangBells, ringer } from './bells.ts';
import { customerDatabase } from './database.ts';
import { makeDemoAccounts } from './demo.ts';
import { bookConsumer, deliveryConsumer, rentalConsumer } from './events.ts';
import { loadersOf } from './loaders.ts';
import { openLive } from './orderStatus.ts';
import { type Context, resolvers } from './resolvers.ts';
import { createTokenIssuer } from './sessions.ts';

await run('customer', [...serviceSettings, 'TOKEN_KEYS', 'RENTABOOK_DEMO'], async (config, log) => {
  const issuer = await createTokenIssuer(config.TOKEN_KEYS);
  const service = await openService(config, log, customerDatabase);
  if (config.RENTABOOK_DEMO === 'on') await makeDemoAccounts(service.em());
  const bells = hangBells(service.nats, service.em, log);
  service.orm.em.getEventManager().registerSubscriber(ringer(bells));
  const live = openLive(service.em, bells);

  return serve(service, config, log, {
    stream: 'CUSTOMER',
    sdl: new URL('schema.graphql', import.meta.url),
    resolvers,
    context: (viewer, client): Context => {
      const em = service.em();
      return { viewer, client, em, ask: service.ask, issuer, live, loaders: loadersOf(() => em) };
    },
    consumers: [rentalConsumer, deliveryConsumer, bookConsumer],
    workers: [bells],
    routes: {
      '/.well-known/jwks.json': async (_, response) => json(response, 200, issuer.jwks),
    },
  });
});

import { json } from '#platform/http.ts';
import { run } from '#platform/process.ts';
import { openService, serve, serviceSettings } from '#platform/service.ts';
import { superuserSettings, superusersOf } from '#platform/superuser.ts';
import { unclaimed } from './accounts.ts';
import { hangBells, ringer } from './bells.ts';
import { customerDatabase } from './database.ts';
import { makeDemoAccounts } from './demo.ts';
import { bookConsumer, deliveryConsumer, rentalConsumer } from './events.ts';
import { loadersOf } from './loaders.ts';
import { openLive } from './orderStatus.ts';
import { type Context, resolvers } from './resolvers.ts';
import { createTokenIssuer } from './sessions.ts';

const settings = [...serviceSettings, ...superuserSettings, 'TOKEN_KEYS', 'RENTABOOK_DEMO'] as const;

await run('customer', settings, async (config, log) => {
  const issuer = await createTokenIssuer(config.TOKEN_KEYS);
  const superusers = superusersOf(config);
  const signing = { issuer, superusers };
  const service = await openService(config, log, customerDatabase);
  if (config.RENTABOOK_DEMO === 'on') await makeDemoAccounts(service.em());
  for (const email of await unclaimed(service.em(), await superusers.emails()))
    log.warn(
      { email },
      'SUPERUSER names an e-mail address without an account: whoever signs up with it will have ADMIN',
    );
  const bells = hangBells(service.nats, service.em, log);
  service.orm.em.getEventManager().registerSubscriber(ringer(bells));
  const live = openLive(service.em, bells);

  return serve(service, config, log, {
    stream: 'CUSTOMER',
    sdl: new URL('schema.graphql', import.meta.url),
    resolvers,
    context: (viewer, client): Context => {
      const em = service.em();
      return { viewer, client, em, ask: service.ask, signing, superusers, live, loaders: loadersOf(() => em) };
    },
    consumers: [rentalConsumer, deliveryConsumer, bookConsumer],
    workers: [bells],
    routes: {
      '/.well-known/jwks.json': async (_, response) => json(response, 200, issuer.jwks),
    },
  });
});

import { auditOf } from '#platform/audit.ts';
import { deadLettersOf, dropIn, replayIn } from '#platform/deadLetterAnswers.ts';
import { exportOf } from '#platform/personalData.ts';
import { run } from '#platform/process.ts';
import { answer } from '#platform/requestReply.ts';
import { startRounds, UNHURRIED_MS } from '#platform/rounds.ts';
import { openService, serve, serviceSettings } from '#platform/service.ts';
import { httpCarrier } from './carrier.ts';
import { withBreaker } from './carrierBreaker.ts';
import { claimMsFor, sweepCarrier } from './carrierWork.ts';
import { deliveryDatabase } from './database.ts';
import { customerConsumer, rentalConsumer } from './events.ts';
import { personalDataOf } from './personalData.ts';
import { contextOf, resolvers } from './resolvers.ts';
import { applyWaiting, carrierWebhook } from './webhook.ts';

const settings = [
  ...serviceSettings,
  'CARRIER_URL',
  'CARRIER_KEY',
  'CARRIER_TIMEOUT_MS',
  'CARRIER_WEBHOOK_SECRET',
  'CARRIER_POLL_MS',
] as const;

await run('delivery', settings, async (config, log) => {
  const service = await openService(config, log, deliveryDatabase);
  const carrier = withBreaker(httpCarrier(config), log);
  const carrying = {
    ...service,
    carrier,
    pollMs: config.CARRIER_POLL_MS,
    claimMs: claimMsFor(config.CARRIER_TIMEOUT_MS),
  };

  void service.nats.then((nats) => {
    answer(nats, 'rpc.delivery.audit', log, auditOf(service.em));
    answer(nats, 'rpc.delivery.deadLetters', log, deadLettersOf(service.em));
    answer(nats, 'rpc.delivery.dropDeadLetter', log, dropIn(service.em));
    answer(nats, 'rpc.delivery.export', log, exportOf(personalDataOf(service.em)));
    answer(nats, 'rpc.delivery.replayDeadLetter', log, replayIn(service.em));
  });

  return serve(service, config, log, {
    stream: 'DELIVERY',
    sdl: new URL('schema.graphql', import.meta.url),
    resolvers,
    context: (viewer, client) => contextOf(service.em(), viewer, client),
    consumers: [rentalConsumer, customerConsumer],
    workers: [
      startRounds('the work at the carrier', () => sweepCarrier(carrying, log), log),
      startRounds('applying scans that waited', () => applyWaiting(service.em), log, UNHURRIED_MS),
    ],
    gauges: {
      rentabook_carrier_open: {
        help: 'Whether the carrier is away, so that nothing is asked of it but a trial now and then',
        read: () => Number(carrier.isOpen()),
      },
    },
    routes: { '/webhooks/carrier': carrierWebhook(service.em, config.CARRIER_WEBHOOK_SECRET) },
  });
});

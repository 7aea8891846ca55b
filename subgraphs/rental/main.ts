import { auditOf } from '#platform/audit.ts';
import { query } from '#platform/database.ts';
import { deadLettersOf, dropIn, replayIn } from '#platform/deadLetterAnswers.ts';
import { microBatched } from '#platform/microBatches.ts';
import { exportOf } from '#platform/personalData.ts';
import { run } from '#platform/process.ts';
import { answer } from '#platform/requestReply.ts';
import { startRounds, UNHURRIED_MS } from '#platform/rounds.ts';
import { openService, serve, serviceSettings } from '#platform/service.ts';
import type { Address } from '#schema/requests.ts';
import { openAdmission } from './admission.ts';
import { closeCustomer } from './closing.ts';
import { rentalDatabase } from './database.ts';
import { startDrainer, startExpiry } from './drain.ts';
import { bookConsumer, customerConsumer, deliveryConsumer } from './events.ts';
import { sweepFees } from './fees.ts';
import { createTake, type Requesting } from './intake.ts';
import { sweepLoans } from './loans.ts';
import { measures } from './metrics.ts';
import { claimMsFor, sweepMoney } from './money.ts';
import { watchOutages } from './outages.ts';
import { stripeProvider } from './paymentProvider.ts';
import { personalDataOf } from './personalData.ts';
import { policyOf, policySettings } from './policy.ts';
import { createPositions } from './positions.ts';
import { type Context, loadersOf, resolvers } from './resolvers.ts';
import { leaseMsFor } from './settle.ts';
import { createSettleWrites } from './settleWrites.ts';
import { applyStripeEvents, forgetStripeEvents } from './stripeEvents.ts';
import { stripeWebhook } from './stripeWebhook.ts';

const settings = [
  ...serviceSettings,
  ...policySettings,
  'SETTLE_WAIT_MS',
  'BOOK_TIMEOUT_MS',
  'PAYMENT_TIMEOUT_MS',
  'ADMISSION_LIMIT',
  'ADMISSION_TARGET_MS',
  'HOLD_LIMIT',
  'HOLD_TTL_MS',
  'STRIPE_URL',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
] as const;

await run('rental', settings, async (config, log) => {
  const service = await openService(config, log, rentalDatabase);
  const policy = policyOf(config);
  const provider = stripeProvider(config);
  const outages = watchOutages({
    BOOK: () =>
      service.ask('rpc.book.ping', {}, config.BOOK_TIMEOUT_MS).then(
        () => true,
        () => false,
      ),
    PAYMENT: () => provider.ping(),
  });
  const admission = await openAdmission({
    em: service.em,
    outages,
    cap: config.ADMISSION_LIMIT,
    targetMs: config.ADMISSION_TARGET_MS,
    holdLimit: config.HOLD_LIMIT,
    log,
  });
  const leaseMs = leaseMsFor(config.BOOK_TIMEOUT_MS, config.PAYMENT_TIMEOUT_MS);
  const requesting: Requesting = {
    ...service,
    provider,
    outages,
    admission,
    writes: createSettleWrites(service.em),
    bookTimeoutMs: config.BOOK_TIMEOUT_MS,
    leaseMs,
    freed: () => drainer.wake(),
    take: createTake({ em: service.em, admission, policy, leaseMs }),
    settleWaitMs: config.SETTLE_WAIT_MS,
    log,
  };
  const claimMs = claimMsFor(config.PAYMENT_TIMEOUT_MS);
  const sweeping = { em: service.em, provider, policy, claimMs };
  const collecting = { ...sweeping, settleWaitMs: config.SETTLE_WAIT_MS, log };
  const quoting = { ...service, policy, bookTimeoutMs: config.BOOK_TIMEOUT_MS };
  const drainer = startDrainer(requesting, log);
  const positions = createPositions(service.em);

  const addressOf = microBatched<string, Address | null>({ size: 100, inFlight: 1 }, async (ids) => {
    const rentals = await query<{ id: string; deliverTo: Address | null }>(
      service.em(),
      'SELECT id, deliver_to AS "deliverTo" FROM rental WHERE id = ANY($1)',
      [ids],
    );
    return ids.map((id) => rentals.find((rental) => rental.id === id)?.deliverTo ?? null);
  });
  void service.nats.then((nats) => {
    answer(nats, 'rpc.rental.address', log, async ({ rentalId }) => ({ address: await addressOf(rentalId) }));
    answer(nats, 'rpc.rental.audit', log, auditOf(service.em));
    answer(nats, 'rpc.rental.close', log, closeCustomer(service.em));
    answer(nats, 'rpc.rental.deadLetters', log, deadLettersOf(service.em));
    answer(nats, 'rpc.rental.dropDeadLetter', log, dropIn(service.em));
    answer(nats, 'rpc.rental.export', log, exportOf(personalDataOf(service.em)));
    answer(nats, 'rpc.rental.replayDeadLetter', log, replayIn(service.em));
  });

  return serve(service, config, log, {
    stream: 'RENTAL',
    sdl: new URL('schema.graphql', import.meta.url),
    resolvers,
    context: (viewer, client): Context => {
      const em = service.em();
      return {
        viewer,
        client,
        em,
        requesting,
        collecting,
        quoting,
        policy,
        positions,
        ...loadersOf(em),
      };
    },
    consumers: [bookConsumer(policy), deliveryConsumer(policy), customerConsumer],
    workers: [
      drainer,
      startExpiry(service.em, config.HOLD_TTL_MS, log),
      startRounds('the sweep of money', () => sweepMoney(sweeping, log), log),
      startRounds('the sweep of fees', () => sweepFees(collecting), log),
      startRounds("the loans' clock", () => sweepLoans(service.em(), policy, new Date(), log), log, UNHURRIED_MS),
      startRounds('forgetting messages of Stripe', () => forgetStripeEvents(service.em()), log, UNHURRIED_MS),
      startRounds('the messages of Stripe', () => applyStripeEvents(sweeping, log), log, UNHURRIED_MS),
      admission,
    ],
    measures,
    routes: { '/webhooks/stripe': stripeWebhook(service.em, config.STRIPE_WEBHOOK_SECRET) },
  });
});

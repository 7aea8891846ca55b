import { auditOf } from '#platform/audit.ts';
import { deadLettersOf, dropIn, replayIn } from '#platform/deadLetterAnswers.ts';
import { exportOf } from '#platform/personalData.ts';
import { run } from '#platform/process.ts';
import { answer } from '#platform/requestReply.ts';
import { startRounds, UNHURRIED_MS } from '#platform/rounds.ts';
import { openService, serve, serviceSettings } from '#platform/service.ts';
import { bookDatabase } from './database.ts';
import { makeDemoCatalogue } from './demo.ts';
import { customerConsumer, deliveryConsumer, rentalConsumer } from './events.ts';
import { personalDataOf } from './personalData.ts';
import { quoteOf } from './quote.ts';
import { createReserve } from './reserve.ts';
import { contextOf, resolvers } from './resolvers.ts';
import { searchMemory } from './search.ts';
import { expireOffers } from './waitlist.ts';

const HOUR_MS = 3_600_000;

await run('book', [...serviceSettings, 'CURRENCY', 'OFFER_HOURS', 'RENTABOOK_DEMO'], async (config, log) => {
  const terms = { currency: config.CURRENCY, offerMs: config.OFFER_HOURS * HOUR_MS };
  const service = await openService(config, log, bookDatabase);
  const memory = searchMemory(service.em);
  if (config.RENTABOOK_DEMO === 'on') await makeDemoCatalogue(service.em(), config.CURRENCY);

  void service.nats.then((nats) => {
    answer(nats, 'rpc.book.reserve', log, createReserve(service.em));
    answer(nats, 'rpc.book.quote', log, quoteOf(service.em));
    answer(nats, 'rpc.book.ping', log, async () => ({}));
    answer(nats, 'rpc.book.audit', log, auditOf(service.em));
    answer(nats, 'rpc.book.deadLetters', log, deadLettersOf(service.em));
    answer(nats, 'rpc.book.dropDeadLetter', log, dropIn(service.em));
    answer(nats, 'rpc.book.export', log, exportOf(personalDataOf(service.em)));
    answer(nats, 'rpc.book.replayDeadLetter', log, replayIn(service.em));
  });

  return serve(service, config, log, {
    stream: 'BOOK',
    sdl: new URL('schema.graphql', import.meta.url),
    resolvers,
    context: (viewer, client) => contextOf(service.em(), viewer, client, terms, memory),
    consumers: [rentalConsumer(terms.offerMs), deliveryConsumer(terms.offerMs), customerConsumer(terms.offerMs)],
    workers: [
      startRounds('the end of offers', () => expireOffers(service.em(), terms.offerMs, new Date()), log, UNHURRIED_MS),
    ],
  });
});

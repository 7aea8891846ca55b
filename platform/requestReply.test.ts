/** Requests between services on a real broker: answered, unanswered, late, and broken at either end. */
import { randomUUID } from 'node:crypto';
import { type NatsConnection, StringCodec } from 'nats';
import { type Broker, startBroker } from '../tests/broker.ts';
import { eventually } from '../tests/client.ts';
import { createLog } from './log.ts';
import { connectForever } from './nats.ts';
import { type Ask, answer, createAsk, NoAnswer, stopAnswering } from './requestReply.ts';

const log = createLog('test', 'silent');
const codec = StringCodec();
const rentalId = randomUUID();
let broker: Broker;
/** The one who asks, and those who answer. */
let asker: NatsConnection;
let answerers: NatsConnection[];
let ask: Ask;

beforeEach(async () => {
  broker = await startBroker();
  [asker, ...answerers] = (await Promise.all([1, 2, 3].map(() => connectForever({ natsUrl: broker.url })))) as [
    NatsConnection,
  ];
  ask = createAsk(Promise.resolve(asker));
});
afterEach(async () => {
  await Promise.all([asker, ...answerers].map((nats) => nats?.close()));
  await broker?.close();
});

type Address = Awaited<ReturnType<typeof ask<'rpc.rental.address'>>>;

/** Answers in each replica; a subscription is with the broker when the connection has flushed. */
async function respond(work: (request: { rentalId: string }) => Promise<Address>): Promise<void> {
  for (const nats of answerers) answer(nats, 'rpc.rental.address', log, work);
  await Promise.all(answerers.map((nats) => nats.flush()));
}

test('a question is answered by one of the replicas', async () => {
  const heard: string[] = [];
  await respond(async (request) => {
    heard.push(request.rentalId);
    return { address: null };
  });

  expect(await ask('rpc.rental.address', { rentalId }, 2000)).toEqual({ address: null });
  expect(heard).toEqual([rentalId]);
});

test('when nobody listens there is no answer, and that is known at once', async () => {
  await expect(ask('rpc.rental.address', { rentalId }, 60_000)).rejects.toThrow(NoAnswer);
});

test('when the answer takes too long there is none', async () => {
  const late = Promise.withResolvers<Address>();
  await respond(() => late.promise);

  await expect(ask('rpc.rental.address', { rentalId }, 50)).rejects.toThrow(NoAnswer);
  late.resolve({ address: null });
});

test('a fault of the one who answers is no answer: it is in the log there, and asked again', async () => {
  let faults = 1;
  await respond(async () => {
    if (faults-- > 0) throw new Error('The database says things that are nobody’s business');
    return { address: null };
  });

  const first = ask('rpc.rental.address', { rentalId }, 2000);
  await expect(first).rejects.toThrow(NoAnswer);
  await expect(first).rejects.not.toThrow(/database/);
  expect(await ask('rpc.rental.address', { rentalId }, 2000)).toEqual({ address: null });
});

test('a question that breaks the contract reaches no work', async () => {
  let worked = false;
  await respond(async () => {
    worked = true;
    return { address: null };
  });

  await expect(ask('rpc.rental.address', { rentalId: 'no id' }, 2000)).rejects.toThrow(NoAnswer);
  expect(worked).toBe(false);
});

test('what is not even JSON does not stop the one who answers', async () => {
  await respond(async () => ({ address: null }));

  for (let time = 1; time <= 10; time++) asker.publish('rpc.rental.address', codec.encode('{')); // some for each
  await asker.flush();

  expect(await ask('rpc.rental.address', { rentalId }, 2000)).toEqual({ address: null });
});

test('an answer that breaks the contract is a fault, not an answer', async () => {
  answerers[0]?.subscribe('rpc.rental.address', {
    callback: (_, message) => void message.respond(codec.encode(JSON.stringify({ answer: { address: 'Seoul' } }))),
  });
  await answerers[0]?.flush();

  const asked = ask('rpc.rental.address', { rentalId }, 2000);
  await expect(asked).rejects.toThrow(/address/);
  await expect(asked).rejects.not.toThrow(NoAnswer);
});

test('before the broker was ever reached there is no answer', async () => {
  const early = createAsk(new Promise(() => {}));
  await expect(early('rpc.book.ping', {}, 2000)).rejects.toThrow(NoAnswer);
});

test('while the broker is away there is no answer; when it is back there are answers again', async () => {
  await respond(async () => ({ address: null }));
  await broker.stop();

  await expect(ask('rpc.rental.address', { rentalId }, 300)).rejects.toThrow(NoAnswer);
  await broker.start();

  const answered = await eventually(
    () => ask('rpc.rental.address', { rentalId }, 300).catch((error: unknown) => error),
    (result) => !(result instanceof NoAnswer),
  );
  expect(answered).toEqual({ address: null });
});

test('a replica that stops finishes what it was asked, and the next question goes to another', async () => {
  const release = Promise.withResolvers<Address>();
  const asked = Promise.withResolvers<void>();
  const [leaving, staying] = answerers as [NatsConnection, NatsConnection]; // two were connected
  answer(leaving, 'rpc.rental.address', log, () => {
    asked.resolve();
    return release.promise;
  });
  await leaving.flush();
  const first = ask('rpc.rental.address', { rentalId }, 10_000);
  await asked.promise;
  answer(staying, 'rpc.rental.address', log, async () => ({ address: null }));
  await staying.flush();

  const stopped = stopAnswering(leaving);
  await leaving.flush();

  expect(await ask('rpc.rental.address', { rentalId }, 10_000)).toEqual({ address: null });
  release.resolve({ address: null });
  await stopped;
  await leaving.drain();
  expect(await first).toEqual({ address: null });
});

test('a connection that was refused for its password, at first or later on, is let in when that is mended', async () => {
  await broker.stop();
  broker.changePassword('another one');
  await broker.start();
  const late = connectForever({ natsUrl: broker.url });
  let tries = 0;
  for await (const { type } of asker.status()) if (type === 'reconnecting' && ++tries > 4) break; // the library alone gives up at two

  await broker.stop();
  broker.changePassword('of a test');
  await broker.start();
  const everyone = [asker, ...answerers, await late];
  const letIn = () => Promise.all(everyone.map((nats) => nats.flush())).then(Boolean, () => false);
  await eventually(letIn, Boolean);

  await respond(async () => ({ address: null }));
  const asked = () => ask('rpc.rental.address', { rentalId }, 1000).catch(() => null);
  expect(await eventually(asked, Boolean)).toEqual({ address: null });
  await (await late).close();
});

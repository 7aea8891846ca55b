/** Request-reply between services over core NATS, checked at both ends by schema/requests.ts. */
import { ErrorCode, headers, type Msg, type NatsConnection, NatsError, StringCodec, type Subscription } from 'nats';
import { type AnswerOf, type AskOf, type RequestSubject, requests } from '#schema/requests.ts';
import { unavailable } from './errors.ts';
import type { Log } from './log.ts';
import { cause, inStep, traceparentIn } from './trace.ts';

const codec = StringCodec();

/** Nobody answered in time: the work may or may not have been done, and asking again gives the same answer. */
export class NoAnswer extends Error {
  override name = 'NoAnswer';
}

export type Ask = <S extends RequestSubject>(subject: S, request: AskOf<S>, timeoutMs: number) => Promise<AnswerOf<S>>;

/** Asks through a connection that may not be there yet. @throws NoAnswer when nobody listens, or answers in time. */
export function createAsk(connecting: Promise<NatsConnection>): Ask {
  let nats: NatsConnection | undefined;
  void connecting.then((connection) => {
    nats = connection;
  });

  return async (subject, request, timeoutMs) => {
    if (!nats) throw new NoAnswer(`${subject}: NATS cannot be reached`);
    try {
      const reply = await send(nats, subject, codec.encode(JSON.stringify(request)), timeoutMs);
      const { answer, fault } = reply.json<{ answer?: unknown; fault?: string }>();
      if (fault) throw new NoAnswer(`${subject}: ${fault}`);
      return requests[subject].answer.parse(answer) as AnswerOf<typeof subject>; // the schema of that very subject
    } catch (error) {
      if (error instanceof NatsError && unanswered.includes(error.code))
        throw new NoAnswer(`${subject}: ${error.message}`, { cause: error });
      throw error;
    }
  };
}

/** As a step of the trace that has led here, if one has. */
function send(nats: NatsConnection, subject: RequestSubject, payload: Uint8Array, timeout: number): Promise<Msg> {
  const led = cause.getStore();
  if (!led) return nats.request(subject, payload, { timeout });
  const options = { kind: 'CLIENT', after: led.traceparent, attributes: attributesOf(subject) } as const;
  return inStep(subject, options, ({ traceparent }) => {
    const head = headers();
    head.set(TRACEPARENT, traceparent);
    return nats.request(subject, payload, { timeout, headers: head });
  });
}

const TRACEPARENT = 'traceparent';
const attributesOf = (subject: RequestSubject) => ({ 'rpc.system': 'nats', 'rpc.method': subject });

/** The answer of a service, for who cannot do without it: `because` says why. @throws GraphQLError SERVICE_UNAVAILABLE when there is none */
export async function needed<T>(answer: Promise<T>, service: string, because = ''): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof NoAnswer ? unavailable(`The ${service} service does not answer${because}.`, service) : error;
  }
}

const unanswered: string[] = [
  ErrorCode.Timeout,
  ErrorCode.NoResponders,
  ErrorCode.ConnectionClosed,
  ErrorCode.ConnectionDraining,
  ErrorCode.Disconnect,
];

/** What a connection is asked, and the answers that are being worked on. */
const answering = new WeakMap<NatsConnection, { questions: Subscription[]; answers: Set<Promise<void>> }>();

/** Takes no more questions, leaving them to other replicas, and finishes what it was asked. */
export async function stopAnswering(nats: NatsConnection): Promise<void> {
  const { questions, answers } = answering.get(nats) ?? { questions: [], answers: new Set() };
  await Promise.allSettled(questions.map((question) => question.drain())); // NATS may be away
  await Promise.all(answers);
}

/** Answers a request in all replicas, one of them each time. A fault is told as such and logged here; the one who asks tries again. */
export function answer<S extends RequestSubject>(
  nats: NatsConnection,
  subject: S,
  log: Log,
  work: (request: AskOf<S>) => Promise<AnswerOf<S>>,
): void {
  const { questions, answers } = answering.get(nats) ?? { questions: [], answers: new Set() };
  answering.set(nats, { questions, answers });
  const question = nats.subscribe(subject, {
    queue: subject,
    callback: (error, message) => {
      if (error) return void log.error({ err: error, subject }, 'a subscription to requests failed');
      const answer = led(message, subject, () => reply(message, subject, log, work))
        .then((response) => void message.respond(codec.encode(JSON.stringify(response))))
        .finally(() => answers.delete(answer));
      answers.add(answer);
    },
  });
  questions.push(question);
}

/** By the trace that has led to the question, if one has. */
function led<T>(message: Msg, subject: RequestSubject, work: () => Promise<T>): Promise<T> {
  const after = traceparentIn(message.headers?.get(TRACEPARENT));
  if (!after) return work();
  const options = { kind: 'SERVER', after, attributes: attributesOf(subject) } as const;
  return inStep(subject, options, ({ traceparent }) => cause.run({ traceparent }, work));
}

async function reply<S extends RequestSubject>(
  message: Msg,
  subject: S,
  log: Log,
  work: (request: AskOf<S>) => Promise<AnswerOf<S>>,
) {
  try {
    return { answer: await work(requests[subject].ask.parse(message.json()) as AskOf<S>) }; // the schema of that very subject
  } catch (error) {
    log.error({ err: error, subject }, 'a request could not be answered');
    return { fault: 'the service that answers has a fault' };
  }
}

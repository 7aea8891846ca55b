/** The dead letters of the whole shop: each service has its own, and does itself what is to be done about them. */
import type { EntityManager } from '#platform/database.ts';
import { deadLettersOf, dropIn, replayIn } from '#platform/deadLetterAnswers.ts';
import { checkInput, Refusal } from '#platform/errors.ts';
import { idInput } from '#platform/ids.ts';
import { type Connection, connectionOf, type PageArgs, pageOf } from '#platform/pages.ts';
import { type Ask, needed } from '#platform/requestReply.ts';
import { typedText } from '#platform/text.ts';
import type { Viewer } from '#platform/tokens.ts';
import type { AnswerOf } from '#schema/requests.ts';
import { type Service, services } from './auditLog.ts';

/** A service that is there answers in milliseconds. */
const TIMEOUT_MS = 3000;
/** It waits three seconds itself. */
const REPLAY_TIMEOUT_MS = 6000;

type Letter = AnswerOf<'rpc.book.deadLetters'>['letters'][number];
type DeadLetter = Letter & { service: Service };

/** @throws SERVICE_UNAVAILABLE while a service is silent: a page without its letters would look complete. */
export async function deadLetters(
  em: EntityManager,
  ask: Ask,
  only: Service | null,
  page: PageArgs,
): Promise<Connection<DeadLetter>> {
  const { limit, keys } = pageOf(page, ['timestamptz', 'uuid']);
  const after = keys && { since: new Date(String(keys[0])).toISOString(), id: String(keys[1]) };
  const wanted = { limit, after };
  const parts = await Promise.all(
    services
      .filter((service) => !only || service === only)
      .map(async (service) => {
        const { letters } =
          service === 'CUSTOMER'
            ? await deadLettersOf(() => em)(wanted)
            : await needed(ask(subjectOf(service, 'deadLetters'), wanted, TIMEOUT_MS), nameOf(service));
        return letters.map((letter) => ({ ...letter, service }));
      }),
  );
  // Of each service as many as fill the page: whatever is oldest of all is among them.
  return connectionOf(parts.flat().sort(oldestFirst), page, ({ since, id }) => [since, id]);
}

/** As PostgreSQL orders instants and ids; written out, both have one length. */
const oldestFirst = (a: Letter, b: Letter): number => (keyOf(a) < keyOf(b) ? -1 : 1);
const keyOf = ({ since, id }: Letter): string => since + id;

interface Acting {
  em: EntityManager;
  ask: Ask;
  viewer: Viewer;
}

interface Done {
  /** Null for what was dropped. */
  fate: 'APPLIED' | 'WAITING' | 'DEAD' | null;
  deadLetter: DeadLetter;
}

/**
 * Gives an event back to its service.
 * @throws Refusal NOT_FOUND, NOT_ALLOWED_IN_STATE for what is no event; SERVICE_UNAVAILABLE while the service is silent
 */
export async function replayDeadLetter(
  { em, ask, viewer }: Acting,
  { service, id }: { service: Service; id: string },
): Promise<Done> {
  const wanted = { id: checkInput(idInput, id, ['id']), actor: actorIn(viewer) };
  return done(
    service,
    service === 'CUSTOMER'
      ? await replayIn(() => em)(wanted)
      : await needed(ask(subjectOf(service, 'replayDeadLetter'), wanted, REPLAY_TIMEOUT_MS), nameOf(service)),
  );
}

const reasonInput = typedText
  .min(1, 'Say why it may be dropped.')
  .max(500, 'The reason must have at most 500 characters.');

/**
 * Puts a message that is no event out of sight.
 * @throws Refusal NOT_FOUND, NOT_ALLOWED_IN_STATE for an event; SERVICE_UNAVAILABLE while the service is silent
 */
export async function dropDeadLetter(
  { em, ask, viewer }: Acting,
  { service, id, reason }: { service: Service; id: string; reason: string },
): Promise<Done> {
  const wanted = {
    id: checkInput(idInput, id, ['id']),
    reason: checkInput(reasonInput, reason, ['reason']),
    actor: actorIn(viewer),
  };
  return done(
    service,
    service === 'CUSTOMER'
      ? await dropIn(() => em)(wanted)
      : await needed(ask(subjectOf(service, 'dropDeadLetter'), wanted, TIMEOUT_MS), nameOf(service)),
  );
}

const actorIn = ({ customerId, roles }: Viewer) => ({ customerId, roles });

function done(service: Service, answer: AnswerOf<'rpc.book.replayDeadLetter'>): Done {
  if (answer.outcome === 'REFUSED') throw new Refusal(answer.code, answer.message, ['id']);
  const { outcome, letter } = answer;
  return { fate: outcome === 'DROPPED' ? null : outcome, deadLetter: { ...letter, service } };
}

type Other = Exclude<Service, 'CUSTOMER'>;
type Verb = 'deadLetters' | 'replayDeadLetter' | 'dropDeadLetter';

function subjectOf<V extends Verb>(service: Other, verb: V): `rpc.${Lowercase<Other>}.${V}` {
  return `rpc.${nameOf(service)}.${verb}`;
}

const nameOf = (service: Other) => service.toLowerCase() as Lowercase<Other>; // TypeScript does not follow toLowerCase

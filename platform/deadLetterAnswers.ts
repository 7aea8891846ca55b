/** A service's answers to `rpc.<service>.deadLetters`, `.replayDeadLetter` and `.dropDeadLetter`, by which the graph reaches its dead letters. */
import type { AnswerOf, AskOf } from '#schema/requests.ts';
import { audit } from './audit.ts';
import { type EntityManager, query, transaction } from './database.ts';
import { type DeadLetter, deadLetter, deadLetters, drop, eventIn, fatesOf, putBack, type Run } from './deadLetters.ts';
import { Refusal } from './errors.ts';

type Shown = AnswerOf<'rpc.book.deadLetters'>['letters'][number];
type Acted = AnswerOf<'rpc.book.replayDeadLetter'>;
type Refused = Extract<Acted, { outcome: 'REFUSED' }>;

/** The sweep comes twice a second. One that fails again takes 13 s to be given up on: that is not waited for. */
const WAIT_MS = 3000;

const through =
  (em: EntityManager): Run =>
  (text, values) =>
    query(em, text, values);

export const deadLettersOf =
  (em: () => EntityManager) =>
  async (page: AskOf<'rpc.book.deadLetters'>): Promise<AnswerOf<'rpc.book.deadLetters'>> => ({
    letters: (await deadLetters(through(em()), page)).map(shown),
  });

export const replayIn =
  (em: () => EntityManager) =>
  ({ id, actor }: AskOf<'rpc.book.replayDeadLetter'>): Promise<Acted> =>
    orRefused(async () => {
      const letter = await transaction(em(), async (em) => {
        const letter = await deadLetter(through(em), id);
        await putBack(through(em), letter);
        const { consumer } = letter;
        audit(em, actor, 'replayDeadLetter', { type: 'DeadLetter', id }, { consumer, event: eventIn(letter) });
        return letter;
      });
      const fate = (await fatesOf(through(em()), [letter], WAIT_MS)).get(letter);
      if (fate?.kind === 'dead') return { outcome: 'DEAD', letter: shown(fate.letter) };
      return { outcome: fate?.kind === 'applied' ? 'APPLIED' : 'WAITING', letter: shown(letter) };
    });

export const dropIn =
  (em: () => EntityManager) =>
  ({ id, reason, actor }: AskOf<'rpc.book.dropDeadLetter'>): Promise<Acted> =>
    orRefused(() =>
      transaction(em(), async (em) => {
        const letter = await deadLetter(through(em), id);
        await drop(through(em), letter, reason);
        audit(em, actor, 'dropDeadLetter', { type: 'DeadLetter', id }, { consumer: letter.consumer });
        return { outcome: 'DROPPED', letter: shown(letter) };
      }),
    );

/** A "no" is an answer, too. */
async function orRefused(work: () => Promise<Acted>): Promise<Acted> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const code = error.userErrors[0]?.code as Refused['code']; // deadLetters.ts has no others
    return { outcome: 'REFUSED', code, message: error.message };
  }
}

/** A page of 101 stays below the megabyte that one message of NATS holds, whatever is in it. */
const MESSAGE_BYTES = 8000;
const REASON_BYTES = 1000;

const shown = (letter: DeadLetter): Shown => ({
  id: letter.id,
  consumer: letter.consumer,
  event: eventIn(letter),
  reason: beginningOf(letter.reason, REASON_BYTES),
  since: letter.since.toISOString(),
  behind: letter.behind,
  message: beginningOf(letter.message, MESSAGE_BYTES),
});

/** As much of a text as takes so many bytes in JSON, where each character may be escaped; `…` stands for the rest. */
function beginningOf(text: string, bytes: number): string {
  const size = (part: string) => Buffer.byteLength(JSON.stringify(part));
  if (size(text) <= bytes) return text;
  let part = text.slice(0, bytes);
  while (size(part) > bytes - 3) part = part.slice(0, Math.floor(part.length * 0.9));
  return `${part.toWellFormed()}…`;
}

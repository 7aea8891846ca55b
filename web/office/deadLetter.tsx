/** One dead letter, and what may be done about it: an event is replayed, what is no event dropped. */
import { useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import {
  type DeadLetterFactsFragment,
  DropDeadLetterDocument,
  ReplayDeadLetterDocument,
} from './deadLetters.generated.ts';
import { Facts } from './facts.tsx';
import { ReasonDialog } from './reasonDialog.tsx';

const useWords = wordsOf({
  en: {
    noEvent: 'A message that is no event',
    consumer: 'Could not be applied by',
    since: 'Since',
    behind: 'Behind it',
    waiting: (count: number) => plural(count, { one: 'an event waits', other: `${count} events wait` }),
    message: 'Message as it came',
    replay: 'Replay',
    drop: 'Drop',
    dropTitle: 'Drop this message?',
    dropText: 'It is put out of sight; the reason is kept.',
    fates: {
      APPLIED: (event: string) => `${event} is applied.`,
      WAITING: (event: string) => `${event} is given back to its service, which has not applied it yet.`,
      DEAD: (event: string) => `${event} could not be applied this time either; see its reason.`,
    },
    dropped: 'The message is dropped.',
  },
  ko: {
    noEvent: '이벤트가 아닌 메시지',
    consumer: '처리하지 못한 곳',
    since: '발생 시각',
    behind: '대기 중',
    waiting: (count: number) => `이벤트 ${count}건이 뒤에서 기다립니다`,
    message: '받은 메시지 원문',
    replay: '다시 처리',
    drop: '삭제',
    dropTitle: '이 메시지를 삭제할까요?',
    dropText: '목록에서 사라지며, 사유는 기록에 남습니다.',
    fates: {
      APPLIED: (event: string) => `처리되었습니다: ${event}`,
      WAITING: (event: string) => `서비스에 다시 전달했고, 아직 처리 중입니다: ${event}`,
      DEAD: (event: string) => `이번에도 처리하지 못했습니다. 사유를 확인해 주세요: ${event}`,
    },
    dropped: '메시지를 삭제했습니다.',
  },
});

export interface Outcome {
  text: string;
  wrong?: boolean;
}

interface DeadLetterProps {
  letter: DeadLetterFactsFragment;
  /** There is none of this id any more: one that is given up on again is another one, with another reason. */
  done(outcome: Outcome): void;
}

export function DeadLetter({ letter, done }: DeadLetterProps) {
  const words = useWords();
  const format = useFormat();
  const replaying = useSend(ReplayDeadLetterDocument);
  const dropping = useSend(DropDeadLetterDocument);
  const { service, id } = letter;
  const [asking, setAsking] = useState(false);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { rest } = useFaults(errors, []);

  async function replay(): Promise<void> {
    const answer = (await replaying.send({ service, id }))?.replayDeadLetter;
    if (!answer) return;
    setErrors(answer.userErrors);
    const { fate } = answer;
    if (fate) done({ text: words.fates[fate](letter.event ?? id), wrong: fate === 'DEAD' });
  }

  return (
    <article className="card">
      <h3>{letter.event ?? words.noEvent}</h3>
      <p>{letter.reason}</p>
      <Facts
        of={[
          [words.consumer, letter.consumer],
          [words.since, format.time(letter.since)],
          [words.behind, letter.behind > 0 && words.waiting(letter.behind)],
        ]}
      />
      <details>
        <summary>{words.message}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be within reach of the keyboard */}
        <pre tabIndex={0}>{indented(letter.message)}</pre>
      </details>
      <Faults of={rest} />
      <Problem error={replaying.error} />
      <p className="buttons">
        {letter.event && (
          <Button kind="main" busy={replaying.sending} onClick={() => void replay()}>
            {words.replay}
          </Button>
        )}
        {!letter.event && (
          <Button kind="danger" onClick={() => setAsking(true)}>
            {words.drop}
          </Button>
        )}
      </p>
      {asking && (
        <ReasonDialog
          title={words.dropTitle}
          text={words.dropText}
          act={words.drop}
          needed
          sending={dropping.sending}
          error={dropping.error}
          close={() => setAsking(false)}
          send={async (reason = '') => {
            const answer = (await dropping.send({ service, id, reason }))?.dropDeadLetter;
            if (answer?.deadLetter) done({ text: words.dropped });
            return answer?.userErrors;
          }}
        />
      )}
    </article>
  );
}

/** A long one comes cut off, and is no JSON any more. */
function indented(message: string): string {
  try {
    return JSON.stringify(JSON.parse(message), null, 2);
  } catch {
    return message;
  }
}
